// SPDX-License-Identifier: MIT
#include "lab/web/class_monitor.hpp"

namespace netlab::lab {
namespace {

constexpr std::chrono::milliseconds totals_interval{1000};

}  // namespace

class_monitor::class_monitor(roster names, recognizer_parameters parameters, wall_time started)
    : journal_(std::move(names)),
      recognizer_(std::move(parameters)),
      feed_(static_cast<std::uint64_t>(started.time_since_epoch().count()) * 1000),
      published_id_(feed_.last_id()) {}

void class_monitor::restore(journal_record record) { apply(journal_, std::move(record)); }

void class_monitor::observe(observation seen) {
  if (seen.kind == observed::connected) journal_.count_connection();
  const std::string team = journal_.team_of(seen.address);
  recognizer_.observe(std::move(seen), team);
  take_results();
}

void class_monitor::count_dropped(std::uint64_t observations) { journal_.count_dropped(observations); }

void class_monitor::tick(wall_time now) {
  recognizer_.tick(now);
  take_results();
}

void class_monitor::take_results() {
  for (class_event& each : recognizer_.take_events()) {
    const class_event* kept = journal_.add(std::move(each));
    if (kept == nullptr) continue;
    if (keeps_records_) records_.push_back(to_line(*kept));
    if (!keeps_feed_ && !keeps_json_) continue;
    const std::string team = journal_.team_of(kept->address, kept->user);
    const auto object = to_json(*kept);
    if (keeps_feed_) {
      changed_.insert(team);
      feed_.push("detail", to_json_line({{"address", team}, {"event", object}}), team, audience::team);
    }
    if (!keeps_json_) continue;
    nlohmann::ordered_json line{{"event", "class"}, {"team", team}};
    line.update(object);
    json_.push_back(to_json_line(line));
  }
  for (kept_mail& each : recognizer_.take_mails()) {
    const kept_mail* kept = journal_.add(std::move(each));
    if (keeps_records_) records_.push_back(to_line(*kept));
    if (!keeps_feed_) continue;
    const std::string team = journal_.team_of(kept->address, kept->user);
    changed_.insert(team);
    feed_.push("mail", to_json_line(to_json(*kept)), team, audience::team);
  }
}

bool class_monitor::name(const naming& given) {
  if (!journal_.name(given)) return false;
  if (keeps_feed_) changed_.insert(journal_.team_of(given.address));
  if (keeps_records_) records_.push_back(to_line(given));
  return true;
}

void class_monitor::clear_mails(wall_time now) {
  journal_.clear_mails();
  if (keeps_records_) records_.push_back(to_line(mails_cleared{now}));
  if (!keeps_feed_) return;
  // Each team's page shows its own mails, which are gone, too.
  feed_.push("mails", R"({"cleared":true})", {}, audience::teacher);
  for (const class_row* each : journal_.rows())
    feed_.push("mails", R"({"cleared":true})", each->address, audience::only_team);
}

bool class_monitor::publish(wall_time now) {
  if (!keeps_feed_) return false;
  for (const std::string& team : std::exchange(changed_, {}))
    if (const class_row* row = journal_.row_of(team))
      feed_.push("team", to_json_line(to_json(*row)), team, audience::team);
  if (now >= totals_at_ + totals_interval) {
    std::string totals = to_json_line(to_json(journal_.totals(now)));
    if (totals != published_totals_) feed_.push("totals", totals, {}, audience::teacher);
    published_totals_ = std::move(totals);
    totals_at_ = now;
  }
  return std::exchange(published_id_, feed_.last_id()) != feed_.last_id();
}

}  // namespace netlab::lab
