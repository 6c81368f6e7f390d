// SPDX-License-Identifier: MIT
// What a mail server is told at its start, the same for all its sessions; and who hears what happens in them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "mail/accounts.hpp"
#include "mail/address_pattern.hpp"
#include "mail/envelope.hpp"
#include "mail/fault.hpp"
#include "mail/rate_limit.hpp"
#include "mail/sasl_server.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_command_line = 4096;   // RFC 5321 §4.5.3.1.4 has 512; extensions add some 1,700
inline constexpr std::size_t max_server_auth_line = 12'288;  // RFC 4954 §4: the largest that a client may send

/// How long a client may take. RFC 5321 §4.5.3.2.7 asks a server for 5 minutes at least.
struct server_patience {
  duration command = std::chrono::minutes(5);  ///< for one whole line: a part of it is no progress
  /// For a whole line of a message, or content_step octets of it: who types one by hand has time (§4.5.3.2.5: 3 minutes
  /// at least). Against many clients that are slow on purpose there is service_limits::max_clients_per_address.
  duration content = std::chrono::minutes(5);
  duration failed_login = std::chrono::seconds(1);  ///< before its answer; 0: none
  /// From the start, or from one whole message, to the next: who sends slowly leaves room for others. 0: for ever.
  duration session = std::chrono::hours(1);
};

struct server_limits {
  std::uint64_t message = 32 * 1024 * 1024;  ///< octets of a message, SIZE (RFC 1870); 0: no limit
  std::size_t recipients = 1000;  ///< of a message; RFC 5321 §4.5.3.1.8 asks for 100 at least
  std::size_t errors = 20;  ///< mistakes and failed logins in a session, then 421
  std::size_t failed_logins = 5;  ///< wrong users or passwords in a session, then 421
  std::size_t refused_recipients = 1000;  ///< since the last message, then 421
  std::size_t idle_commands = 100;  ///< commands since the last message, then 421: nobody comes to talk only
  std::size_t messages = 0;  ///< of a session, then 421; 0: no limit
};

/// What a client has to do before it may send.
enum class starttls_offer : std::uint8_t {
  none,  ///< there is no certificate
  offered,
  required,  ///< nothing goes without it (RFC 3207 §4: 530)
};

struct server_parameters {
  std::string host = "localhost";  ///< what the server calls itself: a domain name, visible ASCII
  starttls_offer starttls = starttls_offer::none;
  const accounts* users = nullptr;  ///< nothing, or nobody in it: no AUTH
  /// Offered in this order; SCRAM-SHA-256-PLUS only where the TLS connection can be bound to.
  std::vector<mechanism> mechanisms = server_mechanisms();
  bool login_required = false;  ///< MAIL without it: 530
  bool login_in_clear = false;  ///< AUTH also without TLS
  /// Fresh for each login: 18 printable characters or more, no commas. Without it only PLAIN and LOGIN are offered.
  std::function<std::string()> nonce;
  server_limits limits;
  server_patience patience_for;
  std::vector<address_pattern> reject;  ///< recipients that are refused for good: 550 5.1.1
  std::vector<address_pattern> tempfail;  ///< recipients that are refused for now: 451 4.2.1
  fault_plan* faults = nullptr;
  rate_limit* rate = nullptr;  ///< of messages
  rate_limit* login_failures = nullptr;  ///< of one client: beyond, AUTH is 454 whatever is said
};

/// Who is there.
struct server_visitor {
  std::string peer;  ///< address without port
  bool is_secure = false;  ///< TLS is on from the start
  std::string tls;  ///< for envelope::tls, where that is known
};

struct session_counts {
  std::uint64_t accepted = 0;  ///< messages
  std::uint64_t refused = 0;  ///< messages whose content was refused or came in part
  std::uint64_t refused_recipients = 0;
  std::uint64_t octets = 0;  ///< of accepted messages
  std::uint64_t commands = 0;
  std::uint64_t errors = 0;
  std::uint64_t faults = 0;  ///< that were planned
};

/// Hears what happens in a session, within the machine's calls. What came from the peer is as it came: escape it.
class server_observer {
 public:
  virtual ~server_observer() = default;

  /// Whether line() is wanted: asked once.
  [[nodiscard]] virtual bool wants_lines() const { return false; }
  /// The dialogue without line ends; `who` is `C` or `S`. Secrets are masked; content is not in it.
  virtual void line(char /*who*/, std::string_view /*text*/) {}
  virtual void logged_in(std::string_view /*user*/, std::string_view /*mechanism*/) {}
  virtual void login_failed(std::string_view /*user*/, std::string_view /*mechanism*/, std::string_view /*why*/) {}
  /// `id`: the name that the inbox gave it.
  virtual void accepted(const envelope& /*of*/, std::uint64_t /*octets*/, std::string_view /*id*/) {}
  /// A sender, a recipient (then it is `whom`, where it is known) or a message's content; `reply` is what the client
  /// was told, without its end.
  virtual void refused(const envelope& /*so_far*/, const address* /*whom*/, std::string_view /*reply*/) {}
  virtual void fault_fired(const fault& /*what*/) {}
  /// Once, when the session is done; `why`: `quit`, `closed by peer`, …
  virtual void ended(const session_counts& /*total*/, std::string_view /*why*/) {}
};

}  // namespace netlab::mail
