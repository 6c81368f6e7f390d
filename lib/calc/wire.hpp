// SPDX-License-Identifier: MIT
// The encoding of the lab's calculation protocol. What a server does for each request, and a load test for each answer,
// is inline.
//
//     request   ID (4 octets, unsigned)  OP (3: SUM PRO MIN MAX)  N (1)  z1 … zN (4 each, signed)
//     answer    ID (4 octets, as sent)   RESULT (4, signed)
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace netlab::calc {

enum class operation : std::uint8_t { sum, product, minimum, maximum };

/// `SUM`, `PRO`, `MIN`, `MAX`.
[[nodiscard]] std::string_view name_of(operation which) noexcept;

/// Accepts exactly one of the four names, in capitals.
[[nodiscard]] inline std::optional<operation> parse_operation(std::string_view name) noexcept {
  // Three letters as a number, for a switch.
  constexpr auto number_of = [](std::string_view letters) {
    const auto octet = [&](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(letters[at])}; };
    return octet(0) << 16 | octet(1) << 8 | octet(2);
  };
  if (name.size() != 3) return std::nullopt;
  switch (number_of(name)) {
    case number_of("SUM"): return operation::sum;
    case number_of("PRO"): return operation::product;
    case number_of("MIN"): return operation::minimum;
    case number_of("MAX"): return operation::maximum;
    default: return std::nullopt;
  }
}

inline constexpr std::size_t header_size = 8;
inline constexpr std::size_t answer_size = 8;
inline constexpr std::size_t max_numbers = 255;  // N is one octet
inline constexpr std::size_t max_request_size = header_size + 4 * max_numbers;

/// The operation is a text and not an enumerator, so that an invalid one can be sent, too.
struct request {
  std::uint32_t id = 0;
  std::string op = "SUM";  ///< exactly 3 octets
  std::vector<std::int32_t> numbers;  ///< at most max_numbers
};

struct answer {
  std::uint32_t id = 0;
  std::int32_t value = 0;
};

/// The first 8 octets of a request.
struct header {
  std::uint32_t id = 0;
  std::array<char, 3> name{};
  std::uint8_t count = 0;

  [[nodiscard]] std::string_view operation_name() const noexcept { return {name.data(), name.size()}; }
  [[nodiscard]] std::size_t request_size() const noexcept { return header_size + 4U * count; }
};

/// The span must hold at least header_size octets.
[[nodiscard]] inline header decode_header(bytes_view from, byte_order order) noexcept {
  header decoded{.id = load_u32(from, order), .count = std::to_integer<std::uint8_t>(from[7])};
  std::memcpy(decoded.name.data(), from.data() + 4, decoded.name.size());
  return decoded;
}

/// Fills `to`; `from` starts after the header and must hold as many numbers.
void decode_numbers(bytes_view from, byte_order order, std::span<std::int32_t> to) noexcept;

/// The span must hold at least answer_size octets.
[[nodiscard]] inline answer decode_answer(bytes_view from, byte_order order) noexcept {
  return {.id = load_u32(from, order), .value = static_cast<std::int32_t>(load_u32(from.subspan(4), order))};
}

/// The span must hold at least answer_size octets.
inline void store_answer(std::span<std::byte> to, const answer& reply, byte_order order) noexcept {
  store_u32(to, reply.id, order);
  store_u32(to.subspan(4), static_cast<std::uint32_t>(reply.value), order);
}

void append_request(bytes& to, const request& asked, byte_order order);
void append_answer(bytes& to, const answer& reply, byte_order order);

}  // namespace netlab::calc
