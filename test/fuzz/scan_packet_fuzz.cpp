// SPDX-License-Identifier: MIT
// Any packet from the ring, and any text of a saved position, is read within its bounds.
#include "fuzz.hpp"

#include "scan/neighbour_packet.hpp"
#include "scan/rtnetlink.hpp"
#include "scan/stateless_checkpoint.hpp"
#include "scan/syn_probes.hpp"
#include "scan/udp_probes.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const bytes_view octets = as_bytes(input);
  if (const auto packet = scan::parse_ip_packet(octets)) {
    fuzz::require(packet->from.is_v6 == packet->to.is_v6, "both ends are of one family");
    static_cast<void>(scan::parse_advertisement(*packet, octets, {}));
    static_cast<void>(scan::parse_icmp_error(*packet));
    static_cast<void>(scan::parse_syn_answer(packet->payload));
    if (const auto datagram = scan::parse_udp(packet->payload))
      fuzz::require(datagram->payload.size() <= datagram->size, "a datagram has at most its size");
    static const scan::syn_probes syn({}, 1024);
    static const scan::udp_probes udp({}, 1024, "hello");
    for (const scan::probe_module* module :
         {static_cast<const scan::probe_module*>(&syn), static_cast<const scan::probe_module*>(&udp)})
      if (const auto answer = module->read(*packet))
        fuzz::require(answer->attempt < scan::distinct_attempts, "an answer is to one of the attempts");
  }
  static_cast<void>(scan::parse_arp(octets));
  static_cast<void>(scan::parse_route(octets, 0));
  scan::table_part table;
  static_cast<void>(scan::parse_table(octets, 0, table));
  if (const auto position = scan::parse_stateless_checkpoint(input)) {
    const auto again = scan::parse_stateless_checkpoint(scan::to_text(*position));
    fuzz::require(again && *again == *position, "what is written is read again");
  }
  return 0;
}
