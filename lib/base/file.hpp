// SPDX-License-Identifier: MIT
// Reading and replacing whole files, and the lines of files that people edit.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <expected>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace netlab {

/// The octets, or the system's error code. The caller knows the purpose of the file and builds the full failure.
using file_text = std::expected<std::string, std::error_code>;

inline constexpr std::size_t no_size_limit = std::numeric_limits<std::size_t>::max();

/// Reads from the descriptor's position to the end of a file, a pipe or a terminal. Fails with
/// std::errc::file_too_large after `limit` octets. Continues after a signal (EINTR).
[[nodiscard]] file_text read_all(int fd, std::size_t limit = no_size_limit);

/// Reads a whole file by its name.
[[nodiscard]] file_text read_file(const std::string& name, std::size_t limit = no_size_limit);

/// Replaces a whole file atomically and syncs it to disk. At any time, the name stands for the complete old file or the
/// complete new one. The new file has this mode, regardless of the umask. On failure, the old file is unchanged, and no
/// temporary file remains.
[[nodiscard]] std::error_code replace_file(const std::string& name, std::string_view text, mode_t mode);

/// The UTF-8 byte order mark, which some editors put at the start of a file.
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

[[nodiscard]] constexpr std::string_view without_byte_order_mark(std::string_view text) noexcept {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return text;
}

/// The lines of a text file, as views into `text`: without byte order mark and without LF or CRLF. The last line may
/// lack its line end.
[[nodiscard]] std::vector<std::string_view> text_lines(std::string_view text);

}  // namespace netlab
