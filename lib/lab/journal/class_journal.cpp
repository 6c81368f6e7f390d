// SPDX-License-Identifier: MIT
#include "lab/journal/class_journal.hpp"

#include <algorithm>
#include <chrono>

namespace netlab::lab {
namespace {

constexpr std::int64_t rate_seconds = 10;

std::int64_t second_of(wall_time at) { return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count(); }

bool has_tries(const class_row& of) {
  return std::ranges::any_of(of.cells, [](const step_cell& each) { return each.state != step_state::none; });
}

}  // namespace

std::optional<sheet_step> class_row::stuck_step() const noexcept {
  std::optional<sheet_step> found;
  wall_time last{};
  for (const sheet_step which : all_steps()) {
    const step_cell& each = cell(which);
    if (each.state != step_state::tried || each.at < progress_at || (found && each.at < last)) continue;
    found = which;
    last = each.at;
  }
  return found;
}

std::optional<wall_time> class_row::stuck_since() const noexcept {
  const auto which = stuck_step();
  if (!which) return std::nullopt;
  return cell(*which).first_failed_at;
}

class_journal::class_journal(roster names, journal_limits limits) : roster_(std::move(names)), limits_(limits) {}

class_row* class_journal::find(std::string_view address) {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : found->second;
}

const class_row* class_journal::row_of(std::string_view address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : found->second;
}

std::string class_journal::team_of(std::string_view address, std::string_view user) const {
  std::string_view listed = roster_.name_of_address(address);
  if (listed.empty()) listed = roster_.name_of_user(user);
  if (const auto found = by_name_.find(listed); found != by_name_.end()) return found->second->address;
  if (const class_row* row = row_of(address)) return row->address;
  return std::string(address);
}

bool class_journal::make_room() {
  if (rows_.size() < limits_.rows) return true;
  auto oldest = rows_.end();
  for (auto each = rows_.begin(); each != rows_.end(); ++each)
    if (each->name.empty() && !has_tries(*each) && (oldest == rows_.end() || each->last_at < oldest->last_at))
      oldest = each;
  if (oldest == rows_.end()) return false;
  for (const std::string& address : oldest->addresses) by_address_.erase(address);
  rows_.erase(oldest);
  return true;
}

class_row* class_journal::make_row(std::string_view address, wall_time at) {
  if (!make_room()) {
    ++totals_.dropped;
    return nullptr;
  }
  class_row& made = rows_.emplace_back();
  made.address = address;
  made.first_at = made.last_at = at;
  attach(made, address);
  return &made;
}

void class_journal::attach(class_row& to, std::string_view address) {
  if (to.addresses.size() >= limits_.addresses_per_row) return;
  to.addresses.emplace_back(address);
  by_address_.insert_or_assign(std::string(address), &to);
}

void class_journal::merge(class_row& into, class_row& from) {
  for (const std::string& address : from.addresses) {
    by_address_.erase(address);
    attach(into, address);
  }
  for (std::size_t at = 0; at < step_count; ++at) {
    step_cell& mine = into.cells[at];
    const step_cell& other = from.cells[at];
    const bool is_better = other.state > mine.state ||
                           (other.state == mine.state && other.state == step_state::tried && other.at > mine.at);
    const std::uint32_t tries = mine.tries + other.tries;
    if (is_better) mine = other;
    mine.tries = tries;
  }
  into.first_at = std::min(into.first_at, from.first_at);
  into.last_at = std::max(into.last_at, from.last_at);
  into.progress_at = std::max(into.progress_at, from.progress_at);
  into.events += from.events;
  into.recent.insert(into.recent.end(), from.recent.begin(), from.recent.end());
  std::ranges::sort(into.recent, {}, &class_event::id);
  while (into.recent.size() > limits_.events_per_row) into.recent.pop_front();
  rows_.remove_if([&](const class_row& each) { return &each == &from; });
}

class_row* class_journal::row_for(std::string_view address, std::string_view user, wall_time at) {
  class_row* row = find(address);
  std::string_view listed = roster_.name_of_address(address);
  const bool is_by_user = listed.empty() && !roster_.name_of_user(user).empty();
  if (is_by_user) listed = roster_.name_of_user(user);
  if (listed.empty()) return row != nullptr ? row : make_row(address, at);
  const auto known = by_name_.find(listed);
  class_row* team = known == by_name_.end() ? nullptr : known->second;
  // If the address already belongs to another team, only the actions of this user count for this team.
  const bool is_other_teams = row != nullptr && row != team && row->is_named_by_roster;
  if (team == nullptr) {
    team = is_other_teams ? nullptr : row;
    if (team == nullptr && !is_other_teams) team = make_row(address, at);
    if (team == nullptr && is_other_teams && make_room()) {
      team = &rows_.emplace_back();
      team->address = listed;  // it has no address of its own yet
      team->first_at = team->last_at = at;
      by_address_.insert_or_assign(team->address, team);
    }
    if (team == nullptr) return nullptr;
    team->name = listed;
    team->is_named_by_roster = true;
    by_name_.insert_or_assign(std::string(listed), team);
    return team;
  }
  if (row == nullptr)
    attach(*team, address);
  else if (row != team && !is_other_teams)
    merge(*team, *row);
  return team;
}

void class_journal::apply(class_row& to, const step_mark& mark, wall_time at) {
  step_cell& cell = to.cells[static_cast<std::size_t>(mark.which)];
  if (mark.state == step_state::none || cell.state == step_state::done) return;
  if (mark.state == step_state::tried) {
    if (cell.tries++ == 0) cell.first_failed_at = at;
  } else {
    to.progress_at = std::max(to.progress_at, at);
  }
  cell.state = mark.state;
  cell.at = at;
  cell.note = mark.note;
}

const class_event* class_journal::add(class_event added) {
  class_row* row = row_for(added.address, added.user, added.at);
  if (row == nullptr) return nullptr;
  if (added.id == 0) added.id = last_id_ + 1;
  last_id_ = std::max(last_id_, added.id);
  for (const step_mark& each : added.marks) apply(*row, each, added.at);
  row->last_at = std::max(row->last_at, added.at);
  ++row->events;
  if (added.verdict != verdict::info) {
    ++totals_.requests;
    ++(added.verdict == verdict::ok ? totals_.answers : totals_.refused);
  }
  const std::int64_t second = second_of(added.at);
  if (seconds_.empty() || seconds_.back().first < second) seconds_.emplace_back(second, 0);
  ++seconds_.back().second;
  while (seconds_.size() > static_cast<std::size_t>(rate_seconds) + 1) seconds_.pop_front();
  if (row->recent.size() >= limits_.events_per_row) row->recent.pop_front();
  return &row->recent.emplace_back(std::move(added));
}

const kept_mail* class_journal::add(kept_mail added) {
  ++totals_.mails;
  row_for(added.address, added.user, added.at);
  if (mails_.size() >= limits_.mails) mails_.pop_front();
  return &mails_.emplace_back(std::move(added));
}

bool class_journal::name(const naming& given) {
  const std::string clean = clean_team_name(given.name);
  if (clean.empty()) return false;
  class_row* row = row_for(given.address, {}, given.at);
  if (row == nullptr || row->is_named_by_roster) return false;
  row->name = clean;
  row->last_at = std::max(row->last_at, given.at);
  return true;
}

void class_journal::clear_mails() { mails_.clear(); }

std::vector<const class_row*> class_journal::rows() const {
  std::vector<const class_row*> all;
  for (const class_row& each : rows_) all.push_back(&each);
  return all;
}

const kept_mail* class_journal::mail(std::string_view id) const {
  const auto found = std::ranges::find(mails_, id, &kept_mail::id);
  return found == mails_.end() ? nullptr : &*found;
}

class_totals class_journal::totals(wall_time now) const {
  class_totals all = totals_;
  all.teams = rows_.size();
  std::uint64_t recent = 0;
  for (const auto& [second, count] : seconds_)
    if (second > second_of(now) - rate_seconds && second <= second_of(now)) recent += count;
  all.rate = static_cast<double>(recent) / static_cast<double>(rate_seconds);
  return all;
}

}  // namespace netlab::lab
