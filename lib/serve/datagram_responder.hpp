// SPDX-License-Identifier: MIT
// Answers datagrams in batches, each from the address that it was sent to.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/fd.hpp"

namespace netlab::serve {

struct datagram {
  bytes_view octets;
  std::size_t length = 0;  ///< as sent; greater than octets.size() if the responder truncated it
  net::udp::endpoint peer;
  std::uint16_t local_port = 0;
  time_point arrived;
};

/// True if the datagram came from a service's port, or from the port number that it was sent to. Two services that
/// answer everything (echo, chargen, a DNS server's errors) would answer each other forever after one forged datagram
/// (CERT CA-1996-01).
[[nodiscard]] bool is_from_service(const datagram& request) noexcept;

/// Reads a UDP socket and sends a reply for each datagram for which `answer` returns true. A wildcard socket must have
/// IP_PKTINFO or IPV6_RECVPKTINFO set, as listen() does, so that it answers from the right address (RFC 1122 §4.1.3.5).
/// Sending never waits: if the send buffer is full, the reply is dropped, which UDP allows.
class datagram_responder {
 public:
  using answer_function = std::function<bool(const datagram& request, bytes& reply)>;

  /// `max_octets`: longer requests are truncated.
  datagram_responder(asio::io_context& on, net::unique_fd socket, bool is_v6, std::size_t max_octets,
                     answer_function answer);
  ~datagram_responder();
  datagram_responder(const datagram_responder&) = delete;
  datagram_responder& operator=(const datagram_responder&) = delete;

  void start();
  /// Answers what has already arrived, then closes. Call it in the io_context's thread.
  void stop();

 private:
  struct batch;
  bool answer_batch();
  void wait();

  net::udp::socket socket_;
  answer_function answer_;
  std::unique_ptr<batch> batch_;
  std::uint16_t local_port_;
};

}  // namespace netlab::serve
