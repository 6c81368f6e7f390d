// SPDX-License-Identifier: MIT
#include "net/service.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>

#include <fmt/format.h>

namespace netlab::net {
namespace {

// Peers being told that the house is full; more are closed without a word, which costs nothing.
constexpr std::size_t max_turned_away = 256;

// After accept() found no descriptor, a pause: the peer stays in the queue, and asking again at once would
// only burn a core.
constexpr auto accept_pause = std::chrono::milliseconds(100);

/// Peers that wait to be accepted now (tcp(7)); those who come later come too late.
std::size_t backlog_of(int listener) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_unacked : 0;
}

/// Says one thing and is done.
class parting_words final : public machine {
 public:
  explicit parting_words(bytes what) : what_(std::move(what)) {}
  void feed(bytes_view, time_point) override {}
  void eof(time_point) override {}
  void tick(time_point) override {}
  bytes take_output() override { return std::exchange(what_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return std::nullopt; }
  [[nodiscard]] bool done() const override { return true; }

 private:
  bytes what_;
};

}  // namespace

struct service::acceptor {
  acceptor(asio::io_context& on, const tcp& protocol, int fd) : socket(on, protocol, fd), retry(on) {}
  tcp::acceptor socket;
  asio::steady_timer retry;
};

struct service::session {
  session(tcp::socket from, tcp::endpoint who, std::unique_ptr<machine> what, bool is_guest)
      : socket(std::move(from)),
        peer(std::move(who)),
        protocol(std::move(what)),
        guest(is_guest),
        drive(socket, *protocol, serving) {}
  tcp::socket socket;
  tcp::endpoint peer;
  std::unique_ptr<machine> protocol;
  bool guest;  // counted among the clients, not turned away
  driver<tcp::socket> drive;
  std::list<std::shared_ptr<session>>::iterator place;
};

struct service::shard {
  explicit shard(asio::io_context& its_context) : context(its_context) {}
  asio::io_context& context;
  std::list<acceptor> acceptors;
  std::list<datagram_responder> responders;
  std::list<std::shared_ptr<session>> sessions;
  std::size_t turned_away = 0;
  bool stopping = false;
  bool aborted = false;
};

service::service(workers& on, service_handler& handler, service_limits limits)
    : workers_(on), handler_(handler), limits_(limits) {
  for (unsigned index = 0; index < workers_.size(); ++index)
    shards_.push_back(std::make_unique<shard>(workers_.context(index)));
}

service::~service() = default;

void service::start(std::vector<bound> sockets) {
  for (bound& each : sockets) {
    for (std::size_t index = 0; index < each.sockets.size(); ++index) {
      shard& on = *shards_[index % shards_.size()];
      if (each.protocol == transport::tcp) {
        on.acceptors.emplace_back(on.context, each.address.is_v6() ? tcp::v6() : tcp::v4(),
                                  each.sockets[index].release());
      } else {
        on.responders.emplace_back(
            on.context, std::move(each.sockets[index]), each.address.is_v6(), limits_.max_datagram,
            [this](const datagram& request, bytes& reply) { return handler_.answer(request, reply); });
      }
    }
  }
  // A listener is alive until its last accept() has come back: a peer that it brings is still to be served.
  for (const auto& each : shards_) alive_ += 1 + each->acceptors.size();
  for (const auto& each : shards_)
    asio::post(each->context, [this, &on = *each] {
      if (on.stopping) return;
      for (acceptor& from : on.acceptors) accept_next(on, from);
      for (datagram_responder& responder : on.responders) responder.start();
    });
}

void service::accept_next(shard& on, acceptor& from) {
  from.socket.async_accept([this, &on, &from](std::error_code error, tcp::socket socket) {
    if (on.stopping) {  // accepted while stop() was on its way
      if (!error) admit(on, std::move(socket));
      return leave();
    }
    if (!error) {
      admit(on, std::move(socket));
    } else if (classify(error) == error_class::system_resources) {
      handler_.trouble(fmt::format("accept: {} (peers wait in the queue)", message_of(error)));
      from.retry.expires_after(accept_pause);
      from.retry.async_wait([this, &on, &from](std::error_code cancelled) {
        if (cancelled || on.stopping) return leave();
        accept_next(on, from);
      });
      return;
    }
    accept_next(on, from);  // other errors are the peer's, gone before it was accepted (accept(2))
  });
}

void service::admit(shard& on, tcp::socket socket) {
  std::error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;  // reset already
  const tcp::endpoint local = socket.local_endpoint(error);
  if (clients_.fetch_add(1, std::memory_order_relaxed) >= limits_.max_clients) {
    clients_.fetch_sub(1, std::memory_order_relaxed);
    return turn_away(on, std::move(socket), peer);
  }
  socket.set_option(tcp::no_delay(true), error);
  auto protocol = handler_.open(peer, local, clock::now());
  begin(on, std::make_shared<session>(std::move(socket), peer, std::move(protocol), true));
}

void service::turn_away(shard& on, tcp::socket socket, const tcp::endpoint& peer) {
  bytes words = handler_.full(peer);
  if (on.turned_away >= max_turned_away) return;
  ++on.turned_away;
  auto protocol = std::make_unique<parting_words>(std::move(words));
  begin(on, std::make_shared<session>(std::move(socket), peer, std::move(protocol), false));
}

void service::begin(shard& on, std::shared_ptr<session> one) {
  ++alive_;
  one->place = on.sessions.insert(on.sessions.end(), one);
  if (on.stopping) one->drive.stop();
  if (on.aborted) one->drive.abort();
  asio::co_spawn(on.context, run_session(on, std::move(one)), rethrow);
}

asio::awaitable<void> service::run_session(shard& on, std::shared_ptr<session> one) {
  const std::error_code error = co_await one->drive.run();
  on.sessions.erase(one->place);
  if (one->guest) {
    clients_.fetch_sub(1, std::memory_order_relaxed);
    handler_.closed(*one->protocol, one->peer, error);
  } else {
    --on.turned_away;
  }
  leave();
}

void service::stop(std::function<void()> drained) {
  drained_ = std::move(drained);
  for (const auto& each : shards_) asio::post(each->context, [this, &on = *each] { stop_shard(on); });
  leave();
}

void service::stop_shard(shard& on) {
  on.stopping = true;
  for (acceptor& from : on.acceptors) {
    from.retry.cancel();
    std::error_code error;
    // Closing the listener would reset the peers in its queue: they came in time and are served.
    from.socket.non_blocking(true, error);
    for (std::size_t left = backlog_of(from.socket.native_handle()); left > 0 && !error; --left) {
      tcp::socket socket(on.context);
      from.socket.accept(socket, error);
      if (!error) admit(on, std::move(socket));
    }
    from.socket.close(error);
  }
  for (datagram_responder& responder : on.responders) responder.stop();
  for (const auto& each : on.sessions) each->drive.stop();
  leave();
}

void service::abort() {
  for (const auto& each : shards_)
    asio::post(each->context, [&on = *each] {
      on.aborted = true;
      for (const auto& one : on.sessions) one->drive.abort();
    });
}

void service::leave() {
  if (--alive_ == 0 && drained_) drained_();
}

}  // namespace netlab::net
