// SPDX-License-Identifier: MIT
#include "trace/io/source_lines.hpp"

#include "trace/io/native_lines.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::trace::source_lines_test {

using namespace std::string_literals;

TEST_CASE("source lines: what Python tells is read, anything else is none", "[trace][source]") {
  const auto line = parse_reported_line(
      "connect\0/tmp/a b.py\0"
      "14\0main\0"s);
  REQUIRE(line);
  CHECK(line->method == "connect");
  CHECK(to_string(line->where) == "a b.py:14");
  CHECK(line->where.function == "main");
  for (const auto& message : {""s, "\0"s, "x"s, "a\0b\0c\0d\0"s,
                              "a\0b\0"
                              "1\0"s,
                              "a\0b\0"
                              "1\0d"s,
                              "\0b\0"
                              "1\0d\0"s,
                              "a\0\0"
                              "1\0d\0"s,
                              "a\0b\0"
                              "1\0d\0e\0"s})
    CHECK_FALSE(parse_reported_line(message));
}

TEST_CASE("source lines: what an earlier line left in the buffer does not count", "[trace][source]") {
  const auto line =
      "send\0x.py\0"
      "7\0f\0"s;
  CHECK(cut_reported_line(line + "main\0\0\0"s) == line);
  CHECK(cut_reported_line(line) == line);
  for (std::size_t size = 0; size < line.size(); ++size) CHECK(cut_reported_line(line.substr(0, size)).empty());
}

TEST_CASE("source lines: a method's line is for its own calls only", "[trace][source]") {
  CHECK(makes_call("sendall", call_kind::send));
  CHECK(makes_call("recv", call_kind::wait));
  CHECK(makes_call("do_handshake", call_kind::receive));
  CHECK_FALSE(makes_call("recv", call_kind::close));
  CHECK_FALSE(makes_call("close", call_kind::exit));
}

TEST_CASE("source lines: Python that ignores the environment is known", "[trace][source]") {
  using words = std::vector<std::string>;
  CHECK(is_isolated_python(words{"/usr/bin/python3", "-I", "x.py"}));
  CHECK(is_isolated_python(words{"python3.11", "-uE", "x.py"}));
  CHECK_FALSE(is_isolated_python(words{"python3", "-u", "x.py", "-I"}));
  CHECK_FALSE(is_isolated_python(words{"python3", "-c", "-I"}));
  CHECK_FALSE(is_isolated_python(words{"python3", "-cISE"}));
  CHECK_FALSE(is_isolated_python(words{"nc", "-I"}));
}

TEST_CASE("source lines: a function's name is without arguments, result and anonymous namespaces", "[trace][source]") {
  CHECK(shorten_function_name("main") == "main");
  CHECK(shorten_function_name("app::send_all(int, char const*)") == "app::send_all");
  CHECK(shorten_function_name("void app::send_all<int>(int)") == "app::send_all<int>");
  CHECK(shorten_function_name("(anonymous namespace)::connect_to(int, sockaddr_in const&)") == "connect_to");
  CHECK(shorten_function_name("main::{lambda(int)#1}::operator()(int) const") == "main::{lambda(int)#1}::operator()");
}

}  // namespace netlab::trace::source_lines_test
