// SPDX-License-Identifier: MIT
// Closed and silent ports of 127.0.0.1, each of which lasts as long as its object.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

/// A port number that is closed for TCP and UDP and that no other program can take.
class closed_port {
 public:
  [[nodiscard]] static result<closed_port> make(const asio::any_io_executor& on);
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

 private:
  closed_port(net::tcp::socket tcp, net::udp::socket udp, std::uint16_t number)
      : tcp_(std::move(tcp)), udp_(std::move(udp)), number_(number) {}

  net::tcp::socket tcp_;  // bound but not listening, so connections are refused
  net::udp::socket udp_;  // connected to itself, so it gets no datagrams from others
  std::uint16_t number_;
};

/// A port number that never answers, for TCP and UDP.
class silent_port {
 public:
  [[nodiscard]] static asio::awaitable<result<silent_port>> make();
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

 private:
  silent_port(net::tcp::acceptor tcp, std::vector<net::tcp::socket> guests, net::udp::socket udp, std::uint16_t number)
      : tcp_(std::move(tcp)), guests_(std::move(guests)), udp_(std::move(udp)), number_(number) {}

  net::tcp::acceptor tcp_;                // listens and never accepts
  std::vector<net::tcp::socket> guests_;  // fill the accept queue, so the system drops all further SYNs
  net::udp::socket udp_;                  // receives datagrams and never reads them
  std::uint16_t number_;
};

}  // namespace netlab::lab
