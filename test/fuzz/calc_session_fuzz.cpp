// SPDX-License-Identifier: MIT
// The output of a session does not depend on how its input is cut, and its log lines are harmless.
#include "calc/session.hpp"
#include "fuzz.hpp"

using namespace netlab;

namespace {

struct record final : calc::session_observer {
  void answered() override { events += "answered\n"; }
  void refused(std::string_view why) override {
    fuzz::require(fuzz::is_harmless(why), "the reason is harmless");
    events += std::string(why) + "\n";
  }
  std::string events;
};

std::string visit(const std::vector<std::string_view>& pieces, byte_order order) {
  record seen;
  std::string all;
  const time_point now{};
  calc::session session({.order = order, .idle_timeout = std::chrono::minutes(1)}, seen, now);
  for (const std::string_view piece : pieces) {
    session.feed(as_bytes(piece), now);
    all += as_text(session.take_output());
  }
  all += session.done() ? "\ndone\n" : "\nopen\n";
  session.eof(now);
  fuzz::require(session.done(), "the end of the stream ends it");
  all += as_text(session.take_output());
  return all + seen.events;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const byte_order order = fuzz::take_octet(input) % 2 == 0 ? byte_order::big : byte_order::little;
  const auto pieces = fuzz::take_cut(input);
  fuzz::require(visit(pieces, order) == visit({input}, order), "it is the same for every cut");
  return 0;
}
