// SPDX-License-Identifier: MIT
// The client's side of a load test: sends prepared requests, keeps a number of them in flight, and checks every answer,
// in a few nanoseconds each. Wrong and missing answers are diagnosed as calc query does.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "base/histogram.hpp"
#include "base/result.hpp"
#include "calc/wire.hpp"

namespace netlab::calc {

/// Random requests of every operation, all of one length, whose results fit in 32 bits.
class prepared_requests {
 public:
  /// `numbers`: at most max_numbers, in each request.
  prepared_requests(std::size_t numbers, byte_order order, std::uint32_t seed);

  [[nodiscard]] byte_order order() const noexcept { return order_; }
  /// Octets of a request.
  [[nodiscard]] std::size_t request_size() const noexcept { return size_; }

  // `number` counts the requests of a connection; after some thousand, the same numbers come again, with other IDs.

  /// Appends `count` requests with consecutive IDs and numbers.
  void append(bytes& to, std::uint32_t id, std::size_t number, std::size_t count = 1) const;
  [[nodiscard]] std::int32_t result(std::size_t number) const noexcept { return results_[place_of(number)]; }
  /// How many complete answers at the start of the input are exactly those to requests with consecutive IDs and
  /// numbers.
  [[nodiscard]] std::size_t count_right(bytes_view input, std::uint32_t id, std::size_t number) const noexcept;
  [[nodiscard]] request decoded(std::uint32_t id, std::size_t number) const;

 private:
  [[nodiscard]] std::size_t place_of(std::size_t number) const noexcept { return number & (results_.size() - 1); }

  byte_order order_;
  std::size_t size_;
  bytes encoded_;
  std::vector<std::int32_t> results_;  // as many as a power of two, so that place_of() needs no division
};

/// What came of the requests.
struct load_tally {
  /// From sending a request to its right answer. Both times are the starts of turns of the event loop: a latency
  /// includes the load's work before it sent the request, not its work before it read the answer.
  histogram latencies;
  std::uint64_t answers = 0;  ///< correct ones
  std::uint64_t wrong = 0;  ///< answers that do not match the request
  std::uint64_t lost = 0;  ///< unanswered: a datagram was lost, a connection ended
  std::optional<failure> first_failure;  ///< the first wrong or lost answer

  void record(duration latency, std::uint64_t count = 1) {
    answers += count;
    latencies.record(latency, count);
  }
  void fail(const failure& why);
  void note(const failure& why) {
    if (!first_failure) first_failure = why;
  }
  void merge(const load_tally& other);
};

/// The requests on one TCP connection. A request is known by its number, from which its ID and contents follow.
class stream_load {
 public:
  /// `first`: the number of the first request; both references must outlive it. `timeout`: the longest time to an
  /// answer, from its request or from the answer before, whichever is later.
  stream_load(const prepared_requests& requests, load_tally& tally, std::size_t first, std::size_t pipeline,
              duration timeout);

  /// The same on a new connection, from this request on.
  stream_load(const stream_load& before, std::size_t first)
      : stream_load(*before.requests_, *before.tally_, first, before.pipeline_, before.timeout_) {}

  /// Appends requests until `pipeline` are in flight.
  void fill(bytes& output, time_point now);
  void feed(bytes_view from_peer, time_point now);
  void eof(time_point now);
  void tick(time_point now);
  [[nodiscard]] std::optional<time_point> deadline() const;

  /// True if the peer does not speak the protocol, did not answer in time, or has closed the connection.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// True if an answer was wrong or missing.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return next_ - oldest_; }
  /// The number of the oldest request without an answer.
  [[nodiscard]] std::size_t oldest() const noexcept { return oldest_; }
  /// Correct answers on this connection.
  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }

 private:
  /// Requests that were sent at one time.
  struct burst {
    std::size_t end = 0;  // the number of the first request after them
    time_point sent_at;
  };

  [[nodiscard]] std::uint32_t oldest_id() const noexcept { return static_cast<std::uint32_t>(oldest_); }
  [[nodiscard]] std::size_t count_right(bytes_view input) const noexcept;
  void record(std::size_t count, time_point now);
  void diagnose(bytes_view reply);
  void leave(std::size_t count);
  void lose_oldest(failure why);

  const prepared_requests* requests_;
  load_tally* tally_;
  std::size_t pipeline_;
  duration timeout_;
  std::size_t oldest_;  // in flight
  std::size_t next_;  // to send
  std::deque<burst> bursts_;  // in flight
  bytes input_;  // less than an answer
  time_point waiting_since_{};
  std::uint64_t answers_ = 0;
  bool ended_ = false;
  bool failed_ = false;
};

/// The requests of one UDP socket. Each has a slot, which its ID tells; a request that is lost leaves it after the
/// timeout.
class datagram_load {
 public:
  /// As for stream_load; the request with ID 0 has the number `first`.
  datagram_load(const prepared_requests& requests, load_tally& tally, std::size_t first, std::size_t pipeline,
                duration timeout);

  /// Appends a request for each empty slot.
  void fill(bytes& output, time_point now);
  void receive(bytes_view datagram, time_point now);
  void tick(time_point now);
  /// The system reported an ICMP error: fails all requests in flight.
  void fail_all(const failure& why);
  [[nodiscard]] std::optional<time_point> deadline() const;
  [[nodiscard]] std::size_t in_flight() const noexcept { return slots_.size() - empty_.size(); }

 private:
  struct slot {
    std::uint32_t id = 0;
    bool is_empty = true;
    time_point sent_at{};
  };
  [[nodiscard]] std::size_t number_of(const slot& one) const noexcept { return first_ + one.id; }
  [[nodiscard]] request request_in(const slot& one) const { return requests_.decoded(one.id, number_of(one)); }
  void leave(slot& from);

  const prepared_requests& requests_;
  load_tally& tally_;
  std::size_t first_;
  duration timeout_;
  std::vector<slot> slots_;  // a request with this ID is in slot ID % slots
  std::vector<std::uint32_t> empty_;
  time_point next_tick_ = never;  // no request times out before
};

}  // namespace netlab::calc
