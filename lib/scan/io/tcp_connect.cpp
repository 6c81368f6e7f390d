// SPDX-License-Identifier: MIT
#include "scan/io/tcp_connect.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "scan/io/socket.hpp"

namespace netlab::scan {
namespace {

// Limits for trying a second connect() at once: after `most_near` failed tries, only every 64th connection is tried.
constexpr unsigned most_near = 64;
constexpr unsigned not_looked_in_a_row = 64;
// Launches between two polls for events.
constexpr unsigned launches_a_turn = 64;
// Timeout for an open port's banner, and again for its reply; some round trips are added.
constexpr duration talk_patience = std::chrono::milliseconds(400);
constexpr int talk_round_trips = 4;
constexpr std::uint32_t talk_events = EPOLLIN | EPOLLRDHUP;
// Conversations per scan that are closed with FIN. The side that closes first keeps its port in TIME_WAIT for a
// minute, so further ones are closed with a reset.
constexpr std::size_t max_farewells = 1000;
// Octets read from one port before the others get their turn.
constexpr std::size_t read_at_once = 4096;
// Connections kept for less than this are closed before the kernel retransmits their SYN.
constexpr duration kernel_repeats_after = std::chrono::seconds(1);

// Connections that the attempts at a silent port use at the same time.
constexpr std::uint64_t connections_a_port = 4;
// With more targets, it is not recorded which were reached.
constexpr std::uint64_t max_reached = 1 << 24;  // bits

syn_schedule kernel_schedule() {
  std::ifstream file("/proc/sys/net/ipv4/tcp_syn_linear_timeouts");  // since Linux 6.5
  unsigned linear = 0;
  return file >> linear ? syn_schedule(linear) : syn_schedule();
}

sweep_parameters to_sweep(const tcp_options& how, std::uint64_t targets) {
  const std::uint64_t ports = how.ports.size();
  return {.targets = targets,
          .ports = ports,
          .seed = how.seed,
          .shard = how.part.place(how.thread),
          .shards = std::uint64_t{how.part.count} * how.threads,
          .parallel = static_cast<std::size_t>(
              std::max<std::uint64_t>(1, std::min<std::uint64_t>(how.parallel, connections_a_port * targets * ports))),
          .rate = how.rate,
          .timeout = how.timeout,
          .retries = how.retries.value_or(1),
          .retries_fixed = how.retries.has_value(),
          .kernel = kernel_schedule(),
          .skipped = how.skipped,
          .from = how.from};
}

bool is_without_way(int error) noexcept {
  return error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN || error == EHOSTDOWN;
}

bool is_shortage(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EADDRNOTAVAIL ||
         error == EAGAIN || error == EADDRINUSE;
}

std::optional<icmp_error> take_icmp(int fd) noexcept {
  const auto queued = net::take_queued_error(fd);
  return queued ? icmp_of(*queued) : std::nullopt;
}

}  // namespace

tcp_connect_engine::tcp_connect_engine(tcp_options how, const target_set& targets, const service_names& services,
                                       poller& on, unsigned number, const scan_output& output)
    : how_(std::move(how)),
      targets_(targets),
      services_(services),
      on_(on),
      number_(number),
      output_(output),
      sweep_(to_sweep(how_, targets.size()), clock::now()),
      attempts_(to_sweep(how_, targets.size()).parallel),
      idle_(std::max<std::size_t>(1, how_.sources.size())),
      was_reached_(targets.size() <= max_reached ? targets.size() : 0) {}

tcp_connect_engine::~tcp_connect_engine() = default;

bool tcp_connect_engine::done() const { return sweep_.done() && talks_.empty(); }

engine_progress tcp_connect_engine::progress() const {
  return {.finished = sweep_.finished(), .all = sweep_.size(), .sent = sent_};
}

finding tcp_connect_engine::describe(std::uint64_t item) const {
  const std::uint64_t target = sweep_.target(item);
  finding made;
  made.address = with_interface(targets_.at(target));
  made.host = targets_.name_at(target).empty() ? made.address : targets_.host_at(target);
  made.protocol = transport::tcp;
  made.port = how_.ports[sweep_.port(item)];
  made.service = services_.find(transport::tcp, made.port);
  return made;
}

finding tcp_connect_engine::describe(std::uint64_t item, const port_verdict& verdict) const {
  finding made = describe(item);
  made.state = verdict.state;
  made.why = verdict.why;
  made.system_error = verdict.system_error;
  made.origin = origin_of(verdict, targets_.at(sweep_.target(item)), own_);
  return made;
}

std::size_t tcp_connect_engine::next_source(bool is_v6) {
  for (std::size_t tried = 0; tried < how_.sources.size(); ++tried)
    if (const std::size_t next = next_source_++ % how_.sources.size(); how_.sources[next].is_v6 == is_v6) return next;
  return 0;
}

std::uint32_t tcp_connect_engine::take_connection(std::uint64_t target, const address& to) {
  const std::size_t source = next_source(to.is_v6);
  // A refused socket keeps its source address, which may be wrong for another target.
  if (std::vector<std::uint32_t>& idle = idle_[source]; !idle.empty()) {
    const std::uint32_t last = idle.back();
    idle.pop_back();
    if (connections_[last].target == target) return last;
    release_connection(last, false);
  }
  net::unique_fd fd(::socket(to.is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return none;
  net::want_error_queue(fd.get(), to.is_v6);
  if (!how_.sources.empty()) {
    const int on = 1;  // delays the choice of the port until connect()
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on));
    const socket_address end(how_.sources[source], 0);
    if (how_.sources[source].is_v6 == to.is_v6 && ::bind(fd.get(), &end.any, end.size) != 0) return none;
  }
  std::uint32_t which = 0;
  if (unused_.empty()) {
    which = static_cast<std::uint32_t>(connections_.size());
    connections_.emplace_back();
    slot_of_.push_back(none);
  } else {
    which = unused_.back();
    unused_.pop_back();
  }
  connections_[which] = {std::move(fd), to.is_v6, false, target, source};
  return which;
}

void tcp_connect_engine::release_connection(std::uint32_t which, bool can_connect_again) {
  slot_of_[which] = none;
  if (can_connect_again) {
    idle_[connections_[which].source].push_back(which);
    return;
  }
  connections_[which] = {};
  unused_.push_back(which);
}

void tcp_connect_engine::launch(const sweep::probe& what, time_point now) {
  const std::uint64_t target = sweep_.target(what.item);
  const address to = targets_.at(target);
  const std::uint32_t which = take_connection(target, to);
  if (which == none) {
    const int error = errno;
    attempts_[what.slot] = {none, what.item, what.is_control};
    if (is_shortage(error)) return lacking(what.slot, error, now);
    return conclude(what.slot, classify_tcp(error, std::nullopt), sweep::answer::local, now);
  }
  attempts_[what.slot] = {which, what.item, what.is_control};
  slot_of_[which] = what.slot;
  if (what.kept >= kernel_repeats_after) {
    // This program may close it late; the kernel is on time.
    const auto most = static_cast<unsigned>(std::chrono::ceil<std::chrono::milliseconds>(what.kept).count());
    static_cast<void>(::setsockopt(connections_[which].fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &most, sizeof most));
  }
  const socket_address end(to, how_.ports[sweep_.port(what.item)]);
  const int error = ::connect(connections_[which].fd.get(), &end.any, end.size) == 0 ? 0 : errno;
  if (is_without_way(error)) return cannot_reach(what.slot, error, now);
  ++sent_;
  last_reached_ = to;
  if (!was_reached_.empty()) was_reached_[target] = true;
  if (error == 0) return established(what.slot, clock::now());
  if (error == EINPROGRESS) {
    if (near_ > 0 || ++not_looked_ % not_looked_in_a_row == 0) return look(what.slot, clock::now(), true);
    return watch(what.slot, now);
  }
  if (is_shortage(error)) return lacking(what.slot, error, now);
  refused(what.slot, error, clock::now());
}

// A target that never had a route fails at once; one that had may get it back when an interface comes up.
void tcp_connect_engine::cannot_reach(std::uint32_t slot, int error, time_point now) {
  const std::uint64_t target = sweep_.target(attempts_[slot].item);
  const bool was_up = (!was_reached_.empty() && was_reached_[target]) || (last_reached_ && !has_route(*last_reached_));
  if (!was_up) return conclude(slot, classify_tcp(error, std::nullopt), sweep::answer::local, now);
  release_connection(attempts_[slot].connection, false);
  attempts_[slot] = {};
  sweep_.cannot_reach(slot, error, now);
}

// Resources that the scan itself holds are freed in time; those held by other programs are waited for as long as a
// silent port would be. After that, each port is tried once more until one of them succeeds.
void tcp_connect_engine::lacking(std::uint32_t slot, int error, time_point now) {
  const address to = targets_.at(sweep_.target(attempts_[slot].item));
  const bool for_ever = error == EADDRNOTAVAIL && !has_local_address(to, how_.sources);
  if (sweep_.under_way() > 1 || !talks_.empty())
    lacking_since_.reset();
  else if (!lacking_since_)
    lacking_since_ = now;
  const duration patience = how_.timeout * (how_.retries.value_or(1) + 1);
  if (for_ever || (lacking_since_ && now - *lacking_since_ >= patience))
    return conclude(slot, classify_tcp(error, std::nullopt), sweep::answer::local, now);
  if (attempts_[slot].connection != none) release_connection(attempts_[slot].connection, false);
  attempts_[slot] = {};
  sweep_.put_back(slot, now);
}

void tcp_connect_engine::look(std::uint32_t slot, time_point now, bool is_first_look) {
  connection& mine = connections_[attempts_[slot].connection];
  // A second connect() returns the result, and leaves a refused socket usable for the next port. If the host is near,
  // the answer has arrived while the first call was returning.
  const socket_address end(targets_.at(mine.target), how_.ports[sweep_.port(attempts_[slot].item)]);
  if (::connect(mine.fd.get(), &end.any, end.size) == 0 || errno == EISCONN) return established(slot, now);
  if (errno != EALREADY && errno != EINPROGRESS) {
    const int error = errno;
    if (is_first_look) near_ = most_near;
    return refused(slot, error, now);
  }
  if (is_first_look) {
    near_ -= near_ > 0;
    return watch(slot, now);
  }
  // Still connecting, but an ICMP message may have come while the socket was locked: then it is only in the error
  // queue.
  const auto message = take_icmp(mine.fd.get());
  if (!message || !reason_of(*message)) return;
  conclude(slot, classify_tcp(message->system_error, message), sweep::answer::from_path, now);
}

void tcp_connect_engine::watch(std::uint32_t slot, time_point now) {
  connection& mine = connections_[attempts_[slot].connection];
  if (mine.in_poller) return;
  mine.in_poller = on_.add(mine.fd.get(), EPOLLOUT | EPOLLET, number_, attempts_[slot].connection);
  if (!mine.in_poller) return lacking(slot, errno, now);
  lacking_since_.reset();
}

void tcp_connect_engine::refused(std::uint32_t slot, int system_error, time_point now) {
  lacking_since_.reset();
  if (system_error == ETIMEDOUT) {  // the kernel has retransmitted the SYN as often as it may
    release_connection(attempts_[slot].connection, false);
    attempts_[slot] = {};
    return sweep_.gave_up(slot, now);
  }
  std::optional<icmp_error> message = take_icmp(connections_[attempts_[slot].connection].fd.get());
  if (message && !reason_of(*message)) message.reset();
  const port_verdict verdict = classify_tcp(system_error, message);
  // Resets caused by the engine itself do not get here: repeat() removes both ends from attempts_.
  const auto what = verdict.state == port_state::open     ? sweep::answer::from_port
                    : verdict.state == port_state::closed ? sweep::answer::refusal
                    : message                             ? sweep::answer::from_path
                                                          : sweep::answer::local;
  conclude(slot, verdict, what, now);
}

void tcp_connect_engine::conclude(std::uint32_t slot, const port_verdict& verdict, sweep::answer what, time_point now) {
  const attempt mine = std::exchange(attempts_[slot], {});
  // A refused socket can connect again.
  if (mine.connection != none)
    release_connection(mine.connection, what == sweep::answer::refusal && verdict.system_error == ECONNREFUSED);
  const std::optional<duration> rtt = sweep_.answered(slot, now, what);
  close_released();
  if (mine.is_control) return;
  finding made = describe(mine.item, verdict);
  made.rtt = rtt;
  if (made.state == port_state::open && output_.opened) output_.opened(made);
  output_.found(made);
}

void tcp_connect_engine::repeat(std::uint32_t slot) {
  net::set_reset_on_close(connections_[attempts_[slot].connection].fd.get(), true);
  release_connection(attempts_[slot].connection, false);
  attempts_[slot] = {};
  sweep_.repeat(slot);
}

// Detects a simultaneous open (RFC 9293 §3.5) on this machine: a socket of the scan connected to itself, or to
// another one whose local port happened to be the port asked. No service listens there.
bool tcp_connect_engine::is_own_reflection(std::uint32_t slot) {
  const int fd = connections_[attempts_[slot].connection].fd.get();
  const auto local = local_end_of(fd);
  const auto remote = remote_end_of(fd);
  if (!local || !remote || local->host() != remote->host()) return false;
  if (local->port() == remote->port()) {
    repeat(slot);
    return true;
  }
  for (std::uint32_t other = 0; other < attempts_.size(); ++other) {
    if (other == slot || attempts_[other].connection == none) continue;
    if (how_.ports[sweep_.port(attempts_[other].item)] != local->port()) continue;
    const auto its_end = local_end_of(connections_[attempts_[other].connection].fd.get());
    if (!its_end || its_end->port() != remote->port()) continue;
    repeat(other);
    repeat(slot);
    return true;
  }
  return false;
}

void tcp_connect_engine::established(std::uint32_t slot, time_point now) {
  lacking_since_.reset();
  if (is_own_reflection(slot)) return;
  const attempt mine = std::exchange(attempts_[slot], {});
  net::unique_fd fd = std::move(connections_[mine.connection].fd);
  const bool in_poller = connections_[mine.connection].in_poller;
  release_connection(mine.connection, false);
  net::set_reset_on_close(fd.get(), true);
  const std::optional<duration> rtt = sweep_.answered(slot, now, sweep::answer::from_port);
  close_released();
  if (mine.is_control) return;
  finding made = describe(mine.item);
  made.state = port_state::open;
  made.why = reason::syn_ack;
  made.rtt = rtt;
  if (output_.opened) output_.opened(made);
  const std::uint64_t number = next_talk_++;
  const bool heard = in_poller ? on_.change(fd.get(), talk_events, number_, talk_bit | number)
                               : on_.add(fd.get(), talk_events, number_, talk_bit | number);
  if (!heard) return output_.found(made);
  const duration patience = std::min(how_.timeout, talk_patience + talk_round_trips * rtt.value_or(duration(0)));
  talks_.emplace(number, std::make_unique<conversation>(conversation{.fd = std::move(fd),
                                                                     .item = mine.item,
                                                                     .what = std::move(made),
                                                                     .words = scan::talk(how_.talk, patience, now)}));
  continue_talk(number);
}

void tcp_connect_engine::continue_talk(std::uint64_t number) {
  conversation& one = *talks_.at(number);
  if (const std::string_view message = one.words.unsent(); !message.empty()) {
    const ssize_t size = ::send(one.fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0)
      one.words.sent(static_cast<std::size_t>(size));
    else if (errno != EAGAIN && errno != EINTR)
      one.words.eof();
  }
  if (one.words.done()) return end_talk(number);
  // Wait for room to send the rest of a long message.
  if (const bool has_more = !one.words.unsent().empty(); has_more != one.wants_room) {
    one.wants_room = has_more;
    if (!on_.change(one.fd.get(), talk_events | (has_more ? EPOLLOUT : 0U), number_, talk_bit | number))
      one.words.eof();
    if (one.words.done()) return end_talk(number);
  }
  wait_until(number, one.words.deadline());
}

void tcp_connect_engine::wait_until(std::uint64_t number, time_point deadline) {
  conversation& one = *talks_.at(number);
  if (one.deadline == deadline) return;
  talk_deadlines_.erase({one.deadline, number});
  one.deadline = deadline;
  talk_deadlines_.emplace(deadline, number);
}

void tcp_connect_engine::tell(conversation& one) {
  one.what.banner = one.words.banner();
  one.what.banner_cut = one.words.is_banner_cut();
  one.what.reply = one.words.reply();
  one.what.reply_cut = one.words.is_reply_cut();
  one.what.is_echo = one.words.is_echo();
  output_.found(one.what);
}

// Close with FIN: a program that reads from the connection should see a normal end; a reset looks like an error.
void tcp_connect_engine::end_talk(std::uint64_t number) {
  conversation& one = *talks_.at(number);
  tell(one);
  const bool was_talk = how_.talk.listen || how_.talk.message;
  if (was_talk && farewells_ < max_farewells / how_.threads) {
    ++farewells_;
    net::set_reset_on_close(one.fd.get(), false);
  }
  talk_deadlines_.erase({one.deadline, number});
  talks_.erase(number);
}

void tcp_connect_engine::handle(std::uint64_t key, std::uint32_t events, time_point now) {
  if ((key & talk_bit) == 0) {
    // Ignore events of connections that were closed or reused meanwhile.
    if (key >= slot_of_.size() || slot_of_[key] == none) return;
    return look(slot_of_[key], now, false);
  }
  const std::uint64_t number = key & ~talk_bit;
  const auto found = talks_.find(number);
  if (found == talks_.end()) return;
  conversation& one = *found->second;
  std::array<std::byte, read_at_once> octets;  // NOLINT: filled by recv
  const ssize_t size = ::recv(one.fd.get(), octets.data(), octets.size(), MSG_DONTWAIT);
  const bool is_over = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
  static_cast<void>(events);
  if (size > 0) one.words.feed(bytes_view(octets).first(static_cast<std::size_t>(size)), now);
  if (is_over) one.words.eof();
  continue_talk(number);
}

void tcp_connect_engine::close_released() {
  while (const auto slot = sweep_.take_released()) {
    const attempt mine = std::exchange(attempts_[*slot], {});
    if (mine.connection != none) release_connection(mine.connection, false);
  }
}

void tcp_connect_engine::tell_concluded() {
  const auto verdict_of = [](const sweep::conclusion& what) -> port_verdict {
    switch (what.meaning) {
      case sweep::verdict::silent: return classify_tcp(ETIMEDOUT, std::nullopt);
      case sweep::verdict::unsure: return {.state = port_state::unknown, .why = reason::rate_limited};
      case sweep::verdict::not_sent: break;
    }
    return classify_tcp(what.system_error, std::nullopt);
  };
  while (const auto concluded = sweep_.take_conclusion())
    output_.found(describe(concluded->item, verdict_of(*concluded)));
}

time_point tcp_connect_engine::turn(time_point now, bool is_up_to_date) {
  if (is_up_to_date) {
    sweep_.tick(now);
    close_released();
    tell_concluded();
    while (!talk_deadlines_.empty() && talk_deadlines_.begin()->first <= now) {
      const std::uint64_t number = talk_deadlines_.begin()->second;
      talks_.at(number)->words.tick(now);
      continue_talk(number);
    }
  }
  for (unsigned count = 0; count < launches_a_turn; ++count) {
    sweep_.set_in_use(talks_.size());
    const auto what = sweep_.next(now);
    if (!what) break;
    launch(*what, now);
    now = clock::now();
  }
  time_point wake = sweep_.wake(now);
  if (!talk_deadlines_.empty()) wake = std::min(wake, talk_deadlines_.begin()->first);
  return wake;
}

bool tcp_connect_engine::fits(const tcp_options& how, std::uint64_t targets) {
  return sweep::fits(to_sweep(how, targets));
}

void tcp_connect_engine::save(scan_checkpoint& to) const {
  if (how_.threads > 1) return;
  to.tcp = sweep_.checkpoint();
  for (const auto& [number, one] : talks_) to.tcp->open.push_back({.item = one->item});
}

void tcp_connect_engine::abandon(time_point now) {
  static_cast<void>(now);
  for (const auto& [number, one] : talks_) tell(*one);
  talks_.clear();
  talk_deadlines_.clear();
  while (const auto item = sweep_.take_unfinished()) {
    finding made = describe(*item);
    made.state = port_state::unknown;
    made.why = reason::not_finished;
    output_.found(made);
  }
  attempts_.assign(attempts_.size(), {});
  connections_.clear();
}

}  // namespace netlab::scan
