// SPDX-License-Identifier: MIT
#include "sockets/filter.hpp"

#include <linux/inet_diag.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/services.hpp"
#include "base/text.hpp"

namespace netlab::sockets {
namespace {

// An alternative takes 20 octets, jumps have 16 bits, and an attribute at most 64 KiB. With longer lists, only
// matches() filters.
constexpr std::size_t max_kernel_ranges = 256;

unexpected<failure> bad_ports(std::string_view text, std::string_view why) {
  return fail(errc::usage, fmt::format("port list '{}' {}", escape(text, 60), why), "write 80 or 1-50,443,8000-");
}

void append_op(bytes& program, std::uint8_t code, std::size_t yes, std::size_t no) {
  const inet_diag_bc_op op{.code = code, .yes = static_cast<std::uint8_t>(yes), .no = static_cast<std::uint16_t>(no)};
  append(program, std::as_bytes(std::span(&op, 1)));
}

// The port is in the following operation, in the field `no`.
void append_comparison(bytes& program, std::uint8_t code, std::uint16_t port, std::size_t no) {
  append_op(program, code, 8, no);
  append_op(program, INET_DIAG_BC_NOP, 0, port);
}

}  // namespace

result<std::vector<port_range>> parse_ports(std::string_view text) {
  std::vector<port_range> ranges;
  if (text == "all") return ranges;
  for (const std::string_view piece : split(text, ',')) {
    // Service names may contain dashes, too: netbios-ns.
    const bool is_name = piece.find('-') != std::string_view::npos && port_of_service(piece);
    const auto dash = is_name ? std::string_view::npos : piece.find('-');
    const std::string_view first = piece.substr(0, dash);
    const std::string_view last = dash == std::string_view::npos ? first : piece.substr(dash + 1);
    const auto from = parse_port_or_service(first);
    const auto to = last.empty() && dash != std::string_view::npos ? std::optional<std::uint16_t>(65535)
                                                                   : parse_port_or_service(last);
    if (!from || !to || *from == 0)
      return bad_ports(text, "has a piece that is neither a port from 1 to 65535 nor the name of a service");
    if (*from > *to) return bad_ports(text, "has a range that runs backwards");
    ranges.push_back({*from, *to});
  }
  return ranges;
}

std::uint32_t wanted_states(const filter& of, transport over) noexcept {
  if (!of.listening) return ~0U;
  return 1U << static_cast<unsigned>(over == transport::tcp ? state::listen : state::closed);
}

bytes port_program(const std::vector<port_range>& ranges) {
  bytes program;
  if (ranges.empty() || ranges.size() > max_kernel_ranges) return program;
  // Each alternative is `port >= first`, `port <= last`, `jump to the end`; if a comparison is false, it jumps to the
  // next alternative. The last one has no jump, and its `no` leads 4 octets past the end, which means that the socket
  // does not match.
  constexpr std::size_t size = 20;
  const std::size_t alternatives = ranges.size() * 2;
  const std::size_t end = alternatives * size - 4;
  std::size_t done = 0;
  for (const port_range& range : ranges) {
    for (const bool is_local : {true, false}) {
      const std::size_t start = program.size();
      const std::size_t next = ++done == alternatives ? end + 4 : start + size;
      append_comparison(program, is_local ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE, range.first, next - start);
      append_comparison(program, is_local ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE, range.last, next - start - 8);
      if (done < alternatives) append_op(program, INET_DIAG_BC_JMP, 4, end - program.size());
    }
  }
  return program;
}

bool matches(const filter& wanted, const entry& one) noexcept {
  if (wanted.listening && !one.is_listening()) return false;
  if (wanted.ports.empty()) return true;
  return std::any_of(wanted.ports.begin(), wanted.ports.end(), [&](const port_range& range) {
    const auto holds = [&](std::uint16_t port) { return port >= range.first && port <= range.last; };
    return holds(one.local.port) || holds(one.remote.port);
  });
}

}  // namespace netlab::sockets
