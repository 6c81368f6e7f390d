// SPDX-License-Identifier: MIT
// The mail server's options, for every command that has one; and `netlab mail sink`, which is nothing else.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "background_output.hpp"
#include "cli.hpp"
#include "console.hpp"
#include "mail/sink.hpp"
#include "password.hpp"
#include "serving.hpp"

namespace netlab::app {

/// Declared once. A command's own table of options holds them in their order, and those of a server and of a password
/// beside them.
namespace sink_options {
inline constexpr option auth_without_tls{.name = "auth-without-tls",
                                         .help = "offer AUTH also in clear; only on the command line"};
inline constexpr option discard{.name = "discard", .help = "keep no message"};
inline constexpr option fault{.name = "fault",
                              .argument = "NAME[:WHEN]",
                              .help =
                                  "misbehave, at each occasion or as WHEN says: to=ADDR, from=ADDR, every=N, "
                                  "after=N, once; list: explain them all",
                              .fallback = {},
                              .repeatable = true};
inline constexpr option maildir{
    .name = "maildir", .argument = "DIR", .help = "deliver into this Maildir; by default `maildir` in --state"};
inline constexpr option max_rate{
    .name = "max-rate",
    .argument = "N/DURATION",
    .help = "so many messages from one address in such a time (N alone: in a minute), then 421"};
inline constexpr option max_recipients{
    .name = "max-recipients", .argument = "N", .help = "recipients of one message", .fallback = "1000"};
inline constexpr option max_size{
    .name = "max-size", .argument = "SIZE", .help = "largest message that is taken", .fallback = "32M"};
inline constexpr option max_time{
    .name = "max-time", .argument = "DURATION", .help = "how long a session may last", .fallback = "1h"};
inline constexpr option name{.name = "name",
                             .argument = "NAME",
                             .help =
                                 "a name or address for the certificate, beside this machine's own; the first "
                                 "one is also what the server calls itself",
                             .fallback = {},
                             .repeatable = true};
inline constexpr option reject{.name = "reject",
                               .argument = "ADDR",
                               .help = "refuse this recipient (550); @DOMAIN: all of a domain, *: everyone",
                               .fallback = {},
                               .repeatable = true};
inline constexpr option require_auth{.name = "require-auth", .help = "take nothing without a login (530)"};
inline constexpr option require_tls{.name = "require-tls", .help = "take nothing without TLS (530)"};
inline constexpr option state{
    .name = "state", .argument = "DIR", .help = "where the lab's CA is kept; by default ~/.local/state/netlab"};
inline constexpr option tempfail{.name = "tempfail",
                                 .argument = "ADDR",
                                 .help = "refuse this recipient for now (451)",
                                 .fallback = {},
                                 .repeatable = true};
inline constexpr option user{
    .name = "user", .argument = "NAME", .help = "who may log in", .fallback = {}, .repeatable = true};
}  // namespace sink_options

/// A mail server as its options want it.
struct sink_call {
  mail::sink_parameters with;
  bool lists_faults = false;       ///< --fault list: nothing is served
  bool discards = false;
  std::string state;               ///< of the CA
  std::vector<std::string> names;  ///< for the certificate, this machine's own included
  password_source password;
};

/// Reads all of the above, --idle-timeout, --max-clients and where the password comes from; an action that asks for it
/// has them all in its table. --bind's addresses are among the names.
[[nodiscard]] sink_call read_sink(arguments& args);

/// The table of --fault list, on stdout.
void list_faults(console& out);

/// A sink that can be served: its CA is there, its Maildir, its password.
class open_sink {
 public:
  /// Asks for the password if there is a user. `log_name` stands before the lines of its log. Fails with what is wrong.
  [[nodiscard]] static result<open_sink> make(sink_call call, console& out, const std::string& log_name = {});

  /// `starttls`: for a port with STARTTLS, or one where TLS comes first.
  [[nodiscard]] served service(net::listen_options on, bool starttls) const;

  /// `ca FILE`, `maildir DIR` on stdout.
  void announce(console& out) const;
  /// The totals as a line, and what the log still owes before it.
  /// With --json they are an object on stdout, too.
  [[nodiscard]] std::string conclude(console& out) const;

 private:
  std::unique_ptr<background_output> events_;  // of --json; the sink's sessions write to it
  std::unique_ptr<mail::sink> sink_;
  std::vector<net::tls_server_options> identities_;
  std::string ca_file_;
  std::string maildir_;
};

/// The action.
[[nodiscard]] exit_status sink(arguments& args, console& out);

}  // namespace netlab::app
