// SPDX-License-Identifier: MIT
// Turns observations into a journal: recognizes steps, and has the news ready for each reader: the streams of the page,
// the journal file, and --json.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/journal/class_journal.hpp"
#include "lab/journal/json.hpp"
#include "lab/journal/recognizer.hpp"
#include "lab/web/event_feed.hpp"

namespace netlab::lab {

class class_monitor {
 public:
  class_monitor(roster names, recognizer_parameters parameters, wall_time started);

  /// Applies a record of an earlier run; before the first observation.
  void restore(journal_record record);

  void observe(observation seen);
  void count_dropped(std::uint64_t observations);
  /// Call it several times a second.
  void tick(wall_time now);
  /// False under the same conditions as class_journal::name().
  bool name(const naming& given);
  void clear_mails(wall_time now);

  /// Puts the rows that have changed, and the totals, into the feed. True if the feed has something new.
  bool publish(wall_time now);

  /// Lines for the journal file, in order.
  [[nodiscard]] std::vector<std::string> take_records() { return std::exchange(records_, {}); }
  /// Lines for --json, if they are kept.
  [[nodiscard]] std::vector<std::string> take_json() { return std::exchange(json_, {}); }
  // Output is formatted only for readers that exist.
  void keep_json() noexcept { keeps_json_ = true; }
  void keep_records() noexcept { keeps_records_ = true; }
  void keep_feed() noexcept { keeps_feed_ = true; }

  [[nodiscard]] const class_journal& journal() const noexcept { return journal_; }
  /// Empty unless it is kept.
  [[nodiscard]] const event_feed& feed() const noexcept { return feed_; }

 private:
  void take_results();

  class_journal journal_;
  recognizer recognizer_;
  event_feed feed_;
  std::set<std::string> changed_;  // addresses of rows, for the feed
  std::string published_totals_;
  wall_time totals_at_{};
  std::uint64_t published_id_;
  bool keeps_json_ = false;
  bool keeps_records_ = false;
  bool keeps_feed_ = false;
  std::vector<std::string> records_;
  std::vector<std::string> json_;
};

}  // namespace netlab::lab
