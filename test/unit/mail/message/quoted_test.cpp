// SPDX-License-Identifier: MIT
#include "mail/message/quoted.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::mail::quoted_test {

TEST_CASE("quoted string: ends at a quote that is not escaped", "[mail][unit]") {
  CHECK(length_of_quoted(R"("" b)") == 2);
  CHECK(length_of_quoted(R"("a\"b\\" c")") == 8);
  CHECK(length_of_quoted(R"("a)") == 0);
  CHECK(length_of_quoted(R"("a\")") == 0);
  CHECK(length_of_quoted("\"a\\") == 0);
}

TEST_CASE("comment: ends at its own parenthesis", "[mail][unit]") {
  CHECK(length_of_comment("() b") == 2);
  CHECK(length_of_comment(R"((a (b\)) c) d)") == 11);
  CHECK(length_of_comment("(a (b)") == 0);
  CHECK(length_of_comment("(a\\") == 0);
}

TEST_CASE("quoted string: escaping and its inverse", "[mail][unit]") {
  CHECK(to_quoted("") == R"("")");
  CHECK(to_quoted(R"(a"b\c)") == R"("a\"b\\c")");
  CHECK(unquote(R"(a\"b\\c)") == R"(a"b\c)");
  CHECK(unquote("a\\") == "a\\");
}

}  // namespace netlab::mail::quoted_test
