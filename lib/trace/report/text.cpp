// SPDX-License-Identifier: MIT
// The text report: time, program and call on the left, packets on the right.
#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "trace/report/reports.hpp"
#include "trace/report/words.hpp"

namespace netlab::trace {
namespace {

constexpr std::size_t packet_column = 64;

class text_report final : public report {
 public:
  text_report(text_options options, report_sink sink) : options_(options), sink_(std::move(sink)) {}

  void begin_call(const linked_call& call, bool is_alone, const timeline& in) override {
    if (is_hidden(call) || is_alone) return;
    write_call(call, call.details.entered,
               describe(call.details) + (call.details.kind == call_kind::exit ? "" : " …") + source_of(call), in);
  }

  void end_call(const linked_call& call, bool is_alone, const timeline& in) override {
    if (is_hidden(call) || (call.details.kind == call_kind::exit && !is_alone)) return;
    std::string text = is_alone ? describe(call.details) : fmt::format("{}()", call.details.name);
    if (const std::string result = describe_result(call.details); !result.empty()) text += " " + result;
    if (is_alone) text += source_of(call);
    std::string completion = describe_completion(call, in);
    if (!completion.empty() && call.completion != completion::at_once)
      completion = fmt::format("after {}, {}",
                               netlab::to_string(duration(*call.details.returned - call.details.entered)), completion);
    write_call(call, is_alone ? call.details.entered : *call.details.returned, text, in);
    if (!completion.empty()) write_line(std::string(first_column_ + 4, ' ') + completion);
  }

  void add_packet(const linked_packet& packet, const timeline& in) override {
    std::string text =
        fmt::format("{:>4}  {} > {}  {}", packet.number, name_of_end(packet.sender, packet.details.source, in),
                    name_of_end(packet.receiver, packet.details.destination, in), describe(packet.details));
    text += "; " + describe_cause(packet, in);
    if (const std::string effect = describe_effect(packet, in); !effect.empty()) text += "; " + effect;
    write_line(fmt::format("{}{}{}", stamp(packet.details.time, in), std::string(packet_column - 10, ' '), text));
  }

  void leave_open(const linked_call& call, const timeline& in) override {
    if (!is_hidden(call))
      write_line(fmt::format("{}#{} {} of {} had not returned at the end", std::string(first_column_, ' '),
                             call.details.id, call.details.name, in.names().name_of(call.details.process)));
  }

  void finish(const trace_summary& summary, const timeline&) override {
    std::string text = count_of(summary.calls, "call");
    text +=
        summary.has_packets ? fmt::format(", {}", count_of(summary.packets, "packet")) : ", packets were not captured";
    if (summary.dropped > 0) text += fmt::format(", {} lost: the ring was full", count_of(summary.dropped, "packet"));
    write_line(text);
  }

 private:
  static constexpr std::size_t first_column_ = 11;

  [[nodiscard]] bool is_hidden(const linked_call& call) const {
    return !options_.details && call.details.kind == call_kind::option;
  }

  static std::string stamp(wall_time time, const timeline& in) {
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time - in.start()).count();
    return fmt::format("{:>3}.{:06}", microseconds / 1'000'000, microseconds % 1'000'000);
  }

  /// Shown once per call, at its beginning.
  static std::string source_of(const linked_call& call) {
    const source_line& source = trace::source_of(call.details);
    const std::string where = to_string(source);
    if (where.empty()) return {};
    return fmt::format("   [{}{}{}]", where, source.text.empty() ? "" : "  ", escape(source.text, 60));
  }

  void write_call(const linked_call& call, wall_time time, std::string_view text, const timeline& in) {
    write_line(
        fmt::format("{} {}  #{} {}", stamp(time, in), in.names().name_of(call.details.process), call.details.id, text));
  }

  void write_line(const std::string& text) { sink_(text + "\n"); }

  text_options options_;
  report_sink sink_;
};

}  // namespace

std::unique_ptr<report> make_text_report(text_options options, report_sink sink) {
  return std::make_unique<text_report>(options, std::move(sink));
}

}  // namespace netlab::trace
