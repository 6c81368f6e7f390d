// SPDX-License-Identifier: MIT
#include "frame/json_input.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::app::json_input_test {

using namespace std::string_view_literals;
using nlohmann::json;

TEST_CASE("json input: it is what nlohmann::json makes of it", "[app][unit]") {
  for (const auto text :
       {R"({"to":"a@b","body":"one\ntwo\\ \"three\" \/ \b\f\r\t"})"sv, R"({})"sv,
        R"( { "a" : "b" , "c" : [ "d" , "e" ] } )"sv, R"({"a":[],"b":{},"c":{"d":"e"}})"sv, R"({"a":1})"sv,
        R"({"a":{"b":"c"},"b":{"b":"c"}})"sv, R"([{"a":1},{"a":2}])"sv, R"({"a":true,"b":null})"sv,
        R"({"a":"\u00e4\ud83d\ude00"})"sv, R"({"a":[1,"b"]})"sv, R"({"a":{"b":["c"]}})"sv, R"(["a"])"sv, R"("a")"sv,
        R"(1)"sv, "{\"a\":\"Gr\xc3\xbc\xc3\x9f\x65\"}"sv, "{\"\":\"\"}"sv})
    CHECK(parse_json(text).value() == json::parse(text));
}

TEST_CASE("json input: a key that stands twice is an error, at any depth", "[app][unit]") {
  for (const auto text : {R"({"a":"b","a":"c"})"sv, R"({"a":"b","c":"d","a":"b"})"sv, R"({"a":["b"],"a":{"c":"d"}})"sv,
                          R"({"x":{"a":"b","a":"c"}})"sv, R"([{"a":1,"a":2}])"sv, R"({"a":1,"\u0061":2})"sv}) {
    const auto parsed = parse_json(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().detail == "duplicate key 'a'");
  }
}

TEST_CASE("json input: what is not JSON is refused", "[app][unit]") {
  for (const auto text : {""sv,
                          " "sv,
                          "{"sv,
                          R"({"a")"sv,
                          R"({"a":)"sv,
                          R"({"a":"b")"sv,
                          R"({"a":"b",})"sv,
                          R"({"a":"b"}x)"sv,
                          R"({"a":"b)"sv,
                          R"({"a":"b\)"sv,
                          R"({"a":"\x"})"sv,
                          R"({"a":"\"})"sv,
                          R"({a:"b"})"sv,
                          R"({"a":["b",]})"sv,
                          R"({"a":["b"})"sv,
                          R"({"a":"\ud800"})"sv,
                          "{\"a\":\"\n\"}"sv,
                          "{\"a\":\"12345678\x01\"}"sv,
                          "{\"a\":\"\xff\"}"sv,
                          "{\"a\":\"\0\"}"sv,
                          "{\"a\n\":\"b\"}"sv,

                          "{,}"sv})
    CHECK_FALSE(parse_json(text));
}

}  // namespace netlab::app::json_input_test
