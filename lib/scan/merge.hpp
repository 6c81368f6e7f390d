// SPDX-License-Identifier: MIT
// Joins the JSON reports of the parts of a scan: which parts are there, and which findings count.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scan/finding.hpp"
#include "scan/report/read.hpp"

namespace netlab::scan {

/// Reports in lines are read twice: add() for each line, then conclude(), then keeps() for each line again. Memory: 32
/// octets a finding, whatever is in it.
///
/// The findings before a summary belong to it; those after the last summary of a file belong to a part that was killed.
/// A scan is known by its fingerprint, seed and number of parts; the scan with the most summaries is the one that is
/// merged, and findings of other scans do not count. Of several findings for one port the last one counts, but not one
/// that says only that the scan ended before an answer.
class report_merge {
 public:
  /// The next file, in the order in which both readings have them.
  void begin_file(std::string name);
  /// One line, without its end. `is_torn`: the file ends within it.
  void add(std::string_view line, bool is_torn = false);
  void end_file();

  /// Call it once all files were read.
  void conclude();

  /// Each shard that is missing or incomplete, each file that is of another scan or damaged: a line each.
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }
  /// Of the union; complete if there are no problems.
  [[nodiscard]] const scan_summary& summary() const noexcept { return union_; }
  /// The hosts that the parts name, also those without a finding; empty if they are many or the parts name none.
  [[nodiscard]] const std::vector<scanned_host>& hosts() const noexcept { return hosts_; }
  /// True if no line was one of a report.
  [[nodiscard]] bool is_empty() const noexcept { return next_ == 0 && !has_summary_; }

  /// In the second reading: the finding in this line, if it counts.
  [[nodiscard]] std::optional<finding> keeps(std::string_view line);

 private:
  struct entry {
    std::uint64_t first;  // two hashes of address, transport and port
    std::uint64_t second;
    std::uint64_t number;  // of the finding, in the order of reading
    bool is_decided;
    port_state state;
  };
  /// Findings, and the summary that follows them.
  struct section {
    std::size_t file;
    std::uint64_t begin;
    std::uint64_t end;
    std::optional<scan_summary> sum;
  };
  void take(const finding& found);
  void end_section(std::optional<scan_summary> sum);
  void choose_scan();
  void choose_findings();
  void check_parts();
  [[nodiscard]] bool is_foreign(const section& one) const;

  std::vector<std::string> files_;
  std::vector<std::string> problems_;
  std::uint64_t bad_lines_ = 0;  // of this file
  std::uint64_t line_ = 0;
  std::uint64_t begin_ = 0;
  std::uint64_t next_ = 0;
  bool has_summary_ = false;
  std::vector<entry> entries_;
  std::vector<scanned_host> hosts_;
  std::vector<section> sections_;
  std::vector<std::uint64_t> dropped_;  // numbers of findings that do not count; ascending
  std::size_t next_dropped_ = 0;
  std::uint64_t read_again_ = 0;
  std::optional<scan_summary> model_;  // a summary of the scan
  scan_summary union_;
};

}  // namespace netlab::scan
