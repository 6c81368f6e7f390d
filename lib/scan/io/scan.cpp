// SPDX-License-Identifier: MIT
#include "scan/io/scan.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

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

/// The places of the targets that are never asked.
std::vector<std::uint64_t> skipped_places(const scan_plan& plan, const target_set& targets) {
  std::vector<std::uint64_t> places;
  for (const address& each : plan.skipped)
    if (const auto place = targets.place_of(each)) places.push_back(*place);
  std::ranges::sort(places);
  return places;
}

auto not_of_this_scan() { return fail(errc::bad_data, "the checkpoint is of another scan"); }

}  // namespace

result<run_outcome> scan(const scan_plan& plan, const target_set& targets, const service_names& services,
                         const scan_output& output, const run_options& how) {
  auto on = poller::make();
  if (!on) return unexpected(on.error());
  const bool both = !plan.tcp_ports.empty() && !plan.udp_ports.empty();
  const double rate = both ? plan.rate / 2 : plan.rate;  // together they must not exceed it
  const std::vector<std::uint64_t> skipped = skipped_places(plan, targets);
  std::vector<std::unique_ptr<engine>> engines;
  const auto number = [&] { return static_cast<unsigned>(engines.size()); };
  if (!plan.tcp_ports.empty()) {
    tcp_options its = tcp_part_of(plan, rate);
    its.skipped = skipped;
    if (!tcp_connect_engine::fits(its, targets.size())) return not_of_this_scan();
    auto tcp = make_tcp_engine(its, targets, services, *on, number(), output);
    if (!tcp) return unexpected(tcp.error());
    engines.push_back(std::move(*tcp));
  }
  if (!plan.udp_ports.empty()) {
    udp_options its = udp_part_of(plan, rate);
    its.skipped = skipped;
    if (!udp_engine::fits(its, targets.size())) return not_of_this_scan();
    auto udp = udp_engine::make(std::move(its), targets, services, *on, number(), output);
    if (!udp) return unexpected(udp.error());
    engines.push_back(std::move(*udp));
  }
  std::vector<engine*> running;
  for (const auto& each : engines) running.push_back(each.get());
  return run(*on, running, how);
}

}  // namespace netlab::scan
