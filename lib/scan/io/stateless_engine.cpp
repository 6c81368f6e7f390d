// SPDX-License-Identifier: MIT
#include "scan/io/stateless_engine.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "base/random.hpp"
#include "scan/syn_probes.hpp"
#include "scan/talk.hpp"
#include "scan/udp_probes.hpp"

namespace netlab::scan {
namespace {

constexpr std::uint32_t no_port = 0xffffffff;
constexpr duration longest_turn = std::chrono::milliseconds(2);
constexpr duration links_pause = std::chrono::milliseconds(100);
constexpr duration adaption_pause = std::chrono::milliseconds(10);
// After this time, a busy interface is offered its packets again.
constexpr duration busy_retry = std::chrono::milliseconds(1);
// A shorter wait would not end the scan sooner: the whole timeout follows the last attempt.
constexpr duration least_retry_wait = std::chrono::milliseconds(50);
constexpr unsigned most_prepared = 4096;  // at a time
constexpr unsigned most_halvings = 6;
constexpr std::uint64_t few_answers = 4;

/// The system's ephemeral ports; others are never used by connect(2).
std::pair<std::uint16_t, std::uint16_t> ephemeral_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  unsigned first = 0;
  unsigned last = 0;
  if (!(file >> first >> last) || first > last || last > 65535) return {32768, 60999};
  return {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

/// The first of `count` ports outside of the ephemeral range and above 1023; chosen at random, so that two scans rarely
/// receive each other's answers (whose cookies rarely match). If the ephemeral range leaves no room, any ports above
/// 1023.
std::uint16_t choose_first_port(std::uint32_t count) {
  constexpr std::uint32_t lowest = 1024;
  constexpr std::uint32_t highest = 65535;
  const auto [first, last] = ephemeral_ports();
  const auto room = [&](std::uint32_t from, std::uint32_t to) {
    return to + 1 >= from + count ? to + 2 - from - count : 0;
  };
  const std::uint32_t below = first > lowest ? room(lowest, first - 1U) : 0;
  const std::uint32_t above = last < highest ? room(last + 1U, highest) : 0;
  const std::uint64_t number = random_number();
  if (below + above == 0) return static_cast<std::uint16_t>(lowest + number % room(lowest, highest));
  const auto chosen = static_cast<std::uint32_t>(number % (below + above));
  return static_cast<std::uint16_t>(chosen < below ? lowest + chosen : last + 1U + chosen - below);
}

/// For choosing among several source addresses.
std::uint64_t scatter(std::uint64_t value) {
  value = (value ^ value >> 31) * 0x9e3779b97f4a7c15;
  return value ^ value >> 29;
}

neighbour_table::key key_of(std::uint32_t interface, address host) {
  host.scope = 0;
  return {interface, host};
}

}  // namespace

result<std::unique_ptr<stateless_engine>> stateless_engine::make(stateless_options options, const target_set& targets,
                                                                 const service_names& services, poller& on,
                                                                 unsigned number, const scan_output& output) {
  if (options.message.size() > udp_probes::max_message)
    return fail(errc::usage, fmt::format("the message has {} octets, and a stateless scan sends at most {}",
                                         options.message.size(), udp_probes::max_message));
  const siphash_key key{random_number(), random_number()};
  const bool is_udp = options.protocol == transport::udp;
  const std::uint16_t port_count = is_udp ? udp_probes::port_count : syn_probes::port_count;
  const std::uint16_t first_port = choose_first_port(port_count);
  std::unique_ptr<probe_module> probes;
  if (is_udp)
    probes = std::make_unique<udp_probes>(key, first_port, options.message);
  else
    probes = std::make_unique<syn_probes>(key, first_port);
  auto packets = packet_socket::open(options.protocol, first_port, port_count);
  if (!packets) return unexpected(packets.error());
  auto routes = route_lookup::make();
  if (!routes) return unexpected(routes.error());
  if (options.from && options.from->next > options.part.size_of(targets.size() * options.ports.size()))
    return fail(errc::bad_data, "the checkpoint is of another scan");
  std::unique_ptr<stateless_engine> made(new stateless_engine(std::move(options), std::move(probes),
                                                              std::move(*packets), std::move(*routes), targets,
                                                              services, output, clock::now()));
  if (!on.add(made->packets_.fd(), EPOLLIN, number, 0)) return fail(last_system_error(), "wait for packets");
  return made;
}

stateless_engine::stateless_engine(stateless_options options, std::unique_ptr<probe_module> probes,
                                   packet_socket packets, route_lookup routes, const target_set& targets,
                                   const service_names& services, const scan_output& output, time_point now)
    : options_(std::move(options)),
      probes_(std::move(probes)),
      packets_(std::move(packets)),
      routes_(std::move(routes)),
      targets_(targets),
      services_(services),
      output_(output),
      order_(targets.size() * options_.ports.size(), options_.seed),
      sweep_({.size = options_.part.size_of(order_.size()),
              .timeout = options_.timeout,
              .attempts = options_.retries ? *options_.retries + 1 : 2,
              .start = options_.from.value_or(stateless_checkpoint{})},
             now),
      pace_({.rate = options_.rate, .bandwidth = options_.bandwidth, .timeout = options_.timeout}, now),
      place_of_port_(65536, no_port),
      rtt_(options_.timeout, least_retry_wait, options_.timeout),
      next_look_(now + links_pause),
      next_adaption_(now) {
  for (std::size_t at = 0; at < options_.ports.size(); ++at)
    place_of_port_[options_.ports[at]] = static_cast<std::uint32_t>(at);
  for (const neighbour& each : routes_.neighbours())
    static_cast<void>(neighbours_.learn(key_of(each.interface, each.who.who), each.who.mac, now, true));
  batch_.reserve(packet_socket::max_batch);
  batch_plan_.reserve(packet_socket::max_batch);
}

stateless_engine::spot stateless_engine::spot_of(std::uint64_t place) const {
  const std::uint64_t item = order_(options_.part.place(place));
  const std::uint64_t target = item / options_.ports.size();
  return {item, target, targets_.at(target), options_.ports[item % options_.ports.size()]};
}

std::optional<address> stateless_engine::source_for(std::uint64_t item, bool is_v6) const {
  if (options_.sources.empty()) return std::nullopt;
  // The same one at each attempt.
  const std::size_t count = options_.sources.size();
  const std::size_t first = scatter(item) % count;
  for (std::size_t at = 0; at < count; ++at)
    if (const address& each = options_.sources[(first + at) % count]; each.is_v6 == is_v6) return each;
  return std::nullopt;
}

void stateless_engine::ask_neighbour(const neighbour_table::key& who, time_point now) {
  static_cast<void>(now);
  const link_info& link = routes_.link_of(who.interface);
  outgoing_packet& made = batch_.emplace_back();
  made.interface = who.interface;
  made.from = link.mac;
  const route& found_route = routes_.find(
      [&] {
        address scoped = who.host;
        if (scoped.is_link_local()) scoped.scope = who.interface;
        return scoped;
      }(),
      std::nullopt);
  if (who.host.is_v6) {
    const auto octets = make_solicitation(link.mac, found_route.source, who.host);
    made.protocol = outgoing_packet::kind::ipv6;
    made.to = solicited_node_mac(who.host);
    std::ranges::copy(octets, made.octets.begin());
    made.size = octets.size();
  } else {
    const auto octets = make_arp_request(link.mac, found_route.source, who.host);
    made.protocol = outgoing_packet::kind::arp;
    made.to.fill(0xff);
    std::ranges::copy(octets, made.octets.begin());
    made.size = octets.size();
  }
  batch_plan_.push_back({});
}

void stateless_engine::prepare(const stateless_sweep::probe& probe, bool was_postponed, time_point now) {
  if (!sweep_.is_waiting(probe.place)) {  // answered, or dropped, while it waited
    if (was_postponed) sweep_.forget_postponed(probe);
    return;
  }
  const spot where = spot_of(probe.place);
  const address& to = where.to;
  const auto conclude = [&](const port_verdict& verdict) {
    if (was_postponed) sweep_.forget_postponed(probe);
    if (sweep_.finish(probe.place)) report(where, verdict);
  };
  if (std::ranges::binary_search(options_.skipped, where.target)) {
    static_cast<void>(sweep_.finish(probe.place));
    return;
  }
  const auto chosen = source_for(where.item, to.is_v6);
  const route found_route = routes_.find(to, chosen);
  if (found_route.type == route::kind::refused) return conclude(classify_local(found_route.system_error));
  const planned plan{probe, was_postponed};
  mac_address own{};
  mac_address mac{};
  if (found_route.type == route::kind::direct) {
    const link_info& link = routes_.link_of(found_route.interface);
    if (!link.is_up) return cannot_send(plan, ENETDOWN, now);
    if (link.has_mac) {
      const neighbour_table::key hop = key_of(found_route.interface, found_route.gateway.value_or(to));
      const neighbour_table::entry known = neighbours_.find(hop, now);
      if (known.now == neighbour_table::state::silent)
        return conclude({.state = port_state::filtered,
                         .why = reason::host_unreachable,
                         .system_error = EHOSTUNREACH,
                         .is_local = true});
      if (known.now != neighbour_table::state::known) {
        if (!was_postponed) sweep_.postponed(probe);
        if (neighbours_.wait(hop, probe, now)) ask_neighbour(hop, now);
        return;
      }
      own = link.mac;
      mac = known.mac;
    }
  }
  const address& from = chosen ? *chosen : found_route.source;
  outgoing_packet& made = batch_.emplace_back();
  made.protocol = to.is_v6 ? outgoing_packet::kind::ipv6 : outgoing_packet::kind::ipv4;
  made.is_local = found_route.type == route::kind::local;
  made.interface = found_route.interface;
  made.from = own;
  made.to = mac;
  made.local_to = to;
  made.size = probes_->write(made.octets, {.from = from, .to = to, .port = where.port, .attempt = probe.attempt});
  largest_ = std::max(largest_, on_ethernet(made.size));
  batch_plan_.push_back(plan);
}

void stateless_engine::fill(time_point now) {
  const std::size_t wanted = pace_.allowed(now, packet_socket::max_batch, largest_);
  // Probes that cannot be sent for lack of a route take time, too.
  for (unsigned count = 0; batch_.size() < wanted && count < most_prepared; ++count) {
    if (!resolved_.empty()) {
      const stateless_sweep::probe probe = resolved_.front();
      resolved_.pop_front();
      prepare(probe, true, now);
      continue;
    }
    if (neighbours_.is_full()) return;
    const auto probe = sweep_.next(now);
    if (!probe) return;
    prepare(*probe, false, now);
  }
}

void stateless_engine::cannot_send(const planned& packet, int error, time_point now) {
  if (!packet.probe) return;  // a neighbour request: it is repeated
  sweep_.not_sent(*packet.probe, error, now);
  if (packet.was_postponed) sweep_.forget_postponed(*packet.probe);
}

void stateless_engine::flush(time_point now) {
  std::size_t done = 0;
  while (done < batch_.size()) {
    int error = 0;
    const std::size_t count = packets_.send(std::span(batch_).subspan(done), error);
    // The packets leave one after the other: a part of the call's time for each.
    const time_point end = clock::now();
    const duration gap = count == 0 ? duration(0) : (end - now) / static_cast<std::int64_t>(count);
    for (std::size_t at = done; at < done + count; ++at, now += gap) {
      const planned& each = batch_plan_[at];
      const bool is_first = each.probe && each.probe->attempt == 1;
      pace_.sent({.packets = 1, .first_probes = is_first ? 1U : 0U, .wire_octets = on_ethernet(batch_[at].size)}, now);
      if (!each.probe) continue;
      if (each.was_postponed)
        sweep_.sent_postponed(*each.probe, now);
      else
        sweep_.sent(*each.probe, now);
    }
    now = end;
    done += count;
    sent_ += count;
    if (error == 0 || done == batch_.size()) continue;
    if (error == EINTR) continue;
    if (error == ENOBUFS || error == EAGAIN || error == ENOMEM) {
      // The interface is busy or has lost its carrier; only its flags show which.
      look_at_links(now, true);
      if (batch_[done].is_local || routes_.link_of(batch_[done].interface).is_up) {
        pace_.congested_here(now);
        break;
      }
      error = ENETDOWN;
    }
    cannot_send(batch_plan_[done], error, now);
    next_look_ = std::min(next_look_, now);
    ++done;
  }
  batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(done));
  batch_plan_.erase(batch_plan_.begin(), batch_plan_.begin() + static_cast<std::ptrdiff_t>(done));
}

void stateless_engine::receive(time_point now) {
  packets_.receive([&](const incoming_packet& packet) {
    if (packet.is_arp) {
      if (const auto found = parse_arp(packet.octets)) learn(packet.interface, *found, now);
      return;
    }
    const auto ip = parse_ip_packet(packet.octets);
    if (!ip) return;
    if (auto answer = probes_->read(*ip)) {
      const auto complete = [&](address& host) {
        if (host.is_link_local()) host.scope = packet.interface;
      };
      complete(answer->target);
      if (answer->verdict.sender) complete(*answer->verdict.sender);
      return take_answer(*answer, packet.at);
    }
    if (const auto found = parse_advertisement(*ip, packet.octets, packet.from)) learn(packet.interface, *found, now);
  });
}

void stateless_engine::learn(std::uint32_t interface, const neighbour_answer& answer, time_point now) {
  const neighbour_table::key who = key_of(interface, answer.who);
  if (neighbours_.find(who, now).now == neighbour_table::state::unknown) return;  // not requested
  for (const stateless_sweep::probe& each : neighbours_.learn(who, answer.mac, now)) resolved_.push_back(each);
}

void stateless_engine::take_answer(const probe_answer& answer, time_point received) {
  const std::uint32_t port = place_of_port_[answer.port];
  if (port == no_port) return;
  const auto target = targets_.place_of(answer.target);
  if (!target) return;
  const spot where{*target * options_.ports.size() + port, *target, answer.target, answer.port};
  const std::uint64_t place = order_.place_of(where.item);
  if (!options_.part.has(place)) return;
  const std::uint64_t local = options_.part.local(place);
  const auto sending = sweep_.sending_of(local, answer.attempt);
  if (!sweep_.finish(local)) return;  // a duplicate, or later than --timeout
  ++answered_;
  std::optional<duration> rtt;
  if (sending) {
    if (sending->at != time_point::min()) {
      rtt = std::max(received - sending->at, duration(1000));
      rtt_.add(*rtt);
    }
    if (answer.shows_loss) loss_.answered_at(sending->attempt);
    if (answer.shows_loss && sending->began > pace_.lowered()) ++(sending->attempt == 1 ? on_time_ : delayed_);
  }
  pace_.answered(sending ? sending->at : time_point::min(), received, rtt.value_or(duration(0)),
                 sending && sending->attempt == 1);
  finding made = describe(where, answer.verdict);
  made.rtt = rtt;
  made.reply = as_text(answer.reply.first(std::min(answer.reply.size(), most_kept)));
  made.reply_cut = answer.is_reply_cut || answer.reply.size() > most_kept;
  made.is_echo = answer.is_echo;
  if (made.protocol == transport::tcp && made.state == port_state::open && output_.opened) output_.opened(made);
  output_.found(made);
}

finding stateless_engine::describe(const spot& where, const port_verdict& verdict) const {
  finding made;
  made.address = with_interface(where.to);
  const std::string_view name = targets_.name_at(where.target);
  made.host = name.empty() ? made.address : std::string(name);
  made.protocol = options_.protocol;
  made.port = where.port;
  made.state = verdict.state;
  made.why = verdict.why;
  made.system_error = verdict.system_error;
  made.origin = origin_of(verdict, where.to, own_);
  made.service = services_.find(made.protocol, made.port);
  return made;
}

void stateless_engine::report_silent() {
  const port_verdict silence = probes_->silence();
  std::uint64_t count = 0;
  while (const auto silent = sweep_.take_silent()) {
    if (silent->system_error != 0)
      report(spot_of(silent->place), classify_local(silent->system_error));
    else if (output_.silent)
      ++count;
    else
      report(spot_of(silent->place), silence);
  }
  if (count > 0) output_.silent(silence.state, count);
}

void stateless_engine::look_at_links(time_point now, bool at_once) {
  if (now < next_look_ && !at_once) return;
  next_look_ = now + links_pause;
  // Probes sent shortly before may have been lost with the link: they are sent again, or their ports are unknown.
  if (!routes_.refresh_links().empty()) sweep_.repeat_attempts(now - options_.timeout);
}

void stateless_engine::adapt(time_point now) {
  if (now < next_adaption_) return;
  next_adaption_ = now + adaption_pause;
  if (packets_.dropped() > 0) {
    pace_.overrun(now);
    sweep_.repeat_attempts(now - options_.timeout);
    loss_.begin_anew();
  }
  if (on_time_ + delayed_ >= 2 * few_answers && delayed_ >= few_answers && 4 * delayed_ > on_time_ + delayed_) {
    on_time_ = delayed_ = 0;
    if (halvings_++ < most_halvings) pace_.lossy(now);
  }
  // Of those that are answered now, each might have lost all its attempts.
  if (!options_.retries) sweep_.set_attempts(loss_.tries(2, answered_ + sweep_.waiting()));
  if (rtt_.has_sample()) sweep_.set_retry_wait(rtt_.timeout());
}

void stateless_engine::tick(time_point now) {
  look_at_links(now, false);
  adapt(now);
  while (auto event = neighbours_.tick(now)) {
    if (!event->is_silent) {
      ask_neighbour(event->host, now);
      continue;
    }
    for (const stateless_sweep::probe& each : event->probes) resolved_.push_back(each);  // prepare() reports them
  }
  sweep_.tick(now);
  report_silent();
}

void stateless_engine::handle(std::uint64_t key, std::uint32_t events, time_point now) {
  static_cast<void>(key);
  static_cast<void>(events);
  receive(now);
}

time_point stateless_engine::turn(time_point now, bool is_up_to_date) {
  static_cast<void>(is_up_to_date);
  receive(now);
  tick(now);
  const time_point end = now + longest_turn;
  while (now < end) {
    fill(now);
    if (batch_.empty()) break;
    flush(now);
    now = clock::now();
    if (!batch_.empty()) break;  // the interface is busy
  }
  const time_point paced = pace_.tick(now);
  const time_point sends = pace_.next();
  const bool has_more = !batch_.empty() || !resolved_.empty() || (!neighbours_.is_full() && sweep_.wake() <= now);
  time_point wake = std::min({sweep_.wake() > now ? sweep_.wake() : never, neighbours_.wake(), next_look_, paced});
  if (has_more) wake = std::min(wake, sends);
  if (packets_.has_queued()) wake = std::min(wake, now + busy_retry);
  return sweep_.done() || sweep_.needs_tick(now) ? now : wake;
}

bool stateless_engine::done() const { return sweep_.done(); }

void stateless_engine::abandon(time_point now) {
  receive(now);
  report_silent();
  while (const auto place = sweep_.take_unfinished())
    report(spot_of(*place), {.state = port_state::unknown, .why = reason::not_finished});
}

void stateless_engine::save(scan_checkpoint& to) const {
  (options_.protocol == transport::tcp ? to.syn : to.stateless_udp) = sweep_.checkpoint(clock::now());
}

engine_progress stateless_engine::progress() const {
  return {.finished = sweep_.finished(), .all = options_.part.size_of(order_.size()), .sent = sent_};
}

}  // namespace netlab::scan
