// SPDX-License-Identifier: MIT
// The class at work: one row per team with a cell per step and its newest events, and the mails. All are bounded.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/journal/event.hpp"
#include "lab/journal/roster.hpp"
#include "lab/journal/step.hpp"

namespace netlab::lab {

struct journal_limits {
  std::size_t rows = 500;  ///< a large lecture; beyond that, the oldest row without name and tries is removed
  std::size_t events_per_row = 200;  ///< the newest; at most about 300 KiB a row
  std::size_t mails = 500;  ///< the newest
  std::size_t addresses_per_row = 64;
};

struct class_row {
  std::string address;  ///< the first address seen; identifies the row
  std::vector<std::string> addresses;  ///< all of the team
  std::string name;  ///< empty: none
  bool is_named_by_roster = false;
  std::array<step_cell, step_count> cells;
  wall_time first_at{};
  wall_time last_at{};
  wall_time progress_at{};  ///< of the last step done
  std::uint64_t events = 0;  ///< also those that are not kept
  std::deque<class_event> recent;  ///< newest last

  [[nodiscard]] const step_cell& cell(sheet_step which) const noexcept {
    return cells[static_cast<std::size_t>(which)];
  }
  /// The step that was tried last, if it failed and no step has been done since.
  [[nodiscard]] std::optional<sheet_step> stuck_step() const noexcept;
  /// When the first try of that step failed.
  [[nodiscard]] std::optional<wall_time> stuck_since() const noexcept;
};

struct class_totals {
  std::uint64_t requests = 0;  ///< events whose verdict is ok or wrong
  std::uint64_t answers = 0;  ///< ok
  std::uint64_t refused = 0;  ///< wrong
  std::uint64_t connections = 0;  ///< that were observed
  std::uint64_t mails = 0;
  std::uint64_t teams = 0;
  std::uint64_t dropped = 0;  ///< observations, because too many came at once
  double rate = 0;  ///< events a second over the last ten seconds
};

/// A team named itself.
struct naming {
  wall_time at{};
  std::string address;
  std::string name;
};

class class_journal {
 public:
  explicit class_journal(roster names = {}, journal_limits limits = {});

  /// Takes an event into its row and gives it an identifier, unless it has one (it was read from a file). Returns it,
  /// or null if the journal cannot hold another row.
  const class_event* add(class_event added);
  const kept_mail* add(kept_mail added);
  /// Names the row of an address, unless the roster does. An address without a row gets one. Returns false if the
  /// roster names it, the journal cannot hold another row, or the name is empty.
  bool name(const naming& given);
  void clear_mails();
  void count_connection() noexcept { ++totals_.connections; }
  void count_dropped(std::uint64_t observations) noexcept { totals_.dropped += observations; }

  /// In order of appearance; pointers are valid until the next change.
  [[nodiscard]] std::vector<const class_row*> rows() const;
  [[nodiscard]] const class_row* row_of(std::string_view address) const;
  /// Identifies the team by class_row::address: the team of the address, else that of the mail user, if the roster
  /// lists the user.
  [[nodiscard]] std::string team_of(std::string_view address, std::string_view user = {}) const;
  [[nodiscard]] const std::deque<kept_mail>& mails() const noexcept { return mails_; }  ///< newest last
  [[nodiscard]] const kept_mail* mail(std::string_view id) const;
  [[nodiscard]] class_totals totals(wall_time now) const;

 private:
  class_row* find(std::string_view address);
  class_row* row_for(std::string_view address, std::string_view user, wall_time at);
  class_row* make_row(std::string_view address, wall_time at);
  bool make_room();
  void attach(class_row& to, std::string_view address);
  void merge(class_row& into, class_row& from);
  void apply(class_row& to, const step_mark& mark, wall_time at);

  roster roster_;
  journal_limits limits_;
  std::list<class_row> rows_;
  std::map<std::string, class_row*, std::less<>> by_address_;
  std::map<std::string, class_row*, std::less<>> by_name_;  // of the roster
  std::deque<kept_mail> mails_;
  class_totals totals_;
  std::uint64_t last_id_ = 0;
  std::deque<std::pair<std::int64_t, std::uint64_t>> seconds_;  // events in each of the last seconds
};

}  // namespace netlab::lab
