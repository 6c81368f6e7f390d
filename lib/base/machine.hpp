// SPDX-License-Identifier: MIT
// The shape of every stream protocol here: a value that knows the protocol and nothing else.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "base/tls_facts.hpp"

namespace netlab {

/// One end of one connection. Time is an argument; octets come in and go out. Any cut of the input gives
/// the same output. Never waits, never throws for what a peer sends. `net/drive.hpp` runs it over a stream.
class machine {
 public:
  virtual ~machine() = default;

  /// The peer spoke.
  virtual void feed(bytes_view from_peer, time_point now) = 0;
  /// The peer will say no more; it may still listen.
  virtual void eof(time_point now) = 0;
  /// The time given by deadline() has come.
  virtual void tick(time_point now) = 0;
  /// Octets owed to the peer, handed over once.
  [[nodiscard]] virtual bytes take_output() = 0;
  /// Some of what was handed over has left: the peer's system takes it.
  virtual void sent(time_point now) { static_cast<void>(now); }
  /// When to call tick(), or nothing.
  [[nodiscard]] virtual std::optional<time_point> deadline() const = 0;
  /// Finished: what take_output() still gives is sent, nothing more is read.
  [[nodiscard]] virtual bool done() const = 0;
  /// Our side wants to end: finish what the peer has begun, begin nothing new, then be done. A client may
  /// ignore it.
  virtual void stop(time_point now) { static_cast<void>(now); }
  /// The time for that is over. One that has last words for the peer says them now and is done; another is dropped as
  /// it is.
  virtual void cut_off(time_point now) { static_cast<void>(now); }

  /// What take_output() gives is sent; then TLS shall begin on the stream, and the machine goes on over it. What
  /// is still fed before tls_started() came in clear.
  [[nodiscard]] virtual bool wants_tls() const { return false; }
  virtual void tls_started(const tls_facts& what, time_point now) {
    static_cast<void>(what);
    static_cast<void>(now);
  }

  /// It waits for something of our own side, a disk; until then it is fed nothing. Its deadline still counts.
  [[nodiscard]] virtual bool busy() const { return false; }
  /// That may have come.
  virtual void resume(time_point now) { static_cast<void>(now); }
};

}  // namespace netlab
