// SPDX-License-Identifier: MIT
// A mail server that takes what comes, keeps it in a Maildir, tells who brought it, and misbehaves where it is told to.
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
#include "mail/maildir.hpp"
#include "mail/server.hpp"
#include "net/authority.hpp"
#include "net/bounded_log.hpp"
#include "net/out_of_memory.hpp"
#include "net/service.hpp"

namespace netlab::mail {

struct sink_parameters {
  /// Of it, users, nonce, faults and rate are the sink's own affair: they come from what stands below.
  server_parameters server;
  std::vector<std::string> users;
  secret password;  ///< of all of them
  std::vector<std::string> faults;  ///< as fault_plan::add() takes them
  std::optional<rate_limit::terms> max_rate;
  std::string maildir;  ///< the directory; empty: messages are thrown away once they are whole
  std::size_t max_clients = 10'000;  ///< of each service
};

/// A client that guesses passwords on many connections is slowed by no pause: so many in a minute, then none.
inline constexpr std::uint64_t most_failed_logins = 100;

struct sink_totals {
  std::uint64_t connections = 0;
  std::uint64_t turned_away = 0;
  std::uint64_t accepted = 0;  ///< messages
  std::uint64_t octets = 0;  ///< of them
  std::uint64_t refused = 0;  ///< senders, recipients and messages
  std::uint64_t failed_logins = 0;
  std::uint64_t faults = 0;  ///< that were asked for and happened
};

/// A message that was taken.
struct sink_message {
  const envelope& of;
  const net::tcp::endpoint& peer;
  std::uint64_t octets = 0;  ///< as it came, lines in CRLF
  std::string_view id;
  std::string_view file;  ///< empty where it was thrown away
};

/// A sender, a recipient or a message that was not taken.
struct sink_refusal {
  const envelope& so_far;
  const net::tcp::endpoint& peer;
  const address* recipient = nullptr;  ///< where it is about one whose address is known
  std::string_view reply;  ///< what the client was told
};

/// A login that failed.
struct sink_failed_login {
  const net::tcp::endpoint& peer;
  std::string_view user;
  std::string_view mechanism;
  std::string_view why;
};

/// Each is called from any worker's thread, one call at a time for all of them. Lines are whole, and safe to show. None
/// may wait for a reader: all sessions would.
struct sink_observer {
  /// What happens, at a bounded rate: visitors, messages, logins, refusals, faults.
  std::function<void(const std::string& line)> log;
  /// Each line of each dialogue, secrets masked; may be missing.
  std::function<void(const std::string& line)> dialogue;
  /// Each message, before its client is told; may be missing.
  std::function<void(const sink_message& what)> accepted;
  /// May be missing, as the next.
  std::function<void(const sink_refusal& what)> refused;
  std::function<void(const sink_failed_login& what)> login_failed;
};

/// What the mail services do with peers; net::service brings them.
class sink {
 public:
  /// Fails as maildir::open(), accounts::add() and fault_plan::add() do.
  [[nodiscard]] static result<std::unique_ptr<sink>> open(sink_parameters with, sink_observer heard);
  /// What was committed is stored first. The services must have ended.
  ~sink();
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;

  /// For ports where TLS begins with STARTTLS, and for those where it comes first (RFC 8314 §3).
  [[nodiscard]] net::service_handler& starttls_side() noexcept;
  [[nodiscard]] net::service_handler& implicit_side() noexcept;
  [[nodiscard]] net::service_limits limits() const;

  /// What net::service::use_tls() needs for either: the right certificate, and those that the faults ask for. Before
  /// the services start. Fails as the authority does.
  [[nodiscard]] result<std::vector<net::tls_server_options>> identities(const net::authority& by,
                                                                        const std::vector<std::string>& names);

  [[nodiscard]] sink_totals totals() const;
  /// Says how many lines were left out, if there are any left to be told of.
  void finish_log();

 private:
  class side;
  class session;
  sink(sink_parameters with, sink_observer heard);

  // What cannot be told for want of memory is not told: the session goes on.
  template <class Make>
  void log(Make make) {
    net::attempt([&] { log_.tell(clock::now(), make); });
  }
  template <class Event>
  void tell(const std::function<void(const Event&)>& whom, const Event& what) {
    if (!whom) return;
    const std::lock_guard lock(heard_mutex_);
    net::attempt([&] { whom(what); });
  }

  sink_parameters with_;
  sink_observer heard_;
  std::unique_ptr<accounts> accounts_;
  fault_plan faults_;
  std::optional<rate_limit> rate_;
  rate_limit login_failures_{most_failed_logins, std::chrono::minutes(1)};
  std::vector<fault_action> shown_;  // the fault that an identity is for; the first one has none
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

  std::mutex heard_mutex_;
  net::bounded_log log_;
  std::unique_ptr<maildir> store_;  // the last: it ends first
};

}  // namespace netlab::mail
