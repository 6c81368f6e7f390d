// SPDX-License-Identifier: MIT
// RFC 4180: a header line, then a record per port as soon as it is known. No summary: the reader is a spreadsheet.
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scan/report/formats.hpp"
#include "scan/report/quote.hpp"

namespace netlab::scan {
namespace {

class csv_report final : public report {
 public:
  csv_report(report_options options, report_sink sink) : options_(std::move(options)), sink_(std::move(sink)) {}

  void begin(const report_heading&) override {
    sink_("host,address,proto,port,state,reason,service,rtt_us,error,winsock,banner,reply,echo,origin,other_names\r\n");
  }

  void add(const finding& found) override {
    if (found.state == port_state::closed && !options_.all) return;
    const int winsock = winsock_number(found.protocol, found.system_error);
    std::string rtt;
    if (found.rtt) rtt = fmt::to_string(std::chrono::duration_cast<std::chrono::microseconds>(*found.rtt).count());
    sink_(fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n", csv_field(found.host),
                      csv_field(found.address), name_of(found.protocol), found.port, name_of(found.state),
                      name_of(found.why), csv_field(found.service), rtt, error_name(found.system_error),
                      winsock == 0 ? std::string() : fmt::to_string(winsock), csv_field(found.banner),
                      csv_field(found.reply), found.is_echo, csv_field(found.origin),
                      csv_field(fmt::format("{}", fmt::join(found.other_names, " ")))));
  }

  void finish(const scan_summary&) override {}

 private:
  report_options options_;
  report_sink sink_;
};

}  // namespace

std::unique_ptr<report> make_csv_report(report_options options, report_sink sink) {
  return std::make_unique<csv_report>(std::move(options), std::move(sink));
}

}  // namespace netlab::scan
