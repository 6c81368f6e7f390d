// SPDX-License-Identifier: MIT
// Distinguishes source ports that a program chose from those that the system chose, by the ports that a host uses.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace netlab::lab {

/// The ports that systems choose: Linux 32768 to 60999 (ip_local_port_range), Windows and macOS 49152 to
/// 65535 (RFC 6335 §6).
inline constexpr std::uint16_t first_ephemeral_port = 32768;
inline constexpr std::uint16_t first_dynamic_port = 49152;
inline constexpr std::uint16_t last_linux_port = 60999;

/// The source ports of one host.
class source_ports {
 public:
  /// Notes that a connection or a datagram came from this port. Returns true if the previous connection to the same
  /// service came from it, too: systems do not choose the same port twice in a row. For a datagram, `service` is empty,
  /// because all datagrams of a socket come from one port.
  bool note(std::uint16_t port, std::string_view service) {
    // Only Linux chooses these.
    if (port >= first_ephemeral_port && port < first_dynamic_port) is_linux_ = true;
    return !service.empty() && std::exchange(last_[service], port) == port;
  }

  /// Call it after an exchange from this port. Returns a port that a program on this host chose, as this exchange or an
  /// earlier one shows; nothing if none does.
  [[nodiscard]] std::optional<std::uint16_t> chosen(std::uint16_t port, bool repeats) {
    if (port > 0 && (port < first_ephemeral_port || repeats)) return port;
    if (port > last_linux_port) above_ = port;
    // Above Linux's range, a program chose the port only if the host runs Linux.
    return is_linux_ ? std::exchange(above_, std::nullopt) : std::nullopt;
  }

 private:
  std::map<std::string_view, std::uint16_t> last_;  // by service
  std::optional<std::uint16_t> above_;  // the port of an exchange, above Linux's range
  bool is_linux_ = false;
};

}  // namespace netlab::lab
