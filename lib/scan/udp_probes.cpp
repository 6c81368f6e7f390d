// SPDX-License-Identifier: MIT
#include "scan/udp_probes.hpp"

#include <cerrno>
#include <utility>

#include "scan/packet_octets.hpp"
#include "scan/payloads.hpp"

namespace netlab::scan {

udp_probes::udp_probes(const siphash_key& key, std::uint16_t first_port, std::string message)
    : key_(key), first_port_(first_port), message_(std::move(message)) {}

std::uint16_t udp_probes::own_port(const address& own, const address& target, std::uint16_t port,
                                   unsigned attempt) const noexcept {
  const std::uint32_t cookie = flow_cookie(key_, own, 0, target, port) % group_count;
  return static_cast<std::uint16_t>(first_port_ + cookie * distinct_attempts + attempt % distinct_attempts);
}

bool udp_probes::is_own_port(std::uint16_t own_port, const address& own, const address& target,
                             std::uint16_t port) const noexcept {
  return own_port >= first_port_ &&
         own_port == this->own_port(own, target, port, static_cast<unsigned>(own_port - first_port_));
}

// On the loopback interface, a probe to one of the scan's own local ports comes in as if it were a reply.
bool udp_probes::is_own_probe(const ip_packet& packet, const udp_datagram& datagram) const noexcept {
  return writers_.has(packet.from) && is_own_port(datagram.from_port, packet.from, packet.to, datagram.to_port) &&
         is_echo(as_text(datagram.payload), datagram.to_port, message_);
}

std::size_t udp_probes::write(std::span<std::byte, max_packet_size> into, const stateless_probe& probe) {
  const udp_writer& writer = writers_.of(probe.from);
  const bytes_view request = request_for(probe.port, probe.attempt - 1, message_);
  writer.write(into, probe.to, own_port(probe.from, probe.to, probe.port, probe.attempt), probe.port, request);
  return writer.size(request);
}

std::optional<probe_answer> udp_probes::read(const ip_packet& packet) const {
  probe_answer found;
  address own;
  std::uint16_t to_own_port = 0;
  if (packet.protocol == protocol_udp) {
    const auto datagram = parse_udp(packet.payload);
    if (!datagram || is_own_probe(packet, *datagram)) return std::nullopt;
    found.target = packet.from;
    found.port = datagram->from_port;
    found.verdict = {.state = port_state::open, .why = reason::reply};
    found.reply = datagram->payload;
    found.is_reply_cut = datagram->payload.size() < datagram->size;
    own = packet.to;
    to_own_port = datagram->to_port;
    // RFC 1350 §4: TFTP answers from another port than the one asked.
    if (!is_own_port(to_own_port, own, found.target, found.port)) found.port = tftp_port;
    // A server may answer only the second request of its port.
    found.shows_loss = as_text(payload_for(found.port, 0)) == as_text(payload_for(found.port, 1));
  } else {
    auto error = parse_icmp_error(packet);
    if (!error || error->quoted.protocol != protocol_udp) return std::nullopt;
    found.target = error->quoted.to;
    found.port = load_16(error->quoted.payload, 2);
    error->icmp.system_error = reason_of(error->icmp) == reason::port_unreachable ? ECONNREFUSED : EHOSTUNREACH;
    found.verdict = classify_udp(error->icmp.system_error, error->icmp);
    own = error->quoted.from;
    to_own_port = load_16(error->quoted.payload, 0);
    found.shows_loss = false;  // a host limits its ICMP errors
  }
  if (!is_own_port(to_own_port, own, found.target, found.port)) return std::nullopt;
  found.is_echo = !found.reply.empty() && is_echo(as_text(found.reply), found.port, message_);
  found.attempt = static_cast<unsigned>(to_own_port - first_port_) % distinct_attempts;
  return found;
}

port_verdict udp_probes::silence() const noexcept {
  return {.state = port_state::open_filtered, .why = reason::no_response, .system_error = ETIMEDOUT};
}

}  // namespace netlab::scan
