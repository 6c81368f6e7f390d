// SPDX-License-Identifier: MIT
// Plain sockets, for peers that behave as a test wants. Every wait has a limit of some seconds, and its failure says
// what it waited for.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "net/fd.hpp"

namespace netlab::test {

inline constexpr int wait_limit_ms = 20'000;  // for a slow machine under a sanitizer; normally far less

[[noreturn]] inline void give_up(const std::string& reason) { throw std::runtime_error(reason); }

/// Waits for one of these events; false after `limit_ms`.
[[nodiscard]] inline bool is_ready(int fd, short events, int limit_ms) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  return ::poll(&one, 1, limit_ms) > 0;
}

/// An IPv4 or IPv6 address and a port as a sockaddr.
struct address {
  address(const char* figures, std::uint16_t port) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    if (::inet_pton(AF_INET, figures, &v4.sin_addr) == 1) {
      v4.sin_family = AF_INET;
      length = sizeof v4;
    } else if (::inet_pton(AF_INET6, figures, &v6.sin6_addr) == 1) {
      v6.sin6_family = AF_INET6;
      length = sizeof v6;
    } else {
      give_up("no address: " + std::string(figures));
    }
    v4.sin_port = htons(port);  // at the same offset in both
  }
  [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// A connected TCP or UDP socket.
class peer {
 public:
  explicit peer(int fd) : fd_(fd) {
    if (fd < 0) give_up(std::string("socket: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // each piece is a segment; fails for UDP
  }
  static peer tcp(std::uint16_t port, const char* to = "127.0.0.1") { return connect(SOCK_STREAM, to, port); }
  static peer udp(std::uint16_t port, const char* to = "127.0.0.1") { return connect(SOCK_DGRAM, to, port); }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Sends all octets, however long that takes.
  void send(std::string_view octets) {
    do {
      if (!is_ready(fd(), POLLOUT, wait_limit_ms)) give_up("waited to send: the peer does not read");
      const ssize_t sent = ::send(fd(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) give_up(std::string("send: ") + std::strerror(errno));
      if (sent >= 0) octets.remove_prefix(static_cast<std::size_t>(sent));
    } while (!octets.empty());
  }
  void end_output() { ::shutdown(fd(), SHUT_WR); }

  /// Receives at most `most` octets; empty at the end.
  [[nodiscard]] std::string receive_some(std::size_t most = 65'536) {
    if (!is_ready(fd(), POLLIN, wait_limit_ms)) give_up("waited to receive: the peer says nothing");
    std::string octets(std::min<std::size_t>(most, 65'536), '\0');
    const ssize_t size = ::recv(fd(), octets.data(), octets.size(), 0);
    if (size < 0) throw std::system_error(errno, std::system_category(), "receive");
    octets.resize(static_cast<std::size_t>(size));
    return octets;
  }
  /// Receives this many octets, or fewer if the peer closes.
  [[nodiscard]] std::string receive(std::size_t size) {
    std::string all;
    while (all.size() < size) {
      const std::string more = receive_some(size - all.size());
      if (more.empty()) break;
      all += more;
    }
    return all;
  }
  /// Receives everything until the peer closes. Throws on a reset.
  [[nodiscard]] std::string receive_all() { return receive(SIZE_MAX / 2); }

  [[nodiscard]] bool hears_within(int limit_ms) const { return is_ready(fd(), POLLIN, limit_ms); }

  /// Closes the connection with a reset.
  void reset() {
    net::set_reset_on_close(fd(), true);
    fd_ = net::unique_fd();
  }

 private:
  static peer connect(int kind, const char* to, std::uint16_t port) {
    const address where(to, port);
    peer made(::socket(where.storage.ss_family, kind | SOCK_CLOEXEC, 0));
    if (::connect(made.fd(), where.data(), where.length) != 0)
      throw std::system_error(errno, std::system_category(), "connect");
    return made;
  }

  net::unique_fd fd_;
};

/// A bound socket on a free port of 127.0.0.1.
class bound_socket {
 public:
  explicit bound_socket(int kind, int backlog = 16, const char* figures = "127.0.0.1", std::uint16_t wanted = 0) {
    address where(figures, wanted);
    fd_ = net::unique_fd(::socket(where.storage.ss_family, kind | SOCK_CLOEXEC, 0));
    const int on = 1;  // for TCP: other tests may have used this port for connections
    if (kind == SOCK_STREAM) ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd_.get(), where.data(), where.length) != 0) give_up(std::string("bind: ") + std::strerror(errno));
    if (kind == SOCK_STREAM && ::listen(fd_.get(), backlog) != 0) give_up("listen");
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&where.storage), &where.length);
    port_ = ntohs(reinterpret_cast<const sockaddr_in&>(where.storage).sin_port);
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] peer accept() const {
    if (!is_ready(fd(), POLLIN, wait_limit_ms)) give_up("waited to accept: nobody comes");
    return peer(::accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  net::unique_fd fd_;
  std::uint16_t port_ = 0;
};

/// A port that was free a moment ago: nothing listens there.
[[nodiscard]] inline std::uint16_t closed_port(const char* figures = "127.0.0.1") {
  return bound_socket(SOCK_DGRAM, 0, figures).port();
}

/// A server that runs the test's script in a thread.
class scripted {
 public:
  explicit scripted(int kind, std::function<void(bound_socket&)> script)
      : socket_(kind), thread_([this, does = std::move(script)] {
          try {
            does(socket_);
          } catch (const std::exception& error) {
            trouble_ = error.what();
          }
        }) {}
  ~scripted() {
    if (thread_.joinable()) thread_.join();
  }
  scripted(const scripted&) = delete;
  scripted& operator=(const scripted&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return socket_.port(); }
  /// Waits until the script has ended; returns its error, or an empty text.
  [[nodiscard]] std::string trouble() {
    thread_.join();
    return trouble_;
  }

 private:
  bound_socket socket_;
  std::string trouble_;
  std::thread thread_;
};

/// A datagram and its sender.
struct letter {
  std::string text;
  sockaddr_storage from{};
  socklen_t length = sizeof(sockaddr_storage);
};
[[nodiscard]] inline letter receive_letter(const bound_socket& at) {
  if (!is_ready(at.fd(), POLLIN, wait_limit_ms)) give_up("waited for a datagram: none comes");
  letter got;
  got.text.resize(65'536);
  const ssize_t size =
      ::recvfrom(at.fd(), got.text.data(), got.text.size(), 0, reinterpret_cast<sockaddr*>(&got.from), &got.length);
  if (size < 0) give_up("recvfrom");
  got.text.resize(static_cast<std::size_t>(size));
  return got;
}
inline void reply(const bound_socket& at, const letter& to, std::string_view text) {
  ::sendto(at.fd(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to.from), to.length);
}

/// True if this machine has the IPv6 loopback address.
[[nodiscard]] inline bool has_ipv6() {
  const address where("::1", 0);
  const net::unique_fd fd(::socket(AF_INET6, SOCK_STREAM, 0));
  return fd && ::bind(fd.get(), where.data(), where.length) == 0;
}

}  // namespace netlab::test
