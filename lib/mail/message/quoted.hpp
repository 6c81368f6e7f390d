// SPDX-License-Identifier: MIT
// Quoted strings and comments of header fields (RFC 5322 §3.2.2, 3.2.4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace netlab::mail {

/// The length of the quoted string at the start of the text, with both quotes; 0 if the closing quote is missing.
[[nodiscard]] std::size_t length_of_quoted(std::string_view text) noexcept;

/// The length of the comment at the start of the text, with its parentheses and the comments within it; 0 if the
/// closing parenthesis is missing.
[[nodiscard]] std::size_t length_of_comment(std::string_view text) noexcept;

/// The text between the quotes or parentheses, without the backslashes that escape characters.
[[nodiscard]] std::string unquote(std::string_view inner);

/// The text as a quoted string.
[[nodiscard]] std::string to_quoted(std::string_view text);

}  // namespace netlab::mail
