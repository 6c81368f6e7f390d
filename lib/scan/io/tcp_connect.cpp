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
constexpr duration talk_timeout = std::chrono::milliseconds(400);
constexpr int talk_round_trips = 4;
constexpr std::uint32_t talk_events = EPOLLIN | EPOLLRDHUP;
// Conversations per scan that are closed with FIN. The side that closes first keeps its port in TIME_WAIT for a
// minute, so further conversations are closed with a reset.
constexpr std::size_t max_graceful_closes = 1000;
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

sweep_parameters to_sweep(const tcp_options& options, std::uint64_t targets) {
  const std::uint64_t ports = options.ports.size();
  return {.targets = targets,
          .ports = ports,
          .seed = options.seed,
          .shard = options.part.place(options.thread),
          .shards = std::uint64_t{options.part.count} * options.threads,
          .parallel = static_cast<std::size_t>(std::max<std::uint64_t>(
              1, std::min<std::uint64_t>(options.parallel, connections_a_port * targets * ports))),
          .rate = options.rate,
          .timeout = options.timeout,
          .retries = options.retries.value_or(1),
          .retries_fixed = options.retries.has_value(),
          .kernel = kernel_schedule(),
          .skipped = options.skipped,
          .from = options.from};
}

bool is_unreachable(int error) noexcept {
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

tcp_connect_engine::tcp_connect_engine(tcp_options options, const target_set& targets, const service_names& services,
                                       poller& on, unsigned number, const scan_output& output)
    : options_(std::move(options)),
      targets_(targets),
      services_(services),
      on_(on),
      number_(number),
      output_(output),
      sweep_(to_sweep(options_, targets.size()), clock::now()),
      attempts_(to_sweep(options_, targets.size()).parallel),
      idle_(std::max<std::size_t>(1, options_.sources.size())),
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
  made.port = options_.ports[sweep_.port(item)];
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
  for (std::size_t tried = 0; tried < options_.sources.size(); ++tried)
    if (const std::size_t next = next_source_++ % options_.sources.size(); options_.sources[next].is_v6 == is_v6)
      return next;
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
  if (!options_.sources.empty()) {
    const int on = 1;  // delays the choice of the port until connect()
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on));
    const socket_address end(options_.sources[source], 0);
    if (options_.sources[source].is_v6 == to.is_v6 && ::bind(fd.get(), &end.any, end.size) != 0) return none;
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

void tcp_connect_engine::launch(const sweep::probe& probe, time_point now) {
  const std::uint64_t target = sweep_.target(probe.item);
  const address to = targets_.at(target);
  const std::uint32_t which = take_connection(target, to);
  if (which == none) {
    const int error = errno;
    attempts_[probe.slot] = {none, probe.item, probe.is_control};
    if (is_shortage(error)) return handle_shortage(probe.slot, error, now);
    return conclude(probe.slot, classify_tcp(error, std::nullopt), sweep::answer::local, now);
  }
  attempts_[probe.slot] = {which, probe.item, probe.is_control};
  slot_of_[which] = probe.slot;
  if (probe.kept >= kernel_repeats_after) {
    // This program may close the socket late; the kernel stops on time.
    const auto most = static_cast<unsigned>(std::chrono::ceil<std::chrono::milliseconds>(probe.kept).count());
    static_cast<void>(::setsockopt(connections_[which].fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &most, sizeof most));
  }
  const socket_address end(to, options_.ports[sweep_.port(probe.item)]);
  const int error = ::connect(connections_[which].fd.get(), &end.any, end.size) == 0 ? 0 : errno;
  if (is_unreachable(error)) return cannot_reach(probe.slot, error, now);
  ++sent_;
  last_reached_ = to;
  if (!was_reached_.empty()) was_reached_[target] = true;
  if (error == 0) return established(probe.slot, clock::now());
  if (error == EINPROGRESS) {
    if (near_ > 0 || ++not_looked_ % not_looked_in_a_row == 0) return look(probe.slot, clock::now(), true);
    return watch(probe.slot, now);
  }
  if (is_shortage(error)) return handle_shortage(probe.slot, error, now);
  refused(probe.slot, error, clock::now());
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
void tcp_connect_engine::handle_shortage(std::uint32_t slot, int error, time_point now) {
  const address to = targets_.at(sweep_.target(attempts_[slot].item));
  const bool for_ever = error == EADDRNOTAVAIL && !has_local_address(to, options_.sources);
  if (sweep_.under_way() > 1 || !talks_.empty())
    shortage_since_.reset();
  else if (!shortage_since_)
    shortage_since_ = now;
  const duration timeout = options_.timeout * (options_.retries.value_or(1) + 1);
  if (for_ever || (shortage_since_ && now - *shortage_since_ >= timeout))
    return conclude(slot, classify_tcp(error, std::nullopt), sweep::answer::local, now);
  if (attempts_[slot].connection != none) release_connection(attempts_[slot].connection, false);
  attempts_[slot] = {};
  sweep_.put_back(slot, now);
}

void tcp_connect_engine::look(std::uint32_t slot, time_point now, bool is_first_look) {
  connection& current = connections_[attempts_[slot].connection];
  // A second connect() returns the result, and leaves a refused socket usable for the next port. If the host is near,
  // the answer has arrived while the first call was returning.
  const socket_address end(targets_.at(current.target), options_.ports[sweep_.port(attempts_[slot].item)]);
  if (::connect(current.fd.get(), &end.any, end.size) == 0 || errno == EISCONN) return established(slot, now);
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
  const auto message = take_icmp(current.fd.get());
  if (!message || !reason_of(*message)) return;
  conclude(slot, classify_tcp(message->system_error, message), sweep::answer::from_path, now);
}

void tcp_connect_engine::watch(std::uint32_t slot, time_point now) {
  connection& current = connections_[attempts_[slot].connection];
  if (current.in_poller) return;
  current.in_poller = on_.add(current.fd.get(), EPOLLOUT | EPOLLET, number_, attempts_[slot].connection);
  if (!current.in_poller) return handle_shortage(slot, errno, now);
  shortage_since_.reset();
}

void tcp_connect_engine::refused(std::uint32_t slot, int system_error, time_point now) {
  shortage_since_.reset();
  if (system_error == ETIMEDOUT) {  // the kernel has retransmitted the SYN as often as it may
    release_connection(attempts_[slot].connection, false);
    attempts_[slot] = {};
    return sweep_.gave_up(slot, now);
  }
  std::optional<icmp_error> message = take_icmp(connections_[attempts_[slot].connection].fd.get());
  if (message && !reason_of(*message)) message.reset();
  const port_verdict verdict = classify_tcp(system_error, message);
  // Resets caused by the engine itself do not get here: repeat() removes both ends from attempts_.
  const auto answer = verdict.state == port_state::open     ? sweep::answer::from_port
                      : verdict.state == port_state::closed ? sweep::answer::refusal
                      : message                             ? sweep::answer::from_path
                                                            : sweep::answer::local;
  conclude(slot, verdict, answer, now);
}

void tcp_connect_engine::conclude(std::uint32_t slot, const port_verdict& verdict, sweep::answer answer,
                                  time_point now) {
  const attempt ended = std::exchange(attempts_[slot], {});
  // A refused socket can connect again.
  if (ended.connection != none)
    release_connection(ended.connection, answer == sweep::answer::refusal && verdict.system_error == ECONNREFUSED);
  const std::optional<duration> rtt = sweep_.answered(slot, now, answer);
  close_released();
  if (ended.is_control) return;
  finding made = describe(ended.item, verdict);
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

// Detects a simultaneous open (RFC 9293 §3.5) when this machine scans itself: a socket of the scan connected to itself,
// or two of them to each other, because the local port of each is the port that the other asks. No service listens
// there.
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
    if (options_.ports[sweep_.port(attempts_[other].item)] != local->port()) continue;
    const auto other_end = local_end_of(connections_[attempts_[other].connection].fd.get());
    if (!other_end || other_end->port() != remote->port()) continue;
    repeat(other);
    repeat(slot);
    return true;
  }
  return false;
}

void tcp_connect_engine::established(std::uint32_t slot, time_point now) {
  shortage_since_.reset();
  if (is_own_reflection(slot)) return;
  const attempt ended = std::exchange(attempts_[slot], {});
  net::unique_fd fd = std::move(connections_[ended.connection].fd);
  const bool in_poller = connections_[ended.connection].in_poller;
  release_connection(ended.connection, false);
  net::set_reset_on_close(fd.get(), true);
  const std::optional<duration> rtt = sweep_.answered(slot, now, sweep::answer::from_port);
  close_released();
  if (ended.is_control) return;
  finding made = describe(ended.item);
  made.state = port_state::open;
  made.why = reason::syn_ack;
  made.rtt = rtt;
  if (output_.opened) output_.opened(made);
  const std::uint64_t number = next_talk_++;
  const bool is_watched = in_poller ? on_.change(fd.get(), talk_events, number_, talk_bit | number)
                                    : on_.add(fd.get(), talk_events, number_, talk_bit | number);
  if (!is_watched) return output_.found(made);
  const duration timeout = std::min(options_.timeout, talk_timeout + talk_round_trips * rtt.value_or(duration(0)));
  talks_.emplace(number,
                 std::make_unique<conversation>(conversation{.fd = std::move(fd),
                                                             .item = ended.item,
                                                             .found = std::move(made),
                                                             .words = scan::talk(options_.talk, timeout, now)}));
  continue_talk(number);
}

void tcp_connect_engine::continue_talk(std::uint64_t number) {
  conversation& dialogue = *talks_.at(number);
  if (const std::string_view message = dialogue.words.unsent(); !message.empty()) {
    const ssize_t size = ::send(dialogue.fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0)
      dialogue.words.sent(static_cast<std::size_t>(size));
    else if (errno != EAGAIN && errno != EINTR)
      dialogue.words.eof();
  }
  if (dialogue.words.done()) return end_talk(number);
  // Wait for room to send the rest of a long message.
  if (const bool has_more = !dialogue.words.unsent().empty(); has_more != dialogue.wants_room) {
    dialogue.wants_room = has_more;
    if (!on_.change(dialogue.fd.get(), talk_events | (has_more ? EPOLLOUT : 0U), number_, talk_bit | number))
      dialogue.words.eof();
    if (dialogue.words.done()) return end_talk(number);
  }
  wait_until(number, dialogue.words.deadline());
}

void tcp_connect_engine::wait_until(std::uint64_t number, time_point deadline) {
  conversation& dialogue = *talks_.at(number);
  if (dialogue.deadline == deadline) return;
  talk_deadlines_.erase({dialogue.deadline, number});
  dialogue.deadline = deadline;
  talk_deadlines_.emplace(deadline, number);
}

void tcp_connect_engine::report_talk(conversation& dialogue) {
  dialogue.found.banner = dialogue.words.banner();
  dialogue.found.banner_cut = dialogue.words.is_banner_cut();
  dialogue.found.reply = dialogue.words.reply();
  dialogue.found.reply_cut = dialogue.words.is_reply_cut();
  dialogue.found.is_echo = dialogue.words.is_echo();
  output_.found(dialogue.found);
}

// Close with FIN: a program that reads from the connection should see a normal end; a reset looks like an error.
void tcp_connect_engine::end_talk(std::uint64_t number) {
  conversation& dialogue = *talks_.at(number);
  report_talk(dialogue);
  const bool was_talk = options_.talk.listen || options_.talk.message;
  if (was_talk && graceful_closes_ < max_graceful_closes / options_.threads) {
    ++graceful_closes_;
    net::set_reset_on_close(dialogue.fd.get(), false);
  }
  talk_deadlines_.erase({dialogue.deadline, number});
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
  conversation& dialogue = *found->second;
  std::array<std::byte, read_at_once> octets;  // NOLINT: filled by recv
  const ssize_t size = ::recv(dialogue.fd.get(), octets.data(), octets.size(), MSG_DONTWAIT);
  const bool is_over = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
  static_cast<void>(events);
  if (size > 0) dialogue.words.feed(bytes_view(octets).first(static_cast<std::size_t>(size)), now);
  if (is_over) dialogue.words.eof();
  continue_talk(number);
}

void tcp_connect_engine::close_released() {
  while (const auto slot = sweep_.take_released()) {
    const attempt ended = std::exchange(attempts_[*slot], {});
    if (ended.connection != none) release_connection(ended.connection, false);
  }
}

void tcp_connect_engine::report_concluded() {
  const auto verdict_of = [](const sweep::conclusion& conclusion) -> port_verdict {
    switch (conclusion.meaning) {
      case sweep::verdict::silent: return classify_tcp(ETIMEDOUT, std::nullopt);
      case sweep::verdict::unsure: return {.state = port_state::unknown, .why = reason::rate_limited};
      case sweep::verdict::not_sent: break;
    }
    return classify_tcp(conclusion.system_error, std::nullopt);
  };
  while (const auto concluded = sweep_.take_conclusion())
    output_.found(describe(concluded->item, verdict_of(*concluded)));
}

time_point tcp_connect_engine::turn(time_point now, bool is_up_to_date) {
  if (is_up_to_date) {
    sweep_.tick(now);
    close_released();
    report_concluded();
    while (!talk_deadlines_.empty() && talk_deadlines_.begin()->first <= now) {
      const std::uint64_t number = talk_deadlines_.begin()->second;
      talks_.at(number)->words.tick(now);
      continue_talk(number);
    }
  }
  for (unsigned count = 0; count < launches_a_turn; ++count) {
    sweep_.set_in_use(talks_.size());
    const auto probe = sweep_.next(now);
    if (!probe) break;
    launch(*probe, now);
    now = clock::now();
  }
  time_point wake = sweep_.wake(now);
  if (!talk_deadlines_.empty()) wake = std::min(wake, talk_deadlines_.begin()->first);
  return wake;
}

bool tcp_connect_engine::fits(const tcp_options& options, std::uint64_t targets) {
  return sweep::fits(to_sweep(options, targets));
}

void tcp_connect_engine::save(scan_checkpoint& to) const {
  if (options_.threads > 1) return;
  to.tcp = sweep_.checkpoint();
  for (const auto& [number, dialogue] : talks_) to.tcp->open.push_back({.item = dialogue->item});
}

void tcp_connect_engine::abandon(time_point now) {
  static_cast<void>(now);
  for (const auto& [number, dialogue] : talks_) report_talk(*dialogue);
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
