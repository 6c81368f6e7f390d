// SPDX-License-Identifier: MIT
// What a calculation server's peers send, for a program that watches them.
#pragma once

#include <memory>

#include "net/asio.hpp"
#include "serve/datagram_responder.hpp"

namespace netlab::calc {

/// One connection; destroyed when the connection has ended.
class connection_watch {
 public:
  virtual ~connection_watch() = default;
  /// Octets that have arrived. They belong to the server.
  virtual void received(bytes_view octets) noexcept = 0;
};

/// Called from the threads of all shards at once, so that each function must guard its state.
class traffic_watch {
 public:
  virtual ~traffic_watch() = default;
  /// Null: this connection is not watched.
  [[nodiscard]] virtual std::unique_ptr<connection_watch> connected(const net::tcp::endpoint& peer) noexcept = 0;
  virtual void datagram(const serve::datagram& request, bool is_answered) noexcept = 0;
};

}  // namespace netlab::calc
