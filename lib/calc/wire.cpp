// SPDX-License-Identifier: MIT
#include "calc/wire.hpp"

#include <cassert>

#include "calc/reduce.hpp"

namespace netlab::calc {
namespace {

constexpr std::array<std::string_view, 4> names{"SUM", "PRO", "MIN", "MAX"};

}  // namespace

std::string_view name_of(operation which) noexcept { return names[static_cast<std::size_t>(which)]; }

void decode_numbers(bytes_view from, byte_order order, std::span<std::int32_t> to) noexcept {
  if (to.size() > few_numbers) return load_numbers(from, order, to);
  for (std::int32_t& number : to) {
    number = static_cast<std::int32_t>(load_u32(from, order));
    from = from.subspan(4);
  }
}

void append_request(bytes& to, const request& asked, byte_order order) {
  assert(asked.numbers.size() <= max_numbers && asked.op.size() == 3);
  to.reserve(to.size() + header_size + 4 * asked.numbers.size());
  append_u32(to, asked.id, order);
  append(to, asked.op);
  to.push_back(static_cast<std::byte>(asked.numbers.size()));
  for (const std::int32_t number : asked.numbers) append_u32(to, static_cast<std::uint32_t>(number), order);
}

void append_answer(bytes& to, const answer& reply, byte_order order) {
  to.resize(to.size() + answer_size);
  store_answer(std::span(to).last(answer_size), reply, order);
}

}  // namespace netlab::calc
