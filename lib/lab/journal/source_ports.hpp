// SPDX-License-Identifier: MIT
// Tells source ports that a program chose from those that a system chose for it, by the ports that a host uses.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace netlab::lab {

/// The ports that systems choose by themselves: Linux 32768 to 60999 (ip_local_port_range), Windows and macOS 49152 to
/// 65535 (RFC 6335 §6).
inline constexpr std::uint16_t first_ephemeral_port = 32768;
inline constexpr std::uint16_t first_dynamic_port = 49152;
inline constexpr std::uint16_t last_linux_port = 60999;

/// One host's.
class source_ports {
 public:
  /// A connection or a datagram has come from this port. Returns true if the connection before to the same service came
  /// from it, too; systems do not choose the same one twice in a row. A socket's datagrams all have one port, so for
  /// them `service` is empty.
  bool note(std::uint16_t port, std::string_view service) {
    // No other system takes these.
    if (port >= first_ephemeral_port && port < first_dynamic_port) is_linux_ = true;
    return !service.empty() && std::exchange(last_[service], port) == port;
  }

  /// A port that a program of this host chose, if an exchange over `port` (or an earlier one) shows one.
  [[nodiscard]] std::optional<std::uint16_t> chosen(std::uint16_t port, bool repeats) {
    if (port > 0 && (port < first_ephemeral_port || repeats)) return port;
    if (port > last_linux_port) above_ = port;
    // Above Linux's range, it depends on what else the host shows.
    return is_linux_ ? std::exchange(above_, std::nullopt) : std::nullopt;
  }

 private:
  std::map<std::string_view, std::uint16_t> last_;  // by service
  std::optional<std::uint16_t> above_;  // of an exchange, above Linux's range
  bool is_linux_ = false;
};

}  // namespace netlab::lab
