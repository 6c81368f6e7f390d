// SPDX-License-Identifier: MIT
#include "calc/wire.hpp"

#include <cassert>
#include <cstring>

namespace netlab::calc {
namespace {

constexpr std::array<std::string_view, 4> names{"SUM", "PRO", "MIN", "MAX"};

}  // namespace

std::string_view name_of(operation which) noexcept { return names[static_cast<std::size_t>(which)]; }

std::optional<operation> parse_operation(std::string_view name) noexcept {
  for (std::size_t at = 0; at < names.size(); ++at)
    if (names[at] == name) return static_cast<operation>(at);
  return std::nullopt;
}

header decode_header(bytes_view from, byte_order order) noexcept {
  header decoded{.id = load_u32(from, order), .count = std::to_integer<std::uint8_t>(from[7])};
  std::memcpy(decoded.name.data(), from.data() + 4, decoded.name.size());
  return decoded;
}

void decode_numbers(bytes_view from, byte_order order, std::span<std::int32_t> to) noexcept {
  for (std::int32_t& number : to) {
    number = static_cast<std::int32_t>(load_u32(from, order));
    from = from.subspan(4);
  }
}

answer decode_answer(bytes_view from, byte_order order) noexcept {
  return {.id = load_u32(from, order), .value = static_cast<std::int32_t>(load_u32(from.subspan(4), order))};
}

void append_request(bytes& to, const request& what, byte_order order) {
  assert(what.numbers.size() <= max_numbers && what.op.size() == 3);
  to.reserve(to.size() + header_size + 4 * what.numbers.size());
  append_u32(to, what.id, order);
  append(to, what.op);
  to.push_back(static_cast<std::byte>(what.numbers.size()));
  for (const std::int32_t number : what.numbers) append_u32(to, static_cast<std::uint32_t>(number), order);
}

void append_answer(bytes& to, const answer& what, byte_order order) {
  append_u32(to, what.id, order);
  append_u32(to, static_cast<std::uint32_t>(what.value), order);
}

}  // namespace netlab::calc
