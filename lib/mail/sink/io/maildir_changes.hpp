// SPDX-License-Identifier: MIT
// Waits until a Maildir may have changed.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"

namespace netlab::mail {

/// Uses inotify(7). Without it (no descriptor, no watch left), and on file systems where other machines write, only
/// the time limit of wait() ends.
class maildir_changes {
 public:
  maildir_changes(asio::io_context& on, std::string directory);

  /// Watches the directory and those of its folders that exist now. Call it before each listing: what changes after
  /// this call ends the next wait().
  void watch();
  /// True if both folders are watched.
  [[nodiscard]] bool is_watching() const noexcept { return watches_all_; }

  /// Waits for a change, at most until `until`. Fails only if it is cancelled.
  [[nodiscard]] asio::awaitable<result<void>> wait(time_point until);

 private:
  void drain();

  std::string directory_;
  std::optional<asio::posix::stream_descriptor> events_;
  bool watches_all_ = false;
};

}  // namespace netlab::mail
