// SPDX-License-Identifier: MIT
// The progress of a scan, so that another run can continue from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "scan/stateless_checkpoint.hpp"

namespace netlab::scan {

/// A port that was asked but whose state is not known yet.
struct asked_port {
  std::uint64_t item = 0;      ///< as in sweep
  std::uint16_t attempts = 0;  ///< probes that can no longer be answered; 0: ask it as if for the first time
  std::uint16_t fair = 0;      ///< how many of them prove its silence

  friend bool operator==(const asked_port&, const asked_port&) = default;
};

/// Of the TCP connect scan: each port before `next` was asked and, unless it is in `open`, its finding was reported.
struct sweep_checkpoint {
  std::uint64_t next = 0;  ///< position in the part's sequence
  std::vector<asked_port> open;

  friend bool operator==(const sweep_checkpoint&, const sweep_checkpoint&) = default;
};

/// Of the UDP scan: all ports of the hosts before `next` were reported, except those in `open`.
struct udp_checkpoint {
  struct host {
    std::uint64_t target = 0;
    std::vector<std::uint16_t> ports;  ///< not known yet; ascending
    friend bool operator==(const host&, const host&) = default;
  };
  std::uint64_t next = 0;  ///< position in the part's sequence of hosts
  std::vector<host> open;

  friend bool operator==(const udp_checkpoint&, const udp_checkpoint&) = default;
};

struct scan_checkpoint {
  std::optional<sweep_checkpoint> tcp;
  std::optional<udp_checkpoint> udp;
  std::optional<stateless_checkpoint> syn;
  std::optional<stateless_checkpoint> stateless_udp;

  friend bool operator==(const scan_checkpoint&, const scan_checkpoint&) = default;
};

/// One line of printable ASCII. A silent network of a million open ports takes two or three octets for each.
[[nodiscard]] std::string to_text(const sweep_checkpoint& of);
[[nodiscard]] std::string to_text(const udp_checkpoint& of);

/// The reverse. Fails with errc::bad_data.
[[nodiscard]] result<sweep_checkpoint> parse_sweep_checkpoint(std::string_view text);
[[nodiscard]] result<udp_checkpoint> parse_udp_checkpoint(std::string_view text);

}  // namespace netlab::scan
