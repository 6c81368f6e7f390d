// SPDX-License-Identifier: MIT
#include "lab/journal/calc_request.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/evaluate.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t operation_at = 4;
constexpr std::size_t operation_size = 3;
constexpr std::size_t shown_numbers = 12;  // in a line of text; the fields show all
constexpr std::array<std::string_view, 4> operations{"SUM", "PRO", "MIN", "MAX"};

std::int32_t swapped(std::int32_t number) noexcept {
  return static_cast<std::int32_t>(swap_octets(static_cast<std::uint32_t>(number)));
}

bool is_large(std::int32_t number) noexcept { return number >= 0x10000 || number <= -0x10000; }

/// True if the numbers make sense only in the other byte order. People calculate with small numbers, which are large in
/// the wrong order; a large number is rarely small in the other one.
bool are_swapped(std::span<const std::int32_t> numbers) noexcept {
  bool has_evidence = false;
  for (const std::int32_t number : numbers) {
    if (number == swapped(number)) continue;  // 0, -1
    if (!is_large(number) || is_large(swapped(number))) return false;
    has_evidence = true;
  }
  return has_evidence;
}

std::string_view wrong_order(byte_order expected) noexcept {
  return expected == byte_order::big ? "sent little-endian" : "sent big-endian";
}

std::string numbers_text(std::span<const std::int32_t> numbers) {
  std::string text;
  const std::size_t shown = std::min(numbers.size(), shown_numbers);
  for (const std::int32_t number : numbers.first(shown)) text += fmt::format(" {}", number);
  if (numbers.size() > shown) text += fmt::format(" … ({} numbers)", numbers.size());
  return text;
}

/// Why octets 4 to 6 are not an operation.
std::string explain_operation(bytes_view octets) {
  const std::string_view text = as_text(octets);
  const std::string_view name = text.substr(std::min(operation_at, text.size()), operation_size);
  for (const std::string_view each : operations) {
    if (to_upper(name) == each) return fmt::format("operation '{}' is not in capitals", escape(name));
    const std::size_t at = text.substr(0, 16).find(each);
    if (at == 0) return fmt::format("the operation {} comes first: the ID of 4 octets is missing", each);
    if (at != std::string_view::npos)
      return fmt::format("the operation {} begins at octet {}, not {}: the ID has 4 octets", each, at, operation_at);
    if (std::string backwards(each.rbegin(), each.rend()); name == backwards)
      return fmt::format("the operation is spelled backwards: '{}'", backwards);
  }
  return fmt::format("unknown operation '{}'", escape(name));
}

/// The fields of a request, as far as it has arrived.
std::vector<event_field> fields_of(bytes_view octets, const calc::header& head, byte_order order, bool is_known) {
  std::vector<event_field> fields;
  const auto add = [&](std::string name, std::size_t from, std::size_t size, std::string value) {
    if (from < octets.size())
      fields.push_back({std::move(name), from, std::min(from + size, octets.size()), std::move(value)});
  };
  if (octets.size() < calc::header_size) {
    add("id", 0, operation_at,
        octets.size() >= operation_at ? fmt::format("{}", load_u32(octets, order)) : "incomplete");
    add("operation", operation_at, operation_size,
        escape(as_text(octets.subspan(std::min(operation_at, octets.size())))));
    return fields;
  }
  add("id", 0, operation_at, fmt::format("{}", head.id));
  add("operation", operation_at, operation_size, escape(head.operation_name()));
  add("count", operation_at + operation_size, 1, fmt::format("{}", head.count));
  if (!is_known) {
    add("rest", calc::header_size, octets.size(), {});
    return fields;
  }
  std::size_t at = calc::header_size;
  for (std::size_t number = 1; number <= head.count && at < octets.size(); ++number, at += 4)
    add(fmt::format("z{}", number), at, 4,
        at + 4 <= octets.size() ? fmt::format("{}", static_cast<std::int32_t>(load_u32(octets.subspan(at), order)))
                                : "incomplete");
  if (at < octets.size()) add("surplus", at, octets.size(), {});
  return fields;
}

/// Why `numbers_size` octets of numbers do not match N; nothing if they do.
std::optional<std::string> explain_length(std::size_t count, std::size_t numbers_size) {
  if (numbers_size == 4 * count) return std::nullopt;
  if (count > 0 && numbers_size == 8 * count) return fmt::format("the numbers have 8 octets each, not 4");
  if (count > 0 && numbers_size == 2 * count) return fmt::format("the numbers have 2 octets each, not 4");
  if (numbers_size % 4 == 0)
    return fmt::format("N says {}, {} {} came", count, numbers_size / 4, numbers_size == 4 ? "number" : "numbers");
  return fmt::format("N says {}: {} of numbers expected, {} came", count, count_of(4 * count, "octet"), numbers_size);
}

calc_exchange start(bytes_view octets, std::size_t length, wall_time at) {
  calc_exchange made{.at = at};
  const bytes_view kept = octets.first(std::min(octets.size(), most_kept_octets));
  made.octets.assign(kept.begin(), kept.end());
  made.is_truncated = length > kept.size();
  return made;
}

/// `length`: octets of the request that have arrived; `octets` may hold fewer.
calc_exchange explain(bytes_view octets, std::size_t length, byte_order order, wall_time at) {
  calc_exchange made = start(octets, length, at);
  if (octets.size() < calc::header_size) {
    made.text = fmt::format("{} of a request", count_of(length, "octet"));
    made.note =
        length == 0 ? "nothing was sent" : fmt::format("{}: a request has at least 8", count_of(length, "octet"));
    made.fields = fields_of(made.octets, {}, order, false);
    return made;
  }
  const calc::header head = calc::decode_header(octets, order);
  const auto op = calc::parse_operation(head.letters);
  made.fields = fields_of(made.octets, head, order, op.has_value());
  if (!op) {
    made.text = fmt::format("request {} '{}'", head.id, escape(head.operation_name()));
    made.note = explain_operation(octets);
    return made;
  }
  const std::size_t known =
      std::min<std::size_t>({head.count, (octets.size() - calc::header_size) / 4, calc::max_numbers});
  std::array<std::int32_t, calc::max_numbers> storage{};
  const std::span<std::int32_t> numbers = std::span(storage).first(known);
  calc::decode_numbers(octets.subspan(calc::header_size), order, numbers);
  made.text = head.operation_name() + numbers_text(numbers);
  if (head.count == 0 && (*op == calc::operation::minimum || *op == calc::operation::maximum)) {
    made.note = fmt::format("waits for an answer to {} of nothing", head.operation_name());
    return made;
  }
  if (auto wrong = explain_length(head.count, length - calc::header_size)) {
    made.note = std::move(*wrong);
    return made;
  }
  const auto value = calc::evaluate(*op, numbers);
  made.is_answered = value.has_value();
  if (value) made.text += fmt::format(" = {}", *value);
  if (are_swapped(numbers))
    made.note = wrong_order(order);
  else if (!value)
    made.note = fmt::format("waits for an answer, but {}", calc::reason(value.error()));
  return made;
}

}  // namespace

calc_exchange explain_datagram(bytes_view octets, std::size_t length, byte_order order, wall_time at) {
  calc_exchange made = explain(octets, length, order, at);
  const std::string word = to_upper(as_text(octets).substr(0, std::min(operation_size, octets.size())));
  if (!made.is_answered && std::find(operations.begin(), operations.end(), word) != operations.end() &&
      octets.size() > operation_size && as_text(octets)[operation_size] == ' ') {
    made.text = escape(as_text(made.octets), 60);
    made.fields = {{"text", 0, made.octets.size(), made.text}};
    made.note = "sent as text: over UDP only the binary format is answered";
  }
  return made;
}

calc_exchange explain_request(bytes_view octets, byte_order order, wall_time at) {
  return explain(octets, octets.size(), order, at);
}

}  // namespace netlab::lab
