// SPDX-License-Identifier: MIT
// The negotiations before TLS: the outcome does not depend on the cut, and no octets follow the peer's consent.
#include "connect/starttls.hpp"
#include "fuzz.hpp"

using namespace netlab;

namespace {

struct ended {
  bool done = false;
  std::string outcome;
  std::string said;
};

ended talk(connect::starttls_protocol protocol, const std::vector<std::string_view>& pieces) {
  const auto client = connect::make_starttls({.protocol = protocol, .host = "example.org"}, time_point{});
  ended all;
  const auto hear = [&] {
    const bytes output = client->take_output();
    all.said += as_text(output);
  };
  hear();
  for (const std::string_view piece : pieces) {
    client->feed(as_bytes(piece), time_point{});
    hear();
  }
  all.done = client->done();
  if (all.done) all.outcome = client->outcome() ? "good" : describe(client->outcome().error());
  return all;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto protocol = static_cast<connect::starttls_protocol>(fuzz::take_octet(input) % 11);
  const auto pieces = fuzz::take_cut(input);
  const ended whole = talk(protocol, {input});
  const ended cut = talk(protocol, pieces);
  fuzz::require(whole.done == cut.done, "the same end in pieces");
  fuzz::require((whole.outcome == "good") == (cut.outcome == "good"), "the same outcome in pieces");
  fuzz::require(whole.said == cut.said, "the same words in pieces");
  fuzz::require(fuzz::is_harmless(whole.outcome), "the reason does nothing to a terminal");
  return 0;
}
