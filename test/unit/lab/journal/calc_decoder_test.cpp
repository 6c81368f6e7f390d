// SPDX-License-Identifier: MIT
#include "lab/journal/calc_decoder.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

#include "calc/wire.hpp"

namespace netlab::lab::calc_decoder_test {

using namespace std::chrono_literals;

namespace {

constexpr wall_time start{};

bytes request(std::uint32_t id, const std::string& op, std::vector<std::int32_t> numbers,
              byte_order order = byte_order::big) {
  bytes octets;
  calc::append_request(octets, {.id = id, .op = op, .numbers = std::move(numbers)}, order);
  return octets;
}

bytes raw(std::string_view text) {
  const bytes_view octets = as_bytes(text);
  return {octets.begin(), octets.end()};
}

std::string show(const calc_exchange& of) { return of.text + " | " + of.note + (of.is_answered ? " | answered" : ""); }

/// All exchanges of a connection that sends this and ends.
std::string decode(const bytes& octets, byte_order order = byte_order::big) {
  calc_decoder one(order);
  one.feed(octets, start);
  one.end(start);
  std::string all;
  for (const calc_exchange& each : one.take_exchanges()) all += show(each) + "\n";
  return all;
}

std::string datagram(const bytes& octets, byte_order order = byte_order::big) {
  return show(explain_datagram(octets, octets.size(), order, start));
}

}  // namespace

TEST_CASE("calc_decoder: a request is explained with its result", "[lab][unit]") {
  CHECK(decode(request(1, "SUM", {1, 2, 3})) == "SUM 1 2 3 = 6 |  | answered\n");
  CHECK(datagram(request(1, "PRO", {})) == "PRO = 1 |  | answered");
}

TEST_CASE("calc_decoder: any cut of a stream gives the same exchanges", "[lab][unit]") {
  bytes octets = request(1, "SUM", {1, 2});
  append(octets, request(2, "MAX", {-7, 5}));
  append(octets, request(3, "MIN", {}));
  const std::string whole = decode(octets);
  CHECK(whole ==
        "SUM 1 2 = 3 |  | answered\nMAX -7 5 = 5 |  | answered\nMIN | waits for an answer to MIN of nothing\n");
  calc_decoder single(byte_order::big);
  for (const std::byte each : octets) single.feed(bytes_view(&each, 1), start);
  single.end(start);
  std::string all;
  for (const calc_exchange& each : single.take_exchanges()) all += show(each) + "\n";
  CHECK(all == whole);
}

TEST_CASE("calc_decoder: the other byte order is named where the numbers show it", "[lab][unit]") {
  CHECK(decode(request(1, "SUM", {1, 2}, byte_order::little)) ==
        "SUM 16777216 33554432 = 50331648 | sent little-endian | answered\n");
  CHECK(datagram(request(1, "PRO", {100, 200}, byte_order::little)).find("| sent little-endian") != std::string::npos);
  CHECK(decode(request(1, "SUM", {1, -2}), byte_order::little).find("sent big-endian") != std::string::npos);
  // Without evidence there is no verdict: 0 and -1 are the same in both orders, and one small number is small.
  CHECK(decode(request(1, "SUM", {0, -1}, byte_order::little)) == "SUM 0 -1 = -1 |  | answered\n");
  CHECK(decode(request(1, "SUM", {1, 16777216})) == "SUM 1 16777216 = 16777217 |  | answered\n");
  CHECK(decode(request(1, "SUM", {70000, 80000})) == "SUM 70000 80000 = 150000 |  | answered\n");
}

TEST_CASE("calc_decoder: numbers that do not match N", "[lab][unit]") {
  bytes few = request(1, "SUM", {1, 2});
  few[7] = std::byte{3};
  CHECK(decode(few) == "SUM 1 2 | N says 3, 2 numbers came\n");
  CHECK(datagram(few) == "SUM 1 2 | N says 3, 2 numbers came");
  bytes many = request(1, "SUM", {1, 2, 3});
  many[7] = std::byte{2};
  CHECK(datagram(many) == "SUM 1 2 | N says 2, 3 numbers came");
  CHECK(decode(many) == "SUM 1 2 = 3 |  | answered\n4 octets of a request | one number more than N says\n");
  bytes wide = request(1, "SUM", {0, 1, 0, 2});
  wide[7] = std::byte{2};
  CHECK(datagram(wide) == "SUM 0 1 | the numbers have 8 octets each, not 4");
  bytes torn = request(1, "SUM", {1, 2});
  torn.pop_back();
  CHECK(datagram(torn) == "SUM 1 | N says 2: 8 octets of numbers expected, 7 came");
}

TEST_CASE("calc_decoder: an incomplete request is reported while its client waits", "[lab][unit]") {
  bytes few = request(1, "SUM", {1, 2});
  few[7] = std::byte{3};
  calc_decoder one(byte_order::big);
  one.feed(few, start);
  one.tick(start + 499ms);
  CHECK(one.take_exchanges().empty());
  one.tick(start + 500ms);
  CHECK(one.take_exchanges().size() == 1);
  one.tick(start + 10s);
  CHECK(one.take_exchanges().empty());
  bytes rest;
  append_u32(rest, 3, byte_order::big);
  one.feed(rest, start + 11s);
  const auto last = one.take_exchanges();
  REQUIRE(last.size() == 1);
  CHECK(show(last[0]) == "SUM 1 2 3 = 6 |  | answered");
}

TEST_CASE("calc_decoder: what is wrong with the operation", "[lab][unit]") {
  CHECK(datagram(request(1, "sum", {1})) == "request 1 'sum' | operation 'sum' is not in capitals");
  CHECK(datagram(request(1, "DIV", {1})) == "request 1 'DIV' | unknown operation 'DIV'");
  CHECK(datagram(request(1, "MUS", {1})).find("spelled backwards") != std::string::npos);
  CHECK(datagram(raw(std::string("\0\1SUM\1\0\0\0\1", 10))).find("begins at octet 2, not 4") != std::string::npos);
  CHECK(datagram(raw(std::string("SUM\1\0\0\0\1", 8))).find("the ID of 4 octets is missing") != std::string::npos);
}

TEST_CASE("calc_decoder: a result that does not fit, and nothing at all", "[lab][unit]") {
  CHECK(datagram(request(1, "PRO", {70000, 70000})) ==
        "PRO 70000 70000 | waits for an answer, but the result is outside 32 bits");
  CHECK(datagram({}) == "0 octets of a request | nothing was sent");
  CHECK(datagram(raw("abc")) == "3 octets of a request | 3 octets: a request has at least 8");
  CHECK(datagram(raw("SUM 1 2 3\n")).ends_with("sent as text: over UDP only the binary format is answered"));
}

TEST_CASE("calc_decoder: lines of text, as typed over telnet", "[lab][unit]") {
  CHECK(decode(raw("SUM 1 2\r\nsum x\r\nquit\r\n")) ==
        "SUM 1 2 = 3 |  | answered\nsum x | error: 'x' is not a whole number\n");
  CHECK(decode(raw("\xff\xfb\x01MAX 1\n")) == "MAX 1 = 1 |  | answered\n");
  calc_decoder one(byte_order::big);
  one.feed(raw("SUM 1"), start);
  one.tick(start + 10s);  // somebody types
  CHECK(one.take_exchanges().empty());
  one.feed(raw(" 2\n"), start + 11s);
  CHECK(one.take_exchanges().size() == 1);
  CHECK(decode(raw(std::string(10'000, 'a') + "\nSUM 1\n")).find("a line has at most 4096 characters") !=
        std::string::npos);
}

TEST_CASE("calc_decoder: fields cover the octets of a request", "[lab][unit]") {
  const calc_exchange one = explain_datagram(request(7, "SUM", {1, -2}), 16, byte_order::big, start);
  REQUIRE(one.fields.size() == 5);
  CHECK(one.fields[0] == event_field{"id", 0, 4, "7"});
  CHECK(one.fields[1] == event_field{"operation", 4, 7, "SUM"});
  CHECK(one.fields[2] == event_field{"count", 7, 8, "2"});
  CHECK(one.fields[3] == event_field{"z1", 8, 12, "1"});
  CHECK(one.fields[4] == event_field{"z2", 12, 16, "-2"});
}

TEST_CASE("calc_decoder: fields stay within the octets, whatever comes", "[lab][unit]") {
  for (std::size_t size = 0; size < 40; ++size)
    for (const char fill : {'\0', '\xff', 'S', '\x01'}) {
      bytes octets(size, static_cast<std::byte>(fill));
      if (size > 7) octets[4] = std::byte{'S'}, octets[5] = std::byte{'U'}, octets[6] = std::byte{'M'};
      const calc_exchange one = explain_datagram(octets, size, byte_order::big, start);
      std::size_t last = 0;
      for (const event_field& each : one.fields) {
        CHECK(each.from >= last);
        CHECK(each.to > each.from);
        CHECK(each.to <= one.octets.size());
        last = each.to;
      }
    }
}

}  // namespace netlab::lab::calc_decoder_test
