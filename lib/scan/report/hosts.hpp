// SPDX-License-Identifier: MIT
// Findings put together by host: the ports worth a line, and how many others there are of each kind.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "scan/finding.hpp"

namespace netlab::scan {

/// Ports that share everything and have no line of their own.
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
  std::vector<std::string> other_names;  ///< of the same address, which was asked once
  bool has_answered = false;             ///< itself: a port was open or closed
  std::vector<finding> listed;     ///< TCP before UDP, ascending
  std::vector<port_tally> summed;  ///< TCP before UDP, in the order of the states
};

class host_table {
 public:
  /// More ports than these in one state other than open say the same over and over: they are summed up.
  static constexpr std::size_t listed_limit = 25;

  /// `all`: nothing is summed up. Of several targets, a host whose ports are all alike and not open has no line for
  /// each; of more than `many_targets`, what is not open leaves no trace, but with `every_answer` its host does.
  host_table(bool all, std::uint64_t targets, bool every_answer = false);

  void add(const finding& found);

  /// The hosts in the order of their addresses; the table is empty afterwards.
  [[nodiscard]] std::vector<host_ports> take();

 private:
  struct entry {
    host_ports ports;
    std::vector<std::size_t> counts = std::vector<std::size_t>(2 * port_state_count);  // of protocol and state
  };
  void sum_up(host_ports& of, const finding& found);
  void sum_up_if_alike(host_ports& of);

  bool all_;
  bool several_;
  bool open_only_;
  bool every_answer_;
  std::vector<entry> hosts_;
  std::unordered_map<std::string, std::size_t> index_;   // of address and name in hosts_
  std::unordered_map<std::string, std::string> silent_;  // hosts of which nothing is kept but that they answered
};

/// Digits compare as numbers: 10.0.0.9 before 10.0.0.10.
[[nodiscard]] bool natural_less(std::string_view one, std::string_view other) noexcept;

/// `1-6,8,10-50`, of ascending ports.
[[nodiscard]] std::string port_ranges(const std::vector<std::uint16_t>& ports);

}  // namespace netlab::scan
