// SPDX-License-Identifier: MIT
#include "scan/io/scan_host.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <tuple>

#include "scan/io/scan.hpp"

namespace netlab::scan {

result<std::vector<finding>> scan_host(const host_scan& what, const stop_condition& should_stop) {
  scan_plan plan{.tcp_ports = what.tcp_ports, .udp_ports = what.udp_ports, .timeout = what.timeout};
  plan.talk.listen = what.listen;
  if (!what.message.empty()) plan.talk.message = what.message;
  target_set targets;
  targets.add({what.host, what.host});
  std::vector<finding> findings;
  scan_output output;
  output.found = [&](const finding& one) { findings.push_back(one); };
  run_options how;
  if (should_stop) how.should_stop = [&] { return should_stop(findings); };
  const auto outcome = scan(plan, targets, service_names::read(), output, how);
  if (!outcome) return unexpected(outcome.error());
  // The signal was meant for the whole process: raise it again.
  if (outcome->signal != 0) ::kill(::getpid(), outcome->signal);

  std::ranges::sort(findings, {}, [](const finding& one) { return std::tuple(one.protocol, one.port); });
  return findings;
}

}  // namespace netlab::scan
