// SPDX-License-Identifier: MIT
// The newest messages for all streams of server-sent events. A stream is only a position in the feed and has no queue
// of its own; one that reads too slowly is told to fetch everything again.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace netlab::lab {

/// Who receives a message.
enum class audience : std::uint8_t {
  team,  ///< the teacher and the team
  only_team,  ///< the team alone
  teacher,
};

class event_feed {
 public:
  static constexpr std::size_t most_messages = 4096;
  static constexpr std::size_t most_octets = 8 * 1024 * 1024;

  /// Identifiers begin after `base`. If each run has a larger base (such as the time), identifiers of earlier runs are
  /// recognized as too old.
  explicit event_feed(std::uint64_t base) : first_id_(base + 1), last_id_(base) {}

  /// `data`: one line. `team`: the team that the message is about; empty: none.
  void push(std::string_view event, std::string_view data, std::string team, audience whom);

  [[nodiscard]] std::uint64_t last_id() const noexcept { return last_id_; }
  [[nodiscard]] bool has_after(std::uint64_t position) const noexcept { return position < last_id_; }

  struct reader {
    std::uint64_t position = 0;  ///< the last message read, or skipped
    bool is_teacher = false;
    std::string team;  ///< its own
  };
  /// The messages for this reader after its position, as text/event-stream, about `most` octets; moves the position. An
  /// unknown position gives `event: reset`.
  [[nodiscard]] std::string read(reader& who, std::size_t most) const;

 private:
  struct message {
    std::string text;
    std::string team;
    audience whom;
  };
  std::deque<message> messages_;  // with ascending identifiers from first_id_
  std::uint64_t first_id_;
  std::uint64_t last_id_;
  std::size_t octets_ = 0;
};

}  // namespace netlab::lab
