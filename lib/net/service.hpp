// SPDX-License-Identifier: MIT
// A server: sessions for those who connect, over TLS where they want it; answers for those who send datagrams; a stop
// that loses neither.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "net/client_counts.hpp"
#include "net/datagram.hpp"
#include "net/drive.hpp"
#include "net/listen.hpp"
#include "net/tls.hpp"
#include "net/workers.hpp"

namespace netlab::net {

/// Who has connected.
struct visitor {
  tcp::endpoint peer;
  tcp::endpoint local;
  time_point now;
  bool secure = false;  ///< TLS comes first; tls_started() will be called before anything is fed
  /// Lets the session's loop call resume(), from any thread, also when the session has long ended. Not when the service
  /// itself is gone.
  std::function<void()> wake;
};

/// What a server does where TLS should begin; the right thing, unless somebody practises with it.
struct tls_answer {
  enum class kind : std::uint8_t {
    handshake,  ///< as `identity`
    silence,  ///< it reads and says nothing
    words,  ///< instead of TLS; then the connection ends
  };
  kind how = kind::handshake;
  std::size_t identity = 0;  ///< of those given to use_tls()
  bytes words = {};
};

/// What a service says and does. Called from every worker's thread at once: each call guards its own state.
class service_handler {
 public:
  virtual ~service_handler() = default;

  /// A peer has connected. The machine lives until closed() has been called for it.
  [[nodiscard]] virtual std::unique_ptr<machine> open(const visitor& who) = 0;
  /// Its session has ended; the failure says if the stream broke, or what was wrong with TLS.
  virtual void closed(machine& session, const tcp::endpoint& peer, const result<void>& how) = 0;
  /// How the session answers the client's first word of TLS.
  [[nodiscard]] virtual tls_answer begin_tls(machine& session) {
    static_cast<void>(session);
    return {};
  }
  /// A peer came when there was no room for it; gets these octets and an orderly close.
  [[nodiscard]] virtual bytes full(const tcp::endpoint& peer, const client_bound& reached) = 0;
  /// Whether the datagram is answered, and then with what.
  [[nodiscard]] virtual bool answer(const datagram& request, bytes& reply) = 0;
  /// Something went wrong that no peer is told of (no descriptors or memory left).
  virtual void trouble(const std::string& line) = 0;
};

struct service_limits {
  std::size_t max_clients = 10'000;
  std::size_t max_clients_per_address = 5'000;  ///< so that one that fills it leaves room for others
  std::size_t max_datagram = 2'048;  ///< longer ones arrive cut, and marked so
  drive_options drive = serving;
  /// For the whole TLS handshake. A person's client needs some tenths of a second.
  duration handshake_time = std::chrono::seconds(30);
};

/// Accepts and answers on sockets given to it, on every worker. stop() may come from any thread; the others
/// from the thread that made it. A session for which there is no memory ends; the service goes on.
class service {
 public:
  service(workers& on, service_handler& handler, service_limits limits);
  /// The workers must have been joined, or never started.
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  /// Before start(). A session may want TLS then, with one of these identities; `implicit`: each begins with it
  /// (RFC 8314 §3). Fails as tls_context::server() does.
  [[nodiscard]] result<void> use_tls(const std::vector<tls_server_options>& identities, bool implicit);

  /// Takes over the sockets of listen(), made with sockets_each = workers::size(), and begins.
  void start(std::vector<bound> sockets);

  /// No more peers are accepted (those already in the queue are served), sessions finish what was begun.
  /// Calls back once, in a worker's thread, when all is closed. Once only.
  void stop(std::function<void()> drained);
  /// Closes every session as it is.
  void abort();

  [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }

 private:
  struct session;
  struct acceptor;
  struct shard;

  void accept_next(shard& on, acceptor& from);
  [[nodiscard]] std::error_code accept_waiting(shard& on, acceptor& from);
  void pause_accepting(shard& on, acceptor& from);
  void admit(shard& on, tcp::socket socket) noexcept;
  void serve(shard& on, tcp::socket socket, const tcp::endpoint& peer, client_counts::place place);
  void turn_away(shard& on, tcp::socket socket, const tcp::endpoint& peer, const client_bound& reached);
  void begin(shard& on, const std::shared_ptr<session>& one);
  asio::awaitable<void> run_session(shard& on, std::shared_ptr<session> one);
  [[nodiscard]] asio::awaitable<result<void>> converse(shard& on, session& one);
  [[nodiscard]] asio::awaitable<result<void>> secure(shard& on, session& one);
  void stop_shard(shard& on);
  void leave();
  void report(std::string_view what) noexcept;

  workers& workers_;
  service_handler& handler_;
  service_limits limits_;
  bool implicit_tls_ = false;
  std::vector<std::unique_ptr<shard>> shards_;
  client_counts clients_;
  std::atomic<std::size_t> alive_{1};  // shards not stopped, listeners and sessions not ended; and one until stop()
  std::function<void()> drained_;
};

}  // namespace netlab::net
