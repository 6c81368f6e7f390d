// SPDX-License-Identifier: MIT
// Configuration of a mail server, the same for all its sessions, and the observer of its sessions.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "mail/login/accounts.hpp"
#include "mail/login/sasl_server.hpp"
#include "mail/server/address_pattern.hpp"
#include "mail/server/fault.hpp"
#include "mail/server/rate_limit.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_command_line = 4096;   // RFC 5321 §4.5.3.1.4 has 512; extensions add about 1,700
inline constexpr std::size_t max_server_auth_line = 12'288;  // RFC 4954 §4: the longest line that a client may send

/// Timeouts for a client. RFC 5321 §4.5.3.2.7 asks a server for at least 5 minutes.
struct server_timeouts {
  duration command = std::chrono::minutes(5);  ///< for one complete line; a partial line is not progress
  /// For a complete line of a message, or content_step octets of it: enough for typing by hand (§4.5.3.2.5: at least
  /// 3 minutes). service_limits::max_clients_per_address bounds deliberately slow clients.
  duration content = std::chrono::minutes(5);
  duration failed_login = std::chrono::seconds(1);  ///< delay before the answer; 0: none
  /// From the start, or from one complete message, to the next: bounds how long a slow client holds a place. 0: no
  /// limit.
  duration session = std::chrono::hours(1);
};

struct server_limits {
  std::uint64_t message = 32 * 1024 * 1024;  ///< octets of a message, SIZE (RFC 1870); 0: no limit
  std::size_t recipients = 1000;  ///< per message; RFC 5321 §4.5.3.1.8 asks for at least 100
  std::size_t errors = 20;  ///< syntax errors and failed logins per session; then 421
  std::size_t failed_logins = 5;  ///< wrong users or passwords per session; then 421
  std::size_t refused_recipients = 1000;  ///< since the last message; then 421
  std::size_t idle_commands = 100;  ///< commands without effect since the last message; then 421
  std::size_t messages = 0;  ///< per session; then 421; 0: no limit
};

/// Whether STARTTLS is offered and has to be used.
enum class starttls_offer : std::uint8_t {
  none,  ///< there is no certificate
  offered,
  required,  ///< other commands are refused before TLS (RFC 3207 §4: 530)
};

struct server_parameters {
  std::string host = "localhost";  ///< the server's name: a domain name, visible ASCII
  starttls_offer starttls = starttls_offer::none;
  const accounts* users = nullptr;  ///< null or empty: no AUTH
  /// Offered in this order; SCRAM-SHA-256-PLUS only with TLS channel binding.
  std::vector<mechanism> mechanisms = server_mechanisms();
  bool login_required = false;  ///< refuse MAIL without a login: 530
  bool login_in_clear = false;  ///< offer AUTH without TLS, too
  /// Returns 18 or more fresh printable characters without commas. If empty, only PLAIN and LOGIN are offered.
  std::function<std::string()> nonce;
  server_limits limits;
  server_timeouts timeouts;
  std::vector<address_pattern> reject;  ///< recipients refused permanently: 550 5.1.1
  std::vector<address_pattern> tempfail;  ///< recipients refused temporarily: 451 4.2.1
  fault_plan* faults = nullptr;
  rate_limit* rate = nullptr;  ///< of messages
  rate_limit* login_failures = nullptr;  ///< per client; above it, AUTH is answered 454
};

/// The client.
struct server_visitor {
  std::string peer;  ///< address without port
  bool is_secure = false;  ///< implicit TLS
  std::string tls;  ///< for envelope::tls, if known
};

struct session_counts {
  std::uint64_t accepted = 0;  ///< messages
  std::uint64_t refused = 0;  ///< messages whose content was refused or incomplete
  std::uint64_t refused_recipients = 0;
  std::uint64_t octets = 0;  ///< of accepted messages
  std::uint64_t commands = 0;
  std::uint64_t errors = 0;
  std::uint64_t faults = 0;  ///< injected faults that occurred
};

/// Called back from within the machine's calls. Text from the peer is not escaped.
class server_observer {
 public:
  virtual ~server_observer() = default;

  /// Whether line() shall be called; asked once.
  [[nodiscard]] virtual bool wants_lines() const { return false; }
  /// A line of the dialogue, without its line end; `who` is `C` or `S`. Secrets are masked, content is left out.
  virtual void line(char /*who*/, std::string_view /*text*/) {}
  virtual void logged_in(std::string_view /*user*/, std::string_view /*mechanism*/) {}
  virtual void login_failed(std::string_view /*user*/, std::string_view /*mechanism*/, std::string_view /*why*/) {}
  /// `id`: the name given by the inbox.
  virtual void accepted(const envelope& /*of*/, std::uint64_t /*octets*/, std::string_view /*id*/) {}
  /// A refused sender, recipient (then `whom` is its address, if known) or message; `reply` is the answer to the
  /// client, without its line end.
  virtual void refused(const envelope& /*so_far*/, const address* /*whom*/, std::string_view /*reply*/) {}
  virtual void fault_fired(const fault& /*fired*/) {}
  /// Called once, when the session is done; `why`: `quit`, `closed by peer`, …
  virtual void ended(const session_counts& /*total*/, std::string_view /*why*/) {}
};

}  // namespace netlab::mail
