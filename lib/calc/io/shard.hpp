// SPDX-License-Identifier: MIT
// The part of the calculation server that one thread runs: listeners, connections and UDP sockets around one event
// loop.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "calc/io/connection.hpp"
#include "calc/io/datagram_socket.hpp"
#include "calc/io/event_loop.hpp"
#include "calc/io/serve.hpp"
#include "net/drive.hpp"
#include "serve/client_counts.hpp"

namespace netlab::calc {

/// Nothing is shared with other shards but the log and the numbers of clients. Functions without another promise are
/// called in the loop's thread.
class shard {
 public:
  /// All of these must outlive it. Throws std::system_error without descriptors.
  shard(const server_parameters& parameters, serve::visitor_log& log, serve::client_counts& clients);
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  // From any thread.
  [[nodiscard]] event_loop& loop() noexcept { return loop_; }
  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_.load(std::memory_order_relaxed); }

  /// Call it before the loop runs, from the thread that starts it. Throws std::bad_alloc and std::system_error.
  void listen(net::transport protocol, net::unique_fd socket);
  /// Graceful shutdown: accepts those in the queue, answers what has arrived, and calls `drained` when all is closed.
  void stop(std::function<void()> drained);
  /// Closes all connections at once.
  void abort();

  /// When the loop runs no more: closes all sockets. What remains are the totals.
  void close() noexcept;

  // For the connections and UDP sockets.
  [[nodiscard]] const server_parameters& parameters() const noexcept { return parameters_; }
  [[nodiscard]] const net::drive_options& drive() const noexcept { return drive_; }
  [[nodiscard]] serve::visitor_log& log() noexcept { return log_; }
  /// For one read; no octet stays in it.
  [[nodiscard]] std::span<std::byte> input() noexcept { return {input_.get(), input_size}; }
  [[nodiscard]] session_memory& memory() noexcept { return memory_; }
  void count_answers(std::uint64_t more) noexcept {
    answered_.store(answered_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);  // the only writer
  }
  /// Destroys it.
  void remove(connection& ended, std::error_code why) noexcept;

 private:
  class listener;

  void admit(net::unique_fd socket, const net::tcp::endpoint& peer, time_point now);
  void turn_away(net::unique_fd socket, const net::tcp::endpoint& peer, const serve::client_bound& reached,
                 time_point now);
  void report_if_drained() noexcept;

  // Larger reads do not measurably help.
  static constexpr std::size_t input_size = 128 * 1024;

  const server_parameters& parameters_;
  const net::drive_options drive_;
  serve::visitor_log& log_;
  serve::client_counts& clients_;
  event_loop loop_;
  std::unique_ptr<std::byte[]> input_;
  session_memory memory_;
  std::list<listener> listeners_;
  std::list<datagram_socket> datagram_sockets_;
  std::list<connection> connections_;
  std::size_t turned_away_ = 0;  // of connections_
  std::atomic<std::uint64_t> answered_{0};
  std::function<void()> drained_;
};

}  // namespace netlab::calc
