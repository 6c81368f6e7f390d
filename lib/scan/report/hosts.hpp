// SPDX-License-Identifier: MIT
// Groups findings by host: the ports that get a line of their own, and counts of the others.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "scan/finding.hpp"

namespace netlab::scan {

/// Ports that share all properties and are only counted.
struct port_tally {
  transport protocol;
  port_state state;
  reason why;
  int system_error;
  std::vector<std::uint16_t> ports;  ///< ascending
};

struct host_ports {
  std::string host;
  std::string address;
  std::vector<std::string> other_names;  ///< of the same address, which is scanned once
  bool has_answered = false;             ///< a port was open or closed
  std::vector<finding> listed;     ///< TCP before UDP, ascending
  std::vector<port_tally> summed;  ///< TCP before UDP, in the order of the states
};

class host_table {
 public:
  /// If more ports than this share a state other than open, they are summed up.
  static constexpr std::size_t listed_limit = 25;

  /// `all`: nothing is summed up. With several targets, a host whose ports are all alike and not open gets no lines
  /// per port. With more than `many_targets`, only open ports are kept; `every_answer` also keeps the hosts that
  /// answered.
  host_table(bool all, std::uint64_t targets, bool every_answer = false);

  void add(const finding& found);

  /// The hosts in the order of their addresses; the table is empty afterwards.
  [[nodiscard]] std::vector<host_ports> take();

 private:
  struct entry {
    host_ports ports;
    std::vector<std::size_t> counts = std::vector<std::size_t>(2 * port_state_count);  // by protocol and state
  };
  void sum_up(host_ports& of, const finding& found);
  void sum_up_if_alike(host_ports& of);

  bool all_;
  bool several_;
  bool open_only_;
  bool every_answer_;
  std::vector<entry> hosts_;
  std::unordered_map<std::string, std::size_t> index_;   // from address and name to its place in hosts_
  std::unordered_map<std::string, std::string> silent_;  // hosts that are kept only because they answered
};

/// Compares digits as numbers: 10.0.0.9 before 10.0.0.10.
[[nodiscard]] bool natural_less(std::string_view one, std::string_view other) noexcept;

/// Formats ascending ports as `1-6,8,10-50`.
[[nodiscard]] std::string port_ranges(const std::vector<std::uint16_t>& ports);

}  // namespace netlab::scan
