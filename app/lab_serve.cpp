// SPDX-License-Identifier: MIT
#include "lab_serve.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli.hpp"
#include "console.hpp"
#include "lab/services.hpp"
#include "options.hpp"
#include "serving.hpp"

namespace netlab::app {
namespace {

constexpr std::uint16_t unprivileged_offset = 10000;

constexpr std::array options{
    serving_options::bind,
    shared_options::byte_order,
    option{.name = "calc-port", .argument = "N", .help = "calc's port number; 0: a free one", .fallback = "50000"},
    serving_options::grace,
    serving_options::idle_timeout,
    shared_options::ipv4,
    shared_options::ipv6,
    option{.name = "max-clients",
           .argument = "N",
           .help = "connections to each service at once; more are turned away",
           .fallback = "10000"},
    option{.name = "only",
           .argument = "NAMES",
           .help = "these services alone: echo, discard, daytime, chargen, time, calc; NAMES may be a list, echo,calc",
           .repeatable = true,
           .choices = "echo discard daytime chargen time calc"},
    option{.name = "port-offset",
           .argument = "N",
           .help = "added to the ports below 1024; by default 0 where this process may have those, else 10000"},
    serving_options::threads,
    option{.name = "without",
           .argument = "NAMES",
           .help = "all but these services",
           .repeatable = true,
           .choices = "echo discard daytime chargen time calc"},
};

struct call {
  serving how;
  std::vector<lab::service_entry> services;
  lab::port_plan ports;
  bool is_offset_chosen = false;  ///< by us
  lab::host_parameters parameters;
};

/// The least of the ports that an offset can move.
std::optional<std::uint16_t> lowest_port(const std::vector<lab::service_entry>& services) {
  std::optional<std::uint16_t> lowest;
  for (const lab::service_entry& each : services)
    if (lab::port_of(each, {.offset = 1}) != each.port && each.what != lab::role::calc)
      lowest = std::min(lowest.value_or(each.port), each.port);
  return lowest;
}

void refuse_shared_ports(const call& wanted, arguments& args) {
  std::map<std::uint16_t, std::string_view> taken;
  for (const lab::service_entry& each : wanted.services) {
    const std::uint16_t port = lab::port_of(each, wanted.ports);
    if (port == 0) continue;
    const auto [where, is_free] = taken.emplace(port, each.name);
    if (is_free) continue;
    args.refuse({make_error_code(errc::usage),
                 {},
                 fmt::format("{} and {} would both have port {}", where->second, each.name, port),
                 "--calc-port N moves calc"});
  }
}

call parse(arguments& args, const console& out) {
  call wanted;
  wanted.how = serving::read_common(args);
  const std::vector<std::string> only = args.texts("only");
  const std::vector<std::string> without = args.texts("without");
  if (auto chosen = lab::choose(only, without))
    wanted.services = std::move(*chosen);
  else
    args.refuse(chosen.error());
  wanted.ports.calc_port = args.as("calc-port", net::parse_port);
  if (args.has("port-offset"))
    wanted.ports.offset = static_cast<std::uint16_t>(args.number("port-offset", 0, lab::largest_offset));
  else if (const auto lowest = lowest_port(wanted.services); lowest && !net::may_bind(*lowest))
    wanted.ports.offset = unprivileged_offset, wanted.is_offset_chosen = true;
  refuse_shared_ports(wanted, args);
  wanted.parameters = {.idle_timeout = wanted.how.idle_timeout,
                       .max_clients = wanted.how.max_clients,
                       .detail = out.is_verbose() ? net::log_detail::connections : net::log_detail::visits,
                       .order = shared_options::read_byte_order(args)};
  args.refuse_positionals();
  return wanted;
}

/// What to do if a service's port cannot be had.
std::string cure_for(const lab::service_entry& which, std::uint16_t port) {
  return fmt::format("`netlab sockets --listen --port {}` shows who has it; {} moves it, --without {} leaves it out",
                     port, which.what == lab::role::calc ? "--calc-port N" : "--port-offset N", which.name);
}

exit_status run(arguments& args, console& out) {
  const call wanted = parse(args, out);
  if (args.error()) return out.refuse(*args.error());
  if (wanted.is_offset_chosen)
    out.note(fmt::format("ports below 1024 are not for this process: {} is added to them (--port-offset)",
                         wanted.ports.offset));

  std::vector<std::unique_ptr<lab::hosted>> hosts;
  std::vector<served> all;
  for (const lab::service_entry& each : wanted.services) {
    const auto& one =
        hosts.emplace_back(lab::host(each, wanted.parameters, [&out](const std::string& line) { out.note(line); }));
    net::listen_options listen = wanted.how.listen;
    listen.port = lab::port_of(each, wanted.ports);
    listen.udp = each.udp;
    all.push_back({.listen = std::move(listen),
                   .handler = one->handler(),
                   .limits = one->limits(),
                   .name = std::string(each.name),
                   .cure = cure_for(each, lab::port_of(each, wanted.ports))});
  }
  const auto served = serve(wanted.how, all, out);
  if (!served) return out.refuse(served.error());
  std::vector<std::string> totals;  // behind what the logs still owe
  for (std::size_t at = 0; at < hosts.size(); ++at)
    totals.push_back(fmt::format("{}: {}", wanted.services[at].name, hosts[at]->conclude()));
  for (const std::string& line : totals) out.note(line);
  return exit_status::done;
}

constexpr std::array examples{
    example{"netlab lab serve", "on the loopback addresses, for trying it out"},
    example{"sudo netlab lab serve --bind any", "the lab's host for a class, on the ports that the sheet names"},
    example{"netlab lab serve --bind any --port-offset 10000", "the same without privilege: echo at 10007, and so on"},
    example{"netlab lab serve --only echo,calc --calc-port 4711", "two of the services"},
};

using enum exit_status;
constexpr std::array statuses{done,         usage,         unavailable,   internal,    system,
                              input_output, not_permitted, configuration, interrupted, terminated};

}  // namespace

constinit const action lab_serve{
    .path = "lab serve",
    .summary = "run the lab's host: every service that the exercises need",
    .description =
        "Serves echo (port 7), discard (9), daytime (13), chargen (19) and time (37) as their RFCs say, and the "
        "calculation server (50000), over TCP and UDP; chargen over TCP alone, since over UDP it could be turned "
        "against "
        "others. Prints one line a socket when ready, with the service's name at its end, and on stderr a line for "
        "each "
        "visitor: service, transport, peer, what it was given, how long it stayed. The lines come at a bounded rate; "
        "with "
        "-v each connection is told, when it begins and when it ends.\n\n"
        "SIGINT and SIGTERM end it in order; the totals of each service go to stderr.",
    .options = options,
    .examples = examples,
    .statuses = statuses,
    .run = run};

}  // namespace netlab::app
