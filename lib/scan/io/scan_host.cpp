// SPDX-License-Identifier: MIT
#include "scan/io/scan_host.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <tuple>

#include "scan/io/scan.hpp"

namespace netlab::scan {

result<std::vector<finding>> scan_host(const host_scan& request, const stop_condition& should_stop) {
  scan_plan plan{.tcp_ports = request.tcp_ports, .udp_ports = request.udp_ports, .timeout = request.timeout};
  plan.talk.listen = request.listen;
  if (!request.message.empty()) plan.talk.message = request.message;
  target_set targets;
  targets.add({request.host, request.host});
  std::vector<finding> findings;
  scan_output output;
  output.found = [&](const finding& one) { findings.push_back(one); };
  run_options options;
  if (should_stop) options.should_stop = [&] { return should_stop(findings); };
  const auto outcome = scan(plan, targets, service_names::read(), output, options);
  if (!outcome) return unexpected(outcome.error());
  // The signal was meant for the whole process: raise it again.
  if (outcome->signal != 0) ::kill(::getpid(), outcome->signal);

  std::ranges::sort(findings, {}, [](const finding& one) { return std::tuple(one.protocol, one.port); });
  return findings;
}

}  // namespace netlab::scan
