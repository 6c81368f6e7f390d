// SPDX-License-Identifier: MIT
#include "lab/tour/temporary_directory.hpp"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::lab {

result<temporary_directory> temporary_directory::make() {
  const char* const named = std::getenv("TMPDIR");
  const std::string below = named != nullptr && *named != '\0' ? named : "/tmp";
  std::string path = below + "/netlab-XXXXXX";
  if (::mkdtemp(path.data()) != nullptr) return temporary_directory(std::move(path));
  const std::error_code why = last_system_error();
  return unexpected(failure{make_error_code(errc::cannot_create),
                            fmt::format("a directory below '{}'", escape(below, 200)), message_of(why),
                            "set TMPDIR to another place"});
}

temporary_directory::~temporary_directory() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

temporary_directory::temporary_directory(temporary_directory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

temporary_directory& temporary_directory::operator=(temporary_directory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

}  // namespace netlab::lab
