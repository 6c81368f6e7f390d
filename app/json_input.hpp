// SPDX-License-Identifier: MIT
// JSON that somebody sends in bulk.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

namespace netlab::app {

/// What nlohmann::json::parse() makes of it; discarded (is_discarded()) where it is not JSON. Objects of texts, lists
/// of texts and objects of texts, which is what a batch of mail consists of, are read some ten times as fast: there a
/// long text is copied piece by piece, not octet by octet.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

}  // namespace netlab::app
