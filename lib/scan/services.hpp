// SPDX-License-Identifier: MIT
// What a port is registered for, as services(5) has it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/services.hpp"
#include "scan/finding.hpp"

namespace netlab::scan {

class service_names {
 public:
  service_names() = default;
  explicit service_names(const std::vector<registered_service>& services);

  /// The text of a services(5) file: `smtp 25/tcp mail  # comment`. A line that is none is skipped; of two names
  /// for a port the first counts, as for getservbyport(3).
  [[nodiscard]] static service_names parse(std::string_view text);

  /// The file's, or the built-in ones if it cannot be read.
  [[nodiscard]] static service_names read(const std::string& path = "/etc/services");

  /// Empty if the port is registered for nothing. Valid as long as this object.
  [[nodiscard]] std::string_view find(transport protocol, std::uint16_t port) const noexcept;

  /// The ports that have a name, ascending.
  [[nodiscard]] std::vector<std::uint16_t> ports(transport protocol) const;

 private:
  struct entry {
    transport protocol;
    std::uint16_t port;
    std::string name;
  };
  std::vector<entry> entries_;  // by protocol and port, each pair once
};

}  // namespace netlab::scan
