// SPDX-License-Identifier: MIT
#include "sockets/io/query.hpp"

#include <linux/netlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <tuple>

#include "base/text.hpp"
#include "net/fd.hpp"
#include "sockets/io/owners.hpp"
#include "sockets/sock_diag.hpp"

namespace netlab::sockets {
namespace {

// The kernel fills at most 32 KiB, whatever the size of the buffer (af_netlink.c).
constexpr std::size_t datagram_size = 64 * 1024;

result<void> read_kind(const net::unique_fd& socket, const filter& wanted, transport over, bool is_v6,
                       std::uint32_t sequence, std::vector<entry>& out) {
  const bytes request = make_request(wanted, over, is_v6, sequence);
  if (::send(socket.get(), request.data(), request.size(), 0) < 0) return fail(last_system_error(), "ask for sockets");
  bytes buffer(datagram_size);
  for (;;) {
    const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(last_system_error(), "read sockets");
    if (size == 0) return fail(errc::internal, "the kernel's answer has no end");
    if (static_cast<std::size_t>(size) > buffer.size())
      return fail(errc::internal, "the kernel's answer was truncated");
    const auto complete = read_answer(bytes_view(buffer).first(static_cast<std::size_t>(size)), over, sequence, out);
    if (!complete) {
      const std::error_code code = complete.error().code;
      if (code == std::errc::no_such_file_or_directory || code == std::errc::operation_not_supported)
        return unexpected(failure{make_error_code(std::errc::function_not_supported), "read sockets",
                                  "this kernel does not list " + to_upper(name_of(over)) + " sockets",
                                  "it lacks inet_diag, tcp_diag or udp_diag"});
      return unexpected(complete.error());
    }
    if (*complete) return {};
  }
}

result<std::vector<entry>> read_sockets(const filter& wanted) {
  const net::unique_fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) return fail(last_system_error(), "open a netlink socket");
  std::vector<entry> all;
  std::uint32_t sequence = 0;
  for (const transport over : {transport::tcp, transport::udp}) {
    if (!(over == transport::tcp ? wanted.tcp : wanted.udp)) continue;
    for (const bool is_v6 : {false, true}) {
      if (!(is_v6 ? wanted.ipv6 : wanted.ipv4)) continue;
      if (auto read = read_kind(socket, wanted, over, is_v6, ++sequence, all); !read) return unexpected(read.error());
    }
  }
  std::erase_if(all, [&](const entry& each) { return !matches(wanted, each); });
  return all;
}

bool is_held_by(const row& one, const std::string& process) {
  const auto pid = parse_integer<std::int32_t>(process);
  return std::any_of(one.owners.begin(), one.owners.end(), [&](const owner& each) {
    return pid ? each.pid == *pid : each.name == process.substr(0, longest_process_name);
  });
}

std::string interface_name(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  return ::if_indextoname(index, name.data()) == nullptr ? std::to_string(index) : std::string(name.data());
}

}  // namespace

result<snapshot> query(const filter& wanted, const std::string& process) {
  auto entries = read_sockets(wanted);
  if (!entries) return unexpected(entries.error());
  std::sort(entries->begin(), entries->end(), [](const entry& one, const entry& other) {
    const auto rank = [](const entry& of) {
      return std::tuple(of.protocol, !of.is_listening(), of.local.port, of.local.is_v6);
    };
    if (const auto first = rank(one), second = rank(other); first != second) return first < second;
    if (const auto order = one.local <=> other.local; order != 0) return order < 0;
    if (const auto order = one.remote <=> other.remote; order != 0) return order < 0;
    return one.cookie < other.cookie;
  });
  std::vector<std::uint32_t> inodes;
  inodes.reserve(entries->size());
  for (const entry& each : *entries) inodes.push_back(each.inode);
  owner_list owners = find_owners(inodes);

  if (owners.refused) return fail(owners.refused, "read /proc");
  if (!owners.has_processes && !process.empty())
    return unexpected(failure{std::make_error_code(std::errc::function_not_supported), "find processes",
                              "--process cannot be answered: /proc is not mounted", "mount -t proc proc /proc"});
  snapshot taken;
  taken.knows_processes = owners.has_processes;
  taken.rows.reserve(entries->size());
  std::map<std::uint32_t, std::string> interfaces;
  for (entry& each : *entries) {
    row made{.socket = std::move(each), .interface = {}, .owners = {}};
    if (const auto found = owners.of_inode.find(made.socket.inode); found != owners.of_inode.end())
      made.owners = found->second;
    if (made.socket.interface != 0) {
      auto [at, is_new] = interfaces.try_emplace(made.socket.interface);
      if (is_new) at->second = interface_name(made.socket.interface);
      made.interface = at->second;
    }
    if (made.owners.empty() && made.socket.inode != 0 && owners.hidden_processes > 0) ++taken.hidden_sockets;
    if (process.empty() || is_held_by(made, process)) taken.rows.push_back(std::move(made));
  }
  return taken;
}

}  // namespace netlab::sockets
