// SPDX-License-Identifier: MIT
// Waits until messages are in a Maildir.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "mail/message/criteria.hpp"
#include "net/asio.hpp"

namespace netlab::mail {

struct wait_options {
  std::string maildir;
  message_criteria wanted;
  std::size_t count = 1;
  duration timeout{0};  ///< 0: looks once
  /// Called for each message that cannot be read and is therefore not considered; once each.
  std::function<void(const failure& why)> skipped;
};

struct awaited_message {
  std::string unique;  ///< see listed_message
  std::string path;
  std::int64_t received_ns = 0;  ///< since 1970: when the file was written
  std::uint64_t size = 0;        ///< in octets, as stored
};

struct wait_outcome {
  /// The newest matching messages, at most as many as wanted, the oldest of them first.
  std::vector<awaited_message> found;
  std::size_t others = 0;         ///< messages that do not match
  std::size_t unreadable = 0;
  bool is_maildir_there = false;
};

/// Succeeds as soon as enough messages match, counting those that are there already; fails with errc::timed_out, or
/// with errc::no_input if the Maildir cannot be read, or is still missing when the time is over. `into` is what the
/// last look found, also after a failure.
[[nodiscard]] asio::awaitable<result<void>> wait_for_messages(asio::io_context& on, wait_options options,
                                                              wait_outcome& into);

}  // namespace netlab::mail
