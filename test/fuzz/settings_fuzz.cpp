// SPDX-License-Identifier: MIT
// Any configuration file, however malformed, is parsed or refused in one harmless line.
#include "frame/settings.hpp"

#include "fuzz.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto entries = parse_ini(text);
  const auto parsed = app::settings::parse([](const std::string&) { return std::nullopt; }, text, "/f");
  if (!parsed) fuzz::require(fuzz::is_harmless(describe(parsed.error())), "the refusal is harmless");
  if (!entries) {
    fuzz::require(!parsed, "what is no INI file is no configuration");
    return 0;
  }
  std::size_t line = 0;
  for (const ini_entry& each : *entries) {
    fuzz::require(!each.section.empty() && !each.key.empty(), "an entry has a section and a key");
    fuzz::require(each.value.find('\n') == std::string::npos, "a value is part of a line");
    fuzz::require(each.line > line, "lines go up");
    line = each.line;
  }
  return 0;
}
