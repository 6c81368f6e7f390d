// SPDX-License-Identifier: MIT
// A load generator for a calculation server: measures answers per second and their latency.
#pragma once

#include "calc/io/query.hpp"
#include "calc/load.hpp"

namespace netlab::calc {

struct bench_options {
  query_options server;          ///< server, transport and byte order; its timeout applies to each answer
  std::size_t connections = 16;  ///< TCP connections or UDP sockets, distributed over the threads
  std::size_t pipeline = 1;      ///< requests in flight per connection
  std::size_t numbers = 3;       ///< in each request, at most max_numbers
  duration length = std::chrono::seconds(5);
  unsigned threads = 1;
};

struct bench_report : load_tally {
  duration elapsed{0};
  std::uint64_t closed = 0;  ///< connections that the server closed after answers; unanswered requests were sent again
  std::uint64_t answers_before_close = 0;  ///< received on those connections
  bool server_ended = false;  ///< it answered at first, then refused connections
  bool stopped = false;  ///< cancelled early
};

/// Compares every answer with the exact result. Requests differ in ID and numbers. Reopens a connection that has ended,
/// at once if it has given answers. Stops early if the server has ended. When cancelled (SIGINT), reports what was
/// measured; requests then in flight do not count as lost. Fails if the server cannot be reached at all.
[[nodiscard]] asio::awaitable<result<bench_report>> bench(bench_options options);

}  // namespace netlab::calc
