// SPDX-License-Identifier: MIT
#include "scan/io/scan_host.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <tuple>

#include "scan/io/engine_loop.hpp"
#include "scan/io/tcp_connect.hpp"
#include "scan/io/udp.hpp"
#include "scan/services.hpp"

namespace netlab::scan {

result<std::vector<finding>> scan_host(const host_scan& what, const stop_condition& should_stop) {
  auto on = poller::make();
  if (!on) return unexpected(on.error());
  target_set targets;
  targets.add({what.host, what.host});
  const service_names services = service_names::read();
  std::vector<finding> findings;
  scan_output output;
  output.found = [&](const finding& one) { findings.push_back(one); };

  std::vector<std::unique_ptr<engine>> engines;
  const auto number = [&] { return static_cast<unsigned>(engines.size()); };
  if (!what.tcp_ports.empty()) {
    tcp_options how{.ports = what.tcp_ports, .timeout = what.timeout, .talk = {.listen = what.listen}};
    if (!what.message.empty()) how.talk.message = what.message;
    engines.push_back(std::make_unique<tcp_connect_engine>(std::move(how), targets, services, *on, number(), output));
  }
  if (!what.udp_ports.empty()) {
    udp_options how{.ports = what.udp_ports, .timeout = what.timeout, .message = what.message};
    auto udp = udp_engine::make(std::move(how), targets, services, *on, number(), output);
    if (!udp) return unexpected(udp.error());
    engines.push_back(std::move(*udp));
  }
  std::vector<engine*> running;
  for (const auto& each : engines) running.push_back(each.get());
  run_options how;
  if (should_stop) how.should_stop = [&] { return should_stop(findings); };
  const auto outcome = run(*on, running, how);
  if (!outcome) return unexpected(outcome.error());
  // The signal was meant for the whole process: raise it again.
  if (outcome->signal != 0) ::kill(::getpid(), outcome->signal);

  std::ranges::sort(findings, {}, [](const finding& one) { return std::tuple(one.protocol, one.port); });
  return findings;
}

}  // namespace netlab::scan
