// SPDX-License-Identifier: MIT
#include "commands/lab_serve.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "commands/lab_class.hpp"
#include "commands/mail_sink.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/options.hpp"
#include "frame/serving.hpp"
#include "frame/tables.hpp"
#include "lab/services.hpp"

namespace netlab::app {
namespace {

constexpr std::uint16_t unprivileged_offset = 10000;

constexpr std::string_view lab_service_names =
    "echo discard daytime chargen smtp time submissions submission calc mail";

constexpr auto lab_serve_options = merge_options(
    serving_options, sink_options,
    std::array{
        shared_options::byte_order,
        option{
            .name = "calc-port", .argument = "N", .help = "port number of calc; 0: any free port", .fallback = "50000"},
        class_options::journal,
        max_clients_per_service_option,
        option{.name = "only",
               .argument = "NAMES",
               .help = "run only these services: echo, discard, daytime, chargen, smtp, time, submissions, submission, "
                       "calc, or mail for all three mail services; separate several with commas: echo,calc",
               .repeatable = true,
               .choices = lab_service_names},
        option{
            .name = "port-offset",
            .argument = "N",
            .help = "number to add to ports below 1024; by default 0 if this process may use those ports, else 10000"},
        class_options::roster,
        class_options::web,
        class_options::web_token_file,
        option{.name = "without",
               .argument = "NAMES",
               .help = "do not run these services",
               .repeatable = true,
               .choices = lab_service_names},
    });

constexpr std::array lab_serve_groups{
    option_group{"Services", "only without port-offset calc-port byte-order"},
    option_group{"Listening", "bind ipv4 ipv6"},
    option_group{"A class at work", "web roster journal web-token-file"},
    option_group{"Clients", "max-clients max-clients-per-address idle-timeout grace threads"},
    option_group{"Mail storage", "maildir state discard"},
    option_group{"Mail login and TLS",
                 "user password-file password-command require-auth require-tls auth-without-tls name"},
    option_group{"Mail refusals and faults", "fault reject tempfail max-size max-recipients max-rate max-time"},
};

struct lab_serve_call {
  serving common;
  std::vector<lab::service_entry> services;
  lab::port_plan ports;
  bool is_offset_chosen = false;  ///< by netlab, not by the user
  lab::host_parameters parameters;
  sink_call mail;
  class_call class_at_work;
};

/// The lowest port that an offset can move.
std::optional<std::uint16_t> lowest_port(const std::vector<lab::service_entry>& services) {
  std::optional<std::uint16_t> lowest;
  for (const lab::service_entry& each : services)
    if (lab::port_of(each, {.offset = 1}) != each.port && each.kind != lab::role::calc)
      lowest = std::min(lowest.value_or(each.port), each.port);
  return lowest;
}

void refuse_shared_ports(const lab_serve_call& wanted, arguments& args) {
  std::map<std::uint16_t, std::string_view> taken;
  for (const lab::service_entry& each : wanted.services) {
    const std::uint16_t port = lab::port_of(each, wanted.ports);
    if (port == 0) continue;
    const auto [where, is_free] = taken.emplace(port, each.name);
    if (is_free) continue;
    args.refuse({make_error_code(errc::usage),
                 {},
                 fmt::format("{} and {} would both use port {}", where->second, each.name, port),
                 "--calc-port N chooses another port for calc"});
  }
}

lab_serve_call parse_lab_serve(arguments& args, const console& out) {
  lab_serve_call wanted;
  wanted.common = serving::read_common(args);
  const auto named = [&](std::string_view option) {
    std::vector<lab::service_entry> together;
    for (const auto& list : args.list_as(option, lab::parse_services))
      together.insert(together.end(), list.begin(), list.end());
    return together;
  };
  const std::vector<lab::service_entry> only = named("only");
  const std::vector<lab::service_entry> without = named("without");
  if (auto chosen = lab::choose(only, without))
    wanted.services = std::move(*chosen);
  else
    args.refuse(chosen.error());
  wanted.ports.calc_port = args.as("calc-port", net::parse_port);
  if (args.has("port-offset"))
    wanted.ports.offset = static_cast<std::uint16_t>(args.number("port-offset", 0, lab::largest_offset));
  else if (const auto lowest = lowest_port(wanted.services); lowest && !serve::may_bind(*lowest))
    wanted.ports.offset = unprivileged_offset, wanted.is_offset_chosen = true;
  refuse_shared_ports(wanted, args);
  wanted.parameters = {.idle_timeout = wanted.common.idle_timeout,
                       .max_clients = wanted.common.max_clients,
                       .detail = out.is_verbose() ? serve::log_detail::connections : serve::log_detail::visits,
                       .order = shared_options::read_byte_order(args)};
  wanted.mail = read_sink(args, wanted.common);
  wanted.class_at_work = read_class(args);
  args.refuse_positionals();
  return wanted;
}

/// The hint if a service's port is in use.
std::string cure_for(const lab::service_entry& which, std::uint16_t port) {
  return fmt::format(
      "netlab sockets --listen --port {} shows which process uses it; {} chooses another, --without {} omits the "
      "service",
      port, which.kind == lab::role::calc ? "--calc-port N" : "--port-offset N", which.name);
}

/// The open servers, and their final totals.
struct open_servers {
  std::optional<open_class> class_at_work;  // outlives all that report to it
  std::vector<std::unique_ptr<serve::servable>> hosts;  // one per service; null for mail
  std::optional<open_sink> mail;
  std::vector<served> all;

  /// One line per service; mail is one service with several ports.
  [[nodiscard]] std::vector<std::string> conclude(console& out) const {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < hosts.size(); ++at)
      if (hosts[at]) lines.push_back(fmt::format("{}: {}", all[at].name, hosts[at]->conclude()));
    if (mail) lines.push_back(fmt::format("mail: {}", mail->conclude(out)));
    return lines;
  }
};

result<open_servers> make_servers(lab_serve_call wanted, console& out) {
  open_servers made;
  if (wanted.class_at_work.is_wanted(out)) {
    auto opened = open_class::make(wanted.class_at_work, wanted.services, wanted.ports, wanted.parameters.order,
                                   wanted.mail, out);
    if (!opened) return unexpected(opened.error());
    made.class_at_work.emplace(std::move(*opened));
    made.class_at_work->connect(wanted.mail);
  }
  if (std::any_of(wanted.services.begin(), wanted.services.end(), lab::is_mail)) {
    auto opened = open_sink::make(std::move(wanted.mail), out, "mail tcp");
    if (!opened) {
      failure why = opened.error();
      if (why.hint.empty()) why.hint = "--without mail runs the other services only";
      return unexpected(std::move(why));
    }
    made.mail.emplace(std::move(*opened));
  }
  for (const lab::service_entry& each : wanted.services) {
    serve::listen_options listen = wanted.common.listen;
    listen.port = lab::port_of(each, wanted.ports);
    listen.udp = each.udp;
    lab::host_parameters parameters = wanted.parameters;
    if (made.class_at_work && each.kind == lab::role::calc)
      parameters.calc_watch = &made.class_at_work->watch_calc(each.name);
    auto& host =
        made.hosts.emplace_back(lab::host(each, parameters, [&out](const std::string& line) { out.note(line); }));
    if (host) {
      serve::servable& handler = made.class_at_work ? made.class_at_work->watched(*host, each.name) : *host;
      made.all.push_back({.listen = listen, .handler = handler});
    } else {
      made.all.push_back(made.mail->service(listen, each.kind == lab::role::mail));
    }
    made.all.back().name = each.name;
    made.all.back().cure = cure_for(each, listen.port);
    made.all.back().privilege_cure =
        "ports below 1024 need root or CAP_NET_BIND_SERVICE; --port-offset 10000 avoids them";
  }
  if (made.class_at_work)
    if (auto page = made.class_at_work->service(out)) made.all.push_back(std::move(*page));
  return made;
}

exit_status run_lab_serve(arguments& args, console& out) {
  lab_serve_call wanted = parse_lab_serve(args, out);
  if (args.error()) return out.refuse(*args.error());
  if (wanted.mail.lists_faults) {
    list_faults(out);
    return exit_status::done;
  }
  if (wanted.is_offset_chosen)
    out.note(fmt::format("this process may not use ports below 1024: {} is added to them (--port-offset)",
                         wanted.ports.offset));
  serving common = wanted.common;
  auto made = make_servers(std::move(wanted), out);
  if (!made) return out.refuse(made.error());
  common.ready_first = [&] {
    if (made->mail) made->mail->announce(out);
  };
  if (made->class_at_work) common.more_loops.push_back(&made->class_at_work->start());
  const auto ended = serve(common, made->all, out);
  if (!ended) return out.refuse(ended.error());
  if (made->class_at_work) made->class_at_work->finish(out, made->mail.has_value());
  const std::vector<std::string> totals = made->conclude(out);  // after the remaining lines of the logs
  for (const std::string& line : totals) out.note(line);
  return exit_status::done;
}

constexpr std::array lab_serve_examples{
    example{"netlab lab serve", "on the loopback addresses, for trying it out"},
    example{"sudo netlab lab serve --bind any", "for a class, on the port numbers of the exercise sheet"},
    example{"netlab lab serve --bind any --port-offset 10000",
            "the same without privilege: echo on port 10007, and so on"},
    example{"netlab lab serve --only echo,calc --calc-port 4711", "only two of the services"},
    example{"sudo netlab lab serve --bind any --web any:8080 --journal class.jsonl",
            "for a class that the teacher watches in a browser"},
};

using enum exit_status;
constexpr auto lab_serve_statuses = usual_statuses_and(bad_data, no_input, unavailable, cannot_create, not_permitted);

}  // namespace

constinit const action lab_serve{
    .path = "lab serve",
    .summary = "run all services that the exercises need",
    .description =
        "Runs echo (port 7), discard (9), daytime (13), chargen (19) and time (37), as their RFCs define them, and the "
        "calculation server (50000), over TCP and UDP; chargen only over TCP, because over UDP it could be abused to "
        "flood others. Accepts mail as netlab mail sink does, on ports 25 and 587 with STARTTLS and on port 465 with "
        "TLS from the start. Its certificate is signed by the lab's own CA; messages are kept in a Maildir and never "
        "forwarded.\n\n"
        "Prints one line per socket when ready, which ends with the service's name, after starttls or "
        "tls for mail. On stderr each client gets one line: service, transport, peer, what it received, how long it "
        "stayed. These lines are rate-limited; with -v the beginning and the end of each connection are logged, and "
        "every line of the mail dialogues. SIGINT and SIGTERM shut the server down cleanly; the totals of each service "
        "go to stderr.\n\n"
        "With --web the teacher sees the class in a browser: one row per team, one column per step of the exercises, "
        "and in each cell whether the step was tried, what was wrong, or when it was done. Students see only the row "
        "of their own address. The teacher's address, which has a token, is printed last.",
    .options = lab_serve_options,
    .groups = lab_serve_groups,
    .examples = lab_serve_examples,
    .statuses = lab_serve_statuses,
    .run = run_lab_serve};

}  // namespace netlab::app
