// SPDX-License-Identifier: MIT
// The output of a session does not depend on how its input is cut, and its log lines are harmless.
#include "calc/session.hpp"
#include "fuzz.hpp"

#include <fmt/format.h>

using namespace netlab;

namespace {

struct record final : calc::session_observer {
  void refused(std::string_view why) override {
    fuzz::require(fuzz::is_harmless(why), "the reason is harmless");
    events += std::string(why) + "\n";
  }
  std::string events;
};

/// With `memory`, as the server feeds its sessions.
std::string visit(const std::vector<std::string_view>& pieces, byte_order order,
                  calc::session_memory* memory = nullptr) {
  record seen;
  std::string all;
  const time_point now{};
  calc::session session({.order = order, .idle_timeout = std::chrono::minutes(1)}, seen, now);
  for (const std::string_view piece : pieces) {
    if (memory) {
      session.feed(as_bytes(piece), now, *memory);
      all += as_text(memory->output);
      memory->output.clear();
    } else {
      session.feed(as_bytes(piece), now);
    }
    all += as_text(session.take_output());
  }
  all += session.done() ? "\ndone\n" : "\nopen\n";
  session.eof(now);
  fuzz::require(session.done(), "the end of the stream ends it");
  all += as_text(session.take_output());
  return all + fmt::format("{} answered\n", session.answers()) + seen.events;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const byte_order order = fuzz::take_octet(input) % 2 == 0 ? byte_order::big : byte_order::little;
  const auto pieces = fuzz::take_cut(input);
  const std::string whole = visit({input}, order);
  fuzz::require(visit(pieces, order) == whole, "it is the same for every cut");
  calc::session_memory memory;
  fuzz::require(visit(pieces, order, &memory) == whole, "it is the same with lent memory");
  fuzz::require(visit(pieces, order, &memory) == whole, "it is the same with memory that was used before");
  return 0;
}
