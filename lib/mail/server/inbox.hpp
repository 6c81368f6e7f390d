// SPDX-License-Identifier: MIT
// Where a server stores its messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mail/envelope.hpp"

namespace netlab::mail {

/// One per session. For each message the server calls begin(), append() any number of times, then commit() or
/// abandon(). An unfinished message is abandoned before the session is done or the server is destroyed. The code of a
/// failure selects the reply: no space left (ENOSPC, EDQUOT, EFBIG) is 452 4.3.1, all else 451 4.3.0.
class inbox {
 public:
  virtual ~inbox() = default;

  /// Starts a message. After a failure no other call follows for it.
  [[nodiscard]] virtual result<void> begin(const envelope& of) = 0;
  /// Content to store: without dot-stuffing, lines in CRLF, cut anywhere. After a failure abandon() follows.
  [[nodiscard]] virtual result<void> append(std::string_view content) = 0;
  /// The message is complete: store it. outcome() has the result, possibly at once.
  virtual void commit() = 0;
  /// The message is incomplete or not wanted: discard it.
  virtual void abandon() = 0;
  /// The result of the committed message: its name, once it is stored safely. Polled after commit() and at each
  /// server::resume() until it has a value. The name is visible ASCII.
  [[nodiscard]] virtual std::optional<result<std::string>> outcome() = 0;
};

}  // namespace netlab::mail
