// SPDX-License-Identifier: MIT
// Any packet from the ring, and any text of a saved position, is read within its bounds.
#include "fuzz.hpp"

#include "scan/rtnetlink.hpp"
#include "scan/syn_checkpoint.hpp"
#include "scan/syn_packet.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const bytes_view octets = as_bytes(input);
  if (const auto answer = scan::parse_syn_answer(octets))
    fuzz::require(answer->target.is_v6 == answer->own.is_v6, "both ends are of one family");
  static_cast<void>(scan::parse_arp(octets));
  static_cast<void>(scan::parse_advertisement(octets, {}));
  static_cast<void>(scan::parse_route(octets, 0));
  scan::table_part table;
  static_cast<void>(scan::parse_table(octets, 0, table));
  if (const auto position = scan::parse_checkpoint(input)) {
    const auto again = scan::parse_checkpoint(scan::to_text(*position));
    fuzz::require(again && *again == *position, "what is written is read again");
  }
  return 0;
}
