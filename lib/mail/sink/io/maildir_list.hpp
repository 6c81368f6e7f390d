// SPDX-License-Identifier: MIT
// The messages in a Maildir, listed while other programs deliver, read and move them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::mail {

/// A message in new/ or cur/.
struct listed_message {
  std::string unique;  ///< the file name without the flags after its colon: the same in new/ and in cur/
  std::string path;    ///< beginning with the directory as given
};

struct maildir_contents {
  bool is_there = false;  ///< new/ or cur/ exists
  std::vector<listed_message> messages;
};

/// Lists new/, then cur/, so that a message that a reader moves meanwhile is not missed; if it is in both lists, the
/// path in cur/ counts. Names that begin with a dot or have control characters are skipped. A directory that does not
/// exist has no messages. Fails with errc::no_input if the directory is not one, or cannot be read.
[[nodiscard]] result<maildir_contents> list_maildir(const std::string& directory);

inline constexpr std::size_t max_read_header = 1024 * 1024;  // of octets; the rest of a larger header is ignored

struct header_of_file {
  std::string octets;             ///< the header; more octets may follow it
  std::int64_t modified_ns = 0;   ///< since 1970: the time at which the file was last written
  std::uint64_t size = 0;         ///< of the whole file, in octets
};

/// Reads the header of a message. None if the file is gone, a dangling link, or not a regular file. Never waits, as
/// opening a FIFO would. Fails with errc::no_input if it cannot be read.
[[nodiscard]] result<std::optional<header_of_file>> read_header_of(const std::string& path);

/// Size and time only.
[[nodiscard]] std::optional<header_of_file> stat_message(const std::string& path);

}  // namespace netlab::mail
