// SPDX-License-Identifier: MIT
#include "calc/io/shard.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/out_of_memory.hpp"
#include "serve/accepting.hpp"

namespace netlab::calc {
namespace {

net::tcp::endpoint local_endpoint(int fd) {
  net::tcp::endpoint local;
  auto size = static_cast<socklen_t>(local.capacity());
  if (::getsockname(fd, local.data(), &size) == 0) local.resize(size);
  return local;
}

}  // namespace

class shard::listener final : public event_loop::source, private event_loop::timer {
 public:
  listener(shard& of, net::unique_fd socket) : timer(of.loop_), shard_(of), socket_(std::move(socket)) {
    // Accepted sockets inherit it (tcp(7)). Answers are complete when they are sent, so nothing more is to wait for.
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  ~listener() override { shard_.loop_.ignore(socket_.get()); }

  void start() {
    if (const std::error_code refused = shard_.loop_.watch(socket_.get(), EPOLLIN, *this))
      throw std::system_error(refused, "epoll_ctl");
  }

  void ready(std::uint32_t, time_point now) override {
    if (!accept(serve::accepts_a_turn, now)) pause(now);
  }

  /// Accepts those that wait in the queue now, which the end of the listener would reset.
  void finish(time_point now) {
    for (std::size_t left = serve::accept_queue_length(socket_.get()); left > 0; --left)
      if (!accept(1, now)) break;
  }

 private:
  /// Returns false if the system lacks a descriptor or memory for the next one.
  bool accept(int most, time_point now) {
    for (int left = most; left > 0; --left) {
      net::tcp::endpoint peer;
      auto size = static_cast<socklen_t>(peer.capacity());
      net::unique_fd socket(::accept4(socket_.get(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket) {
        error_ = last_system_error();
        if (classify(error_) == error_class::system_resources) return false;
        if (error_ == std::errc::operation_would_block) return true;
        continue;  // about a peer that disappeared before it was accepted (accept(2))
      }
      peer.resize(size);
      if (!net::attempt([&] { shard_.admit(std::move(socket), peer, now); }))
        net::attempt([&] { shard_.log_.trouble("no memory: a peer was dropped"); });
    }
    return true;
  }

  void pause(time_point now) {
    shard_.loop_.change(socket_.get(), 0, *this);
    net::insist([&] { arm(now + serve::accept_pause); });
    net::attempt(
        [&] { shard_.log_.trouble(fmt::format("accept: {} (clients wait in the queue)", message_of(error_))); });
  }

  void expired(time_point) override { shard_.loop_.change(socket_.get(), EPOLLIN, *this); }

  shard& shard_;
  net::unique_fd socket_;
  std::error_code error_;
};

shard::shard(const server_parameters& parameters, serve::visitor_log& log, serve::client_counts& clients)
    : parameters_(parameters),
      drive_(net::serving_for(parameters.session.idle_timeout)),
      log_(log),
      clients_(clients),
      input_(std::make_unique_for_overwrite<std::byte[]>(input_size)) {}

shard::~shard() = default;

void shard::listen(net::transport protocol, net::unique_fd socket) {
  if (protocol == net::transport::tcp)
    listeners_.emplace_back(*this, std::move(socket)).start();
  else
    datagram_sockets_.emplace_back(*this, std::move(socket)).start();
}

void shard::admit(net::unique_fd socket, const net::tcp::endpoint& peer, time_point now) {
  serve::client_bound reached;
  auto seat = clients_.enter(peer.address(), reached);
  if (!seat) return turn_away(std::move(socket), peer, reached, now);
  log_.arrived(peer, log_.tells_connections() ? local_endpoint(socket.get()) : net::tcp::endpoint());
  const auto one = connections_.emplace(connections_.end(), *this, std::move(socket), peer, std::move(seat), now);
  one->start(one, now);
}

void shard::turn_away(net::unique_fd socket, const net::tcp::endpoint& peer, const serve::client_bound& reached,
                      time_point now) {
  log_.turned_away(peer, reached);
  if (turned_away_ >= serve::max_turned_away) return;
  bytes words;
  append(words, fmt::format("error: too many clients{}, {} at once; try again later\r\n",
                            reached.is_per_address ? " from this address" : "", reached.most));
  const auto one = connections_.emplace(connections_.end(), *this, std::move(socket), peer, std::move(words), now);
  ++turned_away_;
  one->start(one, now);
}

void shard::remove(connection& ended, std::error_code why) noexcept {
  net::attempt([&] {
    if (ended.is_client() && log_.tells_visits())
      log_.left(ended.peer(), why ? fail(why, {}) : result<void>(), count_of(ended.answers(), "answer"), ended.since());
  });
  if (!ended.is_client()) --turned_away_;
  connections_.erase(ended.place());
  report_if_drained();
}

void shard::stop(std::function<void()> drained) {
  const time_point now = clock::now();
  for (listener& each : listeners_) each.finish(now);
  listeners_.clear();
  for (datagram_socket& each : datagram_sockets_) each.finish(now);
  datagram_sockets_.clear();
  for (auto next = connections_.begin(); next != connections_.end();) (next++)->stop(now);
  drained_ = std::move(drained);
  report_if_drained();
}

void shard::abort() {
  for (auto next = connections_.begin(); next != connections_.end();) (next++)->abort();
}

void shard::close() noexcept {
  listeners_.clear();
  datagram_sockets_.clear();
  connections_.clear();
}

void shard::report_if_drained() noexcept {
  if (connections_.empty() && drained_) std::exchange(drained_, nullptr)();
}

}  // namespace netlab::calc
