// SPDX-License-Identifier: MIT
#include "trace/io/socket_query.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "base/text.hpp"
#include "trace/socket_table.hpp"

namespace netlab::trace {
namespace {

/// Duplicates the descriptor into this process; on failure invalid.
net::unique_fd take_descriptor(const net::unique_fd& process, int fd) {
  return net::unique_fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
}

std::optional<int> get_option(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) return std::nullopt;
  return value;
}

template <class Get>
std::optional<address> get_address(int fd, Get get) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (get(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return parse_sockaddr(std::as_bytes(std::span(&storage, 1)).first(std::min<std::size_t>(size, sizeof storage)));
}

bool has_flag(process_id thread, int fd, int flag) {
  std::ifstream file(fmt::format("/proc/{}/fdinfo/{}", thread, fd));
  std::string name;
  int flags = 0;
  while (file >> name)
    if (name == "flags:") return (file >> std::oct >> flags) && (flags & flag) != 0;
  return false;
}

std::optional<socket_facts> find_in_tables(process_id thread, int fd, socket_id id) {
  const std::string number = fmt::format(" {} ", id);
  for (const protocol which : {protocol::tcp, protocol::udp})
    for (const bool is_v6 : {false, true}) {
      std::ifstream table(fmt::format("/proc/{}/net/{}{}", thread, name_of(which), is_v6 ? "6" : ""));
      for (std::string row; std::getline(table, row);) {
        if (!row.contains(number)) continue;
        auto facts = parse_socket_row(row, which, is_v6);
        if (!facts || facts->id != id) continue;
        facts->is_nonblocking = has_flag(thread, fd, O_NONBLOCK);
        return facts;
      }
    }
  return std::nullopt;
}

}  // namespace

socket_id find_socket_of(process_id thread, int fd) {
  std::array<char, 64> target{};
  const auto path = fmt::format("/proc/{}/fd/{}", thread, fd);
  const auto length = ::readlink(path.c_str(), target.data(), target.size());
  if (length <= 0) return 0;
  std::string_view text(target.data(), static_cast<std::size_t>(length));
  constexpr std::string_view prefix = "socket:[";
  if (!text.starts_with(prefix) || !text.ends_with(']')) return 0;
  text.remove_prefix(prefix.size());
  text.remove_suffix(1);
  return parse_integer<socket_id>(text).value_or(0);
}

bool is_open(process_id thread, int fd) {
  struct stat link{};
  return ::lstat(fmt::format("/proc/{}/fd/{}", thread, fd).c_str(), &link) == 0;
}

bool has_close_on_exec(process_id thread, int fd) { return has_flag(thread, fd, O_CLOEXEC); }

std::vector<std::pair<int, socket_id>> find_sockets_of(process_id process) {
  std::vector<std::pair<int, socket_id>> found;
  std::error_code error;
  for (std::filesystem::directory_iterator each(fmt::format("/proc/{}/fd", process), error), end; !error && each != end;
       each.increment(error)) {
    const auto fd = parse_integer<int>(each->path().filename().native());
    if (!fd) continue;
    if (const socket_id id = find_socket_of(process, *fd); id != 0) found.emplace_back(*fd, id);
  }
  return found;
}

net::unique_fd open_process(process_id process) {
  return net::unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

std::optional<socket_facts> query_socket(process_id thread, const net::unique_fd& handle, int fd, socket_id id) {
  const net::unique_fd borrowed = take_descriptor(handle, fd);
  // Forbidden, or the main thread has ended: then the handle has no descriptors.
  if (!borrowed) return find_in_tables(thread, fd, id);
  const auto domain = get_option(borrowed.get(), SO_DOMAIN);
  const auto kind = get_option(borrowed.get(), SO_PROTOCOL);
  if (!domain || !kind || (*domain != AF_INET && *domain != AF_INET6)) return std::nullopt;
  if (*kind != IPPROTO_TCP && *kind != IPPROTO_UDP) return std::nullopt;
  return socket_facts{.id = id,
                      .protocol = *kind == IPPROTO_TCP ? protocol::tcp : protocol::udp,
                      .is_v6 = *domain == AF_INET6,
                      .is_listening = get_option(borrowed.get(), SO_ACCEPTCONN).value_or(0) != 0,
                      .is_nonblocking = (::fcntl(borrowed.get(), F_GETFL) & O_NONBLOCK) != 0,
                      .local = get_address(borrowed.get(), ::getsockname),
                      .remote = get_address(borrowed.get(), ::getpeername)};
}

}  // namespace netlab::trace
