// SPDX-License-Identifier: MIT
// Any packet from the ring is parsed within its bounds, and the result can be linked and shown.
#include "fuzz.hpp"

#include <algorithm>

#include "trace/report/reports.hpp"
#include "trace/timeline.hpp"

using namespace netlab;
using namespace std::chrono_literals;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  trace::timeline into;
  into.add_report(trace::make_text_report({},
                                          [](std::string_view text) {
                                            fuzz::require(fuzz::is_harmless(text.substr(0, text.size() - 1)),
                                                          "a line does nothing to a terminal");
                                          }),
                  0s);
  // A listener on every port and a datagram socket, so that any packet may belong to them.
  const auto local = trace::parse_sockaddr(as_bytes(input));
  trace::call listens{.process = 1, .name = "listen", .kind = trace::call_kind::listen, .socket = 1};
  listens.id = into.links().enter(listens, trace::socket_facts{.id = 1, .is_listening = true, .local = local});
  trace::wall_time now = 0s;
  while (!input.empty()) {
    const std::size_t length = std::min<std::size_t>(fuzz::take_octet(input), input.size());
    if (auto packet = trace::parse_packet(as_bytes(input.substr(0, length)), length + fuzz::take_octet(input))) {
      fuzz::require(!trace::describe(*packet).empty(), "every packet has a name");
      packet->time = now += 1us;
      into.links().feed(*std::move(packet));
    }
    input.remove_prefix(std::min(length, input.size()));
  }
  into.finish(0, true);
  return 0;
}
