// SPDX-License-Identifier: MIT
#include "scan/io/scan.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "scan/io/tcp_shards.hpp"
#include "scan/io/udp.hpp"

namespace netlab::scan {
namespace {

tcp_options tcp_part_of(const scan_plan& plan, double rate) {
  return {.ports = plan.tcp_ports,
          .seed = plan.seed,
          .in_order = plan.in_order,
          .parallel = plan.parallel,
          .rate = rate,
          .timeout = plan.timeout,
          .retries = plan.retries,
          .sources = plan.sources,
          .talk = plan.talk};
}

udp_options udp_part_of(const scan_plan& plan, double rate) {
  return {.ports = plan.udp_ports,
          .seed = plan.seed,
          .rate = rate,
          .timeout = plan.timeout,
          .retries = plan.retries,
          .sources = plan.sources,
          .message = plan.talk.message.value_or(std::string()),
          .strict_range = plan.strict_range};
}

}  // namespace

result<run_outcome> scan(const scan_plan& plan, const target_set& targets, const service_names& services,
                         const scan_output& output, const run_options& how) {
  auto on = poller::make();
  if (!on) return unexpected(on.error());
  const bool both = !plan.tcp_ports.empty() && !plan.udp_ports.empty();
  const double rate = both ? plan.rate / 2 : plan.rate;  // together they must not exceed it
  std::vector<std::unique_ptr<engine>> engines;
  const auto number = [&] { return static_cast<unsigned>(engines.size()); };
  if (!plan.tcp_ports.empty()) {
    auto tcp = make_tcp_engine(tcp_part_of(plan, rate), targets, services, *on, number(), output);
    if (!tcp) return unexpected(tcp.error());
    engines.push_back(std::move(*tcp));
  }
  if (!plan.udp_ports.empty()) {
    auto udp = udp_engine::make(udp_part_of(plan, rate), targets, services, *on, number(), output);
    if (!udp) return unexpected(udp.error());
    engines.push_back(std::move(*udp));
  }
  std::vector<engine*> running;
  for (const auto& each : engines) running.push_back(each.get());
  return run(*on, running, how);
}

}  // namespace netlab::scan
