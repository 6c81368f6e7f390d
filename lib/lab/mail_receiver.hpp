// SPDX-License-Identifier: MIT
// A mail server that is just enough for the exercises: it takes every message, and shows what a receiver knows of it.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "net/service.hpp"

namespace netlab::lab {

/// A message as it was received.
struct received_mail {
  std::string from_address;  ///< where the connection came from
  std::string helo;          ///< what the client called itself
  std::string sender;        ///< of the envelope
  std::vector<std::string> recipients;
  std::string text;          ///< with the fields that a receiver adds at its head; lines end in CRLF
};

/// RFC 5321 without extensions or TLS, for this machine's own clients. Several connections at once.
class mail_receiver final : public net::service_handler {
 public:
  /// All so far, in their order.
  [[nodiscard]] std::vector<received_mail> taken() const;

  std::unique_ptr<machine> open(const net::visitor& who) override;
  void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& how) override;
  bytes full(const net::tcp::endpoint& peer) override;
  bool answer(const net::datagram& request, bytes& reply) override;
  void trouble(const std::string& line) override;

 private:
  class session;

  mutable std::mutex mutex_;
  std::vector<received_mail> taken_;
};

}  // namespace netlab::lab
