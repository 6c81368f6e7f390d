// SPDX-License-Identifier: MIT
#include "scan/io/udp.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <bitset>
#include <cerrno>

#include <fmt/format.h>

#include "scan/io/socket.hpp"
#include "scan/payloads.hpp"
#include "scan/talk.hpp"

namespace netlab::scan {
namespace {

constexpr std::uint64_t max_hosts = 256;        // scanned at the same time
constexpr std::uint64_t max_entries = 1 << 20;  // ports of all these hosts: 64 MB
constexpr unsigned sends_a_turn = 64;           // between two polls for input
constexpr std::size_t longest_datagram = 65'535;
constexpr duration full_queue_pause = std::chrono::milliseconds(1);
constexpr unsigned max_send_tries = 64;   // each because of the error of another datagram
constexpr unsigned max_unexplained_failures = 2;      // tries without such an error
// At a low rate a burst is limited to what the rate allows in this time, so as not to overload a device.
constexpr double longest_burst_seconds = 0.25;
constexpr double largest_burst = 48;

// Retry interval and time limit if this machine fails to send, ...
constexpr duration failure_pause = std::chrono::milliseconds(100);
constexpr duration failure_timeout = std::chrono::milliseconds(300);
// ... longer if its network has changed since the scan began, for example because a cable was unplugged.
constexpr duration change_timeout = std::chrono::seconds(10);

/// The error concerns all ports, and may be temporary.
bool is_network_error(int error) noexcept {
  return error == ENETUNREACH || error == ENETDOWN || error == EHOSTUNREACH || error == EHOSTDOWN ||
         error == EADDRNOTAVAIL || error == ENODEV || error == ENXIO;
}

bool is_full_queue(int error) noexcept { return error == EAGAIN || error == ENOBUFS || error == ENOMEM; }

}  // namespace

udp_engine::udp_engine(udp_options options, const target_set& targets, const service_names& services,
                       const scan_output& output)
    : options_(std::move(options)),
      targets_(targets),
      services_(services),
      output_(output),
      limit_(options_.rate, clock::now()),
      order_(targets.size(), options_.ports.size(), options_.seed, options_.part),
      datagram_(longest_datagram) {
  if (!options_.from) return;
  next_host_ = options_.from->next;
  for (std::uint64_t position = 0; position < next_host_; ++position)
    finished_ += order_.count_of(order_.host(position));
  for (const udp_checkpoint::host& each : options_.from->open) finished_ -= each.ports.size();
}

result<std::unique_ptr<udp_engine>> udp_engine::make(udp_options options, const target_set& targets,
                                                     const service_names& services, poller& on, unsigned number,
                                                     const scan_output& output) {
  std::unique_ptr<udp_engine> made(new udp_engine(std::move(options), targets, services, output));
  const auto& ports = made->options_.ports;
  auto opened = open_udp_sockets({.sources = made->options_.sources,
                                  .ports = ports,
                                  .with_any_port = std::find(ports.begin(), ports.end(), tftp_port) != ports.end(),
                                  .scans_itself = has_own_address(targets)},
                                 on, number);
  if (!opened) return unexpected(opened.error());
  made->channels_ = std::move(*opened);
  return made;
}

bool udp_engine::done() const { return hosts_.empty() && !has_hosts(); }

engine_progress udp_engine::progress() const {
  std::uint64_t known = finished_;
  for (const host& each : hosts_) known += each.ports - each.prober->left();
  return {.finished = known, .all = order_.size(), .sent = sent_};
}

udp_engine::host* udp_engine::find(const address& of) noexcept {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(), [&](const host& each) {
    return each.to.equals_without_scope(of) && (each.to.scope == of.scope || of.scope == 0 || each.to.scope == 0);
  });
  return found == hosts_.end() ? nullptr : &*found;
}

bool udp_engine::is_own_socket(const socket_address& end) const noexcept {
  const std::uint16_t port = end.port();
  const bool is_own_port = port != 0 && std::any_of(channels_.begin(), channels_.end(),
                                                    [&](const udp_channel& each) { return each.port == port; });
  return is_own_port && own_.contains(end.host());
}

bool udp_engine::has_hosts() const noexcept {
  return next_host_ < order_.hosts() || (options_.from && next_open_ < options_.from->open.size());
}

void udp_engine::begin_hosts(time_point now) {
  const std::uint64_t most = std::clamp<std::uint64_t>(max_entries / options_.ports.size(), 1, max_hosts);
  while (hosts_.size() < most && has_hosts()) {
    if (options_.from && next_open_ < options_.from->open.size()) {
      const udp_checkpoint::host& next = options_.from->open[next_open_++];
      begin_host(next.target, next.ports, now);
      continue;
    }
    const std::uint64_t target = order_.host(next_host_++);
    std::vector<std::uint16_t> ports;
    for (const std::uint64_t port : order_.ports_of(target)) ports.push_back(options_.ports[port]);
    if (std::ranges::binary_search(options_.skipped, target))
      finished_ += ports.size();
    else if (!ports.empty())
      begin_host(target, ports, now);
  }
}

void udp_engine::begin_host(std::uint64_t target, const std::vector<std::uint16_t>& ports, time_point now) {
  const address to = targets_.at(target);
  const auto sources =
      static_cast<std::size_t>(std::count_if(channels_.begin(), channels_.end(), [&](const udp_channel& each) {
        return each.is_v6 == to.is_v6 && !each.any_port;
      }));
  udp_prober_options options{.sources = std::max<std::size_t>(1, sources),
                             .timeout = options_.timeout,
                             .proofs = options_.retries.value_or(1) + 1,
                             .ask_once = options_.retries == 0U,
                             .strict_range = options_.strict_range,
                             .is_loopback = to.is_loopback()};
  if (options_.rate > 0)
    options.burst = static_cast<std::size_t>(std::clamp(options_.rate * longest_burst_seconds, 1.0, largest_burst));
  hosts_.push_back(
      {.target = target, .to = to, .ports = ports.size(), .prober = std::make_unique<udp_prober>(options, ports, now)});
  if (own_.contains(to)) settle_own_ports(hosts_.back());
}

bool udp_engine::fits(const udp_options& options, std::uint64_t targets) {
  if (!options.from) return true;
  if (options.from->next > udp_order(targets, options.ports.size(), options.seed, options.part).hosts()) return false;
  std::bitset<std::size_t{1} << 16> scanned;
  for (const std::uint16_t port : options.ports) scanned.set(port);
  const auto is_scanned = [&](std::uint16_t port) { return scanned.test(port); };
  std::vector<std::uint64_t> open;
  for (const udp_checkpoint::host& each : options.from->open) {
    if (each.target >= targets || !std::ranges::all_of(each.ports, is_scanned)) return false;
    open.push_back(each.target);
  }
  std::ranges::sort(open);
  return std::ranges::adjacent_find(open) == open.end();
}

void udp_engine::save(scan_checkpoint& to) const {
  to.udp.emplace();
  to.udp->next = next_host_;
  for (const host& each : hosts_)
    if (auto open = each.prober->unreported(); !open.empty())
      to.udp->open.push_back({.target = each.target, .ports = std::move(open)});
  if (options_.from)
    to.udp->open.insert(to.udp->open.end(), options_.from->open.begin() + static_cast<std::ptrdiff_t>(next_open_),
                        options_.from->open.end());
}

// If all ports are asked, they include the local ports of the scan's own sockets. No other program can use these, and
// after the scan they are closed.
void udp_engine::settle_own_ports(host& of) {
  for (const udp_channel& each : channels_)
    if (each.port != 0 && each.is_v6 == of.to.is_v6)
      of.prober->settle_unasked(each.port, {.state = port_state::closed, .why = reason::port_unreachable});
}

const udp_channel* udp_engine::channel_for(const host& to, const udp_prober::probe& probe) const noexcept {
  const bool any_port = probe.port == tftp_port && !probe.is_outside;
  for (const udp_channel& each : channels_)
    if (each.is_v6 == to.to.is_v6 && each.any_port == any_port && (any_port || each.source == probe.source))
      return &each;
  return nullptr;
}

udp_engine::send_result udp_engine::send(host& to, const udp_prober::probe& probe) {
  const udp_channel* const channel = channel_for(to, probe);
  if (channel == nullptr) {
    errno = EAFNOSUPPORT;
    return send_result::failed;
  }
  const bytes_view octets = request_for(probe.port, probe.attempt, options_.message);
  const socket_address end(to.to, probe.port);
  unsigned unexplained_failures = 0;
  for (unsigned tried = 0; tried < max_send_tries; ++tried) {
    const time_point began = clock::now();
    if (::sendto(channel->fd.get(), octets.data(), octets.size(), MSG_NOSIGNAL, &end.any, end.size) >= 0) {
      ++sent_;
      to.prober->sent(probe, began, clock::now());
      return send_result::done;
    }
    const int error = errno;
    if (is_full_queue(error)) return send_result::queue_full;
    // The error may belong to an earlier datagram: then the error queue has it, or had it a moment ago, and after
    // reading it sending works again. An error of this machine is returned by each call.
    const auto queued = net::take_queued_error(channel->fd.get());
    if (queued) take_error(*channel, *queued, began);
    errno = error;
    if (queued ? queued->from == net::queued_error::origin::local : ++unexplained_failures > max_unexplained_failures)
      return send_result::failed;
  }
  return send_result::queue_full;
}

void udp_engine::cannot_send(host& to, const udp_prober::probe& probe, int error, time_point now) {
  const port_verdict verdict = classify_udp(error, std::nullopt);
  if (error == EAFNOSUPPORT) return to.prober->abandon(verdict);
  if (!is_network_error(error)) return to.prober->cannot_send(probe, verdict, now);
  if (!to.failing_since) to.failing_since = now;
  const duration timeout = network_.has_changed(now) ? change_timeout : failure_timeout;
  if (now - *to.failing_since >= timeout) return to.prober->abandon(verdict);
  to.held_until = now + failure_pause;
}

void udp_engine::take_error(const udp_channel& from, const net::queued_error& error, time_point now) {
  const auto message = icmp_of(error);
  if (!message) return;
  const port_verdict verdict = classify_udp(message->system_error, message);
  const socket_address to(error.to);
  if (verdict.state == port_state::unknown || to.size == 0) return;
  host* const of = find(to.host());
  if (of == nullptr) return;
  // This machine itself reports that ARP or ND got no answer: this concerns the host, not one port.
  const bool is_from_here =
      verdict.sender && !verdict.sender->equals_without_scope(of->to) && own_.contains(*verdict.sender);
  if (is_from_here && verdict.why == reason::host_unreachable) {
    if (!of->has_answered) return of->prober->unreachable(verdict);
    if (!of->unreachable_since) of->unreachable_since = now;
    return;
  }
  of->has_answered = true;
  of->unreachable_since.reset();
  of->prober->refused(to.port(), from.source, verdict, now);
}

void udp_engine::read_replies(const udp_channel& from, time_point now) {
  for (unsigned count = 0; count < sends_a_turn; ++count) {
    socket_address sender;
    const ssize_t size =
        ::recvfrom(from.fd.get(), datagram_.data(), datagram_.size(), MSG_DONTWAIT, &sender.any, &sender.size);
    if (size < 0) {
      if (errno == EAGAIN) return;
      continue;  // the error of an earlier datagram, which is in the error queue
    }
    host* const of = find(sender.host());
    if (of == nullptr || is_own_socket(sender)) continue;
    of->has_answered = true;
    of->unreachable_since.reset();
    of->prober->replied(from.any_port ? tftp_port : sender.port(),
                        bytes_view(datagram_).first(static_cast<std::size_t>(size)), now);
  }
}

void udp_engine::handle(std::uint64_t key, std::uint32_t events, time_point now) {
  const udp_channel& from = channels_[key];
  for (unsigned count = 0; count < 4 * sends_a_turn; ++count) {
    const auto queued = net::take_queued_error(from.fd.get());
    if (!queued) break;
    take_error(from, *queued, now);
  }
  if ((events & EPOLLIN) != 0 || (events & EPOLLERR) != 0) read_replies(from, now);
}

void udp_engine::report(host& of) {
  while (auto answer = of.prober->take_answer()) {
    finding made;
    made.address = with_interface(of.to);
    made.host = targets_.name_at(of.target).empty() ? made.address : targets_.host_at(of.target);
    made.protocol = transport::udp;
    made.port = answer->port;
    made.state = answer->verdict.state;
    made.why = answer->verdict.why;
    made.system_error = answer->verdict.system_error;
    made.origin = origin_of(answer->verdict, of.to, own_);
    made.rtt = answer->rtt;
    made.is_echo = !answer->reply.empty() && is_echo(answer->reply, answer->port, options_.message);
    made.reply = std::move(answer->reply);
    made.reply_cut = made.reply.size() > most_kept;
    if (made.reply_cut) made.reply.resize(most_kept);
    made.service = services_.find(transport::udp, made.port);
    output_.found(made);
  }
}

/// Sends the host's next datagram; false if it may not be sent now.
bool udp_engine::send_next(host& to, unsigned& count, time_point& now) {
  if (now < std::max(blocked_until_, to.held_until)) return false;
  const auto probe = to.prober->next(now);
  if (!probe) return false;
  // A burst must not be interrupted; a longer pause after it keeps the rate.
  if (probe->at_once)
    limit_.charge();
  else if (count >= sends_a_turn || !limit_.take(now))
    return false;
  ++count;
  const send_result result = send(to, *probe);
  const int error = errno;
  now = clock::now();
  if (result == send_result::queue_full) {
    if (!blocked_since_) blocked_since_ = now;
    if (now - *blocked_since_ < change_timeout) {
      blocked_until_ = now + full_queue_pause;
      return false;
    }
    to.prober->cannot_send(*probe, classify_udp(ENOBUFS, std::nullopt), now);
  } else {
    blocked_since_.reset();
  }
  if (result == send_result::failed) cannot_send(to, *probe, error, now);
  if (result != send_result::done) return true;
  to.failing_since.reset();
  if (probe->is_outside && output_.note && !std::exchange(to.was_announced, true))
    output_.note(fmt::format("{}: port {}/udp, outside --range, is probed, too, to find a closed one",
                             with_interface(to.to), probe->port));
  return true;
}

time_point udp_engine::turn(time_point now, bool is_up_to_date) {
  begin_hosts(now);
  time_point wake = never;
  unsigned count = 0;
  for (host& each : hosts_) {
    if (is_up_to_date) each.prober->tick(now);
    if (each.unreachable_since && now - *each.unreachable_since >= change_timeout)
      each.prober->abandon(classify_udp(EHOSTUNREACH, std::nullopt));
    while (send_next(each, count, now)) {}
    report(each);
    time_point host_wake = each.prober->wake(now);
    if (each.prober->next(now)) host_wake = std::max({host_wake, blocked_until_, each.held_until, limit_.next()});
    wake = std::min(wake, host_wake);
  }
  std::erase_if(hosts_, [&](host& each) {
    report(each);  // sending to another host may have read errors of this one
    if (!each.prober->done()) return false;
    finished_ += each.ports;
    return true;
  });
  if (has_hosts()) begin_hosts(now);
  return hosts_.empty() ? now : wake;
}

void udp_engine::abandon(time_point now) {
  static_cast<void>(now);
  for (host& each : hosts_) {
    each.prober->abandon();
    report(each);
  }
  hosts_.clear();
  next_host_ = order_.hosts();
  options_.from.reset();
}

}  // namespace netlab::scan
