// SPDX-License-Identifier: MIT
// Whole files, and the text of files that people edit.
#pragma once

#include <cstddef>
#include <expected>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace netlab {

/// The octets, or the system's reason. The caller knows what the file is for and says so in a failure of its own.
using file_text = std::expected<std::string, std::error_code>;

inline constexpr std::size_t no_size_limit = std::numeric_limits<std::size_t>::max();

/// Everything from the descriptor's position to its end, whatever it is: a file, a pipe, a terminal. More than `limit`
/// octets are std::errc::file_too_large. An interrupting signal does not end it.
[[nodiscard]] file_text read_all(int fd, std::size_t limit = no_size_limit);

/// The same of a file by its name.
[[nodiscard]] file_text read_file(const std::string& name, std::size_t limit = no_size_limit);

/// The UTF-8 byte order mark, which some editors put before a text.
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

[[nodiscard]] constexpr std::string_view without_byte_order_mark(std::string_view text) noexcept {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return text;
}

/// The lines of a file that somebody edited: without a byte order mark, without LF or CRLF; the last one may lack its
/// line end. They point into `text`.
[[nodiscard]] std::vector<std::string_view> text_lines(std::string_view text);

}  // namespace netlab
