// SPDX-License-Identifier: MIT
#include "trace/io/arguments.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"

namespace netlab::trace {
namespace {

constexpr std::size_t max_vectors = 1024;   // UIO_MAXIOV: the kernel's limit
constexpr std::size_t max_polled = 4096;    // descriptors; further ones are ignored
constexpr std::size_t max_messages = 1024;  // the kernel's limit per call

template <class Value>
std::optional<Value> read_value(process_id thread, std::uint64_t at) {
  if (at == 0) return std::nullopt;
  const bytes octets = read_memory(thread, at, sizeof(Value));
  if (octets.size() != sizeof(Value)) return std::nullopt;
  Value value;
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}

template <class Value>
std::vector<Value> read_values(process_id thread, std::uint64_t at, std::size_t count) {
  if (at == 0 || count == 0) return {};
  const bytes octets = read_memory(thread, at, count * sizeof(Value));
  std::vector<Value> values(octets.size() / sizeof(Value));
  if (!values.empty()) std::memcpy(values.data(), octets.data(), values.size() * sizeof(Value));
  return values;
}

std::optional<address> read_address(process_id thread, std::uint64_t at, std::uint64_t size) {
  if (at == 0 || size == 0) return std::nullopt;
  return parse_sockaddr(read_memory(thread, at, std::min<std::uint64_t>(size, sizeof(sockaddr_storage))));
}

std::uint64_t sum_of_vectors(process_id thread, std::uint64_t at, std::uint64_t count) {
  std::uint64_t sum = 0;
  for (const iovec& each : read_values<iovec>(thread, at, std::min<std::uint64_t>(count, max_vectors)))
    sum += each.iov_len;
  return sum;
}

struct number_name {
  int number;
  std::string_view name;
};

template <std::size_t Size>
std::string name_in(const std::array<number_name, Size>& names, int number) {
  for (const number_name& each : names)
    if (each.number == number) return std::string(each.name);
  return fmt::format("{}", number);
}

std::string names_of_bits(std::uint64_t bits, std::span<const number_name> names) {
  std::string text;
  for (const number_name& each : names) {
    const auto bit = static_cast<std::uint64_t>(static_cast<unsigned>(each.number));
    if ((bits & bit) == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : "|", each.name);
    bits &= ~bit;
  }
  if (bits != 0) text += fmt::format("{}{:#x}", text.empty() ? "" : "|", bits);
  return text;
}

constexpr auto message_flags = std::to_array<number_name>({{MSG_PEEK, "MSG_PEEK"},
                                                           {MSG_WAITALL, "MSG_WAITALL"},
                                                           {MSG_DONTWAIT, "MSG_DONTWAIT"},
                                                           {MSG_NOSIGNAL, "MSG_NOSIGNAL"},
                                                           {MSG_MORE, "MSG_MORE"},
                                                           {MSG_ERRQUEUE, "MSG_ERRQUEUE"},
                                                           {MSG_TRUNC, "MSG_TRUNC"},
                                                           {MSG_OOB, "MSG_OOB"},
                                                           {MSG_FASTOPEN, "MSG_FASTOPEN"}});

constexpr auto socket_options = std::to_array<number_name>({{SO_REUSEADDR, "SO_REUSEADDR"},
                                                            {SO_ERROR, "SO_ERROR"},
                                                            {SO_BROADCAST, "SO_BROADCAST"},
                                                            {SO_SNDBUF, "SO_SNDBUF"},
                                                            {SO_RCVBUF, "SO_RCVBUF"},
                                                            {SO_KEEPALIVE, "SO_KEEPALIVE"},
                                                            {SO_LINGER, "SO_LINGER"},
                                                            {SO_REUSEPORT, "SO_REUSEPORT"},
                                                            {SO_RCVTIMEO, "SO_RCVTIMEO"},
                                                            {SO_SNDTIMEO, "SO_SNDTIMEO"},
                                                            {SO_TYPE, "SO_TYPE"},
                                                            {SO_DOMAIN, "SO_DOMAIN"},
                                                            {SO_PROTOCOL, "SO_PROTOCOL"},
                                                            {SO_BINDTODEVICE, "SO_BINDTODEVICE"}});
constexpr auto tcp_options = std::to_array<number_name>({{TCP_NODELAY, "TCP_NODELAY"},
                                                         {TCP_CORK, "TCP_CORK"},
                                                         {TCP_KEEPIDLE, "TCP_KEEPIDLE"},
                                                         {TCP_KEEPINTVL, "TCP_KEEPINTVL"},
                                                         {TCP_KEEPCNT, "TCP_KEEPCNT"},
                                                         {TCP_MAXSEG, "TCP_MAXSEG"},
                                                         {TCP_INFO, "TCP_INFO"},
                                                         {TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"},
                                                         {TCP_QUICKACK, "TCP_QUICKACK"},
                                                         {TCP_CONGESTION, "TCP_CONGESTION"}});
constexpr auto ip_options = std::to_array<number_name>(
    {{IP_RECVERR, "IP_RECVERR"}, {IP_TTL, "IP_TTL"}, {IP_TOS, "IP_TOS"}, {IP_PKTINFO, "IP_PKTINFO"}});
constexpr auto ipv6_options = std::to_array<number_name>(
    {{IPV6_V6ONLY, "IPV6_V6ONLY"}, {IPV6_RECVERR, "IPV6_RECVERR"}, {IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"}});

std::string name_of_option(int level, int option) {
  switch (level) {
    case SOL_SOCKET: return name_in(socket_options, option);
    case IPPROTO_TCP: return name_in(tcp_options, option);
    case IPPROTO_IP: return name_in(ip_options, option);
    case IPPROTO_IPV6: return name_in(ipv6_options, option);
    default: return fmt::format("level {} option {}", level, option);
  }
}

std::string describe_option(process_id thread, const raw_arguments& raw, bool is_set) {
  const int level = static_cast<int>(raw[1]);
  const int option = static_cast<int>(raw[2]);
  std::string text = name_of_option(level, option);
  if (!is_set) return text;
  if (level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO)) {
    if (const auto value = read_value<timeval>(thread, raw[3]))
      text += fmt::format(", {}", netlab::to_string(duration(std::chrono::seconds(value->tv_sec) +
                                                             std::chrono::microseconds(value->tv_usec))));
  } else if (level == SOL_SOCKET && option == SO_LINGER) {
    if (const auto value = read_value<linger>(thread, raw[3]))
      text += value->l_onoff == 0 ? ", off" : fmt::format(", {} s", value->l_linger);
  } else if (raw[4] == sizeof(int)) {
    if (const auto value = read_value<int>(thread, raw[3])) text += fmt::format(", {}", *value);
  }
  return text;
}

void set_flags(call& into, std::uint64_t flags) {
  into.is_peek = (flags & MSG_PEEK) != 0;
  into.takes_all = (flags & MSG_WAITALL) != 0;
  if (const std::string text = names_of_bits(flags & 0xffffffff, message_flags); !text.empty())
    into.arguments += fmt::format(", {}", text);
}

void read_message(call& into, std::uint64_t at) {
  const auto header = read_value<msghdr>(into.thread, at);
  if (!header) return;
  into.asked = sum_of_vectors(into.thread, reinterpret_cast<std::uint64_t>(header->msg_iov), header->msg_iovlen);
  if (into.kind == call_kind::send)
    into.target = read_address(into.thread, reinterpret_cast<std::uint64_t>(header->msg_name), header->msg_namelen);
}

std::string describe_timeout(process_id thread, const system_call& which, const raw_arguments& raw) {
  std::optional<duration> wait;
  const auto from_timespec = [&](std::uint64_t at) -> std::optional<duration> {
    const auto value = read_value<timespec>(thread, at);
    if (!value) return std::nullopt;
    return std::chrono::seconds(value->tv_sec) + std::chrono::nanoseconds(value->tv_nsec);
  };
  const auto from_milliseconds = [](std::uint64_t value) -> std::optional<duration> {
    const auto number = static_cast<int>(value);
    if (number < 0) return std::nullopt;
    return std::chrono::milliseconds(number);
  };
  if (which.name == "poll") wait = from_milliseconds(raw[2]);
  if (which.name == "ppoll") wait = from_timespec(raw[2]);
  if (which.name == "epoll_wait" || which.name == "epoll_pwait") wait = from_milliseconds(raw[3]);
  if (which.name == "epoll_pwait2") wait = from_timespec(raw[3]);
  if (which.name == "pselect6") wait = from_timespec(raw[4]);
  if (which.name == "select")
    if (const auto value = read_value<timeval>(thread, raw[4]))
      wait = std::chrono::seconds(value->tv_sec) + std::chrono::microseconds(value->tv_usec);
  if (!wait) return "no timeout";
  return *wait == duration::zero() ? "does not wait" : "at most " + netlab::to_string(*wait);
}

std::string describe_socket(const raw_arguments& raw) {
  constexpr int kind_mask = 0xf;
  const int kind = static_cast<int>(raw[1]) & kind_mask;
  std::string text = fmt::format("{}, {}", static_cast<int>(raw[0]) == AF_INET ? "AF_INET" : "AF_INET6",
                                 kind == SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM");
  if ((raw[1] & SOCK_NONBLOCK) != 0) text += "|SOCK_NONBLOCK";
  return text;
}

}  // namespace

bytes_view read_memory(process_id thread, std::uint64_t at, std::span<std::byte> buffer) {
  const iovec here{buffer.data(), buffer.size()};
  const iovec there{reinterpret_cast<void*>(at), buffer.size()};
  auto count = ::process_vm_readv(thread, &here, 1, &there, 1, 0);
  if (count < 0 && (errno == EPERM || errno == ENOSYS)) {
    // A container may forbid this call. A tracer may still read the file.
    const net::unique_fd memory(::open(fmt::format("/proc/{}/mem", thread).c_str(), O_RDONLY | O_CLOEXEC));
    count = memory ? ::pread(memory.get(), buffer.data(), buffer.size(), static_cast<off_t>(at)) : -1;
  }
  return buffer.first(count < 0 ? 0 : static_cast<std::size_t>(count));
}

bytes read_memory(process_id thread, std::uint64_t at, std::size_t size) {
  bytes octets(size);
  octets.resize(read_memory(thread, at, std::span(octets)).size());
  return octets;
}

std::string read_text(process_id thread, std::uint64_t at, std::size_t limit) {
  // Not beyond the page: the next one may not exist, and then nothing would be read.
  constexpr std::uint64_t page = 4096;
  std::string text;
  while (text.size() < limit) {
    const bytes octets = read_memory(thread, at, std::min<std::uint64_t>(limit - text.size(), page - at % page));
    const std::string_view part = as_text(octets);
    text += part.substr(0, part.find('\0'));
    if (part.empty() || part.contains('\0')) break;
    at += part.size();
  }
  return text;
}

void read_arguments(call& into, const system_call& which, const raw_arguments& raw) {
  switch (which.shape) {
    case call_shape::create: into.arguments = describe_socket(raw); break;
    case call_shape::address:
      into.target = read_address(into.thread, raw[1], raw[2]);
      into.arguments = into.target ? to_string(*into.target) : "no IP address";
      break;
    case call_shape::transfer: into.asked = raw[2]; break;
    case call_shape::transfer_to:
      into.asked = raw[2];
      if (into.kind == call_kind::send) into.target = read_address(into.thread, raw[4], raw[5]);
      break;
    case call_shape::message: read_message(into, raw[1]); break;
    case call_shape::messages:
      into.arguments = count_of(raw[2], "message");
      read_message(into, raw[1]);
      into.asked = 0;  // known when the call returns
      break;
    case call_shape::vector: into.asked = sum_of_vectors(into.thread, raw[1], raw[2]); break;
    case call_shape::send_file:
    case call_shape::splice: into.asked = which.shape == call_shape::splice ? raw[4] : raw[3]; break;
    case call_shape::poll:
    case call_shape::select:
    case call_shape::epoll_wait: into.arguments = describe_timeout(into.thread, which, raw); break;
    case call_shape::epoll_control: {
      constexpr auto operations = std::to_array<number_name>(
          {{EPOLL_CTL_ADD, "EPOLL_CTL_ADD"}, {EPOLL_CTL_MOD, "EPOLL_CTL_MOD"}, {EPOLL_CTL_DEL, "EPOLL_CTL_DEL"}});
      constexpr auto interests = std::to_array<number_name>({{EPOLLIN, "EPOLLIN"},
                                                             {EPOLLOUT, "EPOLLOUT"},
                                                             {EPOLLPRI, "EPOLLPRI"},
                                                             {EPOLLERR, "EPOLLERR"},
                                                             {EPOLLHUP, "EPOLLHUP"},
                                                             {EPOLLRDHUP, "EPOLLRDHUP"},
                                                             {EPOLLONESHOT, "EPOLLONESHOT"},
                                                             {static_cast<int>(EPOLLET), "EPOLLET"}});
      into.arguments = name_in(operations, static_cast<int>(raw[1]));
      if (const auto event = read_value<epoll_event>(into.thread, raw[3]); event && raw[1] != EPOLL_CTL_DEL)
        into.arguments += fmt::format(", {}", names_of_bits(event->events, interests));
      break;
    }
    case call_shape::socket_option:
      into.arguments = describe_option(into.thread, raw, which.name == "setsockopt");
      break;
    case call_shape::control:
      into.arguments = which.name == "fcntl"
                           ? fmt::format("F_SETFL, {}", (raw[2] & O_NONBLOCK) != 0 ? "O_NONBLOCK" : "0")
                           : "FIONBIO";
      break;
    case call_shape::plain:
      if (which.kind == call_kind::shutdown) {
        constexpr auto sides =
            std::to_array<number_name>({{SHUT_RD, "SHUT_RD"}, {SHUT_WR, "SHUT_WR"}, {SHUT_RDWR, "SHUT_RDWR"}});
        into.arguments = name_in(sides, static_cast<int>(raw[1]));
        into.ends_sending = raw[1] != SHUT_RD;
      } else if (which.kind == call_kind::listen) {
        into.arguments = fmt::format("{}", static_cast<int>(raw[1]));
      }
      into.ends_sending = into.ends_sending || which.kind == call_kind::close;
      break;
    default: break;
  }
  const bool moves_octets = which.kind == call_kind::send || which.kind == call_kind::receive;
  if (!moves_octets) return;
  if (into.arguments.empty())
    into.arguments =
        fmt::format("{}{}", into.kind == call_kind::receive ? "at most " : "", count_of(into.asked, "octet"));
  if (which.shape == call_shape::transfer_to) set_flags(into, raw[3]);
  if (which.shape == call_shape::message) set_flags(into, raw[2]);
  if (which.shape == call_shape::messages) set_flags(into, raw[3]);
  if (into.target) into.arguments += fmt::format(", {}", to_string(*into.target));
}

void read_results(call& into, const system_call& which, const raw_arguments& raw) {
  if (into.value <= 0 && which.shape != call_shape::socket_option) return;
  switch (which.shape) {
    case call_shape::transfer_to:
      if (into.kind == call_kind::receive)
        if (const auto size = read_value<std::uint32_t>(into.thread, raw[5]); size && raw[4] != 0)
          into.from = read_address(into.thread, raw[4], *size);
      break;
    case call_shape::message:
      if (into.kind == call_kind::receive)
        if (const auto header = read_value<msghdr>(into.thread, raw[1]))
          into.from = read_address(into.thread, reinterpret_cast<std::uint64_t>(header->msg_name), header->msg_namelen);
      break;
    case call_shape::messages: {
      const auto count = std::min<std::size_t>(static_cast<std::size_t>(into.value), max_messages);
      for (const mmsghdr& each : read_values<mmsghdr>(into.thread, raw[1], count))
        into.datagrams.push_back(each.msg_len);
      for (const std::uint32_t length : into.datagrams) into.asked += length;
      into.outcome = count_of(into.asked, "octet");
      break;
    }
    case call_shape::socket_option:
      if (which.name == "getsockopt" && into.value == 0)
        if (const auto value = read_value<int>(into.thread, raw[3])) {
          const bool is_error = raw[1] == SOL_SOCKET && raw[2] == SO_ERROR;
          into.outcome = is_error && *value != 0 ? name_of_errno(*value) : fmt::format("{}", *value);
        }
      break;
    default: break;
  }
  if (into.from) into.outcome = "from " + to_string(*into.from);
}

std::vector<int> read_polled(process_id thread, const system_call& which, const raw_arguments& raw, bool only_ready) {
  std::vector<int> found;
  if (which.shape == call_shape::poll) {
    for (const pollfd& each : read_values<pollfd>(thread, raw[0], std::min<std::uint64_t>(raw[1], max_polled)))
      if (each.fd >= 0 && (!only_ready || each.revents != 0)) found.push_back(each.fd);
  } else if (which.shape == call_shape::select) {
    const auto count = std::min<std::uint64_t>(raw[0], FD_SETSIZE);
    std::array<std::vector<std::uint8_t>, 3> sets;
    for (std::size_t at = 0; at < sets.size(); ++at)
      sets[at] = read_values<std::uint8_t>(thread, raw[at + 1], (count + 7) / 8);
    for (std::uint64_t fd = 0; fd < count; ++fd) {
      const bool is_in = std::ranges::any_of(
          sets, [&](const auto& set) { return fd / 8 < set.size() && (set[fd / 8] >> (fd % 8) & 1) != 0; });
      if (is_in) found.push_back(static_cast<int>(fd));
    }
  }
  return found;
}

std::vector<std::uint64_t> read_epoll_events(process_id thread, const raw_arguments& raw, std::size_t count) {
  std::vector<std::uint64_t> data;
  // Copies the member: the kernel's structure is packed, so it may be unaligned.
  for (const epoll_event& each : read_values<epoll_event>(thread, raw[1], std::min(count, max_polled)))
    data.push_back(std::uint64_t{each.data.u64});
  return data;
}

std::uint64_t read_epoll_data(process_id thread, const raw_arguments& raw) {
  const auto event = read_value<epoll_event>(thread, raw[3]);
  return event ? event->data.u64 : 0;
}

}  // namespace netlab::trace
