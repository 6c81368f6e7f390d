// SPDX-License-Identifier: MIT
// A capture file (draft-ietf-opsawg-pcapng) that Wireshark reads: each packet has a comment that names its calls.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "trace/report/reports.hpp"

namespace netlab::trace {

/// The blocks of the file, in the byte order of this machine.
namespace pcapng {

struct interface {
  std::string name;
};

struct enhanced_packet {
  std::uint32_t interface = 0;  ///< the number of its interface block, from 0
  wall_time time{};
  bytes_view octets;
  std::uint32_t length = 0;  ///< on the wire
  std::string_view comment;
  bool is_outgoing = false;
  process_id process = 0;  ///< of the call that sent it; 0: none
  process_id thread = 0;
};

/// The first block of a file; `application` is what wrote it.
[[nodiscard]] bytes make_section(std::string_view application);
/// Packets of it begin with the IP header; times are nanoseconds.
[[nodiscard]] bytes make_interface(const interface& what);
[[nodiscard]] bytes make_packet(const enhanced_packet& what);
/// TLS secrets in the format of SSLKEYLOGFILE, for the packets after it.
[[nodiscard]] bytes make_secrets(std::string_view key_log);
/// How many packets were lost, at the end.
[[nodiscard]] bytes make_statistics(std::uint32_t interface, wall_time time, std::uint64_t received,
                                    std::uint64_t dropped);

}  // namespace pcapng

struct pcapng_options {
  std::string application;  ///< `netlab 0.1.0`
  std::function<std::string(std::uint32_t)> name_of_interface;
  std::function<std::string()> take_secrets;  ///< what has come since it was last asked; may be empty
};

[[nodiscard]] std::unique_ptr<report> make_pcapng_report(pcapng_options options, report_sink sink);

}  // namespace netlab::trace
