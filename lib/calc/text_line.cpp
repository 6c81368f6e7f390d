// SPDX-License-Identifier: MIT
#include "calc/text_line.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::calc {
namespace {

constexpr std::size_t shown = 40;          // octets of a bad word in a message
constexpr std::size_t shown_numbers = 12;  // numbers of a request in a message

bool is_integer(std::string_view text) noexcept {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct synonyms {
  std::string_view operation;
  std::string_view words;
};
constexpr std::array others_call_it{
    synonyms{"SUM", "ADD PLUS TOTAL ADDITION SUMME SUMS +"},
    synonyms{"PRO", "PRODUCT PROD MUL MULT MULTIPLY TIMES MULTIPLICATION PRODUKT * X"},
    synonyms{"MIN", "MINIMUM LEAST SMALLEST LOWEST"},
    synonyms{"MAX", "MAXIMUM GREATEST LARGEST HIGHEST BIGGEST"},
};

/// `did you mean PRO?`, or a list of all operations.
std::string cure_for(std::string_view name) {
  for (const synonyms& each : others_call_it) {
    const auto all = words(each.words);
    if (std::ranges::find(all, name) != all.end()) return fmt::format("did you mean {}?", each.operation);
  }
  return "SUM, PRO, MIN or MAX";
}

}  // namespace

result<std::int32_t> parse_operand(std::string_view text) {
  const std::string_view digits = text.starts_with('+') && text.size() > 1 && text[1] != '-' ? text.substr(1) : text;
  if (const auto number = parse_integer<std::int32_t>(digits)) return *number;
  if (is_integer(text))
    return fail(errc::bad_data, fmt::format("{} is outside 32 bits", escape(text, shown)), "-2147483648 to 2147483647");
  return fail(errc::bad_data, fmt::format("'{}' is not a whole number", escape(text, shown)));
}

result<request> parse_line(std::string_view line) {
  return parse_words(words(trim(line)), unknown_operations::refused);
}

result<request> parse_words(std::span<const std::string_view> pieces, unknown_operations unknown) {
  if (pieces.empty()) return fail(errc::bad_data, "an empty line", "write SUM 1 2 3");
  const std::string name = to_upper(pieces.front());
  const bool known = parse_operation(name).has_value();
  if (!known && !(unknown == unknown_operations::passed && name.size() == 3))
    return fail(errc::bad_data, fmt::format("unknown operation '{}'", escape(pieces.front(), shown)), cure_for(name));
  if (pieces.size() - 1 > max_numbers)
    return fail(errc::bad_data, fmt::format("{} numbers; at most {} are allowed", pieces.size() - 1, max_numbers));
  request parsed{.id = 0, .op = known ? name : std::string(pieces.front()), .numbers = {}};
  for (const std::string_view piece : pieces.subspan(1)) {
    const auto number = parse_operand(piece);
    if (!number) return unexpected(number.error());
    parsed.numbers.push_back(*number);
  }
  return parsed;
}

std::string to_line(const request& asked) {
  std::string line = escape(asked.op);
  for (std::size_t at = 0; at < std::min(asked.numbers.size(), shown_numbers); ++at)
    line += fmt::format(" {}", asked.numbers[at]);
  if (asked.numbers.size() > shown_numbers) line += fmt::format(" … ({} numbers)", asked.numbers.size());
  return line;
}

}  // namespace netlab::calc
