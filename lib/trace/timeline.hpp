// SPDX-License-Identifier: MIT
// The linked calls and packets, passed to the reports in the order of time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "trace/correlate.hpp"
#include "trace/program_names.hpp"

namespace netlab::trace {

struct process_facts {
  process_id process = 0;
  process_id parent = 0;
  std::vector<std::string> words;  ///< its command line
};

struct trace_summary {
  std::uint64_t calls = 0;
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;     ///< packets lost because the ring was full
  bool has_packets = false;      ///< packets were captured
};

class timeline;

/// An output format of a trace.
class report {
 public:
  virtual ~report() = default;
  virtual void add_process(const process_facts&, const timeline&) {}
  /// A call was entered. `is_alone`: it has also returned, and nothing else happened in between.
  virtual void begin_call(const linked_call&, bool is_alone, const timeline&) = 0;
  /// The call returned.
  virtual void end_call(const linked_call&, bool is_alone, const timeline&) = 0;
  virtual void add_packet(const linked_packet&, const timeline&) = 0;
  /// The call never returned.
  virtual void leave_open(const linked_call&, const timeline&) {}
  virtual void finish(const trace_summary&, const timeline&) {}
};

class timeline {
 public:
  /// Entries kept for later links; above it the oldest are reported, whatever `hold` says.
  static constexpr std::uint64_t max_window = 65536;
  /// The same for octets of packets.
  static constexpr std::size_t max_octets = std::size_t{64} << 20;

  /// Each entry is reported `hold` after its time, to allow for later links. Call this before anything is fed.
  void add_report(std::unique_ptr<report> to, wall_time hold);

  /// Calls and packets are fed here.
  [[nodiscard]] correlator& links() noexcept { return links_; }
  [[nodiscard]] const correlator& links() const noexcept { return links_; }
  void add_process(process_facts of);

  /// No more events before `horizon` will be fed.
  void advance(wall_time horizon);
  void finish(std::uint64_t dropped, bool has_packets);

  [[nodiscard]] const program_names& names() const noexcept { return names_; }
  /// The time of the first entry.
  [[nodiscard]] wall_time start() const noexcept { return start_; }
  /// The program that used the socket last; empty if none did.
  [[nodiscard]] std::string user_of(socket_id socket) const;
  /// The packet's number in the capture file; 0 if it has none or was removed.
  [[nodiscard]] std::uint64_t number_of(packet_id id) const;

 private:
  struct reader {
    std::unique_ptr<report> to;
    wall_time hold{};
    std::uint64_t next = 0;  // number of the next entry
  };

  void serve(reader& each, wall_time horizon);
  void hand_over(reader& each, std::uint64_t number);
  void note(const timeline_entry& entry);

  correlator links_;
  program_names names_;
  std::vector<reader> readers_;
  std::unordered_map<socket_id, process_id> users_;
  std::uint64_t served_ = 0;  // earlier entries have gone to all reports
  std::uint64_t noted_ = 0;   // earlier entries have been counted and numbered
  wall_time start_{};
  trace_summary summary_;
};

}  // namespace netlab::trace
