// SPDX-License-Identifier: MIT
// A file as a source of octets.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "mail/message/source.hpp"

namespace netlab::mail {

/// Opens the file and notes its size and modification time: check_unchanged() fails if it was written to since.
/// Anything but a regular file (a pipe, a terminal) is first copied to a temporary file, to know its size and to read
/// it twice. A missing or unreadable file or a directory is errc::no_input; the context is `read NAME`.
[[nodiscard]] result<std::shared_ptr<source>> open_file(const std::string& name);

/// The last component of the path.
[[nodiscard]] std::string base_name(std::string_view path);

}  // namespace netlab::mail
