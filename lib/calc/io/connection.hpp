// SPDX-License-Identifier: MIT
// One TCP connection of the calculation server: a session machine on a socket, driven by hand.
#pragma once

#include <list>
#include <memory>

#include "calc/io/event_loop.hpp"
#include "calc/io/traffic_watch.hpp"
#include "calc/session.hpp"
#include "net/endpoint.hpp"
#include "serve/client_counts.hpp"

namespace netlab::calc {

class shard;

/// The hot path: a read takes as much as there is, the session answers all complete requests in place, and one send
/// takes all answers. A connection owns memory only while the peer does not take its answers. Like
/// net::driver, it stops reading from a peer that does not read (bounded output), closes without resetting answers in
/// transit, and shuts down gracefully. Only complete requests prolong the idle timeout.
class connection final : public event_loop::source, private event_loop::timer, private session_observer {
 public:
  /// A client.
  connection(shard& of, net::unique_fd socket, const net::tcp::endpoint& peer, serve::client_counts::place seat,
             time_point now);
  /// A peer that is turned away with these words.
  connection(shard& of, net::unique_fd socket, const net::tcp::endpoint& peer, bytes words, time_point now);

  ~connection() override;

  /// Begins to watch the socket. Call it once, when the shard has the connection in its list at `place`.
  void start(std::list<connection>::iterator place, time_point now);
  /// Graceful shutdown: answers what has arrived so far, and the request that this has begun.
  void stop(time_point now);
  /// Ends it at once.
  void abort();

  void ready(std::uint32_t events, time_point now) override;

  [[nodiscard]] bool is_client() const noexcept { return static_cast<bool>(seat_); }
  [[nodiscard]] const net::tcp::endpoint& peer() const noexcept { return peer_; }
  [[nodiscard]] std::uint64_t answers() const noexcept { return protocol_.answers(); }
  [[nodiscard]] time_point since() const noexcept { return since_; }
  [[nodiscard]] std::list<connection>::iterator place() const noexcept { return place_; }

 private:
  enum class phase : std::uint8_t {
    running,
    flushing,   // sends the last octets
    lingering,  // reads and discards, because closing with unread input sends a reset that destroys answers
    ended,
  };

  void expired(time_point now) override;
  void refused(std::string_view why) override;

  template <class Act>
  void guarded(Act act) noexcept;
  void read(std::uint32_t events, time_point now);
  void take(bytes_view input, time_point now);
  void send(bytes_view octets, time_point now);
  [[nodiscard]] std::size_t write(bytes_view octets);
  void send_more(time_point now);
  void settle(time_point now);
  void start_lingering(time_point now);
  [[nodiscard]] bool linger_on(time_point now);
  void end(std::error_code why);

  [[nodiscard]] std::size_t unsent() const noexcept { return unsent_.size() - sent_; }
  [[nodiscard]] bool is_held_back() const noexcept;
  [[nodiscard]] bool wants_input() const noexcept;
  [[nodiscard]] time_point next_deadline() const;

  shard& shard_;
  net::unique_fd socket_;
  std::uint32_t watched_ = 0;  // events
  net::tcp::endpoint peer_;
  phase phase_ = phase::running;
  bool has_more_input_ = false;  // which was reported, and would not be reported again by itself
  bool read_ended_ = false;
  bool stopping_ = false;
  int owed_ = 0;           // octets that had arrived at stop() and are not read yet
  int unacknowledged_ = 0;  // octets that the peer's system had not acknowledged when last asked
  serve::client_counts::place seat_;
  session protocol_;
  std::unique_ptr<connection_watch> watch_;  // null: nobody watches
  bytes unsent_;           // answers that the socket did not take
  std::size_t sent_ = 0;   // octets of unsent_ that it has taken since
  time_point progress_;    // of sending
  time_point linger_until_;
  time_point since_;
  std::error_code error_;
  std::list<connection>::iterator place_;
};

}  // namespace netlab::calc
