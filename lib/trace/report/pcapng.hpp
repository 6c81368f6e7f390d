// SPDX-License-Identifier: MIT
// A capture file (draft-ietf-opsawg-pcapng) for Wireshark: a comment on each packet names the system calls
// that sent and received it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "trace/report/reports.hpp"

namespace netlab::trace {

/// The blocks of the file, in this machine's byte order.
namespace pcapng {

struct interface {
  std::string name;
};

struct enhanced_packet {
  std::uint32_t interface = 0;  ///< index of its interface block, from 0
  wall_time time{};
  bytes_view octets;
  std::uint32_t length = 0;  ///< on the wire
  std::string_view comment;
  bool is_outgoing = false;
  process_id process = 0;  ///< of the process whose call sent it; 0: none
  process_id thread = 0;
};

/// The first block of a file; `application` is the program that writes it.
[[nodiscard]] bytes make_section(std::string_view application);
/// The block that describes an interface: its packets begin with the IP header, and times are in nanoseconds.
[[nodiscard]] bytes make_interface(const interface& of);
[[nodiscard]] bytes make_packet(const enhanced_packet& of);
/// TLS secrets in the format of SSLKEYLOGFILE, for the packets that follow.
[[nodiscard]] bytes make_secrets(std::string_view key_log);
/// The number of lost packets, at the end of the file.
[[nodiscard]] bytes make_statistics(std::uint32_t interface, wall_time time, std::uint64_t received,
                                    std::uint64_t dropped);

}  // namespace pcapng

struct pcapng_options {
  std::string application;  ///< `netlab 0.1.0`
  std::function<std::string(std::uint32_t)> name_of_interface;
  std::function<std::string()> take_secrets;  ///< returns the secrets added since the last call; may be empty
};

[[nodiscard]] std::unique_ptr<report> make_pcapng_report(pcapng_options options, report_sink sink);

}  // namespace netlab::trace
