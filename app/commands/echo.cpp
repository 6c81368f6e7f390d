// SPDX-License-Identifier: MIT
// netlab echo: the echo service, and a client that checks one.
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/options.hpp"
#include "frame/serving.hpp"
#include "frame/tables.hpp"
#include "net/run_client.hpp"
#include "simple/io/echo_query.hpp"
#include "simple/io/serve.hpp"

namespace netlab::app {
namespace {

constexpr auto echo_serve_options =
    merge_options(serving_options, std::array{
                                       max_clients_option,
                                       option{.name = "port",
                                              .argument = "N",
                                              .help = "port number, the same for TCP and UDP; 0: any free port",
                                              .fallback = "7"},
                                       shared_options::tcp,
                                       shared_options::udp,
                                   });

exit_status echo_serve(arguments& args, console& out) {
  const serving common = serving::read(args);
  args.refuse_positionals();
  if (args.error()) return out.refuse(*args.error());
  simple::server server(
      simple::echo, {.idle_timeout = common.idle_timeout, .max_clients = common.max_clients, .detail = log_detail(out)},
      [&out](const std::string& line) { out.note(line); });
  const auto served = app::serve(common, server, out);
  if (!served) return out.refuse(served.error());
  out.note(server.conclude());
  return exit_status::done;
}

constexpr std::array echo_query_options{
    shared_options::local_bind,
    shared_options::host,
    shared_options::ipv4,
    shared_options::ipv6,
    shared_options::max_time,
    option{.name = "port", .argument = "N", .help = "port number", .fallback = "7"},
    option{.name = "retries",
           .argument = "N",
           .help = "over UDP: retransmissions of the message within the timeout",
           .fallback = "2"},
    shared_options::tcp,
    option{.name = "timeout",
           .argument = "DURATION",
           .help = "time limit for connecting, and for the reply",
           .fallback = "5s"},
    shared_options::udp,
};

struct echo_query_call {
  simple::echo_query_options query;
  duration max_time{0};
  std::string message;
};

echo_query_call parse_echo_query(arguments& args) {
  echo_query_call call;
  shared_options::read_remote(args, call.query);
  call.max_time = shared_options::read_max_time(args);
  if (args.positionals().empty())
    args.refuse({make_error_code(errc::usage), {}, "the text to send is missing", "netlab echo query hello"});
  call.message = fmt::format("{}", fmt::join(args.positionals(), " "));
  return call;
}

exit_status echo_query(arguments& args, console& out) {
  const echo_query_call call = parse_echo_query(args);
  if (args.error()) return out.refuse(*args.error());
  asio::io_context loop{1};
  const bytes_view octets = as_bytes(call.message);
  const auto reply =
      net::run_client(loop, simple::query_echo(call.query, {octets.begin(), octets.end()}), call.max_time);
  if (!reply) return out.refuse(reply.error());
  out.detail(fmt::format("{} {} -> {}, {}", net::name_of(call.query.protocol), reply->where.local, reply->where.remote,
                         to_string(reply->elapsed)));
  if (out.wants_json())
    out.json({{"reply", as_text(reply->octets)},
              {"proto", net::name_of(call.query.protocol)},
              {"local", reply->where.local},
              {"remote", reply->where.remote},
              {"rtt_us", std::chrono::duration_cast<std::chrono::microseconds>(reply->elapsed).count()}});
  else
    out.line(out.on_terminal() ? escape(as_text(reply->octets)) : std::string(as_text(reply->octets)));
  return exit_status::done;
}

constexpr std::array echo_serve_examples{
    example{"netlab echo serve --port 10007", "TCP and UDP, without privilege"},
    example{"sudo netlab echo serve --bind any", "port 7, reachable from other machines"},
};

constexpr std::array echo_query_examples{
    example{"netlab echo query --host lab.example.org hello", "prints hello if it comes back"},
    example{"netlab echo query --udp --port 10007 -v hello world", "one datagram, and both addresses on stderr"},
};

using enum exit_status;
constexpr auto echo_serve_statuses = usual_statuses_and(unavailable, not_permitted);
constexpr auto echo_query_statuses =
    usual_statuses_and(bad_data, no_host, unavailable, try_later, protocol, not_permitted);

constexpr std::array echo_actions{
    action{.path = "echo query",
           .summary = "send text to an echo service and check the reply",
           .operands = "TEXT...",
           .description =
               "Sends its arguments, joined by spaces, compares the reply with them octet by octet, and prints "
               "it. A reply that differs, or is too short or too long, is an error that names the position.",
           .options = echo_query_options,
           .takes_transport = true,
           .takes_text = true,
           .examples = echo_query_examples,
           .statuses = echo_query_statuses,
           .run = echo_query},
    action{.path = "echo serve",
           .summary = "run the echo service (RFC 862)",
           .description = "Sends back everything it receives, over TCP and UDP on the same port number; --tcp or --udp "
                          "selects one of them. Prints one line per socket when ready. Datagrams from ports below 1024 "
                          "are not echoed, so that two services cannot answer each other for ever. SIGINT and SIGTERM "
                          "shut the server down cleanly; totals go to stderr.",
           .options = echo_serve_options,
           .takes_transport = true,
           .examples = echo_serve_examples,
           .statuses = echo_serve_statuses,
           .run = echo_serve},
};

}  // namespace

const command echo_command{
    .name = "echo", .summary = "the echo service and a client that checks one", .actions = echo_actions};

}  // namespace netlab::app
