// SPDX-License-Identifier: MIT
#include "scan/udp_prober.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace netlab::scan {
namespace {

constexpr std::size_t loopback_burst = 512;
// Before the token interval is known, bursts are frequent; they are small, so as not to flood the host.
constexpr std::size_t search_burst = 6;
constexpr duration search_step = std::chrono::milliseconds(20);
// If two probes are further apart, the host may have got a token between them: on a Linux host the next token comes
// after 60 ms at the earliest, and 48 small packets take 0.2 ms on a slow machine.
constexpr duration longest_moment = std::chrono::milliseconds(2);
constexpr int moments_a_period = 16;
// A machine that cannot send two probes in a moment gets longer ones, up to half a period: in more than that the host
// gets a token anyway, so nothing is proved.
constexpr unsigned most_slow_bursts = 3;
constexpr unsigned most_slow_bursts_on_loopback = 10;  // 2 s; there is no limit, so these only have to end
constexpr duration first_answer_time = std::chrono::milliseconds(300);
constexpr duration least_answer_time = std::chrono::milliseconds(25);
constexpr duration loopback_answer_time = std::chrono::milliseconds(5);
// Number and interval of surveys after which even a host without tokens has sent an error.
constexpr unsigned least_surveys = 3;
constexpr duration survey_pause = std::chrono::milliseconds(1100);
constexpr duration quick_period = std::chrono::milliseconds(300);
constexpr duration cheap_period = std::chrono::milliseconds(150);
constexpr int tokens_gathered = 3;  // of the 6 that Linux keeps
// If this many probes to a reference were not answered for this long, the host is gone or sends no more errors.
constexpr duration token_drought = std::chrono::seconds(15);
constexpr unsigned drought_asks = 6;
// Ports that hardly any service uses.
constexpr std::uint16_t unlikely_ports[] = {40'125, 39'817, 47'391, 33'099};

// An item of a burst is the index of an entry or, with this flag, the port of a reference.
constexpr std::uint32_t reference_flag = 0x80000000;
constexpr std::uint32_t reference_item(std::uint16_t port) { return reference_flag | port; }

constexpr port_verdict rate_limited{.state = port_state::unknown, .why = reason::rate_limited};
const port_verdict silence{.state = port_state::open_filtered, .why = reason::no_response, .system_error = ETIMEDOUT};
const port_verdict unproven_silence{
    .state = port_state::unknown, .why = reason::no_response, .system_error = ETIMEDOUT};

}  // namespace

std::span<const std::uint16_t> udp_prober::outside_ports() noexcept { return unlikely_ports; }

udp_prober::udp_prober(const udp_prober_options& options, std::span<const std::uint16_t> ports, time_point now)
    : options_(options),
      views_(std::max<std::size_t>(1, options.sources)),
      rtt_(std::min(first_answer_time, options.timeout), options.is_loopback ? loopback_answer_time : least_answer_time,
           options.timeout),
      burst_limit_(options.is_loopback ? loopback_burst : std::max<std::size_t>(1, options.burst)),
      left_(ports.size()) {
  options_.burst = burst_limit_;
  entries_.reserve(ports.size());
  for (const std::uint16_t port : ports) {
    by_port_.push_back(static_cast<std::uint32_t>(entries_.size()));
    open_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.push_back({.port = port});
  }
  std::sort(by_port_.begin(), by_port_.end(),
            [this](std::uint32_t one, std::uint32_t other) { return entries_[one].port < entries_[other].port; });
  if (!options.strict_range)
    for (const std::uint16_t port : unlikely_ports)
      if (find(port) == none) outside_.push_back(port);
  begin_survey(now);
}

std::uint32_t udp_prober::find(std::uint16_t port) const noexcept {
  const auto at = std::lower_bound(by_port_.begin(), by_port_.end(), port,
                                   [this](std::uint32_t which, std::uint16_t of) { return entries_[which].port < of; });
  return at == by_port_.end() || entries_[*at].port != port ? none : *at;
}

std::size_t udp_prober::kind_of(const port_verdict& verdict, std::uint16_t port) {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const error_kind& each) {
    return each.why == verdict.why && each.sender == verdict.sender;
  });
  if (found != kinds_.end()) return static_cast<std::size_t>(found - kinds_.begin());
  if (kinds_.size() < max_kinds) kinds_.push_back({.why = verdict.why, .sender = verdict.sender, .reference = port});
  return kinds_.size() - 1;
}

// Before the token interval is known, bursts do not wait for the answers to earlier ones.
duration udp_prober::burst_time(const view& from) const {
  return from.period ? answer_time() : std::min(answer_time(), search_step);
}

// Another program on this machine may have used up the host's tokens: without any error so far, wait for new ones.
duration udp_prober::survey_time() const {
  return surveys_ > 1 && kinds_.empty() && !options_.is_loopback ? survey_pause : duration(0);
}

duration udp_prober::same_moment(const view& from) const {
  const bool is_limited = from.period && !options_.is_loopback;
  return (is_limited ? std::min(longest_moment, *from.period / moments_a_period) : longest_moment) *
         (1U << from.slow_bursts);
}

// If tokens come fast, let several accumulate: none is lost up to the host's limit, and their exact times do not
// matter.
duration udp_prober::until_next_burst(const view& from) {
  return *from.period < quick_period ? *from.period * tokens_gathered : *from.period;
}

unsigned udp_prober::proofs_needed() const {
  // After the first loss the loss rate is still unknown: with 48 ports and 10 % loss, one port is silent four times
  // in every 200th scan.
  constexpr unsigned more_where_lost = 2;
  if (options_.ask_once) return 1;
  // If tokens come fast, additional proofs cost little.
  const bool is_cheap = std::any_of(views_.begin(), views_.end(),
                                    [](const view& each) { return each.period && *each.period < cheap_period; });
  const unsigned more = loss_.was_seen() ? more_where_lost : is_cheap ? 1 : 0;
  return loss_.tries(options_.proofs + more, entries_.size());
}

bool udp_prober::wants_outside_port() const {
  return phase_ == phase::survey && surveys_ > 1 && kinds_.empty() && outside_sent_ < outside_.size();
}

std::optional<udp_prober::probe> udp_prober::next(time_point now) {
  if (done() || phase_ == phase::waiting) return std::nullopt;
  for (std::size_t source = 0; source < views_.size(); ++source) {
    view& from = views_[source];
    if (phase_ == phase::bursts && !from.is_asking && now >= from.next_burst) begin_burst(from, now);
    for (; from.sent < from.burst.size(); ++from.sent) {
      const std::uint32_t item = from.burst[from.sent];
      const bool is_reference = (item & reference_flag) != 0;
      const bool at_once = from.has_begun && (is_reference || phase_ == phase::bursts);
      if (is_reference) {
        const auto port = static_cast<std::uint16_t>(item);
        return probe{.port = port, .source = source, .at_once = at_once, .is_outside = find(port) == none};
      }
      // A known port was answered after the burst was planned.
      const entry& asked_port = entries_[item];
      if (!asked_port.known)
        return probe{.port = asked_port.port, .source = source, .attempt = asked_port.attempts, .at_once = at_once};
    }
  }
  // No closed port was found: try ports outside the list.
  if (wants_outside_port()) return probe{.port = outside_[outside_sent_], .is_outside = true};
  return std::nullopt;
}

void udp_prober::sent(const probe& sent_probe, time_point began, time_point ended) {
  view& from = views_[sent_probe.source];
  if (!std::exchange(from.has_begun, true)) from.began = began;
  from.last_sent = ended;
  if (from.sent >= from.burst.size()) {
    ++outside_sent_;
    return;
  }
  const std::size_t place = from.sent++;
  const std::uint32_t item = from.burst[place];
  if ((item & reference_flag) == 0) {
    entry& asked_port = entries_[item];
    asked_port.place = static_cast<std::uint32_t>(place);
    ++asked_port.attempts;
    asked_port.began = began;
    asked_port.sent = ended;
    return;
  }
  from.reference_sent[from.burst.size() - 1 - place] = {began, ended};
  for (error_kind& each : kinds_) {
    if (each.reference != sent_probe.port) continue;
    ++each.unanswered;
    each.asked_before = std::exchange(each.asked, ended);
    if (!each.unanswered_since) each.unanswered_since = ended;
  }
}

void udp_prober::cannot_send(const probe& failed, const port_verdict& verdict, time_point now) {
  sent(failed, now, now);
  if (const std::uint32_t which = find(failed.port); which != none) settle(which, verdict, std::nullopt, {});
}

void udp_prober::settle(std::uint32_t which, const port_verdict& verdict, std::optional<duration> rtt,
                        std::string reply) {
  entry& asked_port = entries_[which];
  if (std::exchange(asked_port.known, true)) return;
  --left_;
  answers_.push_back({asked_port.port, verdict, rtt, std::move(reply)});
}

void udp_prober::replied(std::uint16_t port, bytes_view octets, time_point now) {
  const std::uint32_t which = find(port);
  if (which == none || entries_[which].attempts == 0 || entries_[which].known) return;
  const duration rtt = now - entries_[which].sent;
  if (entries_[which].attempts == 1) rtt_.add(rtt);
  settle(which, {port_state::open, reason::reply, 0}, rtt, std::string(as_text(octets)));
}

void udp_prober::refused(std::uint16_t port, std::size_t source, const port_verdict& verdict, time_point now) {
  const std::uint32_t which = find(port);
  const bool is_ours = which != none ? entries_[which].attempts > 0
                                     : std::find(outside_.begin(), outside_.end(), port) != outside_.end();
  if (!is_ours) return;
  const std::size_t kind = kind_of(verdict, port);
  prove(views_[source], kind, port, now);
  if (phase_ == phase::waiting && !options_.ask_once) begin_bursts(now);
  if (which == none || entries_[which].known) return;
  const entry& asked_port = entries_[which];
  const duration rtt = now - asked_port.sent;
  if (asked_port.attempts == 1) rtt_.add(rtt);
  // The port was silent when it should have sent an error: those datagrams were lost.
  loss_.answered_at(asked_port.proofs[kind] + 1U);
  settle(which, verdict, rtt, {});
}

void udp_prober::settle_unasked(std::uint16_t port, const port_verdict& verdict) {
  if (const std::uint32_t which = find(port); which != none) settle(which, verdict, std::nullopt, {});
}

void udp_prober::unreachable(const port_verdict& verdict) {
  for (std::uint32_t which = 0; which < entries_.size(); ++which)
    if (entries_[which].attempts > 0) settle(which, verdict, std::nullopt, {});
}

std::size_t udp_prober::place_in_burst(const view& from, std::uint16_t port) const noexcept {
  if (const std::uint32_t which = find(port); which != none) {
    const std::size_t place = entries_[which].place;
    if (place < from.sent && from.burst[place] == which) return place;
  }
  for (std::size_t place = from.sent; place > 0 && (from.burst[place - 1] & reference_flag) != 0; --place)
    if (from.burst[place - 1] == reference_item(port)) return place - 1;
  return from.sent;
}

// Whether an error for the reference answers the last datagram to it, and not an earlier one.
bool udp_prober::answers_latest(error_kind& kind, time_point now) const {
  const duration late = 2 * answer_time();
  if (kind.unanswered > 1 && kind.asked - kind.asked_before < late) kind.blurred_until = now + late;
  return kind.unanswered > 0 && now >= kind.blurred_until;
}

// The host had a token for this port, so it also had one for the ports asked just before it.
void udp_prober::prove(view& from, std::size_t kind, std::uint16_t port, time_point now) {
  if (phase_ == phase::bursts && !from.period && from.is_asking &&
      std::all_of(from.errors.begin(), from.errors.end(), [](unsigned each) { return each == 0; }))
    from.period = now - from.last_token;
  ++from.errors[kind];
  from.last_token = now;
  error_kind& found_kind = kinds_[kind];
  const bool is_latest = answers_latest(found_kind, now) && found_kind.reference == port;
  found_kind.unanswered = 0;
  found_kind.unanswered_since.reset();
  const std::size_t place = place_in_burst(from, port);
  if (place >= from.sent) return;
  const std::uint32_t item = from.burst[place];
  const auto [began, ended] = (item & reference_flag) != 0 ? from.reference_sent[from.burst.size() - 1 - place]
                                                           : std::pair(entries_[item].began, entries_[item].sent);
  if ((item & reference_flag) != 0) from.reference_answered = true;
  if (is_latest && (item & reference_flag) != 0)
    rtt_.add(now - ended);
  else if (rtt_.has_sample() && now - began < rtt_.shortest() / 2)
    return;  // it answers an earlier datagram, sent before these ports were asked
  for (std::size_t before = from.proved[kind]; before < place; ++before) {
    if ((from.burst[before] & reference_flag) != 0) continue;
    entry& asked_port = entries_[from.burst[before]];
    constexpr auto most = std::numeric_limits<std::uint8_t>::max();
    if (!asked_port.known && ended - asked_port.began <= same_moment(from) && asked_port.proofs[kind] < most)
      ++asked_port.proofs[kind];
  }
  from.proved[kind] = std::max(from.proved[kind], place + 1);
}

bool udp_prober::is_proven(const entry& asked_port) const {
  const unsigned needed = proofs_needed();
  const auto end = asked_port.proofs.begin() + static_cast<std::ptrdiff_t>(kinds_.size());
  return !kinds_.empty() && std::all_of(asked_port.proofs.begin(), end, [&](unsigned each) { return each >= needed; });
}

port_verdict udp_prober::verdict_of_silence(const entry& asked_port) const {
  // The surveys would have found a closed port. So the host sends no ICMP errors, or none of its ports is closed.
  if (kinds_.empty()) return options_.strict_range ? unproven_silence : silence;
  return is_proven(asked_port) ? silence : rate_limited;
}

// The ports asked first are at the front.
void udp_prober::settle_silent(time_point now) {
  while (!silent_.empty()) {
    const std::uint32_t which = silent_.front();
    if (!entries_[which].known && now < entries_[which].sent + options_.timeout) return;
    silent_.pop_front();
    if (entries_[which].known) continue;
    if (phase_ == phase::bursts && !is_proven(entries_[which]))  // more loss than was known, or a new kind of error
      open_.push_back(which);
    else
      settle(which, verdict_of_silence(entries_[which]), std::nullopt, {});
  }
}

void udp_prober::settle_unknown(const port_verdict& verdict) {
  for (std::uint32_t which = 0; which < entries_.size(); ++which) settle(which, verdict, std::nullopt, {});
}

void udp_prober::abandon(const port_verdict& verdict) { settle_unknown(verdict); }

std::vector<std::uint16_t> udp_prober::unreported() const {
  std::vector<std::uint16_t> ports;
  for (const entry& asked_port : entries_)
    if (!asked_port.known) ports.push_back(asked_port.port);
  for (const answer& each : answers_) ports.push_back(each.port);
  std::ranges::sort(ports);
  return ports;
}

void udp_prober::abandon() {
  for (std::uint32_t which = 0; which < entries_.size(); ++which) {
    const entry& asked_port = entries_[which];
    const bool is_hidden = asked_port.attempts > 0 && !kinds_.empty() && !is_proven(asked_port);
    settle(which, is_hidden ? rate_limited : port_verdict{.why = reason::not_finished}, std::nullopt, {});
  }
}

std::optional<udp_prober::answer> udp_prober::take_answer() {
  if (answers_.empty()) return std::nullopt;
  answer first = std::move(answers_.front());
  answers_.pop_front();
  return first;
}

void udp_prober::give_up_kinds(time_point now) {
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    const error_kind& limited = kinds_[kind];
    if (limited.unanswered < drought_asks || now - *limited.unanswered_since <= token_drought + options_.timeout)
      continue;
    const unsigned needed = proofs_needed();
    for (std::uint32_t which = 0; which < entries_.size(); ++which)
      if (entries_[which].proofs[kind] < needed) settle(which, rate_limited, std::nullopt, {});
  }
}

// The survey: each source asks its share in one burst.

void udp_prober::begin_survey(time_point now) {
  ++surveys_;
  survey_began_ = now;
  for (view& each : views_) {
    each = view{.is_asking = true, .last_sent = now, .last_token = each.last_token};
  }
  for (std::size_t at = 0; !open_.empty(); ++at) {
    views_[at % views_.size()].burst.push_back(open_.front());
    open_.pop_front();
  }
  if (options_.ask_once && !outside_.empty())
    for (view& each : views_)
      if (!each.burst.empty()) each.burst.push_back(reference_item(outside_.front()));
}

time_point udp_prober::end_of_survey() const {
  time_point end = survey_began_ + survey_time();
  for (const view& each : views_) {
    if (each.sent < each.burst.size()) return never;
    end = std::max(end, each.last_sent + answer_time());
  }
  return end;
}

void udp_prober::end_survey(time_point now) {
  for (view& each : views_) {
    for (const std::uint32_t item : each.burst)
      if ((item & reference_flag) == 0 && !entries_[item].known) open_.push_back(item);
    each.burst.clear();
    each.sent = 0;
  }
  if (options_.ask_once || (kinds_.empty() && surveys_ > std::max(options_.proofs, least_surveys)))
    begin_waiting();
  else if (kinds_.empty())
    begin_survey(now);
  else
    begin_bursts(now);
}

void udp_prober::begin_waiting() {
  phase_ = phase::waiting;
  silent_.insert(silent_.end(), open_.begin(), open_.end());
  open_.clear();
  std::sort(silent_.begin(), silent_.end(),
            [this](std::uint32_t one, std::uint32_t other) { return entries_[one].sent < entries_[other].sent; });
}

void udp_prober::begin_bursts(time_point now) {
  phase_ = phase::bursts;
  open_.insert(open_.end(), silent_.begin(), silent_.end());
  silent_.clear();
  std::deque<std::uint32_t> unproven;
  for (const std::uint32_t which : open_)
    if (!entries_[which].known) (is_proven(entries_[which]) ? silent_ : unproven).push_back(which);
  open_ = std::move(unproven);
  for (view& each : views_) {
    const bool had_error =
        std::any_of(each.errors.begin(), each.errors.end(), [](unsigned count) { return count > 0; });
    if (!had_error) each.last_token = now;
    each.is_asking = false;
    each.next_burst = now;
  }
}

void udp_prober::begin_burst(view& from, time_point now) {
  from.burst.clear();
  from.sent = 0;
  from.proved = {};
  from.errors_before = *std::max_element(from.errors.begin(), from.errors.end());
  from.errors = {};
  from.has_begun = from.reference_answered = false;
  const std::size_t most = options_.is_loopback || from.period ? burst_limit_ : std::min(burst_limit_, search_burst);
  const unsigned needed = proofs_needed();
  std::array<bool, max_kinds> is_wanted{};
  while (!open_.empty() && from.burst.size() < most) {
    const std::uint32_t which = open_.front();
    open_.pop_front();
    if (entries_[which].known) continue;
    from.burst.push_back(which);
    for (std::size_t kind = 0; kind < kinds_.size(); ++kind)
      is_wanted[kind] = is_wanted[kind] || entries_[which].proofs[kind] < needed;
  }
  if (from.burst.empty()) {  // other sources have the rest, or it only waits for late answers
    from.next_burst = now + answer_time();
    return;
  }
  // The references take turns at the front, because they may share the tokens.
  const unsigned first = from.rotation++;
  for (std::size_t at = 0; at < kinds_.size(); ++at)
    if (const std::size_t kind = (first + at) % kinds_.size(); is_wanted[kind])
      from.burst.push_back(reference_item(kinds_[kind].reference));
  from.is_asking = true;
  from.began = now;
}

// True at the timeout, or earlier if there is only one reference and it was answered.
bool udp_prober::has_ended(const view& from, time_point now) const {
  if (from.sent < from.burst.size()) return false;
  if (now >= from.last_sent + burst_time(from)) return true;
  return kinds_.size() == 1 && from.proved[0] == from.burst.size();
}

// A burst that takes too long on a busy machine proves little: shorten it until it fits in one moment.
void udp_prober::fit_burst_size(view& from) {
  const duration span = from.last_sent - from.began;
  const duration moment = same_moment(from);
  const auto fitting =
      static_cast<std::size_t>(static_cast<double>(from.burst.size()) * static_cast<double>(moment.count()) /
                               static_cast<double>(std::max<duration>(span, duration(1)).count()));
  if (span > moment && burst_limit_ == 1)
    ++from.slow_bursts;
  else if (2 * span < moment && from.slow_bursts > 0)
    --from.slow_bursts;
  else if (span > moment)
    burst_limit_ = std::clamp<std::size_t>(fitting, 1, burst_limit_);
  else if (2 * span < moment)
    burst_limit_ = std::min(options_.burst, 2 * burst_limit_);
}

void udp_prober::end_burst(view& from, time_point now) {
  from.is_asking = false;
  fit_burst_size(from);
  const bool is_too_slow = from.slow_bursts > (options_.is_loopback ? most_slow_bursts_on_loopback : most_slow_bursts);
  if (is_too_slow) --from.slow_bursts;
  // First the ports that were proved once and are most likely silent: the next token proves them again and finishes
  // them. Then the ports without a result. If a burst had no answer, its order is kept, so that a late error is
  // attributed correctly.
  std::vector<std::uint32_t> first;
  std::vector<std::uint32_t> then;
  for (const std::uint32_t item : from.burst) {
    if ((item & reference_flag) != 0 || entries_[item].known) continue;
    const entry& asked_port = entries_[item];
    const bool was_proved =
        std::any_of(asked_port.proofs.begin(), asked_port.proofs.end(), [](unsigned count) { return count > 0; });
    if (is_proven(asked_port))
      silent_.push_back(item);
    else if (is_too_slow)
      settle(item, rate_limited, std::nullopt, {});
    else
      (was_proved ? first : then).push_back(item);
  }
  open_.insert(open_.begin(), then.begin(), then.end());
  open_.insert(open_.begin(), first.begin(), first.end());
  plan_next_burst(from, now);
  from.burst.clear();
  from.sent = 0;
  from.proved = {};
}

void udp_prober::plan_next_burst(view& from, time_point now) {
  // Limits of different kinds are independent.
  const unsigned errors = *std::max_element(from.errors.begin(), from.errors.end());
  if (std::exchange(from.is_early, false) && errors == 0 && from.period) {  // no token was left
    from.next_burst = std::max(now, from.last_token + until_next_burst(from));
    return;
  }
  const bool is_quick = from.period && *from.period < quick_period;
  // Several tokens: their interval is shorter than assumed. None: it is longer, or the burst was lost.
  if (is_quick && errors > 0) {
    if (from.tokens == 0) from.counted_from = from.began - *from.period * errors;
    from.tokens += errors;
    from.period = (from.began - from.counted_from) / from.tokens;
  } else if (from.period && (errors > 2 || (errors == 2 && from.errors_before > 1))) {
    from.period = *from.period / errors + std::chrono::milliseconds(2);
  } else if (errors == 0) {
    from.period.reset();
    from.tokens = 0;
  }
  duration pause = options_.is_loopback ? duration(0) : search_step;
  if (errors > 0 && from.period) {
    // There was a token for the last probe of the burst, so there may be more.
    from.is_early = from.reference_answered;
    if (!from.is_early) pause = until_next_burst(from);
  }
  from.next_burst = std::max(now, from.began + pause);
}

void udp_prober::tick(time_point now) {
  if (done()) return;
  settle_silent(now);
  if (phase_ == phase::survey && now >= end_of_survey()) end_survey(now);
  if (phase_ == phase::bursts) {
    for (view& each : views_)
      if (each.is_asking && has_ended(each, now)) end_burst(each, now);
    give_up_kinds(now);
  }
}

time_point udp_prober::wake(time_point now) const {
  if (done()) return never;
  time_point at = now + std::chrono::seconds(1);
  if (!silent_.empty()) at = std::min(at, entries_[silent_.front()].sent + options_.timeout);
  if (phase_ == phase::survey) at = std::min(at, end_of_survey());
  for (const view& each : views_) {
    if (phase_ == phase::waiting) break;
    if (each.sent < each.burst.size())
      at = now;
    else if (phase_ == phase::bursts)
      at = std::min(at, each.is_asking ? each.last_sent + burst_time(each) : each.next_burst);
  }
  return std::max(at, now);
}

}  // namespace netlab::scan
