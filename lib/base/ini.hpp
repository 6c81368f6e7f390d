// SPDX-License-Identifier: MIT
// The format of configuration files: `[section]`, `key = value`, and comment lines that start with # or ;.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab {

struct ini_entry {
  std::string section;  ///< the text in the brackets, with single blanks between words
  std::string key;
  std::string value;    ///< the rest of the line, including quotes and #, without surrounding blanks
  std::size_t line = 0; ///< from 1
};

struct ini_section {
  std::string name;
  std::size_t line = 0;  ///< from 1
};

/// Every entry in file order; a key may occur more than once. A byte order mark and CR LF are accepted. Fails with
/// errc::bad_configuration and `line N: …`.
[[nodiscard]] result<std::vector<ini_entry>> parse_ini(std::string_view text);
/// The same; also adds each section to `sections`, even an empty one.
[[nodiscard]] result<std::vector<ini_entry>> parse_ini(std::string_view text, std::vector<ini_section>& sections);

}  // namespace netlab
