// SPDX-License-Identifier: MIT
// Whatever a port sends, its report is valid: JSON that parses and preserves the octets, CSV with as many fields as its
// header, well-formed XML, and no format affects a terminal.
#include <algorithm>
#include <array>
#include <string>

#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "fuzz.hpp"
#include "scan/report/quote.hpp"
#include "scan/report/report.hpp"

using namespace netlab;
using namespace netlab::scan;

namespace {

/// Records of RFC 4180: every line ends in CRLF, and quotes are only at allowed places.
std::vector<std::vector<std::string>> parse_csv(std::string_view text) {
  std::vector<std::vector<std::string>> rows;
  while (!text.empty()) {
    auto& row = rows.emplace_back();
    for (bool more = true; more;) {
      std::string field;
      if (text.starts_with('"')) {
        text.remove_prefix(1);
        for (;;) {
          const std::size_t quote = text.find('"');
          fuzz::require(quote != std::string_view::npos, "a quoted field ends");
          field += text.substr(0, quote);
          text.remove_prefix(quote + 1);
          if (!text.starts_with('"')) break;
          field += '"';
          text.remove_prefix(1);
        }
      } else {
        const std::size_t end = text.find_first_of(",\r");
        fuzz::require(end != std::string_view::npos, "a field ends");
        field = text.substr(0, end);
        fuzz::require(field.find_first_of("\"\n") == std::string::npos, "a plain field has no quote");
        text.remove_prefix(end);
      }
      row.push_back(std::move(field));
      more = text.starts_with(',');
      fuzz::require(more || text.starts_with("\r\n"), "a field ends in a comma or a line end");
      text.remove_prefix(more ? 1 : 2);
    }
  }
  return rows;
}

std::string_view take(std::string_view& text, std::string_view end_at) {
  const std::size_t end = text.find_first_of(end_at);
  fuzz::require(end != std::string_view::npos, "the markup goes on");
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

void skip(std::string_view& text, std::string_view what) {
  fuzz::require(text.starts_with(what), "the markup is as it should be");
  text.remove_prefix(what.size());
}

void check_value(std::string_view value) {
  fuzz::require(value.find('<') == std::string_view::npos, "no < in a value");
  for (std::size_t at = value.find('&'); at != std::string_view::npos; at = value.find('&', at + 1)) {
    const std::string_view rest = value.substr(at);
    fuzz::require(std::ranges::any_of(std::array{"&amp;", "&lt;", "&gt;", "&quot;", "&#xa;"},
                                      [&](const char* entity) { return rest.starts_with(entity); }),
                  "an & begins an entity");
  }
}

/// The XML of these reports: elements with attributes, and text only in <elem>.
void check_xml(std::string_view text) {
  fuzz::require(is_utf8(text), "XML is UTF-8");
  fuzz::require(std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }),
                "no control characters");
  fuzz::require(
      text.find("\xEF\xBF\xBE") == std::string_view::npos && text.find("\xEF\xBF\xBF") == std::string_view::npos,
      "no characters that XML forbids");
  skip(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE nmaprun>\n");
  std::vector<std::string_view> open;
  while (!text.empty()) {
    if (text.starts_with('\n')) {
      text.remove_prefix(1);
      continue;
    }
    if (!open.empty() && open.back() == "elem") check_value(take(text, "<"));
    skip(text, "<");
    if (text.starts_with('/')) {
      text.remove_prefix(1);
      fuzz::require(!open.empty() && take(text, ">") == open.back(), "an element ends that is open");
      open.pop_back();
      skip(text, ">");
      continue;
    }
    open.push_back(take(text, " />"));
    std::vector<std::string_view> names;
    while (text.starts_with(' ')) {
      text.remove_prefix(1);
      names.push_back(take(text, "="));
      fuzz::require(!names.back().empty() &&
                        std::ranges::all_of(names.back(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }),
                    "an attribute has a name");
      fuzz::require(std::ranges::count(names, names.back()) == 1, "and has it for itself");
      skip(text, "=\"");
      check_value(take(text, "\""));
      skip(text, "\"");
    }
    if (text.starts_with('/')) {
      text.remove_prefix(1);
      open.pop_back();
    }
    skip(text, ">");
  }
  fuzz::require(open.empty(), "every element ends");
}

/// JSON Lines; preserves the number of octets.
void check_json(std::string_view text, const std::vector<finding>& findings) {
  const auto lines = split(text, '\n');
  fuzz::require(lines.size() == findings.size() + 2 && lines.back().empty(), "a line a port, and the summary");
  for (std::size_t at = 0; at < findings.size(); ++at) {
    const auto object = nlohmann::json::parse(lines[at]);
    const auto keeps = [&](const char* name, const char* in_base64, const std::string& octets) {
      if (octets.empty())
        return fuzz::require(object.value(name, nlohmann::json()).is_null(), "nothing is null, or not told");
      if (is_utf8(octets)) return fuzz::require(object.at(name) == octets, "text is kept");
      const auto decoded = decode_base64(object.at(in_base64).get<std::string>());
      fuzz::require(decoded && as_text(*decoded) == octets, "octets are kept");
    };
    keeps("banner", "banner_base64", findings[at].banner);
    keeps("reply", "reply_base64", findings[at].reply);
    fuzz::require(object.at("port") == findings[at].port, "the port is told");
  }
  fuzz::require(nlohmann::json::parse(lines[findings.size()]).contains("summary"), "the summary is told");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const unsigned choice = fuzz::take_octet(input);
  const report_options how{.all = (choice & 1) != 0, .verbose = (choice & 2) != 0};
  auto pieces = fuzz::take_cut(input);
  const auto next = [&] {
    if (pieces.empty()) return std::string();
    std::string piece(pieces.back());
    pieces.pop_back();
    return piece;
  };
  report_heading heading{.command_line = next(), .version = "0", .targets = 1U + (choice >> 2) % 3};
  std::vector<finding> findings;
  while (!pieces.empty()) {
    const std::string kind = next();
    const auto number = static_cast<unsigned char>(kind.empty() ? 0 : kind.front());
    findings.push_back({.host = next(),
                        .address = number % 2 == 0 ? "192.0.2.1" : "fe80::1%eth0",
                        .protocol = number % 4 < 2 ? transport::tcp : transport::udp,
                        .port = static_cast<std::uint16_t>(findings.size() + 1),
                        .state = static_cast<port_state>(number % port_state_count),
                        .why = static_cast<reason>(number % 12),
                        .system_error = number % 120,
                        .rtt = std::nullopt,
                        .banner = next(),
                        .reply = next(),
                        .is_echo = number > 200,
                        .service = next()});
  }
  for (const auto format : {report_format::table, report_format::json, report_format::csv, report_format::nmap_xml,
                            report_format::grepable}) {
    std::string text;
    const auto report = make_report(format, how, [&](std::string_view piece) { text += piece; });
    report->begin(heading);
    for (const finding& each : findings) report->add(each);
    report->finish({.targets = heading.targets, .complete = false, .incomplete_because = heading.command_line});
    std::vector<finding> told = findings;
    if (!how.all) std::erase_if(told, [](const finding& one) { return one.state == port_state::closed; });
    if (format == report_format::json) check_json(text, told);
    if (format == report_format::nmap_xml) check_xml(text);
    if (format == report_format::csv) {
      const auto rows = parse_csv(text);
      fuzz::require(rows.size() == told.size() + 1, "a record a port, and the header");
      for (const auto& row : rows) fuzz::require(row.size() == rows.front().size(), "a record has all fields");
    }
    for (std::string_view line : split(text, '\n')) {
      if (line.ends_with('\r') && format == report_format::csv) line.remove_suffix(1);
      std::string plain(line);
      if (format == report_format::grepable) std::ranges::replace(plain, '\t', ' ');
      fuzz::require(fuzz::is_harmless(plain), "no line acts on a terminal");
    }
  }
  return 0;
}
