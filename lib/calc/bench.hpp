// SPDX-License-Identifier: MIT
// A load on a calculation server: how many answers a second, and how late they come.
#pragma once

#include <optional>

#include "base/histogram.hpp"
#include "calc/query.hpp"

namespace netlab::calc {

struct bench_options {
  query_options server;          ///< where, over what, in which byte order; its timeout is for each answer
  std::size_t connections = 16;  ///< TCP connections or UDP sockets, shared out over the threads
  std::size_t pipeline = 1;      ///< requests under way on each
  std::size_t numbers = 3;       ///< in each request, at most max_numbers
  duration length = std::chrono::seconds(5);
  unsigned threads = 1;
};

struct bench_report {
  histogram latencies;           ///< from sending to the answer
  duration elapsed{0};
  std::uint64_t answers = 0;     ///< right ones
  std::uint64_t wrong = 0;       ///< answers that are not what was asked
  std::uint64_t lost = 0;        ///< no answer: a datagram lost, a connection ended
  std::uint64_t closed = 0;  ///< connections that the server closed after answers; what was unanswered was asked again
  std::uint64_t answers_before_close = 0;  ///< on those
  bool server_ended = false;  ///< it answered, and later refused
  std::optional<failure> first_failure;  ///< of the wrong and the lost
  bool stopped = false;  ///< cancelled before its time
};

/// Every answer is compared with the exact result. Requests differ in ID and numbers. A connection that
/// ends is opened again, at once where it has given answers. Ends early where the server has ended. Cancelled (SIGINT),
/// it reports what was measured; what was under way then is not lost. Fails where the server cannot be reached at all.
[[nodiscard]] asio::awaitable<result<bench_report>> bench(bench_options options);

}  // namespace netlab::calc
