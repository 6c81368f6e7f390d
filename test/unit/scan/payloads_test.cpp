// SPDX-License-Identifier: MIT
#include "scan/payloads.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hpp"

namespace netlab::scan::payloads_test {

TEST_CASE("payloads: a port without a protocol of its own has none", "[scan][unit]") {
  for (const std::uint16_t port : std::to_array<std::uint16_t>({0, 1, 7, 9, 13, 17, 19, 37, 514, 65535}))
    CHECK(payload_for(port).empty());
}

TEST_CASE("payloads: a DNS query for localhost, type A", "[scan][unit]") {
  CHECK(to_hex(payload_for(53)) == "6e6c01000001000000000000096c6f63616c686f73740000010001");
}

TEST_CASE("payloads: fixed lengths of the RFCs", "[scan][unit]") {
  CHECK(payload_for(111).size() == 40);    // RFC 5531: ten words
  CHECK(payload_for(123).size() == 48);    // RFC 5905 §7.3
  CHECK(payload_for(137).size() == 50);    // RFC 1002 §4.2.17
  CHECK(payload_for(443).size() == 1200);  // RFC 9000 §14.1
  CHECK(payload_for(520).size() == 24);    // RFC 2453 §4: a header and one entry
  CHECK(payload_for(2049).size() == 40);
  CHECK(payload_for(3478).size() == 20);  // RFC 8489 §5
  CHECK(payload_for(5683).size() == 4);   // RFC 7252 §3
}

TEST_CASE("payloads: lengths inside agree with the length outside", "[scan][unit]") {
  const auto octet = [](std::uint16_t port, std::size_t at, unsigned attempt = 0) {
    return std::to_integer<std::size_t>(payload_for(port, attempt)[at]);
  };
  CHECK(octet(88, 1) + 2 == payload_for(88).size());
  CHECK(octet(161, 1) + 2 == payload_for(161).size());
  CHECK(octet(161, 1, 1) + 2 == payload_for(161, 1).size());
  CHECK(octet(389, 1) + 2 == payload_for(389).size());
  CHECK(load_u32(payload_for(500).subspan(24), byte_order::big) == payload_for(500).size());
}

TEST_CASE("payloads: a port with two requests gives them in turn", "[scan][unit]") {
  CHECK(to_hex(payload_for(161, 0)) != to_hex(payload_for(161, 1)));
  CHECK(to_hex(payload_for(161, 2)) == to_hex(payload_for(161, 0)));
  CHECK(to_hex(payload_for(53, 7)) == to_hex(payload_for(53)));
}

TEST_CASE("payloads: text requests end in an empty line", "[scan][unit]") {
  for (const std::uint16_t port : std::to_array<std::uint16_t>({1900, 5060}))
    CHECK(as_text(payload_for(port)).ends_with("\r\n\r\n"));
  CHECK(as_text(payload_for(1900)).starts_with("M-SEARCH * HTTP/1.1\r\nHOST: "));
  CHECK(as_text(payload_for(1900)).find("MAN: \"ssdp:discover\"\r\n") != std::string_view::npos);
  CHECK(as_text(payload_for(5060)).starts_with("OPTIONS sip:"));
}

TEST_CASE("payloads: each fits into a datagram of any path", "[scan][unit]") {
  for (const std::uint16_t port : payload_ports()) CHECK(payload_for(port).size() <= 1200);
}

TEST_CASE("payloads: the ports that have one ascend", "[scan][unit]") {
  const auto ports = payload_ports();
  CHECK(std::ranges::is_sorted(ports));
  CHECK(std::ranges::adjacent_find(ports) == ports.end());
  CHECK(std::ranges::none_of(ports, [](std::uint16_t port) { return payload_for(port).empty(); }));
}

}  // namespace netlab::scan::payloads_test
