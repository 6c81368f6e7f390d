// SPDX-License-Identifier: MIT
// The common part of sink and floor: a blocking connection, plain or TLS, with as little overhead as possible.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

[[noreturn]] inline void give_up(const char* what) {
  std::perror(what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

struct stream {
  int socket = -1;
  SSL* tls = nullptr;

  // Returns the number of octets read; 0 at the end.
  std::size_t read(char* to, std::size_t room) const {
    if (tls != nullptr) {
      const int length = SSL_read(tls, to, static_cast<int>(room));
      return length > 0 ? static_cast<std::size_t>(length) : 0;
    }
    const ssize_t length = ::read(socket, to, room);
    return length > 0 ? static_cast<std::size_t>(length) : 0;
  }

  [[nodiscard]] bool write(std::string_view octets) const {
    while (!octets.empty()) {
      const ssize_t length = tls != nullptr ? SSL_write(tls, octets.data(), static_cast<int>(octets.size()))
                                            : ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (length <= 0) return false;
      octets.remove_prefix(static_cast<std::size_t>(length));
    }
    return true;
  }

  void close() {
    if (tls != nullptr) {
      SSL_shutdown(tls);
      SSL_free(tls);
      tls = nullptr;
    }
    ::close(socket);
  }
};

inline void set_no_delay(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  return address;
}
