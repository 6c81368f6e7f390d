// SPDX-License-Identifier: MIT
// A request in one piece and cut in two gets the same responses; the connection holds little, and ends if it is broken.
#include "fuzz.hpp"
#include "http/connection.hpp"

using namespace netlab;

namespace {

std::string serve(std::string_view one, std::string_view other) {
  http::connection connection({}, {}, time_point{});
  std::string out;
  for (const std::string_view piece : {one, other}) {
    connection.feed(as_bytes(piece), time_point{});
    while (const auto asked = connection.take_request()) {
      std::string seen;
      for (const std::string& each : asked->segments) seen += "/" + each;
      connection.respond({.body = seen + asked->body}, time_point{});
    }
    out += as_text(connection.take_output());
  }
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = fuzz::text_of(data + 1, size - 1);
  const std::size_t cut = std::min<std::size_t>(data[0], text.size());
  const std::string whole = serve(text, {});
  const std::string parts = serve(text.substr(0, cut), text.substr(cut));
  // Where the pieces end, an error may be found earlier; so only the requests that are right have to be the same.
  if (whole.find("HTTP/1.1 4") == std::string::npos && whole.find("HTTP/1.1 5") == std::string::npos)
    fuzz::require(whole == parts, "any cut gives the same");
  return 0;
}
