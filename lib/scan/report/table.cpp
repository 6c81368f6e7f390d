// SPDX-License-Identifier: MIT
// The table for people: a line per port; ports that are alike are summed up below.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "scan/report/formats.hpp"
#include "scan/report/hosts.hpp"

namespace netlab::scan {
namespace {

constexpr std::uint64_t suspicious = 10;           // ports: a host with this many ports, all of them open, is rare
constexpr std::size_t reply_shown = 60;  // octets; with the other columns they fit in one line of a wide terminal
constexpr std::size_t reply_shown_verbose = 1024;  // octets

/// `reset`, or with the error numbers of this system and of Windows. Local errors always have the numbers: without
/// them they say nothing.
std::string reason_text(transport protocol, reason why, int system_error, bool verbose, std::string_view open,
                        std::string_view close) {
  std::string text(name_of(why));
  const std::string_view error = error_name(system_error);
  if (error.empty() || (!verbose && why != reason::local_error)) return text;
  text += fmt::format("{}{}", open, error);
  if (const int winsock = winsock_number(protocol, system_error); winsock != 0) text += fmt::format(", {}", winsock);
  text += close;
  return text;
}

std::string quoted(std::string_view octets, std::size_t limit) {
  return fmt::format("\"{}\"", escape(trim(octets), limit));
}

std::string reply_text(const finding& found, std::size_t limit) {
  std::string text;
  if (!trim(found.banner).empty()) text = quoted(found.banner, limit);
  std::string reply;
  if (found.is_echo)
    reply = "echo";
  else if (!trim(found.reply).empty())
    reply = quoted(found.reply, limit);
  if (!text.empty() && !reply.empty()) text += ' ';
  return text + reply;
}

class table_report final : public report {
 public:
  table_report(report_options options, report_sink sink) : options_(std::move(options)), sink_(std::move(sink)) {}

  void begin(const report_heading& heading) override {
    hosts_ = host_table(options_.all, heading.targets);
    counts_ = {heading.tcp_count, heading.udp_count};
  }

  void add(const finding& found) override { hosts_.add(found); }

  void finish(const scan_summary& summary) override {
    std::vector<host_ports> hosts = hosts_.take();
    bool first = true;
    for (host_ports& host : hosts) {
      if (!first) sink_("\n");
      first = false;
      write_host(host);
    }
    if (summary.targets > many_targets && !options_.all) {
      if (!first) sink_("\n");
      sink_(count_of_addresses(hosts.size()) + " with an open port");
      // Before the end nothing is known about the other hosts.
      if (summary.complete)
        sink_(fmt::format(", {} without", summary.targets - std::min<std::uint64_t>(hosts.size(), summary.targets)));
      sink_(summary.complete ? "\n" : " so far\n");
    }
    if (!summary.complete) sink_(fmt::format("incomplete: {}\n", escape(summary.incomplete_because)));
  }

 private:
  static constexpr std::size_t columns = 5;
  using cells = std::array<std::string, columns>;

  static std::string count_of_addresses(std::size_t count) {
    return fmt::format("{} {}", count, count == 1 ? "address" : "addresses");
  }

  std::string bold(std::string_view text) const { return options_.bold ? options_.bold(text) : std::string(text); }

  void write_host(host_ports& host) {
    const std::string address = escape(host.address);
    const std::string name = escape(host.host);
    std::string title = name.empty() || name == address ? address : fmt::format("{} ({})", name, address);
    // Other names of the same address, which is scanned once.
    for (const std::string& other : host.other_names)
      title += fmt::format("{} {}", &other == &host.other_names.front() ? ", the same as" : ",", escape(other));
    sink_(bold(title) + "\n");
    std::string notes;
    for (const transport protocol : {transport::tcp, transport::udp}) notes += note_all_open(host, protocol);
    if (!host.listed.empty()) write_ports(host.listed);
    write_tallies(host.summed);
    sink_(notes);
  }

  /// If all ports are open, something in front of the host may be answering. If there are too many to list, those
  /// without a banner or reply are summed up.
  std::string note_all_open(host_ports& of, transport protocol) const {
    const std::uint64_t asked = counts_[static_cast<std::size_t>(protocol)];
    const auto is_open = [&](const finding& each) {
      return each.protocol == protocol && each.state == port_state::open;
    };
    if (asked < suspicious || static_cast<std::uint64_t>(std::ranges::count_if(of.listed, is_open)) != asked) return {};
    if (!options_.all && asked > host_table::listed_limit) {
      port_tally silent{protocol, port_state::open, reason::syn_ack, 0, {}};
      std::erase_if(of.listed, [&](const finding& each) {
        if (!is_open(each) || !each.banner.empty() || !each.reply.empty()) return false;
        silent.why = each.why;
        silent.ports.push_back(each.port);
        return true;
      });
      if (!silent.ports.empty()) of.summed.insert(of.summed.begin(), std::move(silent));
    }
    return fmt::format(
        "all {} {} ports are open: perhaps a SYN proxy, a firewall or a load balancer answers for the host\n", asked,
        name_of(protocol));
  }

  void write_ports(const std::vector<finding>& ports) {
    std::vector<cells> rows{{"PORT", "STATE", "SERVICE", "REASON", "REPLY"}};
    for (const finding& each : ports)
      rows.push_back({fmt::format("{}/{}", each.port, name_of(each.protocol)), std::string(name_of(each.state)),
                      escape(each.service),
                      reason_text(each.protocol, each.why, each.system_error, options_.verbose, " (", ")"),
                      reply_text(each, options_.verbose ? reply_shown_verbose : reply_shown)});
    cells::size_type column = 0;
    std::array<std::size_t, columns> widths{};
    for (; column < columns; ++column)
      for (const cells& row : rows) widths[column] = std::max(widths[column], row[column].size());
    bool heading = true;
    for (const cells& row : rows) {
      std::string line;
      for (column = 0; column < columns; ++column) {
        line += row[column];
        if (column + 1 < columns) line.append(widths[column] - row[column].size() + 2, ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      sink_((heading ? bold(line) : line) + "\n");
      heading = false;
    }
  }

  /// `not shown: 47 closed tcp ports (reset)`
  void write_tallies(const std::vector<port_tally>& tallies) {
    if (tallies.empty()) return;
    std::string line = "not shown: ";
    for (const port_tally& each : tallies) {
      if (&each != &tallies.front()) line += ", ";
      line += fmt::format("{} {} {} {} ({})", each.ports.size(), name_of(each.state), name_of(each.protocol),
                          each.ports.size() == 1 ? "port" : "ports",
                          reason_text(each.protocol, each.why, each.system_error, options_.verbose, ", ", ""));
    }
    sink_(line + "\n");
  }

  report_options options_;
  report_sink sink_;
  host_table hosts_{false, 1};
  std::array<std::uint64_t, 2> counts_{};  // ports asked, by transport
};

}  // namespace

std::unique_ptr<report> make_table_report(report_options options, report_sink sink) {
  return std::make_unique<table_report>(std::move(options), std::move(sink));
}

}  // namespace netlab::scan
