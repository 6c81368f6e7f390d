// SPDX-License-Identifier: MIT
// The sockets of a load test, driven by hand, so that the load costs about as little as the server
// that it measures.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "calc/io/event_loop.hpp"
#include "calc/load.hpp"
#include "net/asio.hpp"

namespace netlab::calc {

/// What the sockets of one thread share.
struct bench_shard {
  const prepared_requests& requests;
  std::size_t pipeline = 1;
  duration timeout{};
  time_point end;  ///< no requests are sent after it
  event_loop loop = {};
  load_tally tally = {};
  std::uint64_t closed = 0;  ///< connections that the server closed after answers
  std::uint64_t answers_before_close = 0;
  bool server_ended = false;  ///< it answered or accepted, then refused
  std::function<void()> finished = {};  ///< called by each socket that has ended
  bytes output = {};
  std::unique_ptr<std::byte[]> input = std::make_unique_for_overwrite<std::byte[]>(input_size);

  static constexpr std::size_t input_size = 64 * 1024;

  void note_server_ended(std::error_code why);
};

/// One connection, which is opened again when it ends: at once if it has given answers.
class bench_stream final : public event_loop::source, private event_loop::timer {
 public:
  /// `first`: the number of its first request. `connected`: a socket that is connected already, or none.
  bench_stream(bench_shard& of, std::size_t first, const net::tcp::endpoint& server, net::unique_fd connected);

  void start();
  /// Ends it; requests in flight do not count as lost, because their time was cut short.
  void stop();

  void ready(std::uint32_t events, time_point now) override;

 private:
  enum class state : std::uint8_t { connecting, running, pausing, ended };

  void expired(time_point now) override;
  void connect(time_point now);
  void connect_failed(std::error_code why, time_point now);
  void run(time_point now);
  void receive(time_point now);
  void send(time_point now, bool is_new = false);
  void settle(time_point now);
  void close(std::error_code why, time_point now);
  void pause(time_point now);
  void end();
  void drop();
  void watch(std::uint32_t events);

  bench_shard& shard_;
  net::tcp::endpoint server_;
  net::unique_fd socket_;
  std::uint32_t watched_ = 0;
  state state_ = state::connecting;
  stream_load load_;
  std::size_t again_ = 0;  // unanswered requests of the connection before, and the number of its answers
  std::uint64_t answers_before_ = 0;
  time_point connect_until_ = never;
  bytes unsent_;
  std::size_t sent_ = 0;
};

/// One UDP socket. Requests leave in one piece (UDP_SEGMENT, udp(7)), and answers may arrive so.
class bench_datagrams final : public event_loop::source, private event_loop::timer {
 public:
  bench_datagrams(bench_shard& of, std::size_t first, net::unique_fd connected);

  void start();
  void stop() { end(); }

  void ready(std::uint32_t events, time_point now) override;

 private:
  void expired(time_point now) override;
  [[nodiscard]] bool receive(time_point now);
  [[nodiscard]] bool send(bytes_view requests);
  void settle(time_point now);
  void refused(time_point now);
  void end();

  bench_shard& shard_;
  net::unique_fd socket_;
  bool has_segmentation_ = true;
  datagram_load load_;
};

}  // namespace netlab::calc
