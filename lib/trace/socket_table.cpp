// SPDX-License-Identifier: MIT
#include "trace/socket_table.hpp"

#include <cstring>
#include <vector>

#include "base/text.hpp"

namespace netlab::trace {
namespace {

constexpr std::size_t column_local = 1;
constexpr std::size_t column_remote = 2;
constexpr std::size_t column_state = 3;
constexpr std::size_t column_inode = 9;
constexpr std::size_t digits_of_word = 8;
constexpr std::string_view state_listen = "0A";

/// `0100007F:1F90`: in hexadecimal digits, the address as 32-bit words in host byte order, and the port.
std::optional<address> parse_end(std::string_view text, bool is_v6) {
  const auto colon = text.find(':');
  const std::size_t words = is_v6 ? 4 : 1;
  if (colon != words * digits_of_word) return std::nullopt;
  const auto port = parse_integer<std::uint16_t>(text.substr(colon + 1), 16);
  if (!port) return std::nullopt;
  bytes octets(words * sizeof(std::uint32_t));
  for (std::size_t at = 0; at < words; ++at) {
    const auto word = parse_integer<std::uint32_t>(text.substr(at * digits_of_word, digits_of_word), 16);
    if (!word) return std::nullopt;
    std::memcpy(octets.data() + at * sizeof *word, &*word, sizeof *word);
  }
  return make_address(octets, *port);
}

}  // namespace

std::optional<socket_facts> parse_socket_row(std::string_view row, protocol which, bool is_v6) {
  std::vector<std::string_view> columns;
  for (const std::string_view each : split(row, ' '))
    if (!each.empty()) columns.push_back(each);
  if (columns.size() <= column_inode) return std::nullopt;
  const auto local = parse_end(columns[column_local], is_v6);
  const auto remote = parse_end(columns[column_remote], is_v6);
  const auto inode = parse_integer<socket_id>(columns[column_inode]);
  if (!local || !remote || !inode || *inode == 0) return std::nullopt;
  socket_facts facts{.id = *inode,
                     .protocol = which,
                     .is_v6 = is_v6,
                     .is_listening = which == protocol::tcp && columns[column_state] == state_listen,
                     .local = local,
                     .remote = {}};
  if (remote->port != 0) facts.remote = remote;
  return facts;
}

}  // namespace netlab::trace
