// SPDX-License-Identifier: MIT
// Names of registered services, from services(5).
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

  /// Parses a services(5) file: `smtp 25/tcp mail  # comment`. Invalid lines are skipped; the first name of a port
  /// counts, as in getservbyport(3).
  [[nodiscard]] static service_names parse(std::string_view text);

  /// Reads the file; if that fails, the built-in names are used.
  [[nodiscard]] static service_names read(const std::string& path = "/etc/services");

  /// Empty if no service is registered for the port. Valid as long as this object.
  [[nodiscard]] std::string_view find(transport protocol, std::uint16_t port) const noexcept;

  /// The ports that have a name, ascending.
  [[nodiscard]] std::vector<std::uint16_t> ports(transport protocol) const;

 private:
  struct entry {
    transport protocol;
    std::uint16_t port;
    std::string name;
  };
  std::vector<entry> entries_;  // sorted by protocol and port, without duplicates
};

}  // namespace netlab::scan
