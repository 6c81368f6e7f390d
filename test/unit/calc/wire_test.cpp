// SPDX-License-Identifier: MIT
#include "calc/wire.hpp"

#include <catch2/catch_test_macros.hpp>

#include <limits>

#include "support/octets.hpp"

namespace netlab::calc::wire_test {

using test::hex;
using test::octets;

TEST_CASE("wire: a request is laid out as the lab's sheet has it", "[calc][unit]") {
  const request asked{.id = 0x01020304, .op = "SUM", .numbers = {1, -2}};
  bytes network;
  append_request(network, asked, byte_order::big);
  CHECK(hex(network) == hex(octets("01020304 'SUM' 02 00000001 fffffffe")));
  bytes little;
  append_request(little, asked, byte_order::little);
  CHECK(hex(little) == hex(octets("04030201 'SUM' 02 01000000 feffffff")));
}

TEST_CASE("wire: an answer is an ID and a result", "[calc][unit]") {
  bytes out;
  append_answer(out, {.id = 0xffffffff, .value = -2}, byte_order::big);
  append_answer(out, {.id = 7, .value = 6}, byte_order::little);
  CHECK(hex(out) == "ff ff ff ff ff ff ff fe 07 00 00 00 06 00 00 00");
  const answer first = decode_answer(out, byte_order::big);
  CHECK(first.id == 0xffffffff);
  CHECK(first.value == -2);
  CHECK(decode_answer(bytes_view(out).subspan(8), byte_order::little).value == 6);
}

TEST_CASE("wire: a header says how long its request is", "[calc][unit]") {
  const std::string text = octets("000000ff 'MAX' ff");
  const header head = decode_header(as_bytes(text), byte_order::big);
  CHECK(head.id == 255);
  CHECK(head.operation_name() == "MAX");
  CHECK(head.count == 255);
  CHECK(head.request_size() == 1028);
  CHECK(head.request_size() == max_request_size);
}

TEST_CASE("wire: a request comes back, with no numbers and with 255, in both orders", "[calc][unit]") {
  for (const byte_order order : {byte_order::big, byte_order::little})
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, max_numbers}) {
      request asked{.id = 0x80000001, .op = "PRO", .numbers = {}};
      for (std::size_t at = 0; at < count; ++at)
        asked.numbers.push_back(at % 2 == 0 ? std::numeric_limits<std::int32_t>::min() + static_cast<std::int32_t>(at)
                                            : std::numeric_limits<std::int32_t>::max());
      bytes out;
      append_request(out, asked, order);
      const header head = decode_header(out, order);
      CHECK(head.id == asked.id);
      CHECK(head.count == count);
      CHECK(head.request_size() == out.size());
      std::vector<std::int32_t> numbers(count);
      decode_numbers(bytes_view(out).subspan(header_size), order, numbers);
      CHECK(numbers == asked.numbers);
    }
}

TEST_CASE("wire: only the four names in capitals are operations", "[calc][unit]") {
  for (const operation each : {operation::sum, operation::product, operation::minimum, operation::maximum})
    CHECK(parse_operation(name_of(each)) == each);
  for (const auto name : {"sum", "Sum", "SU", "SUM ", "", "DIV", "SUMM"}) CHECK_FALSE(parse_operation(name));
}

}  // namespace netlab::calc::wire_test
