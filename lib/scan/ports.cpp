// SPDX-License-Identifier: MIT
#include "scan/ports.hpp"

#include <bitset>

#include <fmt/format.h>

#include "base/services.hpp"
#include "base/text.hpp"

namespace netlab::scan {
namespace {

constexpr unsigned last_port = 65535;

result<unsigned> parse_one(std::string_view text) {
  if (text.empty())
    return fail(errc::usage, "an empty entry in the port list", "write 1-50,80 without a comma at the ends");
  const auto number = parse_integer<std::uint64_t>(text);
  if (!number) {
    if (const auto named = parse_port_or_service(text)) return *named;
    return fail(errc::usage, fmt::format("port '{}' is neither a number nor the name of a service", escape(text, 60)),
                "1-50,80,ssh,8000- or all");
  }
  if (*number == 0) return fail(errc::usage, "port 0 cannot be scanned", "ports are 1 to 65535");
  if (*number > last_port)
    return fail(errc::usage, fmt::format("port {} does not exist", *number), "ports are 1 to 65535");
  return static_cast<unsigned>(*number);
}

}  // namespace

result<std::vector<std::uint16_t>> parse_ports(std::string_view text) {
  std::bitset<last_port + 1> chosen;
  if (trim(text).empty()) return fail(errc::usage, "the port list is empty", "1-50,80,443,8000- or all");
  for (std::string_view piece : split(text, ',')) {
    piece = trim(piece);
    unsigned first = 1;
    unsigned last = last_port;
    if (piece != "all" && piece != "-") {
      // Service names may have dashes, too: netbios-ns.
      const bool is_name = piece.find('-') != std::string_view::npos && port_of_service(piece);
      const std::size_t dash = is_name ? std::string_view::npos : piece.find('-');
      const std::string_view from = trim(piece.substr(0, dash));
      if (dash == std::string_view::npos || !from.empty()) {
        const auto number = parse_one(from);
        if (!number) return unexpected(number.error());
        first = *number;
      }
      if (dash == std::string_view::npos) {
        last = first;
      } else if (const std::string_view to = trim(piece.substr(dash + 1)); !to.empty()) {
        const auto number = parse_one(to);
        if (!number) return unexpected(number.error());
        last = *number;
      }
    }
    if (first > last)
      return fail(errc::usage, fmt::format("port range '{}' runs backwards", escape(piece, 60)),
                  fmt::format("write {}-{}", last, first));
    for (unsigned port = first; port <= last; ++port) chosen.set(port);
  }
  std::vector<std::uint16_t> ports;
  ports.reserve(chosen.count());
  for (unsigned port = 1; port <= last_port; ++port)
    if (chosen.test(port)) ports.push_back(static_cast<std::uint16_t>(port));
  return ports;
}

std::string to_string(std::span<const std::uint16_t> ascending) {
  std::string text;
  for (std::size_t at = 0; at < ascending.size();) {
    std::size_t last = at;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += at == last ? fmt::format("{}", ascending[at]) : fmt::format("{}-{}", ascending[at], ascending[last]);
    at = last + 1;
  }
  return text;
}

}  // namespace netlab::scan
