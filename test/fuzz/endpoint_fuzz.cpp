// SPDX-License-Identifier: MIT
// A host:port that can be parsed can be formatted and parsed again with the same result.
#include "fuzz.hpp"
#include "net/dial.hpp"
#include "net/endpoint.hpp"
#include "serve/listen.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  static_cast<void>(serve::parse_bind(text));
  static_cast<void>(net::parse_local_end(text));
  const auto parsed = net::parse_host_port(text);
  if (!parsed) {
    fuzz::require(describe(parsed.error()).find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  if (!parsed->port) return 0;
  const auto again = net::parse_host_port(net::to_string(parsed->host, *parsed->port));
  fuzz::require(again && again->host == parsed->host && again->port == parsed->port, "written and read again");
  return 0;
}
