// SPDX-License-Identifier: MIT
// JSON Lines: an object per port as soon as it is known, then one with the summary.
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "scan/report/formats.hpp"
#include "scan/report/quote.hpp"

namespace netlab::scan {
namespace {

class json_report final : public report {
 public:
  json_report(report_options options, report_sink sink) : options_(std::move(options)), sink_(std::move(sink)) {}

  void begin(const report_heading&) override {}

  void add(const finding& found) override {
    if (found.state == port_state::closed && !options_.all) return;
    line_.clear();
    const auto out = std::back_inserter(line_);
    fmt::format_to(out, R"({{"host":{},"address":{},"proto":"{}","port":{},"state":"{}","reason":"{}")",
                   json_string(found.host), json_string(found.address), name_of(found.protocol), found.port,
                   name_of(found.state), name_of(found.why));
    // These members are in every line, so that readers can rely on them.
    line_ += R"(,"service":)";
    line_ += found.service.empty() ? "null" : json_string(found.service);
    line_ += R"(,"rtt_us":)";
    if (found.rtt)
      fmt::format_to(out, "{}", std::chrono::duration_cast<std::chrono::microseconds>(*found.rtt).count());
    else
      line_ += "null";
    if (found.system_error != 0) add_error(found);
    if (!found.origin.empty()) fmt::format_to(out, R"(,"origin":{})", json_string(found.origin));
    if (!found.banner.empty()) add_octets("banner", found.banner, found.banner_cut);
    if (!found.reply.empty())
      add_octets("reply", found.reply, found.reply_cut);
    else
      line_ += R"(,"reply":null)";
    if (found.is_echo) line_ += R"(,"echo":true)";
    add_other_names(found.other_names);
    line_ += "}\n";
    sink_(line_);
  }

  void finish(const scan_summary& summary) override {
    line_.clear();
    const auto out = std::back_inserter(line_);
    fmt::format_to(out, R"({{"summary":{{"targets":{},"tcp_ports":{},"udp_ports":{})", summary.targets,
                   summary.tcp_ports, summary.udp_ports);
    for (const auto state :
         {port_state::open, port_state::closed, port_state::filtered, port_state::open_filtered, port_state::unknown})
      fmt::format_to(out, R"(,"{}":{})", name_of(state), summary.count(state));
    fmt::format_to(out, R"(,"elapsed_us":{},"complete":{})",
                   std::chrono::duration_cast<std::chrono::microseconds>(summary.elapsed).count(), summary.complete);
    if (!summary.complete) fmt::format_to(out, R"(,"because":{})", json_string(summary.incomplete_because));
    // As a string, because many readers keep only 53 bits of a number.
    fmt::format_to(out, R"(,"scan":"{}","seed":"{}","shard":"{}","tcp_range":"{}","udp_range":"{}","started":{})",
                   summary.scan, summary.seed, to_string(summary.part), summary.tcp_range, summary.udp_range,
                   summary.started);
    if (summary.is_syn) line_ += R"(,"syn":true)";
    if (summary.is_stateless_udp) line_ += R"(,"stateless_udp":true)";
    add_hosts(summary.hosts);
    line_ += "}}\n";
    sink_(line_);
  }

 private:
  void add_hosts(const std::vector<scanned_host>& hosts) {
    if (hosts.empty()) return;
    line_ += R"(,"hosts":[)";
    for (const scanned_host& each : hosts) {
      if (&each != &hosts.front()) line_ += ',';
      fmt::format_to(std::back_inserter(line_), R"({{"host":{},"address":{})", json_string(each.host),
                     json_string(each.address));
      add_other_names(each.other_names);
      line_ += '}';
    }
    line_ += ']';
  }

  void add_error(const finding& found) {
    const auto out = std::back_inserter(line_);
    fmt::format_to(out, R"(,"errno":{})", found.system_error);
    if (const auto name = error_name(found.system_error); !name.empty()) fmt::format_to(out, R"(,"error":"{}")", name);
    if (const int winsock = winsock_number(found.protocol, found.system_error); winsock != 0)
      fmt::format_to(out, R"(,"winsock":{})", winsock);
  }

  void add_other_names(const std::vector<std::string>& names) {
    if (names.empty()) return;
    line_ += R"(,"other_names":[)";
    for (const std::string& each : names) {
      if (&each != &names.front()) line_ += ',';
      line_ += json_string(each);
    }
    line_ += ']';
  }

  /// As text and, if that loses information, in Base64, too.
  void add_octets(std::string_view name, std::string_view octets, bool is_cut) {
    const auto out = std::back_inserter(line_);
    fmt::format_to(out, R"(,"{}":{})", name, json_string(octets));
    if (!is_utf8(octets)) fmt::format_to(out, R"(,"{}_base64":"{}")", name, encode_base64(as_bytes(octets)));
    if (is_cut) fmt::format_to(out, R"(,"{}_cut":true)", name);
  }

  report_options options_;
  report_sink sink_;
  std::string line_;
};

}  // namespace

std::unique_ptr<report> make_json_report(report_options options, report_sink sink) {
  return std::make_unique<json_report>(std::move(options), std::move(sink));
}

}  // namespace netlab::scan
