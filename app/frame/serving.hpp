// SPDX-License-Identifier: MIT
// The common part of all server commands: sockets, ready lines, signals, graceful shutdown.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/options.hpp"
#include "serve/service.hpp"
#include "serve/visitor_log.hpp"

namespace netlab::app {

/// The options of every server; serving::read_common() reads them and --max-clients.
inline constexpr std::array serving_options{
    option{.name = "bind",
           .argument = "ADDR",
           .help = "listen on this address; any: on all addresses",
           .fallback = {},
           .repeatable = true},
    option{.name = "grace",
           .argument = "DURATION",
           .help = "time allowed for open requests after SIGINT or SIGTERM",
           .fallback = "5s"},
    option{.name = "idle-timeout",
           .argument = "DURATION",
           .help = "close connections idle this long (no complete request); 0: never",
           .fallback = "5m"},
    shared_options::ipv4,
    shared_options::ipv6,
    option{.name = "max-clients-per-address",
           .argument = "N",
           .help = "simultaneous connections from one address, or one IPv6 network (/64); by default half of "
                   "--max-clients, or fewer if the system allows few descriptors"},
    option{.name = "threads", .argument = "N", .help = "threads, each with an event loop; by default one per core"},
};

/// --max-clients of a server with one service.
inline constexpr option max_clients_option{.name = "max-clients",
                                           .argument = "N",
                                           .help = "simultaneous connections; more are turned away",
                                           .fallback = "10000"};
/// --max-clients of a server with several services.
inline constexpr option max_clients_per_service_option = [] {
  option several = max_clients_option;
  several.help = "simultaneous connections to each service; more are turned away";
  return several;
}();

struct serving {
  serve::listen_options listen;
  unsigned threads = 0;
  duration grace{};
  std::size_t max_clients = 0;
  std::optional<std::size_t> max_clients_per_address;
  duration idle_timeout{};
  /// Called when all sockets are open, to print output before the ready lines; may be empty.
  std::function<void()> ready_first;
  /// Further event loops, which start and end with the common ones.
  std::vector<serve::workers*> more_loops = {};

  /// Reads serving_options and --max-clients, --port, --tcp, --udp (neither: both).
  [[nodiscard]] static serving read(arguments& args);
  /// The same for a command with several services, which has no --port, --tcp, --udp.
  [[nodiscard]] static serving read_common(arguments& args);
};

/// The detail of a server's log: with --verbose, each connection.
[[nodiscard]] inline serve::log_detail log_detail(const console& out) noexcept {
  return out.is_verbose() ? serve::log_detail::connections : serve::log_detail::refusals;
}

/// One service of a command.
struct served {
  serve::listen_options listen;  ///< serve() sets sockets_each
  serve::servable& handler;
  std::vector<tls::server_options> identities = {};  ///< none: no TLS
  bool implicit_tls = false;                             ///< every connection starts with TLS
  std::string name = {};  ///< if there are several: in ready lines and before errors
  std::string tls = {};   ///< `starttls` or `tls`, in the ready lines; empty: no TLS
  std::string cure = {};  ///< hint if the port is in use
  std::string privilege_cure = {};  ///< hint if the process may not bind the port
  serve::workers* on = nullptr;  ///< event loops of its own, one of serving::more_loops; null: the common ones, or new
                                 ///< ones for an engine that needs its own
  std::string shown_protocol = {};  ///< instead of `tcp` in the ready lines
  std::function<void(const serve::bound& first)> announced = {};  ///< called after the ready lines; may be empty
};

/// Listens for all services or none, prints a ready line per socket, and serves until SIGINT or SIGTERM. Then it stops
/// accepting, finishes open requests within the grace period, and returns. A second signal ends the process. Fails if
/// it cannot listen. Services share event loops, unless an engine needs its own or `served::on` names others. Throws
/// std::system_error without threads or descriptors.
[[nodiscard]] result<void> serve(const serving& parameters, const std::vector<served>& services, console& out);
/// The only service of a command, on parameters.listen.
[[nodiscard]] result<void> serve(const serving& parameters, serve::servable& handler, console& out);

}  // namespace netlab::app
