// SPDX-License-Identifier: MIT
#include "frame/strict_json.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::app {

result<nlohmann::json> parse_strict_json(std::string_view text) {
  using nlohmann::json;
  std::vector<std::set<std::string>> keys;  // of each open object
  std::optional<std::string> duplicate;
  const auto check_keys = [&](int, json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get_ref<const std::string&>()).second)
      duplicate = parsed.get_ref<const std::string&>();
    return true;
  };
  json all = json::parse(text.begin(), text.end(), check_keys, false);
  if (all.is_discarded()) return fail(errc::bad_data, "not valid JSON");
  if (duplicate) return fail(errc::bad_data, fmt::format("duplicate key '{}'", escape(*duplicate, 60)));
  return all;
}

}  // namespace netlab::app
