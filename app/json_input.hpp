// SPDX-License-Identifier: MIT
// JSON that people send in bulk.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace netlab::app {

/// What nlohmann::json::parse() makes of it. Fails with errc::bad_data where it is not JSON, and where an object has a
/// key twice, of which one would be lost. Objects of texts, lists of texts and objects of texts, which is what a batch
/// of mail consists of, are read some ten times as fast: there a long text is copied piece by piece, not octet by
/// octet.
[[nodiscard]] result<nlohmann::json> parse_json(std::string_view text);

}  // namespace netlab::app
