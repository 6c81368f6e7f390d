// SPDX-License-Identifier: MIT
#include "scan/payloads.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace netlab::scan {
namespace {

// Notation of a payload: hex digits, text in single quotes, blanks anywhere.

template <std::size_t Size>
struct source {
  char text[Size]{};
  consteval source(const char (&from)[Size]) { std::ranges::copy(from, text); }
};

constexpr unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
  throw "neither a hex digit nor in single quotes";  // at compile time
}

/// Calls `with` for each octet.
template <class With>
constexpr void read_octets(std::string_view text, With with) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\'') {
      quoted = !quoted;
    } else if (quoted) {
      with(static_cast<std::byte>(text[at]));
    } else if (text[at] != ' ') {
      with(static_cast<std::byte>(digit_value(text[at]) << 4 | digit_value(text[at + 1])));
      ++at;
    }
  }
}

constexpr std::size_t count_octets(std::string_view text) {
  std::size_t count = 0;
  read_octets(text, [&](std::byte) { ++count; });
  return count;
}

template <source Text, std::size_t Padded>
consteval auto make_octets() {
  constexpr std::string_view text(Text.text, sizeof Text.text - 1);
  std::array<std::byte, std::max(count_octets(text), Padded)> octets{};
  std::size_t at = 0;
  read_octets(text, [&](std::byte octet) { octets[at++] = octet; });
  return octets;
}

/// The octets of `Text`, padded with zeros up to `Padded`.
template <source Text, std::size_t Padded = 0>
constexpr auto octets = make_octets<Text, Padded>();

// The table: a port and its request; several rows are sent in turn. To add one, add a row.

struct row {
  std::uint16_t port;
  bytes_view payload;
};

// RFC 1035 §4.1: header (ID, RD, one question), QNAME localhost, type A, class IN. Every server answers this from
// local data (RFC 6761 §6.3) or refuses, which is an answer, too.
constexpr bytes_view dns = octets<"6e6c 0100 0001 0000 0000 0000  09'localhost'00 0001 0001">;

// RFC 9000 §6.1 and §17.2.1: a long header with a version reserved for this purpose; a server answers with the
// versions that it supports, but only to a datagram of at least 1200 octets (§14.1).
constexpr bytes_view quic = octets<"c0 0a1a2a3a 08'netlabsc' 08'netlabdc'", 1200>;

constexpr auto table = std::to_array<row>({
    {53, dns},

    // RFC 1350 §5: read request for a file that does not exist; the answer is an error.
    {69, octets<"0001 'netlab-scan'00 'octet'00">},

    // RFC 4120 §5.4.1: AS-REQ for a ticket of realm NETLAB; the answer is an error (§5.9.1).
    {88, octets<"6a63 3061 a103020105 a20302010a a455 3053 a007030500 00000000 a208 1b06'NETLAB'"
                "a31b 3019 a003020102 a112 3010 1b06'krbtgt' 1b06'NETLAB' a511 180f'19700101000000Z'"
                "a704 02026e6c a808 3006 020112 020111">},

    // RFC 5531 §9 and RFC 1833 §2: call (0) of the null procedure of program 100000, version 2.
    {111, octets<"'nlab' 00000000 00000002 000186a0 00000002 00000000  00000000 00000000 00000000 00000000">},

    // RFC 5905 §7.3: leap 0, version 4, mode 3 (client), everything else 0.
    {123, octets<"23", 48>},

    // RFC 1002 §4.2.17: node status request; the name is `*` and zeros in half-octets (RFC 1001 §14.1).
    {137, octets<"6e6c 0000 0001 0000 0000 0000  20'CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'00 0021 0001">},

    // RFC 3414 §4: engine discovery, which every SNMPv3 agent answers without a user.
    {161, octets<"3039 020103 300f 02026e6c 020300ffe3 040104 020103 0410 300e 0400 020100 020100 0400 0400 0400"
                 "3011 0400 0400 a00b 020101 020100 020100 3000">},
    // RFC 1157 §4.1.2: SNMPv1 get of sysUpTime.0 in the community `public`.
    {161, octets<"3027 020100 0406'public' a01a 02026e6c 020100 020100 300e 300c 06082b06010201010300 0500">},

    // X Display Manager Control Protocol 1.1, "Query": version 1, opcode 2, no authentication names.
    {177, octets<"0001 0002 0001 00">},

    // RFC 4511 §4.5.1: search of the root entry for no attributes (`1.1`), to keep the answer short.
    {389, octets<"302a 020101 6325 0400 0a0100 0a0100 020101 020101 010100 870b'objectClass' 3005 0403'1.1'">},

    {443, quic},

    // RFC 7296 §1.2: IKE_SA_INIT: AES-CBC-128, HMAC-SHA2-256 (as PRF and for integrity), groups 31 and 14; a public
    // value for group 31; a nonce. A responder with other requirements sends an error.
    {500, octets<"'netlabsc' 0000000000000000 21 20 22 08 00000000 00000090"
                 "22000038 00000034 01010005 0300000c 0100000c 800e0080 03000008 02000005 03000008 0300000c"
                 "03000008 0400001f 00000008 0400000e"
                 "28000028 001f0000 0900000000000000 0000000000000000 0000000000000000 0000000000000000"
                 "00000014 'netlab scan only'">},

    // RFC 2453 §3.9.1: request for one route, 0.0.0.0/0; the answer is as long as the request.
    {520, octets<"01 02 0000  0002 0000 00000000 00000000 00000000 00000010">},

    // ASF 2.0 §3.2.4.2: presence ping, IANA enterprise number 4542.
    {623, octets<"06 00 ff 06  000011be 80 00 00 00">},

    {853, quic},  // RFC 9250: DNS over QUIC

    // OpenVPN, "Wire protocol" (draft-openvpn-wire-protocol): P_CONTROL_HARD_RESET_CLIENT_V2, key 0, a session, packet
    // 0.
    {1194, octets<"38 'netlabsc' 00 00000000">},

    // UPnP Device Architecture 1.1 §1.3.2: search, here unicast.
    {1900, octets<"'M-SEARCH * HTTP/1.1'0d0a 'HOST: 239.255.255.250:1900'0d0a 4d414e3a2022'ssdp:discover'220d0a"
                  "'MX: 1'0d0a 'ST: upnp:rootdevice'0d0a 0d0a">},

    // RFC 1813 §3.3.0: the null procedure of program 100003, version 3, in an RPC call as on port 111.
    {2049, octets<"'nlab' 00000000 00000002 000186a3 00000003 00000000  00000000 00000000 00000000 00000000">},

    // RFC 8489 §5: binding request without attributes.
    {3478, octets<"0001 0000 2112a442 'netlab  scan'">},

    // RFC 3261 §11.1: OPTIONS; `rport` (RFC 3581 §3) makes the server answer to the source port.
    {5060, octets<"'OPTIONS sip:netlab.invalid SIP/2.0'0d0a"
                  "'Via: SIP/2.0/UDP netlab.invalid;branch=z9hG4bKnetlab;rport'0d0a"
                  "'From: <sip:scan@netlab.invalid>;tag=netlab'0d0a 'To: <sip:scan@netlab.invalid>'0d0a"
                  "'Call-ID: scan@netlab.invalid'0d0a 'CSeq: 1 OPTIONS'0d0a 'Max-Forwards: 70'0d0a"
                  "'Contact: <sip:scan@netlab.invalid>'0d0a 'Content-Length: 0'0d0a 0d0a">},

    // RFC 6886 §3.2: request for the external address.
    {5351, octets<"00 00">},

    // RFC 6763 §9: lists the service types; because the source port is not 5353, the answer is unicast (RFC 6762
    // §6.7).
    {5353, octets<"6e6c 0000 0001 0000 0000 0000  09'_services'07'_dns-sd'04'_udp'05'local'00 000c 0001">},

    // RFC 7252 §4.3: an empty confirmable message, which is answered by a reset.
    {5683, octets<"40 00 6e6c">},

    // memcached, protocol.txt, "UDP protocol": request, datagram 0 of 1, reserved; the version.
    {11211, octets<"6e6c 0000 0001 0000 'version'0d0a">},

    // netlab's calc: ID, SUM, three numbers; the answer is the ID and 6.
    {50000, octets<"6e6c6162 'SUM' 03  00000001 00000002 00000003">},
});
static_assert(std::ranges::is_sorted(table, {}, &row::port));

}  // namespace

bytes_view payload_for(std::uint16_t port, unsigned attempt) noexcept {
  const auto rows = std::ranges::equal_range(table, port, {}, &row::port);
  if (rows.empty()) return {};
  return rows[static_cast<std::ptrdiff_t>(attempt % rows.size())].payload;
}

std::vector<std::uint16_t> payload_ports() {
  std::vector<std::uint16_t> ports;
  for (const row& one : table)
    if (ports.empty() || ports.back() != one.port) ports.push_back(one.port);
  return ports;
}

}  // namespace netlab::scan
