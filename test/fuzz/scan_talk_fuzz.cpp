// SPDX-License-Identifier: MIT
// The dialogue with an open port: its output is limited, the message is sent once, and it ends.
#include "fuzz.hpp"

#include <algorithm>

#include "scan/talk.hpp"

using namespace netlab;

namespace {
constexpr std::size_t enough = 4096;  // octets, banner and reply together
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const unsigned choice = fuzz::take_octet(input);
  scan::talk_options how{.listen = (choice & 1) != 0, .message = std::nullopt};
  if ((choice & 2) != 0) how.message = "netlab scan\r\n";
  time_point now{};
  scan::talk port(how, std::chrono::milliseconds(400), now);
  std::string sent;
  const auto send = [&] {
    sent += port.unsent();
    port.sent(port.unsent().size());
  };
  for (const std::string_view piece : fuzz::take_cut(input)) {
    send();
    if (port.done()) break;
    port.feed(as_bytes(piece), now);
    fuzz::require(port.banner().size() + port.reply().size() <= enough, "its memory is bounded");
    fuzz::require(!port.is_echo() || port.reply() == *how.message, "an echo is the message");
    now += std::chrono::milliseconds(1);
  }
  if ((choice & 4) != 0) port.eof();
  for (int count = 0; !port.done(); ++count) {
    fuzz::require(count < 10, "silence ends it");
    now = std::max(now, port.deadline());
    port.tick(now);
    send();
  }
  fuzz::require(sent.empty() || (how.message && sent == *how.message), "the message goes out once, or nothing");
  return 0;
}
