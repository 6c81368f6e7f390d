// SPDX-License-Identifier: MIT
// A mail server that accepts all messages, stores them in a Maildir, reports them, and can inject faults.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "mail/server/server.hpp"
#include "mail/sink/io/maildir.hpp"
#include "net/out_of_memory.hpp"
#include "serve/bounded_log.hpp"
#include "serve/service.hpp"
#include "tls/authority.hpp"

namespace netlab::mail {

struct sink_parameters {
  /// Its users, nonce, faults and rates are set by the sink, from the members below.
  server_parameters server;
  std::vector<std::string> users;
  secret password;  ///< the same for all users
  std::vector<std::string> faults;  ///< as for fault_plan::add()
  std::optional<rate_limit::terms> max_rate;
  std::string maildir;  ///< the directory; empty: complete messages are discarded
  std::size_t max_clients = 10'000;  ///< per service
};

/// Failed logins per client and minute, after which logins are refused: a delay alone does not slow down a client
/// that guesses passwords on many connections.
inline constexpr std::uint64_t most_failed_logins = 100;

struct sink_totals {
  std::uint64_t connections = 0;
  std::uint64_t turned_away = 0;
  std::uint64_t accepted = 0;  ///< messages
  std::uint64_t octets = 0;  ///< of accepted messages
  std::uint64_t refused = 0;  ///< senders, recipients and messages
  std::uint64_t failed_logins = 0;
  std::uint64_t faults = 0;  ///< injected faults that occurred
};

/// An accepted message.
struct sink_message {
  const envelope& of;
  const net::tcp::endpoint& peer;
  std::uint64_t octets = 0;  ///< as received, lines in CRLF
  std::string_view id;
  std::string_view file;  ///< empty if it was discarded
};

/// A refused sender, recipient or message.
struct sink_refusal {
  const envelope& so_far;
  const net::tcp::endpoint& peer;
  const address* recipient = nullptr;  ///< set if a recipient was refused and its address is known
  std::string_view reply;  ///< the reply to the client
};

struct sink_failed_login {
  const net::tcp::endpoint& peer;
  std::string_view user;
  std::string_view mechanism;
  std::string_view why;
};

/// Watches one session, in its thread; destroyed with it. Texts from the client are not escaped.
class session_watch {
 public:
  virtual ~session_watch() = default;
  /// `tls`: `TLSv1.3 TLS_AES_256_GCM_SHA384`
  virtual void tls_started(std::string_view tls) = 0;
  /// A line of the dialogue; `by` is `C` or `S`. Secrets are masked, content is left out.
  virtual void line(char by, std::string_view text) = 0;
  virtual void logged_in(std::string_view user, std::string_view mechanism) = 0;
  virtual void login_failed(std::string_view user, std::string_view mechanism) = 0;
  /// A sender, recipient or message was refused with this reply.
  virtual void refused(std::string_view reply) = 0;
  /// `header`: the first octets of the content, up to 16 KiB.
  virtual void accepted(const sink_message& message, std::string_view header) = 0;
};

/// Called from any worker thread, but one call at a time. Lines are complete and escaped. A callback must not block:
/// it would delay all sessions.
struct sink_observer {
  /// Events at a bounded rate: clients, messages, logins, refusals, faults.
  std::function<void(const std::string& line)> log;
  /// Each line of each dialogue, with secrets masked; may be empty.
  std::function<void(const std::string& line)> dialogue;
  /// Each message, before its client gets the reply; may be empty.
  std::function<void(const sink_message& message)> accepted;
  /// May be empty, like the next.
  std::function<void(const sink_refusal& refusal)> refused;
  std::function<void(const sink_failed_login& failed)> login_failed;
  /// Called for each session from its thread, several at a time; may be empty, and may return null.
  std::function<std::unique_ptr<session_watch>(const serve::visitor& who)> watch = {};
};

/// The handlers for mail services; serve::service runs them.
class sink {
 public:
  /// Fails like maildir::open(), accounts::add() and fault_plan::add().
  [[nodiscard]] static result<std::unique_ptr<sink>> open(sink_parameters with, sink_observer observer);
  /// Stores all committed messages first. The services must have ended.
  ~sink();
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;

  /// For ports with STARTTLS, and for ports with implicit TLS (RFC 8314 §3).
  [[nodiscard]] serve::handler& starttls_side() noexcept;
  [[nodiscard]] serve::handler& implicit_side() noexcept;

  /// The certificates for serve::service::use_tls(), for both kinds of ports: the valid one and those that the faults
  /// need. Call it before the services start. Fails if the authority does.
  [[nodiscard]] result<std::vector<tls::server_options>> identities(const tls::authority& by,
                                                                    const std::vector<std::string>& names);

  [[nodiscard]] sink_totals totals() const;
  /// Logs how many lines were suppressed, if any.
  void finish_log();

 private:
  class side;
  class reporter;
  struct reporting;
  class session;
  sink(sink_parameters with, sink_observer observer);

  // Without memory a report is skipped: the session goes on.
  template <class Make>
  void log(Make make) {
    net::attempt([&] { log_.tell(clock::now(), make); });
  }
  template <class Event>
  void notify(const std::function<void(const Event&)>& whom, const Event& event) {
    if (!whom) return;
    const std::lock_guard lock(observer_mutex_);
    net::attempt([&] { whom(event); });
  }

  sink_parameters with_;
  sink_observer observer_;
  std::unique_ptr<accounts> accounts_;
  fault_plan faults_;
  std::optional<rate_limit> rate_;
  rate_limit login_failures_{most_failed_logins, std::chrono::minutes(1)};
  std::vector<fault_action> shown_;  // the fault of each identity; the first identity has none
  std::unique_ptr<side> starttls_;
  std::unique_ptr<side> implicit_;

  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> turned_away_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> octets_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> failed_logins_{0};
  std::atomic<std::uint64_t> fired_{0};
  std::atomic<std::uint64_t> discarded_{0};

  std::mutex observer_mutex_;
  serve::bounded_log log_;
  std::unique_ptr<maildir> store_;  // declared last, so that it is destroyed first
};

}  // namespace netlab::mail
