// SPDX-License-Identifier: MIT
#include "trace/io/scratch.hpp"

#include <stdlib.h>

#include <fstream>

namespace netlab::trace {

result<scratch_directory> scratch_directory::make() {
  std::error_code ignored;
  std::filesystem::path base = std::filesystem::temp_directory_path(ignored);
  if (base.empty()) base = "/tmp";
  std::string name = base / "netlab-trace-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return fail(last_system_error(), "make a directory in " + base.string());
  scratch_directory made;
  made.path_ = name;
  return made;
}

scratch_directory::~scratch_directory() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

key_log::key_log(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(path_, absent);
  if (!absent) read_ = size;
}

std::string key_log::take() {
  std::error_code absent;
  const auto size = std::filesystem::file_size(path_, absent);
  if (absent || size <= read_) return {};
  std::ifstream file(path_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(read_));
  std::string text(size - read_, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const auto end = text.rfind('\n');
  if (end == std::string::npos) return {};
  text.resize(end + 1);
  read_ += text.size();
  return text;
}

}  // namespace netlab::trace
