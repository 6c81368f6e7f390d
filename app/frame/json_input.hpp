// SPDX-License-Identifier: MIT
// Fast parsing of JSON that is sent in bulk.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace netlab::app {

/// Returns the same as nlohmann::json::parse(). Fails with errc::bad_data if the text is not JSON, or if an object has
/// a key twice, because one value would be lost. Objects that contain only texts, lists of texts and objects of texts,
/// as a batch of mail does, are read about ten times as fast, because long texts are copied in large pieces.
[[nodiscard]] result<nlohmann::json> parse_json(std::string_view text);

}  // namespace netlab::app
