// SPDX-License-Identifier: MIT
#include "scan/state.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::scan {
namespace {

using ordered = nlohmann::ordered_json;

// The beginning of the file; to be changed if the meaning of a member changes.
constexpr const char* format_key = "netlab_scan_state";
constexpr int format_number = 1;

}  // namespace

std::string to_text(const scan_state& of) {
  ordered made{{format_key, format_number},
               {"version", of.version},
               {"finished", of.exit_status.has_value()},
               {"exit_status", nullptr},
               {"targets", of.targets},
               {"options", of.options},
               {"names", of.names},
               {"scan", of.scan},
               {"seed", fmt::to_string(of.seed)},
               {"started", of.started},
               {"elapsed_us", std::chrono::duration_cast<std::chrono::microseconds>(of.elapsed).count()}};
  if (of.exit_status) made["exit_status"] = *of.exit_status;
  if (of.reached.tcp) made["tcp"] = to_text(*of.reached.tcp);
  if (of.reached.udp) made["udp"] = to_text(*of.reached.udp);
  if (of.reached.syn) made["syn"] = to_text(*of.reached.syn);
  if (of.reached.stateless_udp) made["stateless_udp"] = to_text(*of.reached.stateless_udp);
  made["by_state"] = of.by_state;
  made["report_size"] = of.report_size;
  made["findings_size"] = of.findings_size;
  made["not_probed"] = of.not_probed;
  made["first_error"] = of.first_error;
  made["first_address"] = of.first_address;
  // A target is as the user typed it, in any encoding.
  return made.dump(1, ' ', false, ordered::error_handler_t::replace) + "\n";
}

result<scan_state> parse_scan_state(std::string_view text, std::string_view version) {
  const ordered read = ordered::parse(text, nullptr, false);
  if (!read.is_object() || !read.contains(format_key)) return fail(errc::bad_data, "it is not the state of a scan");
  try {
    scan_state made;
    read.at("version").get_to(made.version);
    if (made.version != version || read.at(format_key) != format_number)
      return fail(errc::bad_data, fmt::format("it is of netlab {}, and this is {}", escape(made.version, 40), version),
                  "finish the scan with that version, or begin it again with another file");
    if (const ordered& status = read.at("exit_status"); !status.is_null()) made.exit_status = status.get<int>();
    read.at("targets").get_to(made.targets);
    read.at("options").get_to(made.options);
    read.at("names").get_to(made.names);
    read.at("scan").get_to(made.scan);
    const auto seed = parse_integer<std::uint64_t>(read.at("seed").get_ref<const std::string&>());
    if (!seed) return fail(errc::bad_data, "its seed is not a number");
    made.seed = *seed;
    read.at("started").get_to(made.started);
    made.elapsed = std::chrono::microseconds(read.at("elapsed_us").get<std::int64_t>());
    if (read.contains("tcp")) {
      auto reached = parse_sweep_checkpoint(read.at("tcp").get_ref<const std::string&>());
      if (!reached) return unexpected(reached.error());
      made.reached.tcp = *std::move(reached);
    }
    if (read.contains("udp")) {
      auto reached = parse_udp_checkpoint(read.at("udp").get_ref<const std::string&>());
      if (!reached) return unexpected(reached.error());
      made.reached.udp = *std::move(reached);
    }
    for (const auto& [key, to] :
         {std::pair{"syn", &made.reached.syn}, {"stateless_udp", &made.reached.stateless_udp}}) {
      if (!read.contains(key)) continue;
      auto reached = parse_stateless_checkpoint(read.at(key).get_ref<const std::string&>());
      if (!reached) return unexpected(reached.error());
      *to = *std::move(reached);
    }
    read.at("by_state").get_to(made.by_state);
    read.at("report_size").get_to(made.report_size);
    read.at("findings_size").get_to(made.findings_size);
    read.at("not_probed").get_to(made.not_probed);
    read.at("first_error").get_to(made.first_error);
    read.at("first_address").get_to(made.first_address);
    return made;
  } catch (const ordered::exception&) {
    return fail(errc::bad_data, "the state is damaged");
  }
}

}  // namespace netlab::scan
