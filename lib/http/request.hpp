// SPDX-License-Identifier: MIT
// The head of an HTTP/1 request (RFC 9112), parsed strictly: ambiguous requests are refused.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netlab::http {

inline constexpr std::size_t max_head = 8 * 1024;  // a browser sends about 1 KiB; common servers allow 8 KiB, too
inline constexpr std::size_t max_fields = 100;     // a browser sends about 20
inline constexpr std::size_t max_target = 2 * 1024;  // a token, an address and a search text
inline constexpr std::size_t max_body = 4 * 1024;  // a form with a name

enum class method : std::uint8_t { get, head, post, delete_ };

using name_value = std::pair<std::string, std::string>;

struct request {
  http::method method = method::get;
  std::vector<std::string> segments;  ///< of the path, split at `/`, then decoded: `/a%2Fb/` has `a/b` and an empty one
  std::vector<name_value> query;  ///< decoded
  std::vector<name_value> fields;  ///< names in lower case
  std::string host;  ///< from an absolute target, else from Host, with its port; empty only in HTTP/1.0
  std::string body;
  bool is_1_0 = false;
  bool keeps_alive = true;
  bool expects_continue = false;
  std::size_t body_size = 0;  ///< Content-Length

  /// The value of the first field of this name (in lower case); none if it is missing.
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept;
  /// The same for a parameter of the query.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
  /// The same for a field of a form (application/x-www-form-urlencoded).
  [[nodiscard]] std::optional<std::string> form_value(std::string_view name) const;
};

/// Why a request is refused: the status of the response, and the reason in words.
struct refusal {
  unsigned status = 400;
  std::string_view reason;
};

/// `head`: request line and fields, with the empty line that ends them. All lines end in CRLF.
[[nodiscard]] std::expected<request, refusal> parse_head(std::string_view head);

/// `a=1&b=%C3%A4+x`; `+` is a blank. Malformed escapes stay as they are.
[[nodiscard]] std::vector<name_value> parse_query(std::string_view text);

/// Escapes all but letters, digits and `-._~`, for a query or a path segment.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace netlab::http
