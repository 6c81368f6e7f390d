// SPDX-License-Identifier: MIT
// Any services(5) file, however malformed, gives names for ports, and each port with a name is found.
#include <algorithm>

#include "fuzz.hpp"
#include "scan/services.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto names = scan::service_names::parse(text);
  for (const auto protocol : {scan::transport::tcp, scan::transport::udp}) {
    const auto ports = names.ports(protocol);
    fuzz::require(std::ranges::adjacent_find(ports, std::greater_equal<>()) == ports.end(), "ascending, none twice");
    for (const std::uint16_t port : ports) {
      const std::string_view name = names.find(protocol, port);
      fuzz::require(!name.empty(), "a port that is listed has a name");
      fuzz::require(text.find(name) != std::string_view::npos, "a name stands in the file");
      fuzz::require(name.find_first_of(" \t\n#") == std::string_view::npos, "a name is a word");
    }
  }
  return 0;
}
