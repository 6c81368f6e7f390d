// SPDX-License-Identifier: MIT
// The interface of every stream protocol: a state machine without I/O.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "base/tls_facts.hpp"

namespace netlab {

/// One end of one connection. The time is an argument; octets come in and go out. The output does not depend on how the
/// input is cut into pieces. A machine never waits and never throws because of what a peer sends. `net/drive.hpp` runs
/// one over a stream.
class machine {
 public:
  virtual ~machine() = default;

  /// Octets arrived from the peer.
  virtual void feed(bytes_view from_peer, time_point now) = 0;
  /// The peer closed its sending direction; it may still receive.
  virtual void eof(time_point now) = 0;
  /// The time that deadline() returned has come.
  virtual void tick(time_point now) = 0;
  /// Octets to send to the peer; each octet is returned once.
  [[nodiscard]] virtual bytes take_output() = 0;
  /// Some of the output was written to the socket: the connection makes progress.
  virtual void sent(time_point now) { static_cast<void>(now); }
  /// When to call tick(), if at all.
  [[nodiscard]] virtual std::optional<time_point> deadline() const = 0;
  /// The machine has finished: the driver sends the remaining output and reads nothing more.
  [[nodiscard]] virtual bool done() const = 0;
  /// Graceful shutdown of our side: finish what the peer has begun, begin nothing new, then be done. A client may
  /// ignore it.
  virtual void stop(time_point now) { static_cast<void>(now); }
  /// The time allowed for stop() is over. A machine may produce a last message to the peer and be done; one that does
  /// not is dropped.
  virtual void cut_off(time_point now) { static_cast<void>(now); }

  /// True if TLS is to start on the stream once all output has been sent; the machine continues over TLS. Octets fed
  /// before tls_started() arrived in clear text.
  [[nodiscard]] virtual bool wants_tls() const { return false; }
  virtual void tls_started(const tls_facts& facts, time_point now) {
    static_cast<void>(facts);
    static_cast<void>(now);
  }

  /// The machine waits for something on our side, such as a disk; it is fed nothing until then. Its deadline still
  /// applies.
  [[nodiscard]] virtual bool busy() const { return false; }
  /// What the machine waits for may be ready.
  virtual void resume(time_point now) { static_cast<void>(now); }
};

}  // namespace netlab
