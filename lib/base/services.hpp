// SPDX-License-Identifier: MIT
// The names of ports, as services(5) has them.
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
  bool is_udp = false;  ///< else TCP; others are left out
};

/// The text of a services(5) file: `smtp 25/tcp mail  # comment`. A line that is not one is skipped.
[[nodiscard]] std::vector<registered_service> parse_services(std::string_view text);

/// What the lab uses, for a machine without the file.
[[nodiscard]] const std::vector<registered_service>& built_in_services();

inline constexpr const char* services_file = "/etc/services";

/// The file's; the built-in ones if it cannot be read or has none.
[[nodiscard]] std::vector<registered_service> read_services(const std::string& file = services_file);

/// The port of a service by its name or alias, in any case: `smtp`, `IMAPS`. The file goes before the built-in ones,
/// TCP before UDP. Nothing where there is no such service.
[[nodiscard]] std::optional<std::uint16_t> port_of_service(std::string_view name,
                                                           const std::string& file = services_file);

/// A port as people write it: a number, or a service's name. Nothing for anything else, and for numbers above 65535.
[[nodiscard]] std::optional<std::uint16_t> parse_port_or_service(std::string_view text);

}  // namespace netlab
