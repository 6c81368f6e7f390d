// SPDX-License-Identifier: MIT
#include "scan/udp.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "scan/payloads.hpp"
#include "scan/socket.hpp"

namespace netlab::scan {
namespace {

constexpr std::uint64_t max_hosts = 256;            // under way at once
constexpr std::uint64_t max_entries = 1 << 20;      // ports of all of them: 40 MB
constexpr unsigned sends_a_turn = 64;               // between two looks at what has come in
constexpr int queue_octets = 4 << 20;               // for ICMP messages that come faster than they are read
constexpr duration full_queue_pause = std::chrono::milliseconds(1);
constexpr std::uint16_t tftp_port = 69;             // answers from another port: RFC 1350 §4
constexpr unsigned max_send_tries = 64;             // each for an error of another datagram

}  // namespace

udp_engine::udp_engine(udp_options how, const target_set& targets, const service_names& services,
                       const scan_output& output)
    : how_(std::move(how)),
      targets_(targets),
      services_(services),
      output_(output),
      limit_(how_.rate, clock::now()),
      host_order_(std::max<std::uint64_t>(1, targets.size()), how_.seed) {}

result<std::unique_ptr<udp_engine>> udp_engine::make(udp_options how, const target_set& targets,
                                                     const service_names& services, poller& on, unsigned number,
                                                     const scan_output& output) {
  std::unique_ptr<udp_engine> made(new udp_engine(std::move(how), targets, services, output));
  if (auto opened = made->open(on, number); !opened) return unexpected(opened.error());
  return made;
}

result<void> udp_engine::open(poller& on, unsigned number) {
  const auto open_one = [&](bool is_v6, std::size_t source, const address* bind_to, bool any_port) -> result<void> {
    channel made{.is_v6 = is_v6, .source = source, .any_port = any_port};
    made.fd = net::unique_fd(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // A machine without IPv6 can scan IPv4: a target of the missing family shows it.
    if (!made.fd) return errno == EAFNOSUPPORT ? result<void>() : fail(last_system_error(), "open a UDP socket");
    net::want_error_queue(made.fd.get(), is_v6);
    static_cast<void>(::setsockopt(made.fd.get(), SOL_SOCKET, SO_RCVBUF, &queue_octets, sizeof queue_octets));
    if (bind_to != nullptr) {
      const socket_address end(*bind_to, 0);
      if (::bind(made.fd.get(), &end.any, end.size) != 0)
        return fail(last_system_error(), "bind to " + to_string(*bind_to));
    }
    if (!on.add(made.fd.get(), EPOLLIN, number, channels_.size())) return fail(last_system_error(), "watch a socket");
    channels_.push_back(std::move(made));
    return {};
  };
  const bool has_tftp = std::find(how_.ports.begin(), how_.ports.end(), tftp_port) != how_.ports.end();
  for (const bool is_v6 : {false, true}) {
    std::size_t source = 0;
    for (const address& each : how_.sources) {
      if (each.is_v6 != is_v6) continue;
      if (auto opened = open_one(is_v6, source, &each, false); !opened) return opened;
      if (has_tftp && source == 0)
        if (auto opened = open_one(is_v6, source, &each, true); !opened) return opened;
      ++source;
    }
    if (source > 0) continue;
    if (auto opened = open_one(is_v6, 0, nullptr, false); !opened) return opened;
    if (has_tftp)
      if (auto opened = open_one(is_v6, 0, nullptr, true); !opened) return opened;
  }
  return {};
}

bool udp_engine::done() const { return hosts_.empty() && next_host_ == targets_.size(); }

engine_progress udp_engine::progress() const {
  std::uint64_t known = finished_;
  for (const host& each : hosts_) known += how_.ports.size() - each.mind->left();
  return {.finished = known, .all = targets_.size() * how_.ports.size(), .sent = sent_};
}

udp_engine::host* udp_engine::find(const address& of) noexcept {
  const auto found =
      std::find_if(hosts_.begin(), hosts_.end(), [&](const host& each) { return each.to.compare(of) == 0; });
  return found == hosts_.end() ? nullptr : &*found;
}

void udp_engine::begin_hosts(time_point now) {
  const std::uint64_t most = std::clamp<std::uint64_t>(max_entries / how_.ports.size(), 1, max_hosts);
  while (hosts_.size() < most && next_host_ < targets_.size()) {
    const std::uint64_t target = host_order_(next_host_++);
    const address to = targets_.at(target);
    const permutation order(how_.ports.size(), how_.seed + target);
    std::vector<std::uint16_t> ports;
    ports.reserve(how_.ports.size());
    for (std::uint64_t place = 0; place < order.size(); ++place) ports.push_back(how_.ports[order(place)]);
    const auto sources =
        static_cast<std::size_t>(std::count_if(channels_.begin(), channels_.end(), [&](const channel& each) {
          return each.is_v6 == to.is_v6 && !each.any_port;
        }));
    const udp_prober_options options{.sources = std::max<std::size_t>(1, sources),
                                     .timeout = how_.timeout,
                                     .proofs = how_.retries.value_or(1) + 1,
                                     .is_loopback = to.is_loopback()};
    hosts_.push_back({target, to, std::make_unique<udp_prober>(options, ports, now)});
  }
}

bool udp_engine::send(host& to, const udp_prober::probe& what, time_point now) {
  const bool any_port = what.port == tftp_port;
  const channel* through = nullptr;
  for (const channel& each : channels_)
    if (each.is_v6 == to.to.is_v6 && each.any_port == any_port && (any_port || each.source == what.source)) {
      through = &each;
      break;
    }
  if (through == nullptr) {
    // A port outside the list, tried as a reference, has the ordinary socket; else the family is missing.
    to.mind->cannot_send(what, classify_udp(EAFNOSUPPORT, std::nullopt), now);
    return true;
  }
  bytes_view octets = payload_for(what.port, what.attempt);
  if (octets.empty()) octets = as_bytes(how_.message);
  const socket_address end(to.to, what.port);
  for (unsigned tried = 0; tried < max_send_tries; ++tried) {
    if (::sendto(through->fd.get(), octets.data(), octets.size(), MSG_NOSIGNAL, &end.any, end.size) >= 0) {
      ++sent_;
      to.mind->sent(what, now);
      return true;
    }
    const int error = errno;
    if (error == EAGAIN || error == ENOBUFS || error == ENOMEM) return false;
    // The error may be that of an earlier datagram, told by this call: then the queue has it, and reading it clears
    // the way.
    const auto queued = net::take_queued_error(through->fd.get());
    if (!queued && tried > 0) {
      to.mind->cannot_send(what, classify_udp(error, std::nullopt), now);
      return true;
    }
    if (queued) take_error(*through, *queued, now);
  }
  return false;
}

void udp_engine::take_error(const channel& from, const net::queued_error& error, time_point now) {
  const auto message = icmp_of(error);
  if (!message) return;
  const port_verdict verdict = classify_udp(message->system_error, message);
  if (verdict.state == port_state::unknown) return;
  const socket_address to(error.to);
  if (to.size == 0) return;
  if (host* const of = find(to.host())) of->mind->refused(to.port(), from.source, verdict, now);
}

void udp_engine::read_replies(const channel& from, time_point now) {
  std::array<std::byte, 2048> octets;  // NOLINT: filled by recvfrom; of more, no report shows anything
  for (unsigned count = 0; count < sends_a_turn; ++count) {
    socket_address sender;
    const ssize_t size =
        ::recvfrom(from.fd.get(), octets.data(), octets.size(), MSG_DONTWAIT, &sender.any, &sender.size);
    if (size < 0) {
      if (errno == EAGAIN) return;
      continue;  // the error of a datagram of ours; the queue has it
    }
    if (host* const of = find(sender.host()))
      of->mind->replied(from.any_port ? tftp_port : sender.port(),
                        bytes_view(octets).first(static_cast<std::size_t>(size)), now);
  }
}

void udp_engine::handle(std::uint64_t key, std::uint32_t events, time_point now) {
  const channel& from = channels_[key];
  for (unsigned count = 0; count < 4 * sends_a_turn; ++count) {
    const auto queued = net::take_queued_error(from.fd.get());
    if (!queued) break;
    take_error(from, *queued, now);
  }
  if ((events & EPOLLIN) != 0 || (events & EPOLLERR) != 0) read_replies(from, now);
}

bool udp_engine::is_what_was_sent(std::string_view reply, std::uint16_t port) const {
  if (payload_for(port).empty()) return reply == how_.message;
  for (const unsigned attempt : {0U, 1U})
    if (reply == as_text(payload_for(port, attempt))) return true;
  return false;
}

void udp_engine::report(host& of) {
  while (auto answer = of.mind->take_answer()) {
    finding made;
    made.host = targets_.host_at(of.target);
    made.address = with_interface(of.to);
    made.protocol = transport::udp;
    made.port = answer->port;
    made.state = answer->verdict.state;
    made.why = answer->verdict.why;
    made.system_error = answer->verdict.system_error;
    made.origin = origin_of(answer->verdict, of.to, own_);
    made.rtt = answer->rtt;
    made.is_echo = !answer->reply.empty() && is_what_was_sent(answer->reply, answer->port);
    made.reply = std::move(answer->reply);
    made.service = services_.find(transport::udp, made.port);
    output_.found(made);
  }
}

time_point udp_engine::turn(time_point now, bool is_up_to_date) {
  begin_hosts(now);
  time_point wake = never;
  unsigned count = 0;
  for (host& each : hosts_) {
    if (is_up_to_date) each.mind->tick(now);
    bool held_up = now < blocked_until_;
    while (!held_up) {
      const auto what = each.mind->next(now);
      if (!what) break;
      if (count++ >= sends_a_turn || !limit_.take(now)) {
        held_up = true;
      } else if (!send(each, *what, now)) {
        blocked_until_ = now + full_queue_pause;
        held_up = true;
      }
      now = clock::now();
    }
    report(each);
    const time_point its_wake = each.mind->wake(now);
    wake = std::min(wake, held_up ? std::max({its_wake, blocked_until_, limit_.next()}) : its_wake);
  }
  std::erase_if(hosts_, [&](const host& each) {
    if (!each.mind->done()) return false;
    finished_ += how_.ports.size();
    return true;
  });
  if (next_host_ < targets_.size()) begin_hosts(now);
  return hosts_.empty() ? now : wake;
}

void udp_engine::abandon(time_point now) {
  static_cast<void>(now);
  for (host& each : hosts_) {
    each.mind->abandon();
    report(each);
  }
  hosts_.clear();
  next_host_ = targets_.size();
}

}  // namespace netlab::scan
