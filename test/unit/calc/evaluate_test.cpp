// SPDX-License-Identifier: MIT
#include "calc/evaluate.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <vector>

#include "support/octets.hpp"

namespace netlab::calc::evaluate_test {

using test::hex;
using test::octets;

namespace {

using numbers = std::vector<std::int32_t>;
using enum operation;

constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();

refusal refused(operation op, const numbers& of) {
  const auto value = evaluate(op, of);
  REQUIRE_FALSE(value);
  return value.error();
}

}  // namespace

TEST_CASE("evaluate: of no numbers the sum is 0 and the product 1", "[calc][unit]") {
  CHECK(evaluate(sum, {}) == 0);
  CHECK(evaluate(product, {}) == 1);
}

TEST_CASE("evaluate: of no numbers there is no least and no greatest", "[calc][unit]") {
  CHECK(refused(minimum, {}) == refusal::empty_comparison);
  CHECK(refused(maximum, {}) == refusal::empty_comparison);
}

TEST_CASE("evaluate: one number is its own sum, product, least and greatest", "[calc][unit]") {
  for (const operation op : {sum, product, minimum, maximum})
    for (const std::int32_t number : {least, -1, 0, 1, most}) CHECK(evaluate(op, numbers{number}) == number);
}

TEST_CASE("evaluate: signs count", "[calc][unit]") {
  CHECK(evaluate(sum, numbers{-5, 3}) == -2);
  CHECK(evaluate(product, numbers{-5, 3}) == -15);
  CHECK(evaluate(minimum, numbers{-5, 3, -6}) == -6);
  CHECK(evaluate(maximum, numbers{-5, -3, -6}) == -3);
}

TEST_CASE("evaluate: a sum may leave 32 bits and come back", "[calc][unit]") {
  CHECK(evaluate(sum, numbers{most, 1, -1}) == most);
  CHECK(evaluate(sum, numbers{least, -1, 1}) == least);
  CHECK(evaluate(sum, numbers{most, most, least, least, 1}) == -1);
}

TEST_CASE("evaluate: a sum outside 32 bits has no answer, its last inside has", "[calc][unit]") {
  CHECK(evaluate(sum, numbers{most - 1, 1}) == most);
  CHECK(refused(sum, {most, 1}) == refusal::out_of_range);
  CHECK(evaluate(sum, numbers{least + 1, -1}) == least);
  CHECK(refused(sum, {least, -1}) == refusal::out_of_range);
  CHECK(refused(sum, numbers(255, most)) == refusal::out_of_range);
  CHECK(refused(sum, numbers(255, least)) == refusal::out_of_range);
}

TEST_CASE("evaluate: a product that passes 2^40 and then meets a 0 is 0", "[calc][unit]") {
  CHECK(evaluate(product, numbers{1 << 20, 1 << 20, 0}) == 0);
  CHECK(evaluate(product, numbers{0, 1 << 20, 1 << 20}) == 0);
  numbers many(254, most);
  many.push_back(0);
  CHECK(evaluate(product, many) == 0);
}

TEST_CASE("evaluate: a product at the edges of 32 bits", "[calc][unit]") {
  CHECK(evaluate(product, numbers{-65536, 32768}) == least);
  CHECK(refused(product, {65536, 32768}) == refusal::out_of_range);
  CHECK(evaluate(product, numbers{65536, 32768, -1}) == least);  // the intermediate value is 2^31
  CHECK(evaluate(product, numbers{least, -1, -1}) == least);
  CHECK(refused(product, {least, -1}) == refusal::out_of_range);
  CHECK(refused(product, {65536, 32768, 1}) == refusal::out_of_range);
  CHECK(refused(product, {65536, 32768, 2, -1}) == refusal::out_of_range);
  CHECK(evaluate(product, numbers{most, -1}) == -most);
  CHECK(refused(product, {least, least}) == refusal::out_of_range);
}

TEST_CASE("evaluate: a product whose magnitude passes 64 bits does not wrap into range", "[calc][unit]") {
  CHECK(refused(product, numbers(255, least)) == refusal::out_of_range);
  CHECK(refused(product, numbers(4, 65536)) == refusal::out_of_range);  // 2^64 ≡ 0
  CHECK(refused(product, {65536, 65536, 65536, 65536, 1}) == refusal::out_of_range);
}

TEST_CASE("evaluate: 255 numbers", "[calc][unit]") {
  CHECK(evaluate(sum, numbers(255, 8421504)) == 2147483520);
  CHECK(evaluate(product, numbers(255, -1)) == -1);
  numbers mixed(255, 5);
  mixed[254] = -7;
  CHECK(evaluate(minimum, mixed) == -7);
  mixed[254] = 9;
  CHECK(evaluate(maximum, mixed) == 9);
}

TEST_CASE("evaluate: an operation that is none has no answer", "[calc][unit]") {
  for (const auto op : {"DIV", "sum", "   "})
    CHECK(evaluate(request{.id = 1, .op = op, .numbers = {1}}).error() == refusal::unknown_operation);
  CHECK(evaluate(request{.id = 1, .op = "SUM", .numbers = {1, 2}}) == 3);
}

TEST_CASE("check_header: what the header shows is refused without the numbers", "[calc][unit]") {
  const auto check = [](std::string_view notation) {
    const std::string text = octets(notation);
    return check_header(decode_header(as_bytes(text), byte_order::big));
  };
  CHECK(check("00000001 'SUM' 00") == sum);
  CHECK(check("00000001 'MIN' 01") == minimum);
  CHECK(check("00000001 'MIN' 00").error() == refusal::empty_comparison);
  CHECK(check("00000001 'MAX' 00").error() == refusal::empty_comparison);
  CHECK(check("00000001 'sum' 01").error() == refusal::unknown_operation);
}

namespace {

// Slow and plain. From a product of 2^32 or more, only a factor 0 leads back into 32 bits.
std::optional<std::int32_t> plain_result(operation op, const numbers& of) {
  constexpr std::int64_t bound = std::int64_t{1} << 32;
  std::int64_t value = op == sum ? 0 : op == product ? 1 : of.front();
  for (const std::int32_t number : of) {
    if (op == sum) value += number;
    if (op == product && std::abs(value) < bound) value *= number;
    if (op == minimum) value = std::min<std::int64_t>(value, number);
    if (op == maximum) value = std::max<std::int64_t>(value, number);
  }
  if (op == product && std::find(of.begin(), of.end(), 0) != of.end()) value = 0;
  if (value < least || value > most) return std::nullopt;
  return static_cast<std::int32_t>(value);
}

std::string answer_of(std::string_view notation, byte_order order = byte_order::big) {
  const auto answered = answer_datagram(as_bytes(octets(notation)), order);
  bytes reply;
  if (answered) append_answer(reply, *answered, order);
  if (answered) return hex(reply);
  return std::string(reason(answered.error()));
}

}  // namespace

TEST_CASE("answer_datagram: exactly one request gets its answer", "[calc][unit]") {
  CHECK(answer_of("00000001 'SUM' 02 00000001 fffffffd") == "00 00 00 01 ff ff ff fe");
  CHECK(answer_of("01000000 'SUM' 01 05000000", byte_order::little) == "01 00 00 00 05 00 00 00");
  CHECK(answer_of("ffffffff 'PRO' 00") == "ff ff ff ff 00 00 00 01");
}

TEST_CASE("answer_datagram: a length that does not match N is refused", "[calc][unit]") {
  const std::string wrong(reason(refusal::wrong_length));
  CHECK(answer_of("") == wrong);
  CHECK(answer_of("00") == wrong);
  CHECK(answer_of("00000001 'SUM'") == wrong);
  CHECK(answer_of("00000001 'SUM' 01") == wrong);
  CHECK(answer_of("00000001 'SUM' 01 000000") == wrong);
  CHECK(answer_of("00000001 'SUM' 01 00000000 00") == wrong);
  CHECK(answer_of("00000001 'SUM' 00 00000000") == wrong);
}

TEST_CASE("answer_datagram: a request without a result is refused", "[calc][unit]") {
  CHECK(answer_of("00000001 'sum' 00") == reason(refusal::unknown_operation));
  CHECK(answer_of("00000001 'MIN' 00") == reason(refusal::empty_comparison));
  CHECK(answer_of("00000001 'SUM' 02 7fffffff 00000001") == reason(refusal::out_of_range));
}

TEST_CASE("evaluate: of any count, from the wire in both byte orders, the result is that of a plain loop",
          "[calc][unit]") {
  std::minstd_rand random(3);
  for (std::size_t count = 0; count <= max_numbers; ++count)
    for (const std::uint32_t range : {3U, 7U, 0x7fffffffU}) {
      numbers of(count);
      for (std::int32_t& number : of)
        number = static_cast<std::int32_t>(random() % range) - static_cast<std::int32_t>(range / 2);
      if (range == 3 && count > 0)
        for (std::int32_t& number : of) number = number == 0 && count % 2 == 0 ? 1 : number;
      for (const operation op : {sum, product, minimum, maximum}) {
        if (count == 0 && (op == minimum || op == maximum)) continue;
        const auto expected = plain_result(op, of);
        for (const byte_order order : {byte_order::big, byte_order::little}) {
          bytes encoded;
          for (const std::int32_t number : of) append_u32(encoded, static_cast<std::uint32_t>(number), order);
          const auto value = evaluate(op, encoded, order);
          const bool same = expected ? value == *expected : !value;
          if (same) continue;  // no CHECK for each: there would be thousands of assertions
          INFO(count << " numbers below " << range << ", " << name_of(op));
          CHECK(same);
        }
      }
    }
}

}  // namespace netlab::calc::evaluate_test
