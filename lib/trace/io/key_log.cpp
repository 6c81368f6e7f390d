// SPDX-License-Identifier: MIT
#include "trace/io/key_log.hpp"

#include <algorithm>
#include <fstream>

namespace netlab::trace {

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
