// SPDX-License-Identifier: MIT
#include "lab/journal/recognizer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::lab {
namespace {

// Fewer touches are not reported as a scan: they belong to other exercises.
constexpr std::size_t least_tcp_touches = 3;
constexpr std::size_t least_udp_touches = 2;
constexpr std::chrono::seconds partial_scan_time{10};
// A client that comes from a new address each time must not fill the memory.
constexpr std::size_t most_teams = 4096;
constexpr std::size_t most_hosts = 64;      // of a team
constexpr std::size_t most_compared = 64;  // connections of a team
constexpr std::chrono::milliseconds least_overlap{100};
// A client that has waited for an answer this long, while another one has got one, is not served at the same time.
constexpr std::chrono::milliseconds waiting_time{1000};
constexpr std::size_t most_pending_echoes = 16;
constexpr std::size_t shown_octets = 60;
constexpr std::uint64_t most_echo_events = 8;  // of one connection

constexpr std::string_view calc_name = "calc";
constexpr std::string_view echo_name = "echo";

bool is_mail_service(std::string_view service) {
  return service == "smtp" || service == "submission" || service == "submissions";
}

/// An event without its text and verdict.
class_event start_event(const observation& seen, std::string_view proto) {
  return {.at = seen.at,
          .address = seen.address,
          .port = seen.port,
          .service = std::string(seen.service),
          .proto = std::string(proto)};
}

/// Marks the step as done or tried, by the event's verdict.
void mark_by_verdict(class_event& in, sheet_step which) {
  if (in.verdict == verdict::info) return;
  in.marks.push_back({which, in.verdict == verdict::ok ? step_state::done : step_state::tried, in.note});
}

class_event calc_event(calc_exchange&& from, const std::string& address, std::uint16_t port, bool udp) {
  const sheet_step which = udp ? sheet_step::calc_udp : from.is_text ? sheet_step::telnet : sheet_step::calc_tcp;
  class_event made{.at = from.at, .address = address, .port = port, .service = std::string(calc_name)};
  made.proto = udp ? "udp" : "tcp";
  made.text = std::move(from.text);
  made.verdict = !from.note.empty() ? verdict::wrong : from.is_answered ? verdict::ok : verdict::info;
  made.note = std::move(from.note);
  made.octets = std::move(from.octets);
  made.is_truncated = from.is_truncated;
  made.fields = std::move(from.fields);
  mark_by_verdict(made, which);
  return made;
}

void keep_octets(class_event& in, const bytes& octets, std::uint64_t length) {
  const bytes_view kept = bytes_view(octets).first(std::min(octets.size(), most_kept_octets));
  in.octets.assign(kept.begin(), kept.end());
  in.is_truncated = length > kept.size();
  if (!kept.empty()) in.fields = {{"text", 0, kept.size(), escape(as_text(kept), shown_octets)}};
}

}  // namespace

class_event recognizer::event_on(const connection& of, wall_time at) {
  return {.at = at, .address = of.address, .port = of.port, .service = std::string(of.service), .proto = "tcp"};
}

recognizer::team_state& recognizer::state_of(const std::string& team) {
  if (teams_.size() >= most_teams && !teams_.contains(team)) teams_.erase(teams_.begin());
  return teams_[team];
}

source_ports& recognizer::ports_of(const std::string& team, const std::string& address) {
  auto& all = state_of(team).ports;
  if (all.size() >= most_hosts && !all.contains(address)) all.erase(all.begin());
  return all[address];
}

std::size_t recognizer::count_open(bool udp) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(parameters_.scanned, [&](const scanned_port& each) { return each.udp == udp; }));
}

bool recognizer::is_scanned(std::string_view service, bool udp) const {
  return std::ranges::any_of(parameters_.scanned,
                             [&](const scanned_port& each) { return each.udp == udp && each.service == service; });
}

void recognizer::observe(observation seen, const std::string& team) {
  switch (seen.kind) {
    case observed::connected: return on_connected(seen, team);
    case observed::closed: return on_closed(seen);
    case observed::datagram: return on_datagram(seen, team);
    default: break;
  }
  const auto found = connections_.find(seen.connection);
  if (found == connections_.end()) return;
  if (seen.kind == observed::received)
    on_received(found->second, seen);
  else
    on_mail(found->second, seen);
}

void recognizer::on_connected(const observation& seen, const std::string& team) {
  connection made{.team = team, .address = seen.address, .port = seen.port, .service = seen.service};
  if (seen.service == calc_name) made.calc = std::make_unique<calc_decoder>(parameters_.order);
  if (is_mail_service(seen.service)) made.mail = std::make_unique<mail_session>(seen.service == "submissions");
  if (seen.service == calc_name || seen.service == echo_name) {
    made.repeats_port = ports_of(team, seen.address).note(seen.port, seen.service);
  } else if (!made.mail) {
    class_event event = start_event(seen, "tcp");
    event.text = "connected";
    events_.push_back(std::move(event));
  }
  made.at = seen.at;
  if (team_state& state = state_of(team); made.calc && !state.is_several_done && state.open_calc.size() < most_compared)
    state.open_calc.push_back(seen.connection);
  connections_.insert_or_assign(seen.connection, std::move(made));
  touch(team, seen.address, seen.service, false, seen.at);
}

void recognizer::on_received(connection& on, const observation& seen) {
  ++on.octets;
  on.last_octets = seen.at;
  if (on.calc) {
    on.calc->feed(seen.octets, seen.at);
    take_calc(on);
    return compare_clients(on.team, seen.at);
  }
  if (on.mail || on.octets > most_echo_events) return;
  class_event event = event_on(on, seen.at);
  keep_octets(event, seen.octets, seen.octets.size());
  event.text = fmt::format("{}: {}", count_of(seen.octets.size(), "octet"), escape(as_text(seen.octets), shown_octets));
  if (on.service != echo_name) {
    events_.push_back(std::move(event));
    return;
  }
  hold_echo(on.team, on.repeats_port, sheet_step::echo_tcp, std::move(event));
}

void recognizer::hold_echo(const std::string& team, bool repeats_port, sheet_step which, class_event event) {
  event.verdict = verdict::ok;
  event.text = fmt::format("echoed {}", event.text);
  mark_by_verdict(event, which);
  mark_own_port(team, repeats_port, true, event);
  team_state& state = state_of(team);
  if (state.echoes.size() < most_pending_echoes) state.echoes.push_back(std::move(event));
}

void recognizer::take_calc(connection& on) {
  for (calc_exchange& each : on.calc->take_exchanges()) {
    const bool is_answered = each.is_answered;
    class_event event = calc_event(std::move(each), on.address, on.port, false);
    if (is_answered) mark_own_port(on.team, on.repeats_port, true, event);
    on.has_answer = on.has_answer || is_answered;
    events_.push_back(std::move(event));
  }
}

// The start of a client may be observed before the end of an earlier one, because they are on different event loops.
// So two count as open together only if each sent something while the other was open, or if both stay open for a while.
void recognizer::compare_clients(const std::string& team, wall_time now) {
  team_state& state = state_of(team);
  if (state.is_several_done) return;
  for (const std::uint64_t one : state.open_calc)
    if (const auto found = connections_.find(one);
        found != connections_.end() && found->second.met_answered && found->second.has_answer)
      return report_clients(found->second, true, now);
  for (const std::uint64_t one : state.open_calc)
    for (const std::uint64_t other : state.open_calc) {
      const auto a = connections_.find(one);
      const auto b = connections_.find(other);
      if (one == other || a == connections_.end() || b == connections_.end()) continue;
      connection& first = a->second;
      connection& second = b->second;
      const bool are_busy = first.last_octets >= second.at && second.last_octets >= first.at;
      const auto together = now - std::max(first.at, second.at);
      if (!are_busy && together < least_overlap) continue;
      second.met_answered = second.met_answered || first.has_answer;
      if (second.met_answered && second.has_answer) return report_clients(second, true, now);
      const bool is_waiting = first.has_answer && second.octets > 0 && !second.has_answer;
      if (is_waiting && together >= waiting_time && !state.is_several_tried) report_clients(second, false, now);
    }
}

void recognizer::report_clients(const connection& of, bool is_done, wall_time now) {
  team_state& state = state_of(of.team);
  (is_done ? state.is_several_done : state.is_several_tried) = true;
  if (is_done) state.open_calc.clear();
  class_event event = event_on(of, now);
  event.text = "two clients at once";
  event.verdict = is_done ? verdict::ok : verdict::wrong;
  if (!is_done) event.note = "two connections at once, one of them without an answer";
  mark_by_verdict(event, sheet_step::several_clients);
  events_.push_back(std::move(event));
}

void recognizer::mark_own_port(const std::string& team, bool repeats, bool is_answered, class_event& event) {
  const auto port = ports_of(team, event.address).chosen(event.port, repeats);
  if (!port) return;
  event.marks.push_back({sheet_step::local_end, is_answered ? step_state::done : step_state::tried,
                         fmt::format("from port {}{}", *port, is_answered ? "" : ", without an answer")});
}

void recognizer::on_closed(const observation& seen) {
  const auto found = connections_.find(seen.connection);
  if (found == connections_.end()) return;
  connection& on = found->second;
  if (on.calc) {
    on.calc->end(seen.at);
    take_calc(on);
    compare_clients(on.team, seen.at);
    std::erase(state_of(on.team).open_calc, seen.connection);
  }
  if (on.mail) {
    on.mail->end(seen.at);
    take_mail_events(on);
  }
  if (on.octets == 0 && (on.calc || on.service == echo_name)) {
    class_event event = event_on(on, seen.at);
    event.text = "connected and sent nothing";
    mark_own_port(on.team, on.repeats_port, false, event);
    events_.push_back(std::move(event));
  }
  connections_.erase(found);
}

void recognizer::on_datagram(const observation& seen, const std::string& team) {
  touch(team, seen.address, seen.service, true, seen.at);
  ports_of(team, seen.address).note(seen.port, {});
  if (seen.service == calc_name) {
    calc_exchange made =
        explain_datagram(seen.octets, static_cast<std::size_t>(seen.length), parameters_.order, seen.at);
    made.is_answered = made.is_answered && seen.is_answered;
    const bool is_answered = made.is_answered;
    class_event event = calc_event(std::move(made), seen.address, seen.port, true);
    mark_own_port(team, false, is_answered, event);
    events_.push_back(std::move(event));
    return;
  }
  class_event event = start_event(seen, "udp");
  keep_octets(event, seen.octets, seen.length);
  event.text = fmt::format("{}: {}", count_of(seen.length, "octet"), escape(as_text(seen.octets), shown_octets));
  if (seen.service != echo_name) {
    events_.push_back(std::move(event));
    return;
  }
  if (!seen.is_answered) {
    event.verdict = verdict::wrong;
    event.note = fmt::format("source port {} is that of a service: not answered", seen.port);
    mark_by_verdict(event, sheet_step::echo_udp);
    events_.push_back(std::move(event));
    return;
  }
  hold_echo(team, false, sheet_step::echo_udp, std::move(event));
}

void recognizer::touch(const std::string& team, const std::string& address, std::string_view service, bool udp,
                       wall_time at) {
  if (!is_scanned(service, udp)) return;
  team_state& state = state_of(team);
  touches& seen = udp ? state.udp : state.tcp;
  if (at > seen.last_at + scan_time) seen = {};
  seen.last[service] = at;
  seen.last_at = at;
  seen.address = address;
  seen.is_new = true;
  if (count_touched(seen, udp, at - scan_time, nullptr) == count_open(udp)) report_scan(address, seen, udp, at);
}

std::size_t recognizer::count_touched(const touches& seen, bool udp, wall_time since, std::string* missing) const {
  std::size_t count = 0;
  for (const scanned_port& each : parameters_.scanned) {
    if (each.udp != udp) continue;
    const auto found = seen.last.find(each.service);
    if (found != seen.last.end() && found->second >= since)
      ++count;
    else if (missing != nullptr)
      *missing += fmt::format("{}{}", missing->empty() ? "" : ", ", each.port);
  }
  return count;
}

void recognizer::report_scan(const std::string& address, touches& seen, bool udp, wall_time now) {
  std::string missing;
  const std::size_t touched = count_touched(seen, udp, now - scan_time, &missing);
  const std::size_t open = count_open(udp);
  if (open < least_udp_touches || touched <= seen.reported) return;
  if (touched < open && count_touched(seen, udp, seen.last_at - partial_scan_time, nullptr) <
                            (udp ? least_udp_touches : least_tcp_touches))
    return;
  seen.reported = touched;
  class_event event{.at = now, .address = address, .service = "scan", .proto = udp ? "udp" : "tcp"};
  event.text = fmt::format("touched {} of {} open ports from 1 to 50", touched, open);
  event.verdict = touched == open ? verdict::ok : verdict::wrong;
  if (touched < open) event.note = fmt::format("open, but not touched: {}", missing);
  mark_by_verdict(event, udp ? sheet_step::scan_udp : sheet_step::scan_tcp);
  events_.push_back(std::move(event));
}

void recognizer::settle_echoes(team_state& of, wall_time now) {
  while (!of.echoes.empty() && now >= of.echoes.front().at + scan_pause) {
    class_event event = std::move(of.echoes.front());
    of.echoes.pop_front();
    const touches& seen = event.proto == "udp" ? of.udp : of.tcp;
    const bool is_scan = std::ranges::any_of(seen.last, [&](const auto& each) {
      return each.first != echo_name && each.second >= event.at - scan_pause && each.second <= event.at + scan_pause;
    });
    if (is_scan) {
      event.marks.clear();
      event.verdict = verdict::info;
      event.note = "part of a scan";
    }
    events_.push_back(std::move(event));
  }
}

void recognizer::on_mail(connection& on, observation& seen) {
  if (!on.mail) return;
  on.mail->observe(seen);
  take_mail_events(on);
}

void recognizer::take_mail_events(connection& on) {
  for (class_event& each : on.mail->take_events()) {
    each.address = on.address;
    each.port = on.port;
    each.service = "mail";
    each.proto = "tcp";
    events_.push_back(std::move(each));
  }
  for (kept_mail& each : on.mail->take_mails()) {
    each.address = on.address;
    each.port = on.port;
    mails_.push_back(std::move(each));
  }
}

void recognizer::tick(wall_time now) {
  for (auto& [id, each] : connections_) {
    if (!each.calc) continue;
    each.calc->tick(now);
    take_calc(each);
  }
  for (auto& [name, state] : teams_) {
    settle_echoes(state, now);
    compare_clients(name, now);
    for (const bool udp : {false, true}) {
      touches& seen = udp ? state.udp : state.tcp;
      if (!seen.is_new || now < seen.last_at + scan_pause) continue;
      seen.is_new = false;
      report_scan(seen.address, seen, udp, now);
    }
  }
}

}  // namespace netlab::lab
