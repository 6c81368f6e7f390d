// SPDX-License-Identifier: MIT
#include "scan/rtnetlink.hpp"

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "base/netlink.hpp"

namespace netlab::scan {
namespace {

// The system's numbers (socket.h, in.h), which are fixed on Linux.
constexpr std::uint8_t number_of_v4 = 2;
constexpr std::uint8_t number_of_v6 = 10;
constexpr std::uint8_t number_of_tcp = 6;
constexpr std::uint16_t type_mask = 0x3fff;  // without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER

using netlink::append_struct;
using netlink::load_struct;
using netlink::padded;

void append_attribute(bytes& to, std::uint16_t type, bytes_view value) {
  append_struct(to, rtattr{.rta_len = static_cast<std::uint16_t>(sizeof(rtattr) + value.size()), .rta_type = type});
  append(to, value);
  to.resize(padded(to.size()));
}

void append_address(bytes& to, std::uint16_t type, const address& value) {
  const auto octets = value.octets();
  append_attribute(to, type, std::as_bytes(std::span(octets)).first(value.is_v6 ? 16 : 4));
}

bytes begin_message(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence) {
  bytes made;
  append_struct(
      made, nlmsghdr{.nlmsg_len = 0, .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = sequence, .nlmsg_pid = 0});
  return made;
}

void end_message(bytes& message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::memcpy(message.data(), &size, sizeof size);
}

std::optional<address> address_of(bytes_view value, bool is_v6) {
  if (value.size() < (is_v6 ? 16U : 4U)) return std::nullopt;
  if (!is_v6) return address::v4(load_u32(value, byte_order::big));
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), value.data(), octets.size());
  return address::v6(octets);
}

unexpected<failure> malformed() { return fail(errc::peer_protocol, "the kernel's answer about routes is malformed"); }

/// Calls for each attribute; false if they are malformed.
bool for_each_attribute(bytes_view octets, const std::function<void(std::uint16_t, bytes_view)>& take) {
  while (octets.size() >= sizeof(rtattr)) {
    const auto head = load_struct<rtattr>(octets);
    if (head.rta_len < sizeof head || head.rta_len > octets.size()) return false;
    take(head.rta_type & type_mask, octets.subspan(sizeof head, head.rta_len - sizeof head));
    octets = octets.subspan(std::min(octets.size(), padded(head.rta_len)));
  }
  return true;
}

/// The errno in an error message; 0: an acknowledgement.
int error_in(bytes_view body) { return -load_struct<nlmsgerr>(body).error; }

struct message {
  nlmsghdr head{};
  bytes_view body;
};

/// Takes the next message of a datagram; none at its end. `is_bad`: it is malformed.
std::optional<message> take_message(bytes_view& octets, bool& is_bad) {
  if (octets.empty()) return std::nullopt;
  if (octets.size() < sizeof(nlmsghdr)) {
    is_bad = true;
    return std::nullopt;
  }
  message found{.head = load_struct<nlmsghdr>(octets), .body = {}};
  if (found.head.nlmsg_len < sizeof(nlmsghdr) || found.head.nlmsg_len > octets.size()) {
    is_bad = true;
    return std::nullopt;
  }
  found.body = octets.subspan(sizeof(nlmsghdr), found.head.nlmsg_len - sizeof(nlmsghdr));
  octets = octets.subspan(std::min(octets.size(), padded(found.head.nlmsg_len)));
  return found;
}

bool is_error_of_body(const message& reply) {
  return reply.head.nlmsg_type == NLMSG_ERROR && reply.body.size() >= sizeof(int);
}

result<route> route_of(bytes_view body) {
  if (body.size() < sizeof(rtmsg)) return malformed();
  const auto head = load_struct<rtmsg>(body);
  const bool is_v6 = head.rtm_family == number_of_v6;
  route found;
  found.type = head.rtm_type == RTN_UNICAST                                 ? route::kind::direct
               : head.rtm_type == RTN_LOCAL || head.rtm_type == RTN_ANYCAST ? route::kind::local
                                                                            : route::kind::refused;
  // The errors of connect(2) in these cases.
  switch (head.rtm_type) {
    case RTN_UNREACHABLE: found.system_error = EHOSTUNREACH; break;
    case RTN_BLACKHOLE: found.system_error = EINVAL; break;
    case RTN_PROHIBIT:
    case RTN_BROADCAST: found.system_error = EACCES; break;
    default: found.system_error = found.type == route::kind::refused ? ENETUNREACH : 0;
  }
  bool has_source = false;
  const bool is_good = for_each_attribute(body.subspan(sizeof head), [&](std::uint16_t type, bytes_view value) {
    if (type == RTA_OIF && value.size() >= sizeof found.interface) {
      found.interface = load_struct<std::uint32_t>(value);
    } else if (type == RTA_GATEWAY) {
      found.gateway = address_of(value, is_v6);
    } else if (type == RTA_VIA && value.size() > sizeof(std::uint16_t)) {
      found.gateway =
          address_of(value.subspan(sizeof(std::uint16_t)), load_struct<std::uint16_t>(value) == number_of_v6);
    } else if (type == RTA_PREFSRC || type == RTA_SRC) {
      if (const auto source = address_of(value, is_v6)) {
        found.source = *source;
        has_source = true;
      }
    }
  });
  if (!is_good) return malformed();
  if (found.gateway && found.gateway->is_link_local()) found.gateway->scope = found.interface;
  if (found.type != route::kind::refused && !has_source) {
    found.type = route::kind::refused;
    found.system_error = EADDRNOTAVAIL;
  }
  return found;
}

void read_destination(bytes_view body, table_part& into) {
  // struct fib_rule_hdr begins like struct rtmsg, and FRA_DST is RTA_DST.
  static_assert(sizeof(fib_rule_hdr) == sizeof(rtmsg) && std::uint16_t{FRA_DST} == std::uint16_t{RTA_DST});
  if (body.size() < sizeof(rtmsg)) return;
  const auto head = load_struct<rtmsg>(body);
  const bool is_v6 = head.rtm_family == number_of_v6;
  static_cast<void>(for_each_attribute(body.subspan(sizeof head), [&](std::uint16_t type, bytes_view value) {
    if (type != RTA_DST || head.rtm_dst_len > (is_v6 ? 128 : 32)) return;
    if (const auto first = address_of(value, is_v6)) into.prefixes.push_back({*first, head.rtm_dst_len});
  }));
}

void read_neighbour(bytes_view body, table_part& into) {
  if (body.size() < sizeof(ndmsg)) return;
  const auto head = load_struct<ndmsg>(body);
  // A stale entry would be used, too, but the host may have moved: it is asked again.
  if ((head.ndm_state & (NUD_REACHABLE | NUD_PERMANENT)) == 0) return;
  neighbour found{.interface = static_cast<std::uint32_t>(head.ndm_ifindex), .who = {}};
  bool has_address = false;
  bool has_mac = false;
  static_cast<void>(for_each_attribute(body.subspan(sizeof head), [&](std::uint16_t type, bytes_view value) {
    if (type == NDA_DST) {
      if (const auto who = address_of(value, head.ndm_family == number_of_v6)) {
        found.who.who = *who;
        has_address = true;
      }
    } else if (type == NDA_LLADDR && value.size() == found.who.mac.size()) {
      std::memcpy(found.who.mac.data(), value.data(), value.size());
      has_mac = true;
    }
  }));
  if (has_address && has_mac) into.neighbours.push_back(found);
}

}  // namespace

bytes make_route_request(const address& to, const std::optional<address>& from, std::uint32_t sequence) {
  bytes made = begin_message(RTM_GETROUTE, NLM_F_REQUEST, sequence);
  const auto length = static_cast<std::uint8_t>(to.is_v6 ? 128 : 32);
  append_struct(made, rtmsg{.rtm_family = to.is_v6 ? number_of_v6 : number_of_v4,
                            .rtm_dst_len = length,
                            .rtm_src_len = from ? length : std::uint8_t{0},
                            .rtm_tos = 0,
                            .rtm_table = 0,
                            .rtm_protocol = 0,
                            .rtm_scope = 0,
                            .rtm_type = 0,
                            .rtm_flags = 0});
  append_address(made, RTA_DST, to);
  if (from) append_address(made, RTA_SRC, *from);
  append_attribute(made, RTA_IP_PROTO, std::as_bytes(std::span(&number_of_tcp, 1)));
  if (to.scope != 0) append_attribute(made, RTA_OIF, std::as_bytes(std::span(&to.scope, 1)));
  end_message(made);
  return made;
}

result<route> parse_route(bytes_view answer, std::uint32_t sequence) {
  bool is_bad = false;
  while (const auto found = take_message(answer, is_bad)) {
    if (found->head.nlmsg_seq != sequence) continue;
    if (is_error_of_body(*found)) return route{.system_error = error_in(found->body), .gateway = {}, .source = {}};
    if (found->head.nlmsg_type == RTM_NEWROUTE) return route_of(found->body);
  }
  return malformed();
}

bytes make_table_request(table_kind kind, bool is_v6, std::uint32_t sequence) {
  const int type = kind == table_kind::routes ? RTM_GETROUTE : kind == table_kind::rules ? RTM_GETRULE : RTM_GETNEIGH;
  bytes made = begin_message(static_cast<std::uint16_t>(type), NLM_F_REQUEST | NLM_F_DUMP, sequence);
  const std::uint8_t family = is_v6 ? number_of_v6 : number_of_v4;
  // All three headers begin with the family; the rest of zeros means: everything.
  if (kind == table_kind::neighbours) {
    ndmsg head{};
    head.ndm_family = family;
    append_struct(made, head);
  } else {
    rtmsg head{};
    head.rtm_family = family;
    append_struct(made, head);
  }
  end_message(made);
  return made;
}

result<void> parse_table(bytes_view answer, std::uint32_t sequence, table_part& into) {
  bool is_bad = false;
  while (const auto found = take_message(answer, is_bad)) {
    if (found->head.nlmsg_seq != sequence) continue;
    if (found->head.nlmsg_type == NLMSG_DONE) {
      into.is_last = true;
      return {};
    }
    if (is_error_of_body(*found))
      return fail(std::error_code(error_in(found->body), std::system_category()), "read the routing tables");
    if (found->head.nlmsg_type == RTM_NEWROUTE || found->head.nlmsg_type == RTM_NEWRULE)
      read_destination(found->body, into);
    if (found->head.nlmsg_type == RTM_NEWNEIGH) read_neighbour(found->body, into);
  }
  if (is_bad) return malformed();
  return {};
}

}  // namespace netlab::scan
