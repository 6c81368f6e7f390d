// SPDX-License-Identifier: MIT
// The Telnet client: any cut gives the same data, a stream that is not Telnet is unchanged, and the other end's filter
// decodes what is sent.
#include "connect/screen.hpp"
#include "connect/telnet.hpp"
#include "fuzz.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto pieces = fuzz::take_cut(input);
  for (const auto mode : {connect::telnet_mode::automatic, connect::telnet_mode::on}) {
    connect::telnet at_once(mode);
    auto whole = at_once.from_peer(input);
    whole.data += at_once.rest();
    connect::telnet slowly(mode);
    connect::screen screen;
    std::string text;
    std::string answer;
    std::string shown;
    for (const std::string_view piece : pieces) {
      auto part = slowly.from_peer(piece);
      text += part.data;
      answer += part.answer;
      shown += screen.show(part.data);
    }
    text += slowly.rest();
    shown += screen.rest();
    fuzz::require(text == whole.data && answer == whole.answer, "in pieces as whole");
    fuzz::require(slowly.is_on() || text == input, "no Telnet, no change");
    fuzz::require(shown.find('\x1b') == std::string::npos, "a screen is safe");
  }
  connect::telnet sender(connect::telnet_mode::on);
  std::string wire;
  for (const std::string_view piece : pieces) sender.to_peer(wire, piece);
  telnet_filter receiver(telnet_filter::carriage_return_nul::carriage_return);
  fuzz::require(receiver.feed(wire).answer.empty(), "data are never taken for commands");
  return 0;
}
