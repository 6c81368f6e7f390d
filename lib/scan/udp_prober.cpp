// SPDX-License-Identifier: MIT
#include "scan/udp_prober.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace netlab::scan {
namespace {

// A burst passes through the host in far less time than a token takes to come: 48 small packets are 0.2 ms on a slow
// machine, and the next token is 60 ms away at the least.
constexpr std::size_t burst_size = 48;
constexpr std::size_t loopback_burst_size = 512;
// Until the time between tokens is known, bursts come often; then few ports are asked, not to be a nuisance.
constexpr std::size_t search_burst_size = 6;
constexpr duration search_step = std::chrono::milliseconds(20);
// Of two probes further apart, the later may have had a token that came in between.
constexpr duration same_moment = std::chrono::milliseconds(2);
constexpr duration first_answer_time = std::chrono::milliseconds(300);
constexpr duration least_answer_time = std::chrono::milliseconds(25);
// A service may think before it replies; a second is enough for a resolver that has to ask another.
constexpr duration most_reply_time = std::chrono::seconds(1);
constexpr duration loopback_reply_time = std::chrono::milliseconds(300);
// What a host gives to one that has used up its tokens, within so many attempts so far apart, is heard.
constexpr unsigned least_blasts = 3;
constexpr duration blast_pause = std::chrono::milliseconds(1100);
constexpr duration quick_period = std::chrono::milliseconds(300);
constexpr int tokens_gathered = 3;  // of 6 that Linux keeps
// No token for so long: the host, or its willingness, is gone.
constexpr duration token_drought = std::chrono::seconds(15);
// Ports that hardly any service uses.
constexpr std::uint16_t unlikely_ports[] = {40'125, 39'817, 47'391, 33'099};

}  // namespace

udp_prober::udp_prober(const udp_prober_options& how, std::span<const std::uint16_t> ports, time_point now)
    : how_(how),
      keyholes_(std::max<std::size_t>(1, how.sources)),
      rtt_(std::min(first_answer_time, how.timeout), how.is_loopback ? std::chrono::milliseconds(5) : least_answer_time,
           how.timeout),
      last_heard_(now),
      left_(ports.size()) {
  entries_.reserve(ports.size());
  for (const std::uint16_t port : ports) {
    by_port_.push_back(static_cast<std::uint32_t>(entries_.size()));
    open_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.push_back({.port = port});
  }
  std::sort(by_port_.begin(), by_port_.end(),
            [this](std::uint32_t one, std::uint32_t other) { return entries_[one].port < entries_[other].port; });
  for (const std::uint16_t port : unlikely_ports)
    if (find(port) == reference) strangers_.push_back(port);
  // The blast: each source has its share, in one burst.
  for (std::size_t at = 0; !open_.empty(); ++at) {
    keyholes_[at % keyholes_.size()].burst.push_back(open_.front());
    open_.pop_front();
  }
  for (keyhole& each : keyholes_) each.under_way = true;
  blasts_ = 1;
  blast_began_ = now;
}

std::uint32_t udp_prober::find(std::uint16_t port) const noexcept {
  const auto at = std::lower_bound(by_port_.begin(), by_port_.end(), port,
                                   [this](std::uint32_t which, std::uint16_t of) { return entries_[which].port < of; });
  return at == by_port_.end() || entries_[*at].port != port ? reference : *at;
}

duration udp_prober::answer_time() const { return rtt_.timeout(); }

// While the next token is looked for, bursts do not wait for the answers to those before.
duration udp_prober::burst_time(const keyhole& through) const {
  return through.period ? answer_time() : std::min(answer_time(), search_step);
}

// Somebody else on this machine may have used up the host's tokens: without any answer yet, time has to pass.
duration udp_prober::blast_time() const {
  return blasts_ > 1 && reference_ == 0 && !how_.is_loopback ? blast_pause : duration(0);
}

duration udp_prober::reply_time() const {
  return std::min(how_.timeout, how_.is_loopback ? loopback_reply_time : most_reply_time);
}

std::optional<udp_prober::probe> udp_prober::next(time_point now) {
  if (done()) return std::nullopt;
  for (std::size_t source = 0; source < keyholes_.size(); ++source) {
    keyhole& one = keyholes_[source];
    if (!one.under_way && !in_blast_ && now >= one.next_burst) begin_burst(one, now);
    while (one.to_send < one.burst.size()) {
      const std::uint32_t which = one.burst[one.to_send];
      if (which == reference) return probe{reference_, source, 0};
      // Answered since the burst was planned.
      if (!entries_[which].known) return probe{entries_[which].port, source, entries_[which].attempts};
      ++one.to_send;
    }
  }
  // Nothing closed was found: perhaps among the ports that nobody asked for.
  if (in_blast_ && blasts_ > 1 && reference_ == 0 && strangers_sent_ < strangers_.size())
    return probe{strangers_[strangers_sent_], 0, 0};
  return std::nullopt;
}

void udp_prober::sent(const probe& what, time_point now) {
  const std::uint32_t which = find(what.port);
  keyhole& one = keyholes_[what.source];
  one.last_sent = now;
  if (which == reference && one.to_send >= one.burst.size()) {
    ++strangers_sent_;
    return;
  }
  ++one.to_send;
  if (which == reference || entries_[which].known) return;
  entry& mine = entries_[which];
  if (mine.attempts++ == 0) mine.first_sent = now;
  mine.last_sent = now;
}

void udp_prober::cannot_send(const probe& what, const port_verdict& verdict, time_point now) {
  sent(what, now);
  if (const std::uint32_t which = find(what.port); which != reference) settle(which, verdict, std::nullopt, {});
}

void udp_prober::settle(std::uint32_t which, const port_verdict& verdict, std::optional<duration> rtt,
                        std::string reply) {
  entry& one = entries_[which];
  if (std::exchange(one.known, true)) return;
  --left_;
  answers_.push_back({one.port, verdict, rtt, std::move(reply)});
}

void udp_prober::replied(std::uint16_t port, bytes_view octets, time_point now) {
  const std::uint32_t which = find(port);
  if (which == reference || entries_[which].attempts == 0) return;
  const duration rtt = now - entries_[which].last_sent;
  if (entries_[which].attempts == 1) rtt_.add(rtt);
  settle(which, {port_state::open, reason::reply, 0}, rtt, std::string(as_text(octets)));
}

void udp_prober::refused(std::uint16_t port, std::size_t source, const port_verdict& verdict, time_point now) {
  const std::uint32_t which = find(port);
  last_heard_ = now;
  keyhole& through = keyholes_[source];
  const bool is_closed = verdict.state == port_state::closed;
  if (is_closed && reference_ == 0) reference_ = port;
  if (through.under_way) heard_in(through, port == reference_ && which == reference ? reference : which, now);
  if (which == reference || entries_[which].attempts == 0) return;
  entry& mine = entries_[which];
  const duration rtt = now - mine.last_sent;
  if (!mine.known && mine.attempts == 1) rtt_.add(rtt);
  // It was silent where it should have been heard: that was loss.
  if (!mine.known && is_closed) loss_.answered_at(mine.proofs + 1);
  settle(which, verdict, rtt, {});
}

// A token was there for `which`, so it was there for those asked just before it.
void udp_prober::heard_in(keyhole& through, std::uint32_t which, time_point now) {
  const auto begin = through.burst.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(through.to_send);
  auto at = std::find(begin + static_cast<std::ptrdiff_t>(through.proved), end, which);
  // A reference that is a known entry of the list stands in the burst as the reference.
  if (at == end && which != reference && entries_[which].known && entries_[which].port == reference_)
    at = std::find(begin + static_cast<std::ptrdiff_t>(through.proved), end, reference);
  if (through.heard == 0 && !in_blast_ && !through.period) through.period = now - through.last_token;
  ++through.heard;
  through.last_token = now;
  if (at == end) return;
  const time_point moment = *at == reference ? now : entries_[*at].last_sent;
  for (auto before = begin + static_cast<std::ptrdiff_t>(through.proved); before != at; ++before) {
    if (*before == reference || entries_[*before].known) continue;
    entry& silent = entries_[*before];
    // Within a later burst all is sent at one moment; the blast may have taken its time.
    if (!in_blast_ || moment - silent.last_sent <= same_moment) ++silent.proofs;
  }
  through.proved = static_cast<std::size_t>(at - begin) + 1;
}

void udp_prober::begin_burst(keyhole& through, time_point now) {
  through.burst.clear();
  through.to_send = through.proved = 0;
  through.heard_before = std::exchange(through.heard, 0U);
  const std::size_t most = how_.is_loopback ? loopback_burst_size : through.period ? burst_size : search_burst_size;
  while (!open_.empty() && through.burst.size() < most) {
    through.burst.push_back(open_.front());
    open_.pop_front();
  }
  if (through.burst.empty()) {  // the rest is with other sources, or only waits
    through.next_burst = now + answer_time();
    return;
  }
  through.burst.push_back(reference);
  through.under_way = true;
  through.next_burst = now;  // when it began
}

unsigned udp_prober::proofs_needed() const {
  // Where one got lost, its share is not known yet: of 48 ports that each lose a tenth of the answers, one is silent
  // four times in every two hundredth scan.
  constexpr unsigned more_where_lost = 2;
  return loss_.tries(how_.proofs + (loss_.was_seen() ? more_where_lost : 0), entries_.size());
}

// Where tokens come quickly, several are left to gather: none is lost as long as the host keeps that many, and when
// exactly each comes need not be known.
duration udp_prober::until_next_burst(keyhole& through) const {
  return *through.period < quick_period ? *through.period * tokens_gathered : *through.period;
}

void udp_prober::end_burst(keyhole& through, time_point now) {
  through.under_way = false;
  // First those that were proved once, most likely silent: the next closed port proves them again, and they are done.
  // Then those that nothing was learned of, so that each is looked at. In a burst that nobody heard the order stays:
  // an answer that comes late finds the same one.
  std::vector<std::uint32_t> first;
  std::vector<std::uint32_t> then;
  for (const std::uint32_t which : through.burst) {
    if (which == reference || entries_[which].known) continue;
    if (entries_[which].proofs >= proofs_needed())
      proven_.push_back(which);
    else
      (entries_[which].proofs > 0 ? first : then).push_back(which);
  }
  open_.insert(open_.begin(), then.begin(), then.end());
  open_.insert(open_.begin(), first.begin(), first.end());
  const bool is_quick = through.period && *through.period < quick_period;
  // Several tokens were there: they come more often than it seemed. None: less often, or the burst was lost.
  if (is_quick && through.heard > 0) {
    if (through.tokens == 0) through.counted_from = through.next_burst - *through.period * through.heard;
    through.tokens += through.heard;
    through.period = (through.next_burst - through.counted_from) / through.tokens;
  } else if (through.period && (through.heard > 2 || (through.heard == 2 && through.heard_before > 1)))
    through.period = *through.period / through.heard + std::chrono::milliseconds(2);
  else if (through.heard == 0) {
    through.period.reset();
    through.tokens = 0;
  }
  const time_point began = through.next_burst;
  if (through.heard > 0 && through.period)
    through.next_burst = std::max(now, began + until_next_burst(through));
  else
    through.next_burst = std::max(now, began + (how_.is_loopback ? duration(0) : search_step));
  through.burst.clear();
  through.to_send = through.proved = 0;
}

void udp_prober::end_blast(time_point now) {
  for (keyhole& each : keyholes_) {
    for (const std::uint32_t which : each.burst)
      if (!entries_[which].known)
        (entries_[which].proofs >= proofs_needed() ? proven_.push_back(which) : open_.push_back(which));
    each.burst.clear();
    each.to_send = each.proved = 0;
    each.under_way = false;
    each.next_burst = now;
    if (each.heard == 0) each.last_token = now;
  }
  if (reference_ != 0) {
    in_blast_ = false;
    return;
  }
  if (blasts_ > std::max(how_.proofs, least_blasts)) {
    // The first of so many would have found a full bucket: this host sends no ICMP errors, or has no closed port.
    if (std::none_of(entries_.begin(), entries_.end(),
                     [&](const entry& one) { return !one.known && now < one.last_sent + reply_time(); }))
      settle_rest(port_state::open_filtered, reason::no_response, ETIMEDOUT);
    else
      for (keyhole& each : keyholes_) each.under_way = true, each.last_sent = now;
    return;
  }
  ++blasts_;
  blast_began_ = now;
  for (std::size_t at = 0; !open_.empty(); ++at) {
    keyholes_[at % keyholes_.size()].burst.push_back(open_.front());
    open_.pop_front();
  }
  for (keyhole& each : keyholes_) {
    each.under_way = true;
    each.heard = 0;
    each.last_sent = now;
  }
}

void udp_prober::settle_proven(time_point now) {
  std::erase_if(proven_, [&](std::uint32_t which) {
    if (entries_[which].known) return true;
    if (now < entries_[which].first_sent + reply_time()) return false;
    if (entries_[which].proofs < proofs_needed()) {  // more gets lost than was known
      open_.push_back(which);
      return true;
    }
    settle(which, {port_state::open_filtered, reason::no_response, ETIMEDOUT}, std::nullopt, {});
    return true;
  });
}

void udp_prober::settle_rest(port_state state, reason why, int system_error) {
  for (std::uint32_t which = 0; which < entries_.size(); ++which)
    if (!entries_[which].known) settle(which, {state, why, system_error}, std::nullopt, {});
}

void udp_prober::abandon() {
  for (std::uint32_t which = 0; which < entries_.size(); ++which) {
    if (entries_[which].known) continue;
    const bool is_proven = entries_[which].proofs >= proofs_needed();
    const bool is_hidden = entries_[which].attempts > 0 && reference_ != 0;
    settle(which,
           is_proven ? port_verdict{port_state::open_filtered, reason::no_response, ETIMEDOUT}
                     : port_verdict{port_state::unknown, is_hidden ? reason::rate_limited : reason::not_finished, 0},
           std::nullopt, {});
  }
}

std::optional<udp_prober::answer> udp_prober::take_answer() {
  if (answers_.empty()) return std::nullopt;
  answer first = std::move(answers_.front());
  answers_.pop_front();
  return first;
}

void udp_prober::tick(time_point now) {
  if (done()) return;
  settle_proven(now);
  if (in_blast_) {
    const bool ended = std::all_of(keyholes_.begin(), keyholes_.end(), [&](const keyhole& each) {
      return each.to_send >= each.burst.size() && now >= each.last_sent + answer_time();
    });
    if (ended && now >= blast_began_ + blast_time()) end_blast(now);
  } else {
    for (keyhole& each : keyholes_)
      if (each.under_way && each.to_send >= each.burst.size() &&
          (now >= each.last_sent + burst_time(each) || each.proved == each.burst.size()))
        end_burst(each, now);
    if (now - last_heard_ > token_drought + how_.timeout) settle_rest(port_state::unknown, reason::rate_limited, 0);
  }
}

time_point udp_prober::wake(time_point now) const {
  if (done()) return never;
  time_point at = now + std::chrono::seconds(1);
  for (const keyhole& each : keyholes_) {
    if (each.under_way)
      at = std::min(at, each.to_send < each.burst.size() ? now
                        : in_blast_ ? std::max(each.last_sent + answer_time(), blast_began_ + blast_time())
                                    : each.last_sent + burst_time(each));
    else if (!in_blast_)
      at = std::min(at, each.next_burst);
  }
  for (const std::uint32_t which : proven_) at = std::min(at, entries_[which].first_sent + reply_time());
  return std::max(at, now);
}

}  // namespace netlab::scan
