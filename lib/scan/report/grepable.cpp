// SPDX-License-Identifier: MIT
// A line per host, like `nmap -oG`: port/state/protocol/owner/service/rpc/version/.
#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "scan/report/formats.hpp"
#include "scan/report/hosts.hpp"
#include "scan/report/nmap_words.hpp"

namespace netlab::scan {
namespace {

/// Makes text safe between slashes, commas and tabs. Replies are left out: the format has no field for them.
std::string field(std::string_view text) {
  std::string safe = escape(text);
  std::ranges::replace(safe, '/', '|');
  std::ranges::replace(safe, ',', ';');
  return safe;
}

class grepable_report final : public report {
 public:
  grepable_report(report_options options, report_sink sink) : options_(std::move(options)), sink_(std::move(sink)) {}

  void begin(const report_heading& heading) override {
    started_ = heading.started;
    hosts_ = host_table(options_.all, heading.targets, true);
    sink_(fmt::format("# netlab {} scan initiated {} as: {}\n", escape(heading.version), nmap_time(started_),
                      escape(heading.command_line)));
    sink_(fmt::format("# Ports scanned: TCP({};{}) UDP({};{}) SCTP(0;) PROTOCOLS(0;)\n", heading.tcp_count,
                      heading.tcp_ports, heading.udp_count, heading.udp_ports));
  }

  void add(const finding& found) override { hosts_.add(found); }

  void finish(const scan_summary& summary) override {
    const std::vector<host_ports> hosts = hosts_.take();
    for (const host_ports& host : hosts) write_host(host);
    const double seconds = std::chrono::duration<double>(summary.elapsed).count();
    const auto up = std::ranges::count_if(hosts, &host_ports::has_answered);
    const std::uint64_t total = std::max<std::uint64_t>(summary.targets, hosts.size());
    if (!summary.complete) sink_(fmt::format("# incomplete: {}\n", escape(summary.incomplete_because)));
    sink_(fmt::format("# netlab done at {} -- {} IP {} ({} {} up) scanned in {:.2f} seconds\n",
                      nmap_time(started_ + static_cast<std::int64_t>(seconds)), total,
                      total == 1 ? "address" : "addresses", up, up == 1 ? "host" : "hosts", seconds));
  }

 private:
  void write_host(const host_ports& host) {
    std::string names = host.host == host.address ? std::string() : field(host.host);
    for (const std::string& name : host.other_names) names += (names.empty() ? "" : " ") + field(name);
    const std::string begin = fmt::format("Host: {} ({})", escape(host.address), names);
    sink_(begin + (host.has_answered ? "\tStatus: Up\n" : "\tStatus: Down\n"));
    std::string line = begin;
    for (const finding& each : host.listed)
      line += fmt::format("{}{}/{}/{}//{}///", &each == &host.listed.front() ? "\tPorts: " : ", ", each.port,
                          name_of(each.state), name_of(each.protocol), field(each.service));
    // The format has room for one ignored state: use the most frequent one.
    std::vector<std::pair<std::size_t, port_state>> ignored;
    for (const port_tally& tally : host.summed) {
      const auto same = std::ranges::find(ignored, tally.state, &std::pair<std::size_t, port_state>::second);
      if (same == ignored.end())
        ignored.emplace_back(tally.ports.size(), tally.state);
      else
        same->first += tally.ports.size();
    }
    if (const auto most = std::ranges::max_element(ignored); most != ignored.end())
      line += fmt::format("\tIgnored State: {} ({})", name_of(most->second), most->first);
    if (line.size() != begin.size()) sink_(line + "\n");
  }

  report_options options_;
  report_sink sink_;
  std::int64_t started_ = 0;
  host_table hosts_{false, 1};
};

}  // namespace

std::unique_ptr<report> make_grepable_report(report_options options, report_sink sink) {
  return std::make_unique<grepable_report>(std::move(options), std::move(sink));
}

}  // namespace netlab::scan
