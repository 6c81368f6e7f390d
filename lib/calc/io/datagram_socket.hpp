// SPDX-License-Identifier: MIT
// One UDP socket of the calculation server.
#pragma once

#include <sys/socket.h>

#include <memory>

#include "calc/evaluate.hpp"
#include "calc/io/event_loop.hpp"
#include "net/fd.hpp"

namespace netlab::calc {

class shard;

/// Answers each datagram that is exactly one request, from the address that it was sent to. Requests are received in
/// batches, and those that a peer sent with segmentation offload come in one piece (UDP_GRO, udp(7)); consecutive
/// answers to one peer leave in one piece likewise (UDP_SEGMENT). On the wire, each remains a datagram of its own.
/// Sending never waits: if the send buffer is full, answers are dropped, which UDP allows.
class datagram_socket final : public event_loop::source {
 public:
  datagram_socket(shard& of, net::unique_fd socket);
  ~datagram_socket();

  void start();
  /// Answers what has arrived. Then it can be destroyed.
  void finish(time_point now);

  void ready(std::uint32_t events, time_point now) override;

 private:
  struct batch;
  class outbox;

  bool answer_batch(time_point now);
  void answer_all(const msghdr& message, bytes_view octets, time_point now);
  bool answer_one(const msghdr& message, bytes_view request, time_point now);

  shard& shard_;
  net::unique_fd socket_;
  std::uint16_t port_ = 0;
  std::unique_ptr<batch> batch_;
  std::unique_ptr<outbox> outbox_;
};

}  // namespace netlab::calc
