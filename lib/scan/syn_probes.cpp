// SPDX-License-Identifier: MIT
#include "scan/syn_probes.hpp"

#include <cerrno>

#include "scan/packet_octets.hpp"

namespace netlab::scan {

std::size_t syn_probes::write(std::span<std::byte, max_packet_size> into, const stateless_probe& probe) {
  const syn_writer& writer = writers_.of(probe.from);
  const auto from_port = static_cast<std::uint16_t>(first_port_ + probe.attempt % distinct_attempts);
  writer.write(into, probe.to, from_port, probe.port, flow_cookie(key_, probe.from, from_port, probe.to, probe.port));
  return writer.size();
}

std::optional<probe_answer> syn_probes::read(const ip_packet& packet) const {
  probe_answer found;
  address own;
  std::uint16_t own_port = 0;
  std::uint32_t sequence = 0;
  if (packet.protocol == protocol_tcp) {
    const auto answer = parse_syn_answer(packet.payload);
    if (!answer) return std::nullopt;
    found.target = packet.from;
    found.port = answer->port;
    found.verdict = answer->is_reset ? classify_tcp(ECONNREFUSED, std::nullopt)
                                     : port_verdict{.state = port_state::open, .why = reason::syn_ack};
    own = packet.to;
    own_port = answer->own_port;
    sequence = answer->sequence;
  } else {
    const auto error = parse_icmp_error(packet);
    if (!error || error->quoted.protocol != protocol_tcp) return std::nullopt;
    found.target = error->quoted.to;
    found.port = load_16(error->quoted.payload, 2);
    found.verdict = classify_tcp(EHOSTUNREACH, error->icmp);
    own = error->quoted.from;
    own_port = load_16(error->quoted.payload, 0);
    sequence = load_32(error->quoted.payload, 4);
  }
  found.attempt = static_cast<unsigned>(own_port - first_port_);
  // Only a host that received the SYN knows its sequence number.
  if (found.attempt >= distinct_attempts || sequence != flow_cookie(key_, own, own_port, found.target, found.port))
    return std::nullopt;
  return found;
}

port_verdict syn_probes::silence() const noexcept { return classify_tcp(ETIMEDOUT, std::nullopt); }

}  // namespace netlab::scan
