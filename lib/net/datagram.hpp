// SPDX-License-Identifier: MIT
// Answering datagrams in batches, from the address each was sent to.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/fd.hpp"

namespace netlab::net {

struct datagram {
  bytes_view octets;
  std::size_t length = 0;  ///< as sent; more than octets.size() where it passed the responder's limit
  udp::endpoint peer;
  std::uint16_t local_port = 0;
  time_point arrived;
};

/// It came from the port of a service, or from the very port that it was sent to. Two services that answer everything
/// (echo, chargen, a DNS server's errors) would answer each other for ever once somebody forges one datagram
/// (CERT CA-1996-01).
[[nodiscard]] bool is_from_service(const datagram& request) noexcept;

/// Reads a UDP socket and answers what `answer` says is to be answered. The socket has IP_PKTINFO or
/// IPV6_RECVPKTINFO set (listen() does), so a wildcard socket answers from the right address (RFC 1122
/// §4.1.3.5). Sending does not wait: an answer that finds no room is dropped, as UDP allows.
class datagram_responder {
 public:
  using answer_function = std::function<bool(const datagram& request, bytes& reply)>;

  /// `max_octets`: what a request may have before it is cut.
  datagram_responder(asio::io_context& on, unique_fd socket, bool is_v6, std::size_t max_octets,
                     answer_function answer);
  ~datagram_responder();
  datagram_responder(const datagram_responder&) = delete;
  datagram_responder& operator=(const datagram_responder&) = delete;

  void start();
  /// Answers what has already arrived, then closes. In the thread of the io_context.
  void stop();

 private:
  struct batch;
  bool answer_batch();
  void wait();

  udp::socket socket_;
  answer_function answer_;
  std::unique_ptr<batch> batch_;
  std::uint16_t local_port_;
};

}  // namespace netlab::net
