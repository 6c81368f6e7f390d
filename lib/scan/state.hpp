// SPDX-License-Identifier: MIT
// The contents of the file of `scan --resume`: the options of the first run, and the progress of the scan.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "scan/checkpoint.hpp"
#include "scan/finding.hpp"

namespace netlab::scan {

struct scan_state {
  std::string version;                                      ///< of the netlab that began it
  std::map<std::string, std::vector<std::string>> options;  ///< as the user gave them
  std::vector<std::string> targets;                         ///< likewise
  std::map<std::string, std::vector<std::string>> names;    ///< addresses of names; none: it did not resolve
  std::string scan;                                         ///< fingerprint_text()
  std::uint64_t seed = 0;
  std::int64_t started = 0;  ///< seconds since 1970, UTC
  duration elapsed{};        ///< of all runs so far
  scan_checkpoint reached;
  std::array<std::uint64_t, port_state_count> by_state{};  ///< findings reported
  std::uint64_t report_size = 0;    ///< octets of the report file at this moment; what follows is to be cut off
  std::uint64_t findings_size = 0;  ///< the same for the file of findings
  std::uint64_t not_probed = 0;     ///< findings that are failures of this machine, ...
  int first_error = 0;              ///< ... the errno of the first one, ...
  std::string first_address;        ///< ... and its address
  std::optional<int> exit_status;   ///< the scan is finished, and ended with this
};

/// As JSON that people can read.
[[nodiscard]] std::string to_text(const scan_state& of);

/// Fails with errc::bad_data if the text is not a state, or one that another version wrote.
[[nodiscard]] result<scan_state> parse_scan_state(std::string_view text, std::string_view version);

}  // namespace netlab::scan
