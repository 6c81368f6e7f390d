// SPDX-License-Identifier: MIT
// The floor for netlab calc serve: the least code that answers the protocol correctly with epoll, recv and send (TCP)
// and with recvmmsg and sendmmsg (UDP), in one thread. No limits, no timeouts, no text mode, no log, no graceful
// shutdown; a client that does not read blocks it.
//
//     calc_floor tcp|udp PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace {

constexpr std::size_t read_size = 128 * 1024;

std::int64_t number_at(const char* at) {
  std::uint32_t big = 0;
  std::memcpy(&big, at, sizeof big);
  return static_cast<std::int32_t>(ntohl(big));
}

// Writes the answer to the request at `from`; returns false if there is none.
bool answer(const char* from, char* to) {
  const std::string_view op(from + 4, 3);
  const int count = static_cast<unsigned char>(from[7]);
  const char* numbers = from + 8;
  std::int64_t value = 0;
  if (op == "SUM") {
    for (int at = 0; at < count; ++at) value += number_at(numbers + 4 * at);
  } else if (op == "PRO") {
    bool is_zero = false;
    for (int at = 0; at < count; ++at) is_zero = is_zero || number_at(numbers + 4 * at) == 0;
    value = is_zero ? 0 : 1;
    for (int at = 0; at < count && !is_zero; ++at)
      if (__builtin_mul_overflow(value, number_at(numbers + 4 * at), &value)) return false;
  } else if (op == "MIN" || op == "MAX") {
    if (count == 0) return false;
    value = number_at(numbers);
    for (int at = 1; at < count; ++at)
      value = op == "MIN" ? std::min(value, number_at(numbers + 4 * at)) : std::max(value, number_at(numbers + 4 * at));
  } else {
    return false;
  }
  if (value != static_cast<std::int32_t>(value)) return false;
  const std::uint32_t big = htonl(static_cast<std::uint32_t>(value));
  std::memcpy(to, from, 4);
  std::memcpy(to + 4, &big, 4);
  return true;
}

struct connection {
  int fd = -1;
  std::size_t held = 0;  // octets of an incomplete request at the start of `input`
  std::array<char, read_size> input;
};

void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void send_all(int fd, const char* from, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, from, size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) return;
      pollfd wait{fd, POLLOUT, 0};
      ::poll(&wait, 1, -1);
      continue;
    }
    from += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

// Returns false when the connection has ended.
bool serve(connection& one) {
  static std::array<char, read_size> answers;
  const ssize_t size = ::recv(one.fd, one.input.data() + one.held, one.input.size() - one.held, 0);
  if (size <= 0) return size < 0 && errno == EAGAIN;
  const std::size_t end = one.held + static_cast<std::size_t>(size);
  std::size_t at = 0;
  std::size_t answered = 0;
  while (end - at >= 8) {
    const std::size_t length = 8 + 4 * static_cast<std::size_t>(static_cast<unsigned char>(one.input[at + 7]));
    if (end - at < length) break;
    if (!answer(one.input.data() + at, answers.data() + answered)) return false;
    answered += 8;
    at += length;
  }
  send_all(one.fd, answers.data(), answered);
  one.held = end - at;
  std::memmove(one.input.data(), one.input.data() + at, one.held);
  return true;
}

[[noreturn]] void serve_tcp(int listener) {
  const int all = ::epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (::listen(listener, SOMAXCONN) != 0 || ::epoll_ctl(all, EPOLL_CTL_ADD, listener, &event) != 0) die("listen");
  for (;;) {
    std::array<epoll_event, 256> ready;
    const int count = ::epoll_wait(all, ready.data(), ready.size(), -1);
    for (int at = 0; at < count; ++at) {
      auto* one = static_cast<connection*>(ready[static_cast<std::size_t>(at)].data.ptr);
      if (one == nullptr) {
        one = new connection;
        one->fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        const int on = 1;
        ::setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        event = {.events = EPOLLIN, .data = {.ptr = one}};
        ::epoll_ctl(all, EPOLL_CTL_ADD, one->fd, &event);
      } else if (!serve(*one)) {
        ::close(one->fd);
        delete one;
      }
    }
  }
}

[[noreturn]] void serve_udp(int fd) {
  constexpr std::size_t batch = 64;
  constexpr std::size_t largest = 1029;
  static std::array<std::array<char, largest>, batch> requests;
  static std::array<std::array<char, 8>, batch> answers;
  static std::array<sockaddr_in, batch> peers;
  static std::array<iovec, batch> in;
  static std::array<iovec, batch> out;
  static std::array<mmsghdr, batch> incoming;
  static std::array<mmsghdr, batch> outgoing;
  for (;;) {
    for (std::size_t at = 0; at < batch; ++at) {
      in[at] = {requests[at].data(), largest};
      incoming[at].msg_hdr = {};
      incoming[at].msg_hdr.msg_name = &peers[at];
      incoming[at].msg_hdr.msg_namelen = sizeof peers[at];
      incoming[at].msg_hdr.msg_iov = &in[at];
      incoming[at].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(fd, incoming.data(), batch, MSG_WAITFORONE, nullptr);
    unsigned answered = 0;
    for (std::size_t at = 0; at < static_cast<std::size_t>(std::max(count, 0)); ++at) {
      const std::size_t size = incoming[at].msg_len;
      if (size < 8 || size != 8 + 4 * static_cast<std::size_t>(static_cast<unsigned char>(requests[at][7]))) continue;
      if (!answer(requests[at].data(), answers[answered].data())) continue;
      out[answered] = {answers[answered].data(), 8};
      outgoing[answered].msg_hdr = incoming[at].msg_hdr;
      outgoing[answered].msg_hdr.msg_iov = &out[answered];
      ++answered;
    }
    if (answered > 0) ::sendmmsg(fd, outgoing.data(), answered, 0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const bool is_tcp = std::string_view(argv[1]) == "tcp";
  const int fd = ::socket(AF_INET, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
  const int on = 1;
  const int octets = 4 * 1024 * 1024;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!is_tcp) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) die("bind");
  socklen_t length = sizeof here;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &length);
  std::printf("listening %s 127.0.0.1:%d\n", argv[1], ntohs(here.sin_port));
  std::fflush(stdout);
  if (is_tcp) serve_tcp(fd);
  serve_udp(fd);
}
