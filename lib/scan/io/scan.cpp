// SPDX-License-Identifier: MIT
#include "scan/io/scan.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "net/endpoint.hpp"
#include "scan/banner_ports.hpp"
#include "scan/io/stateless_engine.hpp"
#include "scan/io/tcp_connect.hpp"
#include "scan/io/tcp_shards.hpp"
#include "scan/io/udp.hpp"

namespace netlab::scan {
namespace {

tcp_options tcp_part_of(const scan_plan& plan, double rate) {
  return {.ports = plan.tcp_ports,
          .seed = plan.seed,
          .part = plan.part,
          .in_order = plan.in_order || plan.is_resumable,
          .parallel = plan.parallel,
          .rate = rate,
          .timeout = plan.timeout,
          .retries = plan.retries,
          .sources = plan.sources,
          .talk = plan.talk,
          .skipped = {},
          .from = plan.from ? plan.from->tcp : std::nullopt};
}

stateless_options stateless_part_of(const scan_plan& plan, transport protocol, double share) {
  const bool is_tcp = protocol == transport::tcp;
  const auto from = plan.from ? (is_tcp ? plan.from->syn : plan.from->stateless_udp) : std::nullopt;
  return {.protocol = protocol,
          .ports = is_tcp ? plan.tcp_ports : plan.udp_ports,
          .seed = plan.seed,
          .part = plan.part,
          .rate = plan.rate * share,
          .bandwidth = plan.bandwidth * share,
          .timeout = plan.timeout,
          .retries = plan.retries,
          .sources = plan.sources,
          .message = is_tcp ? std::string() : plan.talk.message.value_or(std::string()),
          .skipped = {},
          .from = from};
}

udp_options udp_part_of(const scan_plan& plan, double rate) {
  return {.ports = plan.udp_ports,
          .seed = plan.seed,
          .part = plan.part,
          .rate = rate,
          .timeout = plan.timeout,
          .retries = plan.retries,
          .sources = plan.sources,
          .message = plan.talk.message.value_or(std::string()),
          .strict_range = plan.strict_range,
          .skipped = {},
          .from = plan.from ? plan.from->udp : std::nullopt};
}

bool has_ended_early(const run_outcome& of) { return of.signal != 0 || of.out_of_time || of.stopped; }

result<run_outcome> scan_once(const scan_plan& plan, const target_set& targets, const service_names& services,
                              const scan_output& output, const held_signals& signals, const run_options& options);

/// Hands the open ports of the half-open scan to the connect scan: a run for each set of ports that hosts share.
/// `done`: the progress of the half-open scan, which is shown until the end.
result<run_outcome> read_banners(banner_ports& open, const engine_progress& done, const scan_plan& plan,
                                 const service_names& services, const scan_output& output, const held_signals& signals,
                                 const run_options& options) {
  run_outcome outcome;
  std::vector<finding> answers;
  scan_output only_collects;
  only_collects.found = [&](const finding& one) { answers.push_back(one); };
  run_options quiet;
  quiet.deadline = options.deadline;
  quiet.should_stop = options.should_stop;
  if (options.on_status) quiet.on_status = [&](const engine_progress&) { options.on_status(done); };
  if (options.on_interval)
    quiet.on_interval = [&](const engine_progress&, time_point now) { options.on_interval(done, now); };
  for (const banner_ports::group& group : open.groups()) {
    target_set hosts;
    for (const finding* each : group.hosts)
      if (const auto address = parse_ip(each->address, net::interface_number)) hosts.add({*address, *address});
    scan_plan banner_plan = plan;
    banner_plan.tcp_ports = group.ports;
    banner_plan.udp_ports.clear();
    banner_plan.part = {};
    banner_plan.skipped.clear();
    banner_plan.syn = banner_plan.banner = false;
    const auto ended = scan_once(banner_plan, hosts, services, only_collects, signals, quiet);
    if (!ended) return unexpected(ended.error());
    outcome = *ended;
    if (has_ended_early(outcome)) break;
  }
  for (const finding& each : answers) output.found(open.take(each));
  outcome.progress = done;
  return outcome;
}

auto not_of_this_scan() { return fail(errc::bad_data, "the checkpoint is of another scan"); }

result<run_outcome> scan_once(const scan_plan& plan, const target_set& targets, const service_names& services,
                              const scan_output& output, const held_signals& signals, const run_options& options) {
  auto on = poller::make();
  if (!on) return unexpected(on.error());
  const double share = share_of_rate(plan);
  const double rate = plan.rate * share;
  const std::vector<std::uint64_t> skipped = skipped_places(plan, targets);
  std::vector<std::unique_ptr<engine>> engines;
  const auto number = [&] { return static_cast<unsigned>(engines.size()); };
  banner_ports open;
  scan_output until_banners = output;
  until_banners.found = [&](const finding& one) {
    if (one.protocol == transport::tcp && one.state == port_state::open)
      open.add(one);
    else
      output.found(one);
  };
  const bool has_banners = plan.syn && plan.banner;
  for (const transport protocol : {transport::tcp, transport::udp}) {
    if (!is_stateless(plan, protocol)) continue;
    stateless_options engine_options = stateless_part_of(plan, protocol, share);
    engine_options.skipped = skipped;
    auto made = stateless_engine::make(std::move(engine_options), targets, services, *on, number(),
                                       has_banners && protocol == transport::tcp ? until_banners : output);
    if (!made) return unexpected(made.error());
    engines.push_back(std::move(*made));
  }
  if (!plan.tcp_ports.empty() && !plan.syn) {
    tcp_options engine_options = tcp_part_of(plan, rate);
    engine_options.skipped = skipped;
    if (!tcp_connect_engine::fits(engine_options, targets.size())) return not_of_this_scan();
    auto tcp = make_tcp_engine(engine_options, targets, services, *on, number(), output);
    if (!tcp) return unexpected(tcp.error());
    engines.push_back(std::move(*tcp));
  }
  if (!plan.udp_ports.empty() && !plan.stateless_udp) {
    udp_options engine_options = udp_part_of(plan, rate);
    engine_options.skipped = skipped;
    if (!udp_engine::fits(engine_options, targets.size())) return not_of_this_scan();
    auto udp = udp_engine::make(std::move(engine_options), targets, services, *on, number(), output);
    if (!udp) return unexpected(udp.error());
    engines.push_back(std::move(*udp));
  }
  std::vector<engine*> running;
  for (const auto& each : engines) running.push_back(each.get());
  auto outcome = run(*on, running, signals, options);
  if (!outcome || open.empty()) return outcome;
  if (!has_ended_early(*outcome))
    outcome = read_banners(open, outcome->progress, plan, services, output, signals, options);
  for (const finding& each : open.take_rest()) output.found(each);
  return outcome;
}

}  // namespace

result<run_outcome> scan(const scan_plan& plan, const target_set& targets, const service_names& services,
                         const scan_output& output, const run_options& options) {
  const held_signals signals;
  return scan_once(plan, targets, services, output, signals, options);
}

}  // namespace netlab::scan
