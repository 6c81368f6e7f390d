// SPDX-License-Identifier: MIT
// The options of a mail server, for all commands that have one, and `netlab mail sink`.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frame/background_output.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/password.hpp"
#include "frame/serving.hpp"
#include "mail/sink/io/sink.hpp"

namespace netlab::app {

/// The options of a mail server, without those of every server.
inline constexpr std::array sink_options{
    option{.name = "auth-without-tls", .help = "offer AUTH without TLS, too; allowed only on the command line"},
    option{.name = "discard", .help = "do not store messages"},
    option{.name = "fault",
           .argument = "NAME[:WHEN]",
           .help = "misbehave always, or only when WHEN applies: to=ADDR, from=ADDR, every=N, after=N, "
                   "once; list: explain all faults",
           .fallback = {},
           .repeatable = true},
    option{.name = "maildir", .argument = "DIR", .help = "deliver to this Maildir; by default `maildir` in --state"},
    option{.name = "max-rate",
           .argument = "N/DURATION",
           .help = "most messages from one address in a period (N alone: in a minute); more get 421"},
    option{.name = "max-recipients", .argument = "N", .help = "most recipients of one message", .fallback = "1000"},
    option{.name = "max-size", .argument = "SIZE", .help = "largest message to accept", .fallback = "32M"},
    option{
        .name = "max-time", .argument = "DURATION", .help = "longest time that a session may last", .fallback = "1h"},
    option{
        .name = "name",
        .argument = "NAME",
        .help =
            "additional name or address for the certificate; the first one is also the host name that the server uses",
        .fallback = {},
        .repeatable = true},
    shared_options::password_command,
    shared_options::password_file,
    option{.name = "reject",
           .argument = "ADDR",
           .help = "refuse this recipient (550); @DOMAIN: all of a domain, *: all",
           .fallback = {},
           .repeatable = true},
    option{.name = "require-auth", .help = "refuse mail without a login (530)"},
    option{.name = "require-tls", .help = "refuse mail without TLS (530)"},
    option{.name = "state", .argument = "DIR", .help = "directory of the lab's CA; by default ~/.local/state/netlab"},
    option{.name = "tempfail",
           .argument = "ADDR",
           .help = "refuse this recipient temporarily (451)",
           .fallback = {},
           .repeatable = true},
    option{.name = "user", .argument = "NAME", .help = "user who may log in", .fallback = {}, .repeatable = true},
};

/// A mail server as configured by its options.
struct sink_call {
  mail::sink_parameters with;
  bool lists_faults = false;       ///< --fault list: no server is started
  bool discards = false;
  std::string state;               ///< directory of the CA
  std::vector<std::string> names;  ///< for the certificate, including this machine's own
  password_source password;
  /// Watches each session; may be empty. See mail::sink_observer.
  std::function<std::unique_ptr<mail::session_watch>(const serve::visitor&)> watch = {};
  std::shared_ptr<background_output> events = {};  ///< output of --json, if another part of the command shares it
};

/// The directory of the CA and of the Maildir if nothing else is given: $XDG_STATE_HOME/netlab, else
/// ~/.local/state/netlab. The variable counts only if it is an absolute path.
[[nodiscard]] std::string default_state();

/// Reads sink_options; the calling action must have all of them in its table. Takes the idle timeout and the limit of
/// connections from `common`, and adds its addresses to the names.
[[nodiscard]] sink_call read_sink(arguments& args, const serving& common);

/// Prints the table of --fault list on stdout.
void list_faults(console& out);

/// A sink that is ready to serve, with its CA, Maildir and password.
class open_sink {
 public:
  /// Asks for the password if there is a user. `log_name` starts each log line. Fails if a part cannot be prepared.
  [[nodiscard]] static result<open_sink> make(sink_call call, console& out, const std::string& log_name = {});

  /// `starttls`: a port with STARTTLS, else one with implicit TLS.
  [[nodiscard]] served service(serve::listen_options on, bool starttls) const;

  /// `ca FILE`, `maildir DIR` on stdout.
  void announce(console& out) const;
  /// Finishes the log and returns the totals as a line. With --json, also prints them as an object on stdout.
  [[nodiscard]] std::string conclude(console& out) const;

 private:
  std::shared_ptr<background_output> events_;  // for --json; the sink's sessions write to it
  std::unique_ptr<mail::sink> sink_;
  std::vector<tls::server_options> identities_;
  std::string ca_file_;
  std::string maildir_;
};

/// The action `mail sink`.
[[nodiscard]] exit_status sink(arguments& args, console& out);

}  // namespace netlab::app
