// SPDX-License-Identifier: MIT
// A server: TCP sessions, optionally over TLS, and UDP answers; a graceful shutdown loses neither.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "net/drive.hpp"
#include "serve/client_counts.hpp"
#include "serve/datagram_responder.hpp"
#include "serve/engine.hpp"
#include "tls/stream.hpp"

namespace netlab::serve {

/// A peer that has connected.
struct visitor {
  net::tcp::endpoint peer;
  net::tcp::endpoint local;
  time_point now;
  bool secure = false;  ///< TLS comes first: tls_started() will be called before any feed()
  /// Makes the session's loop call resume(). May be called from any thread, also after the session has ended, but not
  /// after the service has been destroyed.
  std::function<void()> wake;
};

/// How the server reacts when TLS should start. Everything but `handshake` is a deliberate fault.
struct tls_answer {
  enum class kind : std::uint8_t {
    handshake,  ///< with `identity`
    silence,  ///< reads and sends nothing
    words,  ///< sends `words` instead of TLS, then closes
  };
  kind action = kind::handshake;
  std::size_t identity = 0;  ///< index into the identities given to use_tls()
  bytes words = {};
};

struct limits {
  std::size_t max_clients = 10'000;
  std::size_t max_clients_per_address = 5'000;  ///< so that one address cannot use all of max_clients
  std::size_t max_datagram = 2'048;  ///< longer datagrams arrive truncated, with their original length
  net::drive_options drive = net::serving;
  /// For the whole TLS handshake. A client that is started by hand needs some tenths of a second.
  duration handshake_time = std::chrono::seconds(30);
};

/// The application of a service. Called from all workers' threads at once: each function must guard its state.
class handler : public servable {
 public:
  [[nodiscard]] serve::limits limits() const override { return {}; }
  [[nodiscard]] std::unique_ptr<engine> run_on(workers& on, const serve::limits& bounds) final;
  [[nodiscard]] handler* sessions() noexcept final { return this; }

  /// A peer has connected. The machine lives until closed() has been called for it.
  [[nodiscard]] virtual std::unique_ptr<machine> open(const visitor& who) = 0;
  /// The session has ended. The failure says whether the stream broke or what was wrong with TLS.
  virtual void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& outcome) = 0;
  /// The session's answer to the client's first TLS message.
  [[nodiscard]] virtual tls_answer begin_tls(machine& session) {
    static_cast<void>(session);
    return {};
  }
  /// A peer was refused because a limit was reached. It gets these octets and an orderly close.
  [[nodiscard]] virtual bytes full(const net::tcp::endpoint& peer, const client_bound& reached) = 0;
  /// Returns true if the datagram is answered with `reply`.
  [[nodiscard]] virtual bool answer(const datagram& request, bytes& reply) = 0;
  /// A local problem that no peer is told about (no descriptors or memory left).
  virtual void trouble(const std::string& line) = 0;
};

/// Accepts and answers on the given sockets, on every worker. A session for which there is no memory ends; the service
/// continues.
class service final : public engine {
 public:
  service(workers& on, handler& application, const serve::limits& bounds);
  ~service() override;
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  [[nodiscard]] result<void> use_tls(const std::vector<tls::server_options>& identities, bool implicit) override;
  void start(std::vector<bound>& sockets) override;
  void stop(std::function<void()> drained) override;
  void abort() override;
  [[nodiscard]] std::size_t clients() const noexcept override { return clients_.size(); }

 private:
  struct session;
  struct acceptor;
  struct shard;

  void accept_next(shard& on, acceptor& from);
  [[nodiscard]] std::error_code accept_waiting(shard& on, acceptor& from);
  void pause_accepting(shard& on, acceptor& from);
  void admit(shard& on, net::tcp::socket socket, const net::tcp::endpoint& peer) noexcept;
  void serve(shard& on, net::tcp::socket socket, const net::tcp::endpoint& peer, client_counts::place place);
  void turn_away(shard& on, net::tcp::socket socket, const net::tcp::endpoint& peer, const client_bound& reached);
  void begin(shard& on, const std::shared_ptr<session>& client);
  asio::awaitable<void> run_session(shard& on, std::shared_ptr<session> client);
  [[nodiscard]] asio::awaitable<result<void>> converse(shard& on, session& client);
  [[nodiscard]] asio::awaitable<result<void>> secure(shard& on, session& client);
  void stop_shard(shard& on);
  void leave();
  void report(std::string_view message) noexcept;

  workers& workers_;
  handler& handler_;
  limits limits_;
  bool implicit_tls_ = false;
  std::vector<std::unique_ptr<shard>> shards_;
  client_counts clients_;
  std::atomic<std::size_t> alive_{1};  // shards not stopped, listeners and sessions not ended; plus one until stop()
  std::function<void()> drained_;
};

}  // namespace netlab::serve
