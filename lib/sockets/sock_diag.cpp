// SPDX-License-Identifier: MIT
#include "sockets/sock_diag.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/netlink.hpp"

namespace netlab::sockets {
namespace {

// The system's numbers (socket.h, in.h), which are fixed on Linux.
constexpr std::uint8_t family_v4 = 2;
constexpr std::uint8_t family_v6 = 10;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;

using netlink::append_struct;
using netlink::load_struct;
using netlink::padded;

std::uint16_t from_network(std::uint16_t port) {
  return std::endian::native == std::endian::little ? __builtin_bswap16(port) : port;
}

endpoint make_endpoint(bool is_v6, const std::uint32_t* address, std::uint16_t port) {
  endpoint made{.is_v6 = is_v6, .port = from_network(port)};
  std::memcpy(made.address.data(), address, is_v6 ? 16 : 4);
  return made;
}

void read_attribute(std::uint16_t type, bytes_view value, tcp_details& details) {
  if (type == INET_DIAG_CONG) {
    const std::string_view name = as_text(value);
    details.congestion = name.substr(0, name.find('\0'));
  } else if (type == INET_DIAG_INFO) {
    const auto info = load_struct<tcp_info>(value);
    details.rtt_us = info.tcpi_rtt;
    details.window = info.tcpi_snd_cwnd;
    details.mss = info.tcpi_snd_mss;
    details.retransmits = info.tcpi_total_retrans;
  }
}

result<void> read_attributes(bytes_view octets, entry& into) {
  tcp_details details;
  bool found = false;
  while (octets.size() >= sizeof(nlattr)) {
    const auto head = load_struct<nlattr>(octets);
    if (head.nla_len < sizeof head || head.nla_len > octets.size())
      return fail(errc::peer_protocol, "the kernel's answer has an attribute of a wrong length");
    if (head.nla_type == INET_DIAG_CONG || head.nla_type == INET_DIAG_INFO) {
      read_attribute(head.nla_type, octets.subspan(sizeof head, head.nla_len - sizeof head), details);
      found = true;
    }
    octets = octets.subspan(std::min(octets.size(), padded(head.nla_len)));
  }
  if (found && into.protocol == transport::tcp) into.details = std::move(details);
  return {};
}

result<void> read_socket(bytes_view octets, transport over, std::vector<entry>& out) {
  if (octets.size() < sizeof(inet_diag_msg))
    return fail(errc::peer_protocol, "the kernel's answer has an incomplete socket entry");
  const auto message = load_struct<inet_diag_msg>(octets);
  const bool is_v6 = message.idiag_family == family_v6;
  entry one{.protocol = over,
            .state = static_cast<state>(message.idiag_state),
            .local = make_endpoint(is_v6, message.id.idiag_src, message.id.idiag_sport),
            .remote = make_endpoint(is_v6, message.id.idiag_dst, message.id.idiag_dport),
            .recv_queue = message.idiag_rqueue,
            .send_queue = message.idiag_wqueue,
            .uid = message.idiag_uid,
            .inode = message.idiag_inode,
            .interface = message.id.idiag_if,
            .cookie = std::uint64_t{message.id.idiag_cookie[1]} << 32 | message.id.idiag_cookie[0],
            .timer = {}};
  if (message.idiag_timer != 0 && message.idiag_timer <= static_cast<unsigned>(timer_kind::delayed_ack))
    one.timer = {static_cast<timer_kind>(message.idiag_timer), message.idiag_expires, message.idiag_retrans};
  if (auto read = read_attributes(octets.subspan(sizeof message), one); !read) return read;
  out.push_back(std::move(one));
  return {};
}

result<bool> read_error(bytes_view octets) {
  const auto error = load_struct<nlmsgerr>(octets);
  if (error.error == 0) return true;
  return fail(std::error_code(-error.error, std::system_category()), "read sockets");
}

}  // namespace

bytes make_request(const filter& wanted, transport over, bool is_v6, std::uint32_t sequence) {
  inet_diag_req_v2 request{};
  request.sdiag_family = is_v6 ? family_v6 : family_v4;
  request.sdiag_protocol = over == transport::tcp ? protocol_tcp : protocol_udp;
  request.idiag_states = wanted_states(wanted, over);
  if (wanted.details && over == transport::tcp)
    request.idiag_ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1);
  const bytes program = port_program(wanted.ports);

  nlmsghdr head{};
  head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  head.nlmsg_seq = sequence;
  const std::size_t attribute = program.empty() ? 0 : sizeof(nlattr) + program.size();
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + sizeof request + attribute);
  bytes octets;
  append_struct(octets, head);
  append_struct(octets, request);
  if (!program.empty()) {
    append_struct(octets, nlattr{.nla_len = static_cast<std::uint16_t>(attribute), .nla_type = INET_DIAG_REQ_BYTECODE});
    append(octets, bytes_view(program));
  }
  return octets;
}

result<bool> read_answer(bytes_view datagram, transport over, std::uint32_t sequence, std::vector<entry>& out) {
  while (!datagram.empty()) {
    if (datagram.size() < sizeof(nlmsghdr)) return fail(errc::peer_protocol, "the kernel's answer ends in a header");
    const auto head = load_struct<nlmsghdr>(datagram);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > datagram.size())
      return fail(errc::peer_protocol, "the kernel's answer has a message of a wrong length");
    const bytes_view body = datagram.subspan(sizeof head, head.nlmsg_len - sizeof head);
    if (head.nlmsg_seq == sequence) {
      switch (head.nlmsg_type) {
        case NLMSG_DONE: return true;
        case NLMSG_ERROR: return read_error(body);
        case SOCK_DIAG_BY_FAMILY:
          if (auto read = read_socket(body, over, out); !read) return unexpected(read.error());
          break;
        default: break;
      }
    }
    datagram = datagram.subspan(std::min(datagram.size(), padded(head.nlmsg_len)));
  }
  return false;
}

}  // namespace netlab::sockets
