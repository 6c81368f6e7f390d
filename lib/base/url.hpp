// SPDX-License-Identifier: MIT
// URLs, which people paste where a host, or a host and a port, is expected; and their percent-encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netlab {

/// `https://localhost:4711/path`; user information and path are left out.
struct url {
  std::string scheme;  ///< in lower case
  std::string host;    ///< may be empty; an IPv6 address has no brackets
  std::optional<std::uint16_t> port;

  /// True for `https`, `imaps`, `smtps`: TLS from the first octet.
  [[nodiscard]] bool is_secure() const noexcept;
  /// `localhost:4711`, `[::1]:4711`; without a port, only the host.
  [[nodiscard]] std::string endpoint() const;
};

/// Returns nothing if the text does not have a scheme and `://`.
[[nodiscard]] std::optional<url> parse_url(std::string_view text);

/// Decodes `%41` (RFC 3986 §2.1); a `%` without two hexadecimal digits stays.
[[nodiscard]] std::string decode_percent(std::string_view text);

}  // namespace netlab
