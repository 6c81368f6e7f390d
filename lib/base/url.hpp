// SPDX-License-Identifier: MIT
// URLs, which people paste where a host or a host and its port is meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netlab {

/// `https://localhost:4711/path`; who is logged in and what is asked for there is left out.
struct url {
  std::string scheme;  ///< in lower case
  std::string host;    ///< perhaps empty; an IPv6 address without its brackets
  std::optional<std::uint16_t> port;

  /// `https`, `imaps`, `smtps`: TLS from the first octet.
  [[nodiscard]] bool is_secure() const noexcept;
  /// `localhost:4711`, `[::1]:4711`; without a port the host alone.
  [[nodiscard]] std::string endpoint() const;
};

/// Nothing where the text has no scheme with `://` after it.
[[nodiscard]] std::optional<url> parse_url(std::string_view text);

}  // namespace netlab
