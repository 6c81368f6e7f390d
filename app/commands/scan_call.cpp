// SPDX-License-Identifier: MIT
#include "commands/scan_call.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "base/text.hpp"
#include "frame/advice.hpp"
#include "frame/options.hpp"
#include "scan/ports.hpp"
#include "scan/shard.hpp"
#include "scan/top_ports.hpp"
#include "scan/udp_probes.hpp"

namespace netlab::app {
namespace {

// More did not make any scan faster (test/bench/scan --case dropped).
constexpr std::size_t most_parallel = 24'576;
// Descriptors for other purposes: the standard ones, the event loop's, the report's, a library's.
constexpr std::size_t spare_descriptors = 12;

result<scan::address> parse_source(std::string_view text) {
  std::string_view bare = text;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  const auto found = parse_ip(bare, net::interface_number);
  if (!found)
    return fail(errc::usage, fmt::format("'{}' is not an IP address", escape(text, 60)),
                "use an address of this machine");
  if (auto whole = check_interface(*found); !whole) return unexpected(whole.error());
  return *found;
}

// In packets per second; may be below 1.
result<double> parse_rate(std::string_view text) {
  constexpr double least = 0.001;
  constexpr double most = 10'000'000;
  double value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stopped != text.data() + text.size() || !(value >= least && value <= most))
    return fail(errc::usage, fmt::format("rate '{}' is not a number from {} to {:.0f}", escape(text, 60), least, most));
  return value;
}

// Bits a second, with decimal units as for all links.
result<double> parse_bandwidth(std::string_view text) {
  constexpr double least = 1000;
  constexpr double most = 1e12;
  double value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit = text.substr(static_cast<std::size_t>(stopped - text.data()));
  const std::size_t power = std::string_view("kMG").find(unit.empty() ? 'x' : unit.front());
  double factor = 1;
  if (power != std::string_view::npos)
    for (std::size_t count = 0; count <= power; ++count) factor *= 1000;
  if (error != std::errc{} || unit.size() > 1 || (!unit.empty() && factor == 1) ||
      !(value * factor >= least && value * factor <= most))
    return fail(errc::usage, fmt::format("bandwidth '{}' is not a number from 1k to 1000G", escape(text, 60)),
                "bits a second: 500k, 10M, 1G");
  return value * factor;
}

// Reads the options of stateless scans, and refuses options that these do not support.
void read_stateless(arguments& args, scan::scan_plan& plan) {
  const auto refuse = [&](std::string why) { args.refuse({make_error_code(errc::usage), {}, std::move(why), {}}); };
  if (args.is_typed("syn") && plan.tcp_ports.empty())
    return refuse("--syn is a scan of TCP ports: leave out --udp, or add --tcp; for UDP in bulk there is --stateless");
  if (args.is_typed("stateless") && plan.udp_ports.empty())
    return refuse("--stateless is a scan of UDP ports: add --udp; for TCP there is --syn");
  plan.syn = args.flag("syn") && !plan.tcp_ports.empty();
  plan.stateless_udp = args.flag("stateless") && !plan.udp_ports.empty();
  args.exclude("banner", "no-banner");
  plan.banner = plan.syn && args.flag("banner");
  if (args.has("bandwidth")) plan.bandwidth = args.as("bandwidth", parse_bandwidth);
  if (!plan.syn && args.is_typed("banner")) return refuse("--banner needs --syn");
  if (!plan.syn && !plan.stateless_udp) {
    for (const char* name : {"bandwidth", "include-reserved"})
      if (args.is_typed(name)) refuse(fmt::format("--{} needs --syn or --stateless", name));
    return;
  }
  if (args.has("bandwidth") && args.flag("dry-run"))
    return refuse("--dry-run and --bandwidth exclude each other: the times follow --rate");
  if (args.is_typed("bandwidth") && !plan.tcp_ports.empty() && !plan.udp_ports.empty() &&
      !(plan.syn && plan.stateless_udp))
    return refuse("with TCP and UDP, --bandwidth needs both --syn and --stateless");
  if (plan.stateless_udp && plan.talk.message.value_or(std::string()).size() > scan::udp_probes::max_message)
    return refuse(fmt::format("with --stateless, --send is limited to {} octets, including the line end",
                              scan::udp_probes::max_message));
  if (plan.banner && args.has("resume"))
    return refuse("--banner and --resume exclude each other: resume without it, then scan the open ports");
  if (!plan.syn || plan.banner) return;
  if (args.is_typed("parallel")) refuse("with --syn, --parallel needs --banner: it makes no connections");
  // UDP ports get the message in any case.
  if (args.is_typed("send") && plan.udp_ports.empty())
    refuse("with --syn, --send needs --banner or --udp: nothing is sent to open TCP ports");
}

// The descriptors for the scan: raises the limit as far as possible and leaves 12 for other purposes.
std::size_t descriptor_budget() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024 - spare_descriptors;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit more = limit;
    more.rlim_cur = std::min<rlim_t>(limit.rlim_max, most_parallel + spare_descriptors);
    if (more.rlim_cur > limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &more) == 0) limit = more;
  }
  return limit.rlim_cur > spare_descriptors + 1 ? limit.rlim_cur - spare_descriptors : 1;
}

// A host named `tcp` or `udp` needs --host.
void read_ports(arguments& args, scan::scan_plan& plan, const scan::service_names& services) {
  args.prefer_typed("tcp", "udp");
  const bool udp = args.flag("udp");
  const bool tcp = args.flag("tcp") || !udp;
  if (args.has("top") && args.has("range")) args.prefer_typed("top", "range");
  if (args.has("top")) {
    if (args.has("range")) args.refuse({make_error_code(errc::usage), {}, "--top and --range exclude each other", {}});
    const std::size_t count = args.number("top", 1, 65535);
    if (args.error()) return;
    const auto choose = [&](scan::transport protocol) {
      const auto registered = services.ports(protocol);
      auto ports = scan::top_ports(protocol, count, registered);
      std::sort(ports.begin(), ports.end());
      return ports;
    };
    if (tcp) plan.tcp_ports = choose(scan::transport::tcp);
    if (udp) plan.udp_ports = choose(scan::transport::udp);
    return;
  }
  const auto ports = args.as("range", scan::parse_ports);
  if (tcp) plan.tcp_ports = ports;
  if (udp) plan.udp_ports = ports;
}

target_choice read_targets(arguments& args) {
  target_choice chosen;
  const auto append = [](target_list& to, target_list more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  const std::vector<std::string>& typed = args.positionals();
  // Targets on the command line replace those in the environment or the file.
  if (args.is_typed("host") || typed.empty())
    for (target_list& each : args.list_as("host", [](std::string_view word) { return parse_targets(word); }))
      append(chosen.wanted, std::move(each));
  for (const std::string& word : typed) {
    if (const word_kind looks = kind_of(word); looks == word_kind::port || looks == word_kind::port_list) {
      args.refuse(unexpected_words(args.called(), {&word, 1}));
      continue;
    }
    auto found = parse_targets(word);
    if (found)
      append(chosen.wanted, std::move(*found));
    else
      args.refuse(found.error());
  }
  const auto parse_excluded = [](std::string_view word) { return parse_targets(word, scan::target_use::exclude); };
  for (target_list& each : args.list_as("exclude", parse_excluded)) append(chosen.excluded, std::move(each));
  chosen.restrict_to = shared_options::read_family(args);
  if (typed.empty() && !args.has("host")) {
    const char* loopback = chosen.restrict_to == net::family::ipv6 ? "::1" : "127.0.0.1";
    chosen.wanted.push_back(*scan::parse_target(loopback));
  }
  return chosen;
}

scan::talk_options read_talk(arguments& args) {
  scan::talk_options talk;
  talk.listen = !args.flag("no-banner");
  args.prefer_typed("no-send", "send");
  std::string message = args.text("send");
  if (!message.ends_with('\n')) message += "\r\n";
  const bool no_send = args.flag("no-send");
  if (no_send && args.has("send"))
    args.refuse({make_error_code(errc::usage), {}, "--no-send and --send exclude each other", {}});
  if (!no_send) talk.message = std::move(message);
  return talk;
}

}  // namespace

scan_report_options read_scan_report(arguments& args, const console& out) {
  scan_report_options shown;
  shown.format = args.as("format", scan::parse_report_format);
  if (out.wants_json()) {
    if (args.has("format") && shown.format != scan::report_format::json)
      args.refuse({make_error_code(errc::usage), {}, "--json and another --format exclude each other", {}});
    shown.format = scan::report_format::json;
  }
  shown.all = args.flag("all");
  shown.output = args.text("output");
  shown.progress = out.shows_progress();
  return shown;
}

scan_call parse_scan(arguments& args, const console& out, const scan::service_names& services) {
  scan_call call;
  scan::scan_plan& plan = call.plan;
  call.targets = read_targets(args);
  read_ports(args, plan, services);
  call.shown = read_scan_report(args, out);
  if (args.has("max-time")) {
    call.max_time = args.timeout("max-time");
    call.max_time_text = args.text("max-time");
  }
  if (args.has("seed")) call.seed = args.number("seed", 0, std::numeric_limits<std::uint64_t>::max());
  plan.in_order = call.seed.has_value();
  if (args.has("shard")) plan.part = args.as("shard", scan::parse_shard);
  call.dry_run = args.flag("dry-run");
  if (call.dry_run && args.has("resume"))
    args.refuse({make_error_code(errc::usage), {}, "--dry-run and --resume exclude each other", {}});
  if (call.dry_run && (call.shown.format != scan::report_format::table) &&
      call.shown.format != scan::report_format::json)
    args.refuse({make_error_code(errc::usage), {}, "--dry-run prints text, or with --json lines of JSON", {}});
  call.targets.is_portable = args.has("shard");
  plan.timeout = args.timeout("timeout");
  if (args.has("rate")) plan.rate = args.as("rate", parse_rate);
  if (args.has("retries")) plan.retries = static_cast<unsigned>(args.number("retries", 0, 100));
  plan.sources = args.list_as("source", parse_source);
  plan.talk = read_talk(args);
  plan.strict_range = args.flag("strict-range");
  read_stateless(args, plan);
  call.include_reserved = args.flag("include-reserved");
  const std::size_t budget = std::min(descriptor_budget(), most_parallel);
  plan.parallel = args.has("parallel") ? args.number("parallel", 1, 1'000'000) : budget;
  plan.parallel = std::min(plan.parallel, budget);
  return call;
}

}  // namespace netlab::app
