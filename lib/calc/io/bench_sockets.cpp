// SPDX-License-Identifier: MIT
#include "calc/io/bench_sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/io/segmentation.hpp"
#include "calc/io/transfer.hpp"
#include "net/endpoint.hpp"

namespace netlab::calc {
namespace {

constexpr auto reconnect_pause = std::chrono::milliseconds(100);

constexpr int receives_a_turn = 16;  // on a UDP socket: its answers may arrive one by one

}  // namespace

void bench_shard::note_server_ended(std::error_code why) {
  if (std::exchange(server_ended, true)) return;
  tally.first_failure = failure{why, {}, fmt::format("{}: the server has stopped", message_of(why)), {}};
}

bench_stream::bench_stream(bench_shard& of, std::size_t first, const net::tcp::endpoint& server,
                           net::unique_fd connected)
    : timer(of.loop),
      shard_(of),
      server_(server),
      socket_(std::move(connected)),
      load_(of.requests, of.tally, first, of.pipeline, of.timeout) {}

void bench_stream::start() {
  const time_point now = clock::now();
  if (!socket_) return connect(now);
  watch(EPOLLIN);
  run(now);
}

void bench_stream::watch(std::uint32_t events) {
  if (watched_ == 0) {
    if (const std::error_code refused = shard_.loop.watch(socket_.get(), events, *this))
      throw std::system_error(refused, "epoll_ctl");
  } else if (watched_ != events) {
    shard_.loop.change(socket_.get(), events, *this);
  }
  watched_ = events;
}

void bench_stream::connect(time_point now) {
  state_ = state::connecting;
  drop();
  socket_ = net::unique_fd(::socket(server_.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return connect_failed(last_system_error(), now);
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_.get(), server_.data(), static_cast<socklen_t>(server_.size())) != 0 && errno != EINPROGRESS)
    return connect_failed(last_system_error(), now);
  watch(EPOLLOUT);
  connect_until_ = now + shard_.timeout;
  arm(connect_until_);
}

void bench_stream::connect_failed(std::error_code why, time_point now) {
  shard_.tally.lost += std::max<std::size_t>(std::exchange(again_, 0), 1);
  if (why == std::errc::connection_refused) {
    shard_.note_server_ended(why);
    return end();
  }
  shard_.tally.note({why, {}, {}, {}});
  pause(now);
}

void bench_stream::run(time_point now) {
  state_ = state::running;
  if (std::exchange(again_, 0) > 0) {
    ++shard_.closed;
    shard_.answers_before_close += answers_before_;
  }
  send(now, true);
  settle(now);
}

void bench_stream::ready(std::uint32_t events, time_point now) {
  if (state_ == state::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return connect_failed({error, std::system_category()}, now);
    return run(now);
  }
  if (state_ != state::running) return;
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0) receive(now);
  if (state_ != state::running) return;
  send(now);
  settle(now);
}

void bench_stream::receive(time_point now) {
  const ssize_t size = receive_some(socket_.get(), {shard_.input.get(), bench_shard::input_size});
  if (size > 0) return load_.feed({shard_.input.get(), static_cast<std::size_t>(size)}, now);
  if (size < 0 && is_temporary(errno)) return;
  if (size < 0) return close(last_system_error(), now);
  load_.eof(now);
}

/// Sends what is left, then as many requests as are missing in flight.
void bench_stream::send(time_point now, bool is_new) {
  if (load_.ended()) return;
  bytes& output = unsent_.empty() ? shard_.output : unsent_;
  // A new connection always asks: a server that answers one request may wait for it.
  if (is_new || now < shard_.end) load_.fill(output, now);
  const bytes_view rest = bytes_view(output).subspan(sent_);
  if (rest.empty()) return;
  const ssize_t size = send_some(socket_.get(), rest);
  if (size < 0 && !is_temporary(errno)) {
    // What the server has sent before it closed the connection may still be there.
    if (errno == EPIPE || errno == ECONNRESET) receive(now);
    if (state_ == state::running && !load_.ended()) close(std::make_error_code(std::errc::broken_pipe), now);
    shard_.output.clear();
    return;
  }
  sent_ += static_cast<std::size_t>(std::max<ssize_t>(size, 0));
  if (sent_ == output.size()) {
    output.clear();
    sent_ = 0;
  } else if (&output == &shard_.output) {
    unsent_.assign(output.begin() + static_cast<std::ptrdiff_t>(sent_), output.end());
    output.clear();
    sent_ = 0;
  }
}

void bench_stream::settle(time_point now) {
  if (state_ != state::running) return;
  if (load_.ended()) return close({}, now);
  if (load_.in_flight() == 0) return end();  // the time is over
  watch(unsent_.empty() ? std::uint32_t{EPOLLIN} : std::uint32_t{EPOLLIN | EPOLLOUT});
  arm(load_.deadline().value_or(never));
}

/// The connection has ended. Unanswered requests are sent again if it has given right answers.
void bench_stream::close(std::error_code why, time_point now) {
  disarm();
  drop();
  unsent_.clear();
  sent_ = 0;
  const std::size_t unanswered = load_.in_flight();
  const bool goes_on = load_.answers() > 0 && !load_.failed() && unanswered > 0;
  const std::uint64_t answers = load_.answers();
  load_ = stream_load(load_, load_.oldest());
  if (goes_on) {
    again_ = unanswered;
    answers_before_ = answers;
    return now < shard_.end ? connect(now) : end();
  }
  shard_.tally.lost += unanswered;
  if (unanswered > 0) shard_.tally.note({why ? why : make_error_code(errc::closed_by_peer), {}, {}, {}});
  pause(now);
}

void bench_stream::pause(time_point now) {
  drop();
  if (now >= shard_.end) return end();
  state_ = state::pausing;
  disarm();
  arm(now + reconnect_pause);
}

void bench_stream::expired(time_point now) {
  switch (state_) {
    case state::pausing: return now < shard_.end ? connect(now) : end();
    case state::connecting:
      if (now < connect_until_) return arm(connect_until_);
      return connect_failed(make_error_code(errc::timed_out), now);
    case state::running: load_.tick(now); return settle(now);
    case state::ended: return;
  }
}

void bench_stream::drop() {
  shard_.loop.ignore(socket_.get());
  socket_ = {};
  watched_ = 0;
}

void bench_stream::stop() {
  if (state_ != state::ended) end();
}

void bench_stream::end() {
  state_ = state::ended;
  disarm();
  drop();
  shard_.finished();
}

bench_datagrams::bench_datagrams(bench_shard& of, std::size_t first, net::unique_fd connected)
    : timer(of.loop),
      shard_(of),
      socket_(std::move(connected)),
      load_(of.requests, of.tally, first, of.pipeline, of.timeout) {
  accept_segments(socket_.get());
}

void bench_datagrams::start() {
  if (const std::error_code refused = shard_.loop.watch(socket_.get(), EPOLLIN, *this))
    throw std::system_error(refused, "epoll_ctl");
  settle(clock::now());
}

void bench_datagrams::ready(std::uint32_t, time_point now) {
  if (!socket_) return;
  if (!receive(now)) return refused(now);
  settle(now);
}

/// Returns false after ECONNREFUSED: no server listens on the port.
bool bench_datagrams::receive(time_point now) {
  alignas(cmsghdr) std::array<std::byte, segmentation_control_size> control;
  for (int left = receives_a_turn; left > 0; --left) {
    iovec part{shard_.input.get(), bench_shard::input_size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
    if (size < 0) return errno != ECONNREFUSED;
    for_each_datagram(message, {shard_.input.get(), static_cast<std::size_t>(size)},
                      [&](bytes_view datagram) { load_.receive(datagram, now); });
  }
  return true;
}

/// Returns false after ECONNREFUSED: no server listens on the port.
bool bench_datagrams::send(bytes_view requests) {
  const std::size_t size = shard_.requests.request_size();
  const std::size_t at_once = has_segmentation_ ? std::min(most_segments, net::max_datagram / size) * size : size;
  while (!requests.empty()) {
    bytes_view piece = requests.first(std::min(at_once, requests.size()));
    iovec part{const_cast<std::byte*>(piece.data()), piece.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<std::byte, segmentation_control_size> control{};
    message.msg_control = control.data();
    if (piece.size() > size) set_segment_size(message, size);
    if (::sendmsg(socket_.get(), &message, MSG_DONTWAIT) < 0) {
      if (errno == ECONNREFUSED) return false;
      if (piece.size() > size && (errno == EIO || errno == EINVAL || errno == EMSGSIZE)) {
        has_segmentation_ = false;  // the path has none (udp(7))
        return send(requests);
      }
      // Otherwise they are lost, as in a full queue elsewhere.
    }
    requests = requests.subspan(piece.size());
  }
  return true;
}

void bench_datagrams::settle(time_point now) {
  bytes& output = shard_.output;
  output.clear();
  if (now < shard_.end) load_.fill(output, now);
  if (!send(output)) return refused(now);
  if (load_.in_flight() == 0) return end();  // the time is over
  arm(load_.deadline().value_or(never));
}

void bench_datagrams::refused(time_point) {
  const std::error_code why = std::make_error_code(std::errc::connection_refused);
  load_.fail_all({why, {}, {}, {}});
  if (shard_.tally.answers > 0) shard_.note_server_ended(why);
  end();
}

void bench_datagrams::expired(time_point now) {
  if (!socket_) return;
  load_.tick(now);
  settle(now);
}

void bench_datagrams::end() {
  if (!socket_) return;
  disarm();
  shard_.loop.ignore(socket_.get());
  socket_ = {};
  shard_.finished();
}

}  // namespace netlab::calc
