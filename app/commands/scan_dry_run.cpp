// SPDX-License-Identifier: MIT
#include "commands/scan_dry_run.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "frame/report_output.hpp"
#include "scan/dry_run.hpp"
#include "scan/fingerprint.hpp"
#include "scan/io/socket.hpp"

namespace netlab::app {

exit_status print_probes(const scan::scan_plan& plan, const scan::target_set& targets, const scan_report_options& shown,
                         console& out) {
  report_output file(out);
  if (auto opened = file.open(shown.output); !opened) return out.refuse(opened.error());
  const bool as_json = shown.format == scan::report_format::json;
  const bool has_times = plan.rate > 0;
  std::uint64_t count = 0;
  duration last{};
  scan::dry_run probes(plan, targets.size(), scan::skipped_places(plan, targets));
  while (const auto probe = probes.next()) {
    const auto at = std::chrono::duration_cast<std::chrono::microseconds>(probe->at).count();
    const std::string address = scan::with_interface(targets.at(probe->target));
    if (as_json)
      file.write(fmt::format("{{\"at_us\":{},\"proto\":\"{}\",\"address\":\"{}\",\"port\":{}}}\n",
                             has_times ? fmt::to_string(at) : "null", scan::name_of(probe->protocol), address,
                             probe->port));
    else
      file.write(fmt::format("{} {} {} {}\n", has_times ? fmt::format("{}.{:06}", at / 1'000'000, at % 1'000'000) : "-",
                             scan::name_of(probe->protocol), address, probe->port));
    ++count;
    last = probe->at;
    if (count % 4096 == 0 && file.is_lost()) break;
  }
  const std::string scan = scan::fingerprint_text(scan::fingerprint(plan, targets));
  if (as_json)
    file.write(fmt::format("{{\"summary\":{{\"probes\":{},\"scan\":\"{}\",\"seed\":\"{}\",\"shard\":\"{}\"}}}}\n",
                           count, scan, plan.seed, to_string(plan.part)));
  if (const auto closed = file.close(); !closed) return out.refuse(closed.error());
  out.note(fmt::format("{}{}, nothing was sent", count_of(count, "probe"),
                       has_times ? fmt::format(" in {}", netlab::to_string(last)) : std::string()));
  return exit_status::done;
}

}  // namespace netlab::app
