// SPDX-License-Identifier: MIT
#include "scan/classify.hpp"

#include <cerrno>

namespace netlab::scan {
namespace {

// RFC 792, RFC 1812 §5.2.7.1.
std::optional<reason> reason_of_v4(std::uint8_t type, std::uint8_t code) noexcept {
  constexpr std::uint8_t unreachable = 3;
  constexpr std::uint8_t time_exceeded = 11;
  if (type == time_exceeded) return reason::host_unreachable;
  if (type != unreachable) return std::nullopt;
  switch (code) {
    case 2: return reason::proto_unreachable;
    case 3: return reason::port_unreachable;
    case 4: return std::nullopt;  // fragmentation needed: says nothing about the port
    case 9:
    case 10:
    case 13: return reason::admin_prohibited;
    case 0:
    case 6:
    case 11: return reason::net_unreachable;
    default: return reason::host_unreachable;
  }
}

// RFC 4443 §3.
std::optional<reason> reason_of_v6(std::uint8_t type, std::uint8_t code) noexcept {
  constexpr std::uint8_t unreachable = 1;
  constexpr std::uint8_t time_exceeded = 3;
  constexpr std::uint8_t parameter_problem = 4;
  if (type == time_exceeded) return reason::host_unreachable;
  if (type == parameter_problem && code == 1) return reason::proto_unreachable;  // unrecognized next header
  if (type != unreachable) return std::nullopt;
  switch (code) {
    case 0: return reason::net_unreachable;
    case 1:
    case 5:
    case 6: return reason::admin_prohibited;
    case 4: return reason::port_unreachable;
    default: return reason::host_unreachable;
  }
}

}  // namespace

std::optional<reason> reason_of(const icmp_error& message) noexcept {
  return message.is_v6 ? reason_of_v6(message.type, message.code) : reason_of_v4(message.type, message.code);
}

port_verdict classify_local(int system_error) noexcept {
  port_verdict found{.why = reason::local_error, .system_error = system_error, .is_local = true};
  switch (system_error) {
    case EHOSTUNREACH:
    case EHOSTDOWN: found.why = reason::host_unreachable; break;
    case ENETUNREACH:
    case ENETDOWN: found.why = reason::net_unreachable; break;
    default: break;
  }
  return found;
}

port_verdict classify_tcp(int system_error, const std::optional<icmp_error>& message) noexcept {
  // A reset in answer to the SYN is ECONNREFUSED. These two come only after a completed handshake: the port accepted
  // the connection and closed it at once (RFC 9293 §3.10.7.4: the user gets "connection reset"; EPIPE if a FIN came
  // before the reset).
  if (system_error == ECONNRESET || system_error == EPIPE) return {port_state::open, reason::syn_ack, 0};
  if (message)
    if (const auto why = reason_of(*message))
      return {.state = port_state::filtered,
              .why = *why,
              .system_error = message->system_error != 0 ? message->system_error : system_error,
              .sender = message->sender};
  if (system_error == ECONNREFUSED) return {port_state::closed, reason::reset, system_error};
  // The kernel has stopped retransmitting the SYN.
  if (system_error == ETIMEDOUT) return {port_state::filtered, reason::no_response, system_error};
  // Only ICMP causes these.
  if (system_error == ENOPROTOOPT || system_error == EPROTO)
    return {port_state::filtered, reason::proto_unreachable, system_error};
  return classify_local(system_error);
}

port_verdict classify_udp(int system_error, const std::optional<icmp_error>& message) noexcept {
  if (!message) return classify_local(system_error);
  const auto why = reason_of(*message);
  if (!why) return {port_state::unknown, reason::local_error, system_error};
  return {.state = *why == reason::port_unreachable ? port_state::closed : port_state::filtered,
          .why = *why,
          .system_error = message->system_error,
          .sender = message->sender};
}

}  // namespace netlab::scan
