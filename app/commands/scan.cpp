// SPDX-License-Identifier: MIT
// netlab scan: which ports of a host are open, and why the others are not.
#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

#include "base/random.hpp"
#include "commands/scan_call.hpp"
#include "commands/scan_dry_run.hpp"
#include "commands/scan_merge.hpp"
#include "commands/scan_resume.hpp"
#include "commands/scan_session.hpp"
#include "commands/scan_targets.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/options.hpp"
#include "frame/tables.hpp"
#include "scan/fingerprint.hpp"
#include "scan/io/packet_socket.hpp"
#include "scan/io/routed_blocks.hpp"
#include "scan/io/socket.hpp"
#include "scan/services.hpp"

namespace netlab::app {
namespace {

// The least time for resolving names, whatever the timeout of a port: the system's resolver tries the second name
// server after 5 seconds.
constexpr duration resolve_timeout = std::chrono::seconds(6);
// Names resolved within this time are scanned in the first round; a working resolver rarely takes longer.
constexpr duration soon_resolved = std::chrono::milliseconds(300);

constexpr std::array scan_options{
    option{.name = "all", .help = "list every port, including closed ones"},
    option{.name = "bandwidth",
           .argument = "BITS",
           .help = "with --syn or --stateless: most bits a second on Ethernet, such as 10M (10,000,000)"},
    option{.name = "banner", .help = "with --syn: connect to the open ports afterwards, as the connect scan does"},
    option{.name = "dry-run",
           .help = "send nothing: print the time (with --rate), transport, address and port of each probe, without "
                   "retries"},
    option{.name = "exclude", .argument = "TARGET", .help = "do not scan these addresses", .repeatable = true},
    option{.name = "format",
           .argument = "FORMAT",
           .help = "format of the report; --json is short for --format json",
           .fallback = "table",
           .choices = "table json csv nmap-xml grepable"},
    option{.name = "host",
           .argument = "TARGET",
           .help = "name, address, block (192.0.2.0/24), range (192.0.2.1-9), or @FILE with targets separated by "
                   "spaces or lines; by default 127.0.0.1",
           .repeatable = true},
    option{.name = "include-reserved",
           .help = "with --syn or --stateless: also scan blocks for private or special use that are not directly "
                   "connected"},
    shared_options::ipv4,
    shared_options::ipv6,
    option{.name = "max-time", .argument = "DURATION", .help = "stop after this long and report what is known"},
    option{.name = "merge",
           .help =
               "scan nothing: the operands are files, or - for stdin, with JSON reports of parts of a scan; say which "
               "parts are missing, and report the union"},
    option{.name = "no-banner", .help = "do not wait for the banners of open TCP ports"},
    option{.name = "no-send",
           .help = "send nothing to open TCP ports, and only empty datagrams to UDP ports without a known request"},
    option{.name = "output", .letter = 'o', .argument = "FILE", .help = "write the report to this file"},
    option{.name = "parallel",
           .argument = "N",
           .help = "most TCP connections at a time; by default this adapts to the path"},
    option{.name = "range",
           .argument = "PORTS",
           .help = "ports to scan, such as 1-50,ssh,8000- or all",
           .fallback = "1-1024"},
    option{.name = "rate",
           .argument = "N",
           .help = "most probes a second, such as 300 or 0.5; by default the rate adapts to the path"},
    option{.name = "resume",
           .argument = "FILE",
           .help = "keep the state of the scan in this file, and go on from it: after any end, the same command "
                   "continues, with status 75 as long as there is something left"},
    option{
        .name = "retries",
        .argument = "N",
        .help = "retries for a silent port; by default one, or more where packets get lost; 0: probe each port once"},
    option{.name = "seed", .argument = "N", .help = "seed of the random order; the same seed repeats it"},
    option{.name = "send",
           .argument = "TEXT",
           .help = "message to send to open ports; a line end is added",
           .fallback = "netlab scan"},
    option{.name = "shard",
           .argument = "I/N",
           .help = "send only part I of N equal parts of the probes; N runs with 1/N to N/N send each probe once"},
    option{.name = "source",
           .argument = "ADDR",
           .help = "local source address; several are used in turn",
           .repeatable = true},
    option{.name = "stateless",
           .help =
               "UDP scan for a few ports of many hosts: ignores their limits on ICMP errors, so closed ports may be "
               "open|filtered; needs the capability CAP_NET_RAW"},
    option{.name = "strict-range",
           .help = "do not probe UDP ports outside the range to find a closed one; silent ports may then be unknown"},
    option{.name = "syn", .help = "half-open TCP scan; needs the capability CAP_NET_RAW"},
    shared_options::tcp,
    option{.name = "timeout",
           .argument = "DURATION",
           .help = "how long to wait for an answer after the last probe of a port; a shorter time misses ports that "
                   "answer late",
           .fallback = "1s"},
    option{.name = "top", .argument = "N", .help = "scan the N ports that are most often open, instead of --range"},
    shared_options::udp,
};

constexpr std::array scan_groups{
    option_group{"Targets", "host range top tcp udp syn stateless exclude include-reserved ipv4 ipv6 source"},
    option_group{"Pace", "timeout max-time retries rate bandwidth parallel seed strict-range dry-run"},
    option_group{"Conversation", "send no-send no-banner banner"},
    option_group{"Report", "all format output"},
    option_group{"Parts of a scan", "shard resume merge"},
};

// Fails if the scan needs a packet socket, and may not have one.
result<void> check_privilege(const scan::scan_plan& plan) {
  if (!plan.syn && !plan.stateless_udp) return {};
  const auto permitted = scan::packet_socket::check();
  if (permitted || permitted.error().code != errc::not_permitted) return permitted;
  if (plan.syn && plan.stateless_udp)
    return fail(errc::not_permitted, "--syn and --stateless need the capability CAP_NET_RAW",
                "run as root, or without both: the connect scan and the UDP scan need no privilege");
  const std::string_view option = plan.syn ? "--syn" : "--stateless";
  const std::string_view other = plan.syn ? "connect" : "UDP";
  return fail(errc::not_permitted, fmt::format("{} needs the capability CAP_NET_RAW", option),
              fmt::format("run as root, or without {}: the {} scan needs no privilege", option, other));
}

// If there are source addresses, each family to be scanned needs one.
result<void> check_sources(const std::vector<scan::address>& sources, const target_plan& plan) {
  for (const scan::address& source : sources)
    if (auto usable = scan::check_source(source); !usable) return usable;
  for (const bool is_v6 : {false, true}) {
    if (sources.empty() || !(is_v6 ? plan.has_ipv6 : plan.has_ipv4)) continue;
    if (std::ranges::find(sources, is_v6, &scan::address::is_v6) == sources.end())
      return fail(errc::usage, fmt::format("no --source is an IPv{} address, but a target is", is_v6 ? 6 : 4));
  }
  return {};
}

// Parts of one scan must have the same seed, and no other scan should have it.
std::uint64_t choose_seed(const scan_call& call, const scan::target_set& targets) {
  if (call.seed) return *call.seed;
  return call.plan.part.count > 1 ? scan::seed_from(scan::fingerprint(call.plan, targets)) : random_number();
}

// A scheduler may stop a scan with --resume at any time, and the exit status must tell it to start the scan again. So
// signals are blocked until the scan's loop reads them.
void delay_signals() {
  sigset_t both;
  sigemptyset(&both);
  for (const int each : {SIGINT, SIGTERM}) sigaddset(&both, each);
  ::pthread_sigmask(SIG_BLOCK, &both, nullptr);
}

// The targets are resolved now: the first run stores them in the state, and later runs must have the same.
result<void> settle_targets(scan_resume& resume, scan_call& call, const target_planner& planner,
                            const scan::target_set& targets) {
  const std::string scan = scan::fingerprint_text(scan::fingerprint(call.plan, targets));
  call.plan.is_resumable = true;
  if (resume.is_new()) {
    resume.state.scan = scan;
    resume.state.names = planner.names();
    return {};
  }
  if (resume.state.scan != scan)
    return unexpected(failure{make_error_code(errc::bad_configuration), fmt::format("state file {}", resume.name()),
                              "its scan had other targets or ports: a file of targets, the names of services or, with "
                              "--syn or --stateless, the routes have changed",
                              "restore them, or begin another scan with another file"});
  call.seed = resume.state.seed;
  call.plan.from = resume.state.reached;
  return {};
}

exit_status run_merge(arguments& args, console& out) {
  for (const option& each : scan_options)
    if (args.is_typed(each.name) && each.name != "merge" && each.name != "format" && each.name != "all" &&
        each.name != "output")
      args.refuse(
          {make_error_code(errc::usage), {}, fmt::format("--merge and --{} exclude each other", each.name), {}});
  const scan_report_options shown = read_scan_report(args, out);
  if (args.positionals().empty())
    args.refuse({make_error_code(errc::usage), {}, "--merge needs a file", "write the reports' files, or - for stdin"});
  if (args.error()) return out.refuse(*args.error());
  return merge_reports(args.positionals(), shown, out);
}

exit_status run_scan(arguments& args, console& out) {
  args.only_typed("merge");
  if (args.flag("merge")) return run_merge(args, out);
  // The scan's event loop handles it; outside the loop there is no progress to print.
  std::signal(SIGUSR1, SIG_IGN);
  std::optional<scan_resume> resume;
  if (args.has("resume") && !args.flag("dry-run")) {
    delay_signals();
    auto opened = scan_resume::open(args);
    if (!opened) return out.refuse(opened.error());
    resume = *std::move(opened);
    if (resume->state.exit_status) {
      out.note(fmt::format("{}: this scan is finished", resume->name()));
      return static_cast<exit_status>(*resume->state.exit_status);
    }
  }
  const auto services = scan::service_names::read();
  scan_call call = parse_scan(args, out, services);
  if (args.error()) return out.refuse(*args.error());
  if (resume) {
    call.targets.is_portable = true;
    if (!resume->is_new()) call.targets.known_names = resume->state.names;
  }
  scan::routed_blocks reserved;
  if ((call.plan.syn || call.plan.stateless_udp) && !call.include_reserved) call.targets.reserved = &reserved;
  const time_point began = clock::now();
  const time_point deadline = call.max_time ? began + *call.max_time : never;
  target_planner planner(call.targets, std::min(deadline, began + std::max(call.plan.timeout, resolve_timeout)), out);
  // All parts must have the same targets, so resolve all names before the scan starts.
  auto plan = call.targets.is_portable || call.dry_run ? planner.all() : planner.first(soon_resolved);
  if (!plan) {
    const exit_status status = out.refuse(plan.error());
    const bool by_signal = status == exit_status::interrupted || status == exit_status::terminated;
    return resume && by_signal ? exit_status::try_later : status;
  }
  if (plan->set.size() == 0) {
    if (plan->first) return status_of(*plan->first);
    return out.refuse({make_error_code(errc::usage), {}, "no target left to scan", "--exclude excludes all of them"});
  }
  if (const auto usable = check_sources(call.plan.sources, *plan); !usable) return out.refuse(usable.error());
  call.plan.skipped = plan->skipped;
  if (resume)
    if (auto settled = settle_targets(*resume, call, planner, plan->set); !settled) return out.refuse(settled.error());
  call.plan.seed = choose_seed(call, plan->set);
  if (call.dry_run) {
    const exit_status status = print_probes(call.plan, plan->set, call.shown, out);
    return status == exit_status::done && plan->failed > 0 ? exit_status::partly_done : status;
  }
  if (const auto permitted = check_privilege(call.plan); !permitted) return out.refuse(permitted.error());
  scan_session session(call.plan, call.shown, services, deadline, call.max_time_text, resume ? &*resume : nullptr, out);
  session.add_failed_targets(plan->failed);
  const std::uint64_t known = plan->set.size() - scan::skipped_places(call.plan, plan->set).size();
  if (const auto begun = session.begin(known + planner.pending()); !begun) return out.refuse(begun.error());
  auto good = session.round(plan->set);
  if (good && *good && planner.pending() > 0) {
    const auto rest = planner.rest();
    const auto usable = rest ? check_sources(call.plan.sources, *rest) : result<void>();
    if (!rest || !usable) {  // report the results so far anyway
      const failure& why = rest ? usable.error() : rest.error();
      if (why.code == errc::interrupted || why.code == errc::terminated) {
        session.interrupted_by(why.code == errc::terminated ? SIGTERM : SIGINT);
      } else {
        out.error(why);
        session.incomplete(describe(why));
      }
      return session.finish();
    }
    session.add_failed_targets(rest->failed);
    if (rest->set.size() > 0) good = session.round(rest->set);
  }
  if (!good) return out.refuse(good.error());
  return session.finish();
}

constexpr std::array scan_examples{
    example{"netlab scan", "scan TCP ports 1 to 1024 of this machine"},
    example{"netlab scan tcp udp --host lab.example.org --range 1-50", "the scan of the lab's exercise"},
    example{"netlab scan --udp --host 192.0.2.7 --range 53,123,161 -v",
            "with the error numbers of this system and of Windows"},
    example{"netlab scan --syn --host 192.0.2.0/24 --range 22,80,443 --rate 10000 --banner",
            "half-open, at most 10,000 packets a second; then the banners of what is open"},
    example{"netlab scan --udp --stateless --host @hosts --range 53,123 --rate 10000",
            "two UDP ports of many hosts, in bulk"},
    example{"netlab scan --host 192.0.2.0/24 --exclude 192.0.2.1 --top 20 --json",
            "scan a network, with the results as JSON"},
    example{"netlab scan @targets --shard 3/8 --json --resume state.3 -o part.3",
            "the third of eight parts; after any end, the same command goes on"},
    example{"netlab scan --merge part.*", "the report of all parts"},
};

using enum exit_status;
constexpr auto scan_statuses =
    usual_statuses_and(partly_done, bad_data, no_input, no_host, unavailable, cannot_create, try_later, not_permitted);

constexpr std::array scan_actions{
    action{.path = "scan",
           .summary = "find the open ports of hosts",
           .operands = "[TARGET...]",
           .description =
               "Probes every port in random order and reports its state with the reason. TCP: open (the connection was "
               "made), closed (a reset), filtered (no answer, or an ICMP error). UDP: open (a reply), closed (ICMP "
               "port unreachable), filtered (another ICMP error), open|filtered (no answer, although a closed port "
               "would have caused an ICMP error; with --stateless: no answer), unknown (no answer, perhaps because of "
               "the target's limit on ICMP). "
               "On an open TCP port it waits for a banner, sends a message, and shows the reply; an echo is "
               "identified.\n\n"
               "Needs no privilege. The rate adapts to the path. Silent ports are probed again, more "
               "often where packets get lost; a port counts as silent when --timeout has passed since its last probe. "
               "A Linux host sends six ICMP errors at once and then one a second, so a scan of closed UDP ports takes "
               "about a second for each. If no port of the range is found to be closed, up to four UDP ports outside "
               "it (33099, 39817, 40125, 47391) are probed, too, unless --strict-range is given. SIGINT ends the scan "
               "and reports what is known; SIGUSR1 prints a progress line.",
           .options = scan_options,
           .groups = scan_groups,
           .takes_transport = true,
           .examples = scan_examples,
           .statuses = scan_statuses,
           .run = run_scan},
};

}  // namespace

const command scan_command{.name = "scan", .summary = "find the open ports of hosts", .actions = scan_actions};

}  // namespace netlab::app
