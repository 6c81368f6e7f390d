// SPDX-License-Identifier: MIT
// Ports of 127.0.0.1 that are not open, for as long as an object lives: what a scan is to tell apart.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

/// One number that nobody else takes and that is closed over TCP and UDP.
class closed_port {
 public:
  [[nodiscard]] static result<closed_port> make(const asio::any_io_executor& on);
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

 private:
  closed_port(net::tcp::socket tcp, net::udp::socket udp, std::uint16_t number)
      : tcp_(std::move(tcp)), udp_(std::move(udp)), number_(number) {}

  net::tcp::socket tcp_;  // bound, but it does not listen: whoever connects is refused
  net::udp::socket udp_;  // connected to itself: for anybody else it is not there
  std::uint16_t number_;
};

/// One number from which nothing comes back, over TCP and UDP.
class silent_port {
 public:
  [[nodiscard]] static asio::awaitable<result<silent_port>> make();
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

 private:
  silent_port(net::tcp::acceptor tcp, std::vector<net::tcp::socket> guests, net::udp::socket udp, std::uint16_t number)
      : tcp_(std::move(tcp)), guests_(std::move(guests)), udp_(std::move(udp)), number_(number) {}

  net::tcp::acceptor tcp_;                // listens and never accepts;
  std::vector<net::tcp::socket> guests_;  // they fill its queue, and the system drops every further SYN
  net::udp::socket udp_;                  // takes datagrams and reads none
  std::uint16_t number_;
};

}  // namespace netlab::lab
