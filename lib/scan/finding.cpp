// SPDX-License-Identifier: MIT
#include "scan/finding.hpp"

#include <cerrno>

namespace netlab::scan {

std::string_view name_of(transport which) noexcept { return which == transport::tcp ? "tcp" : "udp"; }

std::string_view name_of(port_state which) noexcept {
  switch (which) {
    case port_state::open: return "open";
    case port_state::closed: return "closed";
    case port_state::filtered: return "filtered";
    case port_state::open_filtered: return "open|filtered";
    case port_state::unknown: break;
  }
  return "unknown";
}

std::string_view name_of(reason which) noexcept {
  switch (which) {
    case reason::syn_ack: return "syn-ack";
    case reason::reset: return "reset";
    case reason::no_response: return "no-response";
    case reason::port_unreachable: return "port-unreachable";
    case reason::admin_prohibited: return "admin-prohibited";
    case reason::host_unreachable: return "host-unreachable";
    case reason::net_unreachable: return "net-unreachable";
    case reason::proto_unreachable: return "proto-unreachable";
    case reason::reply: return "reply";
    case reason::rate_limited: return "rate-limited";
    case reason::not_finished: return "not-finished";
    case reason::local_error: break;
  }
  return "local-error";
}

std::string_view error_name(int system_error) noexcept {
  switch (system_error) {
    case ECONNREFUSED: return "ECONNREFUSED";
    case ECONNRESET: return "ECONNRESET";
    case ETIMEDOUT: return "ETIMEDOUT";
    case EHOSTUNREACH: return "EHOSTUNREACH";
    case EHOSTDOWN: return "EHOSTDOWN";
    case ENETUNREACH: return "ENETUNREACH";
    case ENETDOWN: return "ENETDOWN";
    case ENOPROTOOPT: return "ENOPROTOOPT";
    case EPROTO: return "EPROTO";
    case EACCES: return "EACCES";
    case EPERM: return "EPERM";
    case EINVAL: return "EINVAL";
    case EADDRINUSE: return "EADDRINUSE";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    case EAFNOSUPPORT: return "EAFNOSUPPORT";
    case EMFILE: return "EMFILE";
    case ENFILE: return "ENFILE";
    case ENOBUFS: return "ENOBUFS";
    case ENOMEM: return "ENOMEM";
    case EMSGSIZE: return "EMSGSIZE";
    case EOPNOTSUPP: return "EOPNOTSUPP";
    case EPIPE: return "EPIPE";
    default: return {};
  }
}

int winsock_number(transport protocol, int system_error) noexcept {
  switch (system_error) {
    // Windows reports ICMP 3/3 on a datagram socket as a reset.
    case ECONNREFUSED: return protocol == transport::udp ? 10054 : 10061;
    case ECONNRESET: return 10054;
    case ETIMEDOUT: return 10060;
    case EHOSTUNREACH: return 10065;
    case EHOSTDOWN: return 10064;
    case ENETUNREACH: return 10051;
    case ENETDOWN: return 10050;
    case ENOPROTOOPT: return 10042;
    case EACCES:
    case EPERM: return 10013;
    case EINVAL: return 10022;
    case EADDRINUSE: return 10048;
    case EADDRNOTAVAIL: return 10049;
    case EAFNOSUPPORT: return 10047;
    case EMFILE: return 10024;
    case ENOBUFS: return 10055;
    case EMSGSIZE: return 10040;
    case EOPNOTSUPP: return 10045;
    default: return 0;
  }
}

}  // namespace netlab::scan
