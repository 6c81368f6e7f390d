// SPDX-License-Identifier: MIT
// Where a server's messages go.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mail/envelope.hpp"

namespace netlab::mail {

/// One a session; a server calls it, one message after the other: begin, append any number of times, then commit or
/// abandon. An unfinished one is abandoned before the session is done; a server that is destroyed abandons it too.
/// A failure's code decides what the client hears: no space left (ENOSPC, EDQUOT, EFBIG) is 452 4.3.1, all else
/// 451 4.3.0.
class inbox {
 public:
  virtual ~inbox() = default;

  /// A message's content follows. After a failure nothing does.
  [[nodiscard]] virtual result<void> begin(const envelope& of) = 0;
  /// Content as it shall stand: dots removed, lines in CRLF; in any cut. After a failure abandon() follows.
  [[nodiscard]] virtual result<void> append(std::string_view content) = 0;
  /// It is whole. What becomes of it is told by outcome(), or by server::committed(), maybe within this call.
  virtual void commit() = 0;
  /// Not whole, or not wanted: nothing of it stays.
  virtual void abandon() = 0;
  /// What became of the message that was to be committed: its name here, once it is known to be safe. Asked behind
  /// commit() and at each server::resume() until there is one. The name is visible ASCII.
  [[nodiscard]] virtual std::optional<result<std::string>> outcome() { return std::nullopt; }
};

}  // namespace netlab::mail
