// SPDX-License-Identifier: MIT
// Copies standard input to a UDP peer, one datagram for each read, and the peer's datagrams to standard output.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "base/time.hpp"
#include "connect/io/relay.hpp"
#include "net/asio.hpp"
#include "net/standard_stream.hpp"

namespace netlab::connect {

class datagram_relay {
 public:
  /// The socket is connected and has net::want_icmp_errors().
  datagram_relay(net::udp::socket socket, const relay_options& options, const asio::any_io_executor& executor);

  /// Ends when nothing has arrived for idle_timeout after the end of the input, or when the reader of standard output
  /// has gone. Fails with the error of the socket, of standard input or of standard output, or when cancelled.
  [[nodiscard]] asio::awaitable<result<relay_totals>> run();

 private:
  [[nodiscard]] asio::awaitable<void> send_all();
  [[nodiscard]] asio::awaitable<void> receive_all();
  [[nodiscard]] failure failure_of(std::error_code error);

  net::udp::socket socket_;
  relay_options options_;
  net::standard_stream input_;
  net::standard_stream output_;
  asio::steady_timer sender_ended_;
  relay_totals totals_;
  std::optional<failure> trouble_;
  time_point progress_{};
  bool input_ended_ = false;
  bool sender_done_ = false;
  bool ended_ = false;
};

}  // namespace netlab::connect
