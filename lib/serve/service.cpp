// SPDX-License-Identifier: MIT
#include "serve/service.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/visit.hpp"
#include "net/expiry.hpp"
#include "net/out_of_memory.hpp"
#include "serve/accepting.hpp"

namespace netlab::serve {
struct service::acceptor {
  acceptor(asio::io_context& on, const net::tcp& protocol, int fd) : socket(on, protocol, fd), retry(on) {}
  net::tcp::acceptor socket;
  asio::steady_timer retry;
};

/// One peer. Its stream is the socket, until a TLS stream takes the socket over.
struct service::session {
  session(net::tcp::socket from, net::tcp::endpoint who, client_counts::place client_place)
      : socket(std::move(from)), peer(std::move(who)), seat(std::move(client_place)) {}

  /// True if the peer is served, not turned away.
  [[nodiscard]] bool is_guest() const noexcept { return static_cast<bool>(seat); }

  void stop() {
    stopping = true;
    if (plain) plain->stop();
    if (encrypted_drive) encrypted_drive->stop();
    std::error_code ignored;
    if (silent) socket.cancel(ignored);
  }
  void abort() {
    aborted = true;
    std::error_code ignored;
    if (encrypted_drive)
      encrypted_drive->abort();
    else if (encrypted)
      encrypted->lowest_layer().cancel(ignored);
    else if (plain)
      plain->abort();
    else
      socket.cancel(ignored);
  }
  void resume() {
    if (plain) plain->poke();
    if (encrypted_drive) encrypted_drive->poke();
  }

  /// Passes on stop() or abort() calls that came before there was a driver.
  template <class Stream>
  asio::awaitable<std::error_code> run(std::optional<net::driver<Stream>>& drive) {
    if (stopping) drive->stop();
    if (aborted) drive->abort();
    const std::error_code error = co_await drive->run();
    drive.reset();
    co_return error;
  }

  net::tcp::socket socket;
  net::tcp::endpoint peer;
  std::unique_ptr<machine> protocol;
  client_counts::place seat;
  bool stopping = false;
  bool aborted = false;
  bool silent = false;  // the server never answers its TLS handshake
  std::optional<net::driver<net::tcp::socket>> plain;
  std::unique_ptr<tls::stream> encrypted;
  std::optional<net::driver<tls::stream>> encrypted_drive;
  std::list<std::shared_ptr<session>>::iterator place;
};

struct service::shard {
  explicit shard(asio::io_context& event_loop) : context(event_loop) {}
  asio::io_context& context;
  std::vector<tls::context> identities;
  std::list<acceptor> acceptors;
  std::list<datagram_responder> responders;
  std::list<std::shared_ptr<session>> sessions;
  std::size_t turned_away = 0;
  bool stopping = false;
  bool aborted = false;
};

std::unique_ptr<engine> handler::run_on(workers& on, const serve::limits& bounds) {
  return std::make_unique<service>(on, *this, bounds);
}

service::service(workers& on, handler& application, const serve::limits& bounds)
    : workers_(on),
      handler_(application),
      limits_(bounds),
      clients_(bounds.max_clients, bounds.max_clients_per_address) {
  for (unsigned index = 0; index < workers_.size(); ++index)
    shards_.push_back(std::make_unique<shard>(workers_.context(index)));
}

service::~service() {
  // Unfinished coroutines are destroyed with their event loops, later than this service.
  for (const auto& each : shards_)
    for (const auto& client : each->sessions) client->seat = {};
}

result<void> service::use_tls(const std::vector<tls::server_options>& identities, bool implicit) {
  implicit_tls_ = implicit;
  for (const auto& each : shards_)
    for (const tls::server_options& identity : identities) {
      auto context = tls::context::server(identity);
      if (!context) return unexpected(context.error());
      each->identities.push_back(std::move(*context));
    }
  return {};
}

void service::start(std::vector<bound>& sockets) {
  for (bound& each : sockets) {
    for (std::size_t index = 0; index < each.sockets.size(); ++index) {
      shard& on = *shards_[index % shards_.size()];
      if (each.protocol == net::transport::tcp) {
        on.acceptors.emplace_back(on.context, each.address.is_v6() ? net::tcp::v6() : net::tcp::v4(),
                                  each.sockets[index].release());
      } else {
        on.responders.emplace_back(
            on.context, std::move(each.sockets[index]), each.address.is_v6(), limits_.max_datagram,
            [this](const datagram& request, bytes& reply) { return handler_.answer(request, reply); });
      }
    }
  }
  // A listener counts as alive until its last accept() has returned, because a peer that it brings must still be
  // served.
  for (const auto& each : shards_) alive_ += 1 + each->acceptors.size();
  for (const auto& each : shards_) {
    for (acceptor& from : each->acceptors) accept_next(*each, from);
    for (datagram_responder& responder : each->responders) responder.start();
  }
}

void service::report(std::string_view message) noexcept {
  net::attempt([&] { handler_.trouble(std::string(message)); });
}

void service::accept_next(shard& on, acceptor& from) {
  net::insist([&] {
    from.socket.async_wait(net::tcp::acceptor::wait_read, [this, &on, &from](std::error_code) {
      if (on.stopping) return leave();  // stop() has closed the acceptor
      const std::error_code error = accept_waiting(on, from);
      if (classify(error) == error_class::system_resources) {
        net::attempt([&] { report(fmt::format("accept: {} (clients wait in the queue)", message_of(error))); });
        return pause_accepting(on, from);
      }
      accept_next(on, from);
    });
  });
}

/// Accepts some waiting peers. The error says why it stopped: the queue is empty, or a local resource is exhausted.
std::error_code service::accept_waiting(shard& on, acceptor& from) {
  std::error_code error;
  from.socket.non_blocking(true, error);
  for (int left = accepts_a_turn; left > 0; --left) {
    const bool had_memory = net::attempt([&] {
      net::tcp::socket next(on.context);
      // Take the address from accept(2): getpeername(2) fails if the client, such as a port scanner, has already reset
      // the connection.
      net::tcp::endpoint peer;
      from.socket.accept(next, peer, error);
      if (!error) admit(on, std::move(next), peer);
    });
    if (!had_memory) report("accept: no memory, a peer was dropped");
    if (error == asio::error::would_block || classify(error) == error_class::system_resources) return error;
    // Other errors concern a peer that disappeared before it was accepted (accept(2)).
  }
  return {};
}

void service::pause_accepting(shard& on, acceptor& from) {
  from.retry.expires_after(accept_pause);
  net::insist([&] {
    from.retry.async_wait([this, &on, &from](std::error_code cancelled) {
      if (cancelled || on.stopping) return leave();
      accept_next(on, from);
    });
  });
}

void service::admit(shard& on, net::tcp::socket socket, const net::tcp::endpoint& peer) noexcept {
  const bool had_memory = net::attempt([&] {
    client_bound reached;
    if (auto place = clients_.enter(peer.address(), reached))
      serve(on, std::move(socket), peer, std::move(place));
    else
      turn_away(on, std::move(socket), peer, reached);
  });
  if (!had_memory) report("no memory: a peer was dropped");
}

void service::serve(shard& on, net::tcp::socket socket, const net::tcp::endpoint& peer, client_counts::place place) {
  std::error_code error;
  const net::tcp::endpoint local = socket.local_endpoint(error);
  socket.set_option(net::tcp::no_delay(true), error);
  auto client = std::make_shared<session>(std::move(socket), peer, std::move(place));
  client->protocol = handler_.open({.peer = peer,
                                    .local = local,
                                    .now = clock::now(),
                                    .secure = implicit_tls_,
                                    .wake = [&context = on.context, weak = std::weak_ptr(client)] {
                                      asio::post(context, [weak] {
                                        if (const auto alive = weak.lock()) alive->resume();
                                      });
                                    }});
  begin(on, client);
}

void service::turn_away(shard& on, net::tcp::socket socket, const net::tcp::endpoint& peer,
                        const client_bound& reached) {
  bytes words = handler_.full(peer, reached);
  if (on.turned_away >= max_turned_away) return;
  if (implicit_tls_) words.clear();  // a TLS client could not read it
  auto client = std::make_shared<session>(std::move(socket), peer, client_counts::place());
  client->protocol = std::make_unique<announcement>(std::move(words), clock::now());
  ++on.turned_away;
  try {
    begin(on, client);
  } catch (...) {
    --on.turned_away;
    throw;
  }
}

void service::begin(shard& on, const std::shared_ptr<session>& client) {
  client->place = on.sessions.insert(on.sessions.end(), client);
  client->stopping = on.stopping;
  client->aborted = on.aborted;
  ++alive_;
  try {
    asio::co_spawn(on.context, run_session(on, client), net::rethrow);
  } catch (...) {
    on.sessions.erase(client->place);
    leave();
    throw;
  }
}

asio::awaitable<void> service::run_session(shard& on, std::shared_ptr<session> client) {
  result<void> outcome;
  try {
    outcome = co_await converse(on, *client);
  } catch (const std::bad_alloc&) {
    outcome = unexpected(failure{std::make_error_code(std::errc::not_enough_memory), {}, {}, {}});
  }
  on.sessions.erase(client->place);
  if (client->is_guest())
    net::attempt([&] { handler_.closed(*client->protocol, client->peer, outcome); });
  else
    --on.turned_away;
  client->seat = {};
  leave();
}

asio::awaitable<result<void>> service::converse(shard& on, session& client) {
  machine& protocol = *client.protocol;
  if (!implicit_tls_ || !client.is_guest()) {
    client.plain.emplace(client.socket, protocol, limits_.drive);
    const std::error_code error = co_await client.run(client.plain);
    if (error) co_return fail(error, {});
    if (!protocol.wants_tls() || !client.is_guest()) co_return result<void>();
  }
  auto begun = co_await secure(on, client);
  if (!begun || !client.encrypted) co_return begun;
  protocol.tls_started(client.encrypted->facts(), clock::now());
  client.encrypted_drive.emplace(*client.encrypted, protocol, limits_.drive);
  const std::error_code error = co_await client.run(client.encrypted_drive);
  if (!error) co_return result<void>();
  if (client.encrypted->trouble().code) co_return unexpected(client.encrypted->trouble());
  co_return fail(error, {});
}

asio::awaitable<result<void>> service::secure(shard& on, session& client) {
  const time_point deadline = clock::now() + limits_.handshake_time;
  if (client.aborted) co_return fail(asio::error::operation_aborted, {});
  const tls_answer answer = handler_.begin_tls(*client.protocol);
  if (answer.action == tls_answer::kind::words) {
    const net::expiry limit(client.socket, deadline);
    const auto [error, size] = co_await asio::async_write(client.socket, asio::buffer(answer.words), net::use_tuple);
    co_return error ? fail(error, {}) : result<void>();
  }
  if (answer.action == tls_answer::kind::silence) {
    client.silent = true;
    const net::expiry limit(client.socket, deadline);
    std::array<std::byte, 4096> ignored{};
    for (;;) {
      if (client.stopping) co_return fail(asio::error::operation_aborted, {});
      const auto [error, size] = co_await client.socket.async_read_some(asio::buffer(ignored), net::use_tuple);
      if (error) co_return fail(limit.passed() ? make_error_code(errc::timed_out) : error, {});
    }
  }
  client.encrypted = std::make_unique<tls::stream>(std::move(client.socket), on.identities.at(answer.identity));
  auto done = co_await client.encrypted->handshake(deadline);
  co_return done;
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
    // Closing the listener would reset the peers in its queue, so accept them first: they are served.
    std::error_code error;
    for (std::size_t left = accept_queue_length(from.socket.native_handle()); left > 0 && !error;
         left -= std::min<std::size_t>(left, accepts_a_turn))
      error = accept_waiting(on, from);
    from.socket.close(error);
  }
  for (datagram_responder& responder : on.responders) responder.stop();
  for (const auto& each : on.sessions) net::attempt([&] { each->stop(); });
  leave();
}

void service::abort() {
  for (const auto& each : shards_)
    asio::post(each->context, [&on = *each] {
      on.aborted = true;
      for (const auto& client : on.sessions) net::attempt([&] { client->abort(); });
    });
}

void service::leave() {
  if (--alive_ == 0 && drained_) drained_();
}

}  // namespace netlab::serve
