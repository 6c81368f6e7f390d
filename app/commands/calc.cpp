// SPDX-License-Identifier: MIT
// netlab calc: the lab's calculation server, its client, and a load generator.
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "calc/evaluate.hpp"
#include "calc/io/bench.hpp"
#include "calc/io/serve.hpp"
#include "commands/calc_query.hpp"
#include "frame/advice.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/options.hpp"
#include "frame/serving.hpp"
#include "frame/tables.hpp"
#include "net/run_client.hpp"

namespace netlab::app {
namespace {

constexpr option port_option{.name = "port", .argument = "N", .help = "port number", .fallback = "50000"};
constexpr option serve_port_option{.name = "port",
                                   .argument = "N",
                                   .help = "port number, the same for TCP and UDP; 0: any free port",
                                   .fallback = "50000"};

constexpr auto calc_serve_options =
    merge_options(serving_options, std::array{shared_options::byte_order, max_clients_option, serve_port_option,
                                              shared_options::tcp, shared_options::udp});

exit_status calc_serve(arguments& args, console& out) {
  const serving common = serving::read(args);
  calc::server_parameters parameters{.session = {}, .max_clients = common.max_clients, .detail = log_detail(out)};
  parameters.session.order = shared_options::read_byte_order(args);
  parameters.session.idle_timeout = common.idle_timeout;
  args.refuse_positionals();
  if (args.error()) return out.refuse(*args.error());

  calc::server server(parameters, [&out](const std::string& line) { out.note(line); });
  const auto served = app::serve(common, server, out);
  if (!served) return out.refuse(served.error());
  out.note(server.conclude());
  return exit_status::done;
}

constexpr std::array calc_query_options{
    shared_options::local_bind,
    shared_options::byte_order,
    shared_options::host,
    option{.name = "id",
           .argument = "N",
           .help = "ID of the request, or of the first of several requests",
           .fallback = "1"},
    shared_options::ipv4,
    shared_options::ipv6,
    shared_options::max_time,
    option{
        .name = "pipeline",
        .argument = "N",
        .help = "with requests from stdin: requests in flight at once; 1 for a server that reads one request at a time",
        .fallback = "32"},
    port_option,
    option{.name = "retries",
           .argument = "N",
           .help = "over UDP: retransmissions of a request within the timeout",
           .fallback = "2"},
    option{.name = "send-anyway", .help = "also send requests that cannot be answered"},
    shared_options::tcp,
    option{.name = "timeout",
           .argument = "DURATION",
           .help = "time limit for connecting, and for each answer",
           .fallback = "5s"},
    shared_options::udp,
};

constexpr std::array calc_query_groups{
    option_group{"Server", "host port tcp udp ipv4 ipv6 bind"},
    option_group{"Requests", "id byte-order send-anyway pipeline"},
    option_group{"Time limits", "timeout max-time retries"},
};

/// The server if it is written before the operation, as in other clients: `--host localhost --port 4711`.
std::string server_named_in(const arguments& args) {
  const auto& words = args.positionals();
  const auto operation = std::ranges::find_if(
      words, [](const std::string& word) { return calc::parse_operation(to_upper(word)).has_value(); });
  const std::span<const std::string> before(words.begin(), operation);
  return as_options(args.called(), before.first(std::min<std::size_t>(before.size(), 2)));
}

calc_query_call parse_calc_query(arguments& args) {
  calc_query_call call;
  shared_options::read_remote(args, call.query);
  call.query.order = shared_options::read_byte_order(args);
  call.query.pipeline = args.number("pipeline", 1, 10'000);
  call.max_time = shared_options::read_max_time(args);
  call.id = static_cast<std::uint32_t>(args.number("id", 0, 0xffffffff));
  call.send_anyway = args.flag("send-anyway");
  const auto& words = args.positionals();
  if (words.empty() && ::isatty(STDIN_FILENO) == 1)
    args.refuse({make_error_code(errc::usage),
                 {},
                 "an operation is missing",
                 "SUM, PRO, MIN or MAX, then numbers; - reads requests from stdin"});
  if (words.empty() || (words.size() == 1 && words.front() == "-")) return call;
  const std::vector<std::string_view> views(words.begin(), words.end());
  auto asked = to_request(views, call, call.id);
  if (!asked && !calc::parse_operation(to_upper(words.front())) && !call.send_anyway)
    if (const std::string cure = server_named_in(args); !cure.empty())
      return args.refuse({make_error_code(errc::usage),
                          {},
                          fmt::format("unexpected argument '{}'", escape(words.front(), 60)),
                          cure}),
             call;
  if (asked)
    call.single = std::move(*asked);
  else
    args.refuse(asked.error());
  return call;
}

exit_status calc_query(arguments& args, console& out) {
  const calc_query_call call = parse_calc_query(args);
  if (args.error()) return out.refuse(*args.error());
  return call.single ? run_single(call, out) : run_batch(call, out);
}

constexpr std::array bench_options{
    shared_options::byte_order,
    option{.name = "connections",
           .argument = "N",
           .help = "TCP connections or UDP sockets, over all threads",
           .fallback = "16"},
    option{.name = "duration", .argument = "DURATION", .help = "length of the run", .fallback = "5s"},
    shared_options::host,
    shared_options::ipv4,
    shared_options::ipv6,
    option{.name = "numbers", .argument = "N", .help = "numbers in each request", .fallback = "3"},
    option{.name = "pipeline", .argument = "N", .help = "requests in flight on each connection", .fallback = "1"},
    port_option,
    shared_options::tcp,
    option{.name = "threads", .argument = "N", .help = "threads that generate the load", .fallback = "1"},
    option{.name = "timeout",
           .argument = "DURATION",
           .help = "time limit for connecting, and for each answer",
           .fallback = "5s"},
    shared_options::udp,
};

constexpr std::array bench_groups{
    option_group{"Server", "host port tcp udp ipv4 ipv6 timeout"},
    option_group{"Load", "connections pipeline numbers duration threads byte-order"},
};

calc::bench_options parse_bench(arguments& args) {
  calc::bench_options load;
  shared_options::read_remote(args, load.server);
  load.server.order = shared_options::read_byte_order(args);
  load.connections = args.number("connections", 1, 100'000);
  load.pipeline = args.number("pipeline", 1, 10'000);
  load.numbers = args.number("numbers", 0, calc::max_numbers);
  load.length = args.timeout("duration");
  load.threads = static_cast<unsigned>(args.number("threads", 1, 1024));
  args.refuse_positionals();
  return load;
}

constexpr std::array<std::pair<const char*, double>, 4> percentiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};

std::string latency_text(const calc::bench_report& report, duration span) {
  return report.answers == 0 ? "-" : to_string(span);
}

void print_text(const calc::bench_options& load, const calc::bench_report& report, double rate, console& out) {
  out.line(
      fmt::format("requests   {:.0f} a second, {} answered in {}", rate, report.answers, to_string(report.elapsed)));
  std::string latencies;
  for (const auto& [name, fraction] : percentiles)
    latencies += fmt::format("{} {}, ", name, latency_text(report, report.latencies.percentile(fraction)));
  out.line(fmt::format("latency    {}max {}", latencies, latency_text(report, report.latencies.max())));
  out.line(
      fmt::format("wrong      {}{}", report.wrong, report.wrong > 0 ? " (answers that are not the exact result)" : ""));
  out.line(fmt::format("lost       {}{}", report.lost,
                       report.lost > 0 ? fmt::format(" (no answer within {}, or the connection failed before it)",
                                                     to_string(load.server.timeout))
                                       : ""));
  if (report.closed == 0) return;
  const double average = static_cast<double>(report.answers_before_close) / static_cast<double>(report.closed);
  out.line(fmt::format(
      "closed     {} by the server, after {}; connected again at once", count_of(report.closed, "connection"),
      report.answers_before_close == report.closed ? "one answer each"
                                                   : fmt::format("{:.3g} answers on average", average)));
}

void print_json(const calc::bench_options& load, const calc::bench_report& report, double rate, console& out) {
  const auto microseconds = [&](duration span) -> nlohmann::ordered_json {
    if (report.answers == 0) return nullptr;
    return std::chrono::duration<double, std::micro>(span).count();
  };
  nlohmann::ordered_json latency;
  for (const auto& [name, fraction] : percentiles) latency[name] = microseconds(report.latencies.percentile(fraction));
  latency["max"] = microseconds(report.latencies.max());
  out.json({{"proto", net::name_of(load.server.protocol)},
            {"connections", load.connections},
            {"pipeline", load.pipeline},
            {"numbers", load.numbers},
            {"threads", load.threads},
            {"seconds", std::chrono::duration<double>(report.elapsed).count()},
            {"answers", report.answers},
            {"requests_per_second", rate},
            {"wrong", report.wrong},
            {"lost", report.lost},
            {"closed", report.closed},
            {"latency_us", latency}});
}

exit_status bench(arguments& args, console& out) {
  const calc::bench_options load = parse_bench(args);
  if (args.error()) return out.refuse(*args.error());
  out.note(fmt::format("{} over {}, {} in flight on each, {} a request, for {}",
                       count_of(load.connections, "connection"), net::name_of(load.server.protocol),
                       count_of(load.pipeline, "request"), count_of(load.numbers, "number"), to_string(load.length)));
  asio::io_context loop{1};
  const auto report = net::run_client(loop, calc::bench(load));
  if (!report) return out.refuse(report.error());
  const double seconds = std::chrono::duration<double>(report->elapsed).count();
  const double rate = seconds > 0 ? static_cast<double>(report->answers) / seconds : 0;
  if (out.wants_json())
    print_json(load, *report, rate, out);
  else
    print_text(load, *report, rate, out);
  if (report->first_failure) out.error(*report->first_failure);
  if (report->stopped) return exit_status::interrupted;
  if (report->wrong > 0) return exit_status::protocol;
  // No connection was served: use the exit status that a single query would have.
  if (report->answers == 0 && report->first_failure) return status_of(*report->first_failure);
  return report->lost > 0 || report->server_ended ? exit_status::partly_done : exit_status::done;
}

constexpr std::array calc_serve_examples{
    example{"netlab calc serve", "TCP and UDP on port 50000 of the loopback addresses"},
    example{"netlab calc serve --tcp --port 4711 --bind any -v",
            "only TCP, reachable from other machines; logs each connection"},
    example{"telnet localhost 50000", "then type: sum 1 2 3"},
};

constexpr std::array calc_query_examples{
    example{"netlab calc query sum 1 2 3", "prints 6"},
    example{"netlab calc query --udp -v sum -5 3", "prints -2, and both addresses on stderr"},
    example{"printf 'pro 4 5\\nmin 3 -7\\n' | netlab calc query", "prints 20 and -7, one line for each"},
    example{"netlab calc query --host lab.example.org --byte-order little pro 4 5",
            "for a server that uses Python's native struct order"},
};

constexpr std::array bench_examples{
    example{"netlab calc bench --connections 50 --pipeline 8", "5 seconds over TCP"},
    example{"netlab calc bench --udp --duration 1m --json", "one minute over UDP, with the result as JSON"},
};

using enum exit_status;
constexpr auto calc_serve_statuses = usual_statuses_and(unavailable, not_permitted);
constexpr auto calc_query_statuses =
    usual_statuses_and(partly_done, bad_data, no_input, no_host, unavailable, try_later, protocol, not_permitted);
constexpr auto bench_statuses =
    usual_statuses_and(partly_done, no_host, unavailable, try_later, protocol, not_permitted);

constexpr std::array calc_actions{
    action{.path = "calc bench",
           .summary = "generate load on a calculation server and measure it",
           .description = "Keeps the given number of requests in flight on each connection, checks every answer "
                          "against the exact result, and prints the answers per second and their latency. An answer "
                          "that is not the exact result counts as wrong. A request without an answer counts as lost: "
                          "--timeout has passed, the connection failed, or a datagram did not arrive. If the server "
                          "closes connections after answers, the report says so; bench then reconnects at once and "
                          "repeats the open requests. SIGINT ends the run early and prints the results so far.",

           .options = bench_options,
           .groups = bench_groups,
           .takes_transport = true,
           .examples = bench_examples,
           .statuses = bench_statuses,
           .run = bench},
    action{.path = "calc query",
           .summary = "ask a calculation server",
           .operands = "[OP NUMBER... | -]",
           .operand_choices = "SUM PRO MIN MAX",
           .description =
               "Sends one request (SUM, PRO for product, MIN or MAX of up to 255 signed 32-bit integers) and "
               "prints only the result. It knows the right result, so it can say what is wrong with an answer: "
               "the other byte order, another ID, an echo service. If OP is -, or if there is no OP and stdin "
               "is not a terminal, it reads one request per line from stdin. It then prints one line for each, "
               "in the same order: the result, or - if there is none, with the reason on stderr.",
           .options = calc_query_options,
           .groups = calc_query_groups,
           .takes_transport = true,
           .examples = calc_query_examples,
           .statuses = calc_query_statuses,
           .run = calc_query},
    action{.path = "calc serve",
           .summary = "run the calculation server",
           .description =
               "Answers SUM, PRO, MIN and MAX requests over TCP and UDP on the same port number; --tcp or --udp "
               "selects one of them. Prints one line per socket when ready. A request that has no answer is logged. "
               "Over UDP it is dropped; over TCP the requests before it are answered, then the connection is closed. "
               "The TCP port also accepts lines of text such as sum 1 2 3: the first octets of a connection tell "
               "whether it is binary or text. SIGINT and SIGTERM shut the server down cleanly; totals go to stderr.",
           .options = calc_serve_options,
           .takes_transport = true,
           .examples = calc_serve_examples,
           .statuses = calc_serve_statuses,
           .run = calc_serve},
};

}  // namespace

const command calc_command{
    .name = "calc", .summary = "the lab's calculation server and client", .actions = calc_actions};

}  // namespace netlab::app
