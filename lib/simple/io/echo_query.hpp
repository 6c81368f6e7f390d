// SPDX-License-Identifier: MIT
// Queries an echo service over the network.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/dial.hpp"

namespace netlab::simple {

struct echo_query_options {
  net::transport protocol = net::transport::tcp;
  std::string host = "127.0.0.1";
  std::uint16_t port = 7;
  net::family restrict_to = net::family::any;
  std::optional<net::local_end> local;
  duration timeout = std::chrono::seconds(5);
  unsigned retries = 2;  ///< UDP retransmissions, at even intervals within the timeout
};

struct echo_query_reply {
  bytes octets;
  net::ends where;
  duration elapsed{0};
};

/// Sends the message, waits for the reply and compares them. Fails if they differ.
[[nodiscard]] asio::awaitable<result<echo_query_reply>> query_echo(echo_query_options options, bytes message);

}  // namespace netlab::simple
