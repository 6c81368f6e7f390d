// SPDX-License-Identifier: MIT
// The format of configuration files: `[section]`, `key = value`, comments that start a line with # or ;.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab {

struct ini_entry {
  std::string section;  ///< as in the brackets, single blanks between its words
  std::string key;
  std::string value;    ///< without the blanks around it; the rest of the line, quotes and # included
  std::size_t line = 0; ///< from 1
};

struct ini_section {
  std::string name;
  std::size_t line = 0;  ///< from 1
};

/// Every entry in file order; a key may come again. A byte order mark and CR LF are accepted. Fails with
/// errc::bad_configuration and `line N: …`.
[[nodiscard]] result<std::vector<ini_entry>> parse_ini(std::string_view text);
/// The same; each section, be it empty, is also added to `sections`.
[[nodiscard]] result<std::vector<ini_entry>> parse_ini(std::string_view text, std::vector<ini_section>& sections);

}  // namespace netlab
