// SPDX-License-Identifier: MIT
// A calculation as people type it: `SUM 1 2 3`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "calc/wire.hpp"

namespace netlab::calc {

/// Parses the operation, in any case, and numbers separated by blanks. The id is 0. Fails with errc::bad_data and one
/// line about the reason: unknown operation, not a number, outside 32 bits, more than 255.
[[nodiscard]] result<request> parse_line(std::string_view line);

enum class unknown_operations : std::uint8_t { refused, passed };

/// The same for a list of words. `passed` accepts an unknown operation of three octets, to test how a server reacts to
/// it.
[[nodiscard]] result<request> parse_words(std::span<const std::string_view> pieces, unknown_operations unknown);

/// One number of a request. Fails with errc::bad_data.
[[nodiscard]] result<std::int32_t> parse_operand(std::string_view text);

/// The inverse: `SUM 1 2 3`. Long lists end in `… (255 numbers)`.
[[nodiscard]] std::string to_line(const request& asked);

}  // namespace netlab::calc
