// SPDX-License-Identifier: MIT
// Calls and packets, linked, handed to reports in the order of time.
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
  std::uint64_t dropped = 0;     ///< packets that the ring had no room for
  bool has_packets = false;      ///< packets were captured at all
};

class timeline;

/// One of the outputs of a trace.
class report {
 public:
  virtual ~report() = default;
  virtual void add_process(const process_facts&, const timeline&) {}
  /// A call has begun. It may have returned; `is_alone`: and nothing else has happened meanwhile.
  virtual void begin_call(const linked_call&, bool is_alone, const timeline&) = 0;
  /// It has returned.
  virtual void end_call(const linked_call&, bool is_alone, const timeline&) = 0;
  virtual void add_packet(const linked_packet&, const timeline&) = 0;
  /// Of a call that never returned.
  virtual void leave_open(const linked_call&, const timeline&) {}
  virtual void finish(const trace_summary&, const timeline&) {}
};

class timeline {
 public:
  /// Entries that are kept for links to come; with more the oldest are reported, whatever the report wants.
  static constexpr std::uint64_t max_window = 65536;
  /// Likewise octets of packets.
  static constexpr std::size_t max_octets = std::size_t{64} << 20;

  /// A report gets an entry `hold` after its time: until then links are added. Add all before anything is fed.
  void add_report(std::unique_ptr<report> to, wall_time hold);

  /// What is fed goes in here.
  [[nodiscard]] correlator& links() noexcept { return links_; }
  [[nodiscard]] const correlator& links() const noexcept { return links_; }
  void add_process(process_facts of);

  /// Nothing earlier than `horizon` will be fed any more.
  void advance(wall_time horizon);
  void finish(std::uint64_t dropped, bool has_packets);

  [[nodiscard]] const program_names& names() const noexcept { return names_; }
  /// The time of the first entry.
  [[nodiscard]] wall_time start() const noexcept { return start_; }
  /// Of a socket, the program that used it last; empty if none did.
  [[nodiscard]] std::string user_of(socket_id socket) const;
  /// The number of a packet in the capture file; 0 if it has none, or is gone.
  [[nodiscard]] std::uint64_t number_of(packet_id id) const;

 private:
  struct reader {
    std::unique_ptr<report> to;
    wall_time hold{};
    std::uint64_t next = 0;  // entry
  };

  void serve(reader& each, wall_time horizon);
  void hand_over(reader& each, std::uint64_t number);
  void note(const timeline_entry& entry);

  correlator links_;
  program_names names_;
  std::vector<reader> readers_;
  std::unordered_map<socket_id, process_id> users_;
  std::uint64_t served_ = 0;  // entries before it have gone to all reports
  std::uint64_t noted_ = 0;   // entries before it have been counted and numbered
  wall_time start_{};
  trace_summary summary_;
};

}  // namespace netlab::trace
