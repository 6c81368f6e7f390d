// SPDX-License-Identifier: MIT
// What `netlab trace --json` has recorded of a demonstration, and its lines in the tour: for each packet the call that
// sent it, and for each blocking call the packet whose arrival completed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netlab::lab {

struct recorded_call {
  std::uint64_t id = 0;
  std::string program;
  std::string kind;  ///< `connect`, `accept`, `receive`, `send`, …
  std::string name;  ///< of the system call
  std::string arguments;  ///< those of sendto() contain an address
  std::string outcome;    ///< that of recvfrom() contains an address
  std::int64_t value = 0;
  std::string error;  ///< `ECONNREFUSED`; empty: none
  std::string completion;  ///< `packet`, `at-once`, `timed-out`, …
  std::uint64_t completed_by = 0;  ///< a packet; 0: none
  std::vector<std::uint64_t> received;  ///< packets
  std::int64_t took_ns = 0;
};

struct recorded_packet {
  std::uint64_t number = 0;
  std::string protocol;
  std::string what;  ///< `SYN+ACK`, `20 octets`, `UDP 20 octets`
  std::uint64_t octets = 0;
  std::string sender;    ///< a program; empty: none has the port
  std::string receiver;  ///< likewise
  std::string role;
  std::string reason;
  bool is_retransmission = false;
  std::vector<std::uint64_t> calls;
};

struct recording {
  std::vector<recorded_call> calls;      ///< in the order in which they returned
  std::vector<recorded_packet> packets;  ///< in the order in which they were sent
  bool in_own_network = false;

  [[nodiscard]] const recorded_call* find_call(std::uint64_t id) const;
  [[nodiscard]] const recorded_packet* find_packet(std::uint64_t number) const;
  /// The first call of this kind by `server`, the program that accepts, or by `client`; null if there is none.
  [[nodiscard]] const recorded_call* find_call(std::string_view role, std::string_view kind) const;
  /// `client`, `server`; `closed port` if the name is empty.
  [[nodiscard]] std::string_view role_of(const std::string& program) const;
  /// The packet whose arrival completed the call, or that had arrived before it; null if there is none.
  [[nodiscard]] const recorded_packet* packet_for(const recorded_call& call) const;
};

/// Parses the output of `netlab trace --json`. Nothing if it is incomplete: no summary, or packets were lost or not
/// captured.
[[nodiscard]] std::optional<recording> parse_recording(std::string_view lines);

/// `client's connect()`.
[[nodiscard]] std::string name_of_call(const recorded_call& call, const recording& in);

/// ` 1  client > server  SYN  client's connect()`.
[[nodiscard]] std::string packet_row(const recorded_packet& packet, const recording& in);

/// `client's connect()  waited 120 µs for packet 2, SYN+ACK`.
[[nodiscard]] std::string call_row(const recorded_call& call, const recording& in);

/// True if the call waits for packets, and the trace says what completed it.
[[nodiscard]] bool is_blocking(const recorded_call& call);

/// True if each packet was sent by the call that sends packets of its kind (connect() for SYN, send() for octets,
/// close() for FIN), or by a system itself.
[[nodiscard]] bool explains_every_packet(const recording& in);

/// True if no packet was sent by a call of this kind.
[[nodiscard]] bool sends_nothing(std::string_view kind, const recording& in);

/// True if the system of a listening socket sent SYN+ACK, and the system of the client the ACK after it.
[[nodiscard]] bool has_system_handshake(const recording& in);

}  // namespace netlab::lab
