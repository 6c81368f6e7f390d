// SPDX-License-Identifier: MIT
// Service names of ports, as in services(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netlab {

struct registered_service {
  std::string name;
  std::vector<std::string> aliases;
  std::uint16_t port = 0;
  bool is_udp = false;  ///< otherwise TCP; other transports are left out
};

/// Parses a services(5) file: `smtp 25/tcp mail  # comment`. Lines that are not valid are skipped.
[[nodiscard]] std::vector<registered_service> parse_services(std::string_view text);

/// The services that the lab uses, for machines without the file.
[[nodiscard]] const std::vector<registered_service>& built_in_services();

inline constexpr const char* services_file = "/etc/services";

/// The services in the file, or the built-in ones if the file cannot be read or has none.
[[nodiscard]] std::vector<registered_service> read_services(const std::string& file = services_file);

/// The port of a service by name or alias, in any case: `smtp`, `IMAPS`. Prefers the file to the built-in services, and
/// TCP to UDP.
[[nodiscard]] std::optional<std::uint16_t> port_of_service(std::string_view name,
                                                           const std::string& file = services_file);

/// A port as people write it: a number up to 65535 or the name of a service.
[[nodiscard]] std::optional<std::uint16_t> parse_port_or_service(std::string_view text);

}  // namespace netlab
