// SPDX-License-Identifier: MIT
// JSON without duplicate keys.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace netlab::app {

/// Returns the same as nlohmann::json::parse(). Fails with errc::bad_data if the text is not JSON in UTF-8 (RFC 8259),
/// or if an object at any depth has a key twice: nlohmann::json would keep only one of the values.
[[nodiscard]] result<nlohmann::json> parse_strict_json(std::string_view text);

}  // namespace netlab::app
