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

/// The first three octets of `name` as a big-endian number, for a switch. There must be three.
[[nodiscard]] constexpr std::uint32_t letters_of(std::string_view name) noexcept {
  const auto octet = [&](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(name[at])}; };
  return octet(0) << 16 | octet(1) << 8 | octet(2);
}

/// Accepts exactly one of the four names, in capitals.
[[nodiscard]] constexpr std::optional<operation> parse_operation(std::uint32_t letters) noexcept {
  switch (letters) {
    case letters_of("SUM"): return operation::sum;
    case letters_of("PRO"): return operation::product;
    case letters_of("MIN"): return operation::minimum;
    case letters_of("MAX"): return operation::maximum;
    default: return std::nullopt;
  }
}
[[nodiscard]] constexpr std::optional<operation> parse_operation(std::string_view name) noexcept {
  return name.size() == 3 ? parse_operation(letters_of(name)) : std::nullopt;
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
  std::uint32_t letters = 0;  ///< of the operation, as letters_of() gives them
  std::uint8_t count = 0;

  [[nodiscard]] std::string operation_name() const {
    return {static_cast<char>(letters >> 16), static_cast<char>(letters >> 8 & 0xff),
            static_cast<char>(letters & 0xff)};
  }
  [[nodiscard]] std::size_t request_size() const noexcept { return header_size + 4U * count; }
};

/// The span must hold at least header_size octets.
[[nodiscard]] inline header decode_header(bytes_view from, byte_order order) noexcept {
  const std::uint32_t rest = load_u32(from.subspan(4), byte_order::big);
  return {.id = load_u32(from, order), .letters = rest >> 8, .count = static_cast<std::uint8_t>(rest & 0xff)};
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
