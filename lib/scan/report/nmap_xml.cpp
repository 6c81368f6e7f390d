// SPDX-License-Identifier: MIT
// XML in nmap's format (/usr/share/nmap/nmap.dtd), for the programs that read it.
#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "scan/report/formats.hpp"
#include "scan/report/hosts.hpp"
#include "scan/report/nmap_words.hpp"
#include "scan/report/quote.hpp"

namespace netlab::scan {
namespace {

constexpr std::string_view dtd_version = "1.05";

class nmap_xml_report final : public report {
 public:
  nmap_xml_report(report_options options, report_sink sink) : options_(std::move(options)), sink_(std::move(sink)) {}

  void begin(const report_heading& heading) override {
    heading_ = heading;
    hosts_ = host_table(options_.all, heading.targets, true);
    sink_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE nmaprun>\n");
    // The DTD allows no other scanner than nmap.
    sink_(
        fmt::format(R"(<nmaprun scanner="nmap" args="{}" start="{}" startstr="{}" version="{}" xmloutputversion="{}">)"
                    "\n",
                    xml_attribute(heading.command_line), heading_.started, nmap_time(heading_.started),
                    xml_attribute(heading.version), dtd_version));
  }

  void add(const finding& found) override { hosts_.add(found); }

  void finish(const scan_summary& summary) override {
    is_syn_ = summary.is_syn;
    if (heading_.tcp_count != 0)
      write_scaninfo(is_syn_ ? "syn" : "connect", "tcp", heading_.tcp_count, heading_.tcp_ports);
    if (heading_.udp_count != 0) write_scaninfo("udp", "udp", heading_.udp_count, heading_.udp_ports);
    sink_(fmt::format("<verbose level=\"{}\"/>\n<debugging level=\"0\"/>\n", options_.verbose ? 1 : 0));
    const std::vector<host_ports> hosts = hosts_.take();
    const double seconds = std::chrono::duration<double>(summary.elapsed).count();
    const std::int64_t ended = heading_.started + static_cast<std::int64_t>(seconds);
    for (const host_ports& host : hosts) write_host(host, ended);
    const auto up = static_cast<std::uint64_t>(std::ranges::count_if(hosts, &host_ports::has_answered));
    const std::uint64_t total = std::max<std::uint64_t>(summary.targets, hosts.size());
    sink_(fmt::format(
        "<runstats><finished time=\"{}\" timestr=\"{}\" elapsed=\"{:.2f}\" summary=\"{}\" {}/>"
        "<hosts up=\"{}\" down=\"{}\" total=\"{}\"/>\n</runstats>\n</nmaprun>\n",
        ended, nmap_time(ended), seconds,
        fmt::format("{} open; {} scanned in {:.2f} seconds", count_of(summary.count(port_state::open), "port"),
                    count_of(total, "IP"), seconds),
        summary.complete ? "exit=\"success\""
                         : fmt::format("exit=\"error\" errormsg=\"{}\"", xml_attribute(summary.incomplete_because)),
        up, total - up, total));
  }

 private:
  void write_scaninfo(std::string_view type, std::string_view protocol, std::uint64_t count, std::string_view ports) {
    sink_(fmt::format("<scaninfo type=\"{}\" protocol=\"{}\" numservices=\"{}\" services=\"{}\"/>\n", type, protocol,
                      count, xml_attribute(ports)));
  }

  void write_host(const host_ports& host, std::int64_t ended) {
    const std::string_view address = std::string_view(host.address).substr(0, host.address.find('%'));
    sink_(fmt::format(
        "<host starttime=\"{}\" endtime=\"{}\"><status state=\"{}\" reason=\"{}\" reason_ttl=\"0\"/>\n"
        "<address addr=\"{}\" addrtype=\"{}\"/>\n<hostnames>\n",
        heading_.started, ended, host.has_answered ? "up" : "down", host.has_answered ? "user-set" : "no-response",
        xml_attribute(address), address.find(':') == std::string_view::npos ? "ipv4" : "ipv6"));
    if (!host.host.empty() && host.host != host.address)
      sink_(fmt::format("<hostname name=\"{}\" type=\"user\"/>\n", xml_attribute(host.host)));
    for (const std::string& name : host.other_names)
      sink_(fmt::format("<hostname name=\"{}\" type=\"user\"/>\n", xml_attribute(name)));
    sink_("</hostnames>\n<ports>");
    write_tallies(host.summed);
    for (const finding& each : host.listed) write_port(each);
    sink_("</ports>\n</host>\n");
  }

  void write_tallies(const std::vector<port_tally>& tallies) {
    for (const port_state state :
         {port_state::closed, port_state::filtered, port_state::open_filtered, port_state::unknown}) {
      std::size_t count = 0;
      std::string reasons;
      for (const port_tally& each : tallies) {
        if (each.state != state) continue;
        count += each.ports.size();
        reasons += fmt::format("<extrareasons reason=\"{}\" count=\"{}\" proto=\"{}\" ports=\"{}\"/>\n",
                               nmap_reason(each.protocol, each.why, is_syn_), each.ports.size(), name_of(each.protocol),
                               port_ranges(each.ports));
      }
      if (count != 0)
        sink_(fmt::format("<extraports state=\"{}\" count=\"{}\">\n{}</extraports>\n", name_of(state), count, reasons));
    }
  }

  void write_port(const finding& found) {
    std::string text = fmt::format(R"(<port protocol="{}" portid="{}"><state state="{}" reason="{}" reason_ttl="0"/>)",
                                   name_of(found.protocol), found.port, name_of(found.state),
                                   nmap_reason(found.protocol, found.why, is_syn_));
    if (!found.service.empty())
      text += fmt::format(R"(<service name="{}" method="table" conf="3"/>)", xml_attribute(found.service));
    sink_(text + script_of(found) + "</port>\n");
  }

  /// The banner and reply of a port in one element, named as by nmap's own script: ndiff cannot read two per port.
  static std::string script_of(const finding& found) {
    const std::string banner = xml_attribute(trim(found.banner));
    const std::string reply = xml_attribute(trim(found.reply));
    const std::string_view kind = found.is_echo ? "echo" : "reply";
    if (found.reply.empty())
      return found.banner.empty() ? std::string() : fmt::format(R"(<script id="banner" output="{}"/>)", banner);
    if (found.banner.empty()) return fmt::format(R"(<script id="{}" output="{}"/>)", kind, reply);
    return fmt::format(R"(<script id="banner" output="{0}&#xa;{1}: {2}">)"
                       R"(<elem key="banner">{0}</elem><elem key="{1}">{2}</elem></script>)",
                       banner, kind, reply);
  }

  report_options options_;
  report_sink sink_;
  report_heading heading_;
  bool is_syn_ = false;
  host_table hosts_{false, 1};
};

}  // namespace

std::unique_ptr<report> make_nmap_xml_report(report_options options, report_sink sink) {
  return std::make_unique<nmap_xml_report>(std::move(options), std::move(sink));
}

}  // namespace netlab::scan
