// SPDX-License-Identifier: MIT
// A file as a source of octets.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "mail/source.hpp"

namespace netlab::mail {

/// Opens it and notes its size and the time of its last change: check_unchanged() fails where it was written to since.
/// What is not a regular file (a pipe, a terminal) is copied to a temporary one first, so that it too has a size and
/// can be read twice. A file that is missing or unreadable, and a directory, is errc::no_input; the context is `read
/// NAME`.
[[nodiscard]] result<std::shared_ptr<source>> open_file(const std::string& name);

/// The name without its directories.
[[nodiscard]] std::string base_name(std::string_view path);

}  // namespace netlab::mail
