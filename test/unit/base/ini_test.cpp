// SPDX-License-Identifier: MIT
#include "base/ini.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::ini_test {

using namespace std::string_view_literals;
using test::why;

namespace {

std::string show(std::string_view text) {
  const auto parsed = parse_ini(text);
  if (!parsed) return why(parsed);
  std::string all;
  for (const ini_entry& each : *parsed)
    all += std::to_string(each.line) + " [" + each.section + "] " + each.key + "=" + each.value + ";";
  return all;
}

}  // namespace

TEST_CASE("ini: each entry has its section, key, value and line", "[base][unit]") {
  CHECK(show("# a comment\n\n[calc serve]\nport = 5\n  ; another\n\tbind=::1\n[echo]\nx=\n") ==
        "4 [calc serve] port=5;6 [calc serve] bind=::1;8 [echo] x=;");
}

TEST_CASE("ini: a value is the rest of its line", "[base][unit]") {
  CHECK(show("[a]\nk = \"x\" # y = z ; \t\n") == "2 [a] k=\"x\" # y = z ;;");
}

TEST_CASE("ini: a key may come again, and a section too", "[base][unit]") {
  CHECK(show("[a]\nk=1\nk=2\n[b]\nk=3\n[a]\nk=4") == "2 [a] k=1;3 [a] k=2;5 [b] k=3;7 [a] k=4;");
}

TEST_CASE("ini: blanks in a section's name count as one", "[base][unit]") {
  CHECK(show("[  calc \t serve ]\nk=1") == "2 [calc serve] k=1;");
}

TEST_CASE("ini: a byte order mark, CR LF and a missing last line end are accepted", "[base][unit]") {
  CHECK(show("\xef\xbb\xbf[a]\r\nk=1\r\nl=2") == "2 [a] k=1;3 [a] l=2;");
}

TEST_CASE("ini: nothing is in an empty file", "[base][unit]") {
  CHECK(show("").empty());
  CHECK(show("\n\n# only this").empty());
  CHECK(show("[a]").empty());
}

TEST_CASE("ini: a broken line is named by its number", "[base][unit]") {
  CHECK(show("[a]\nk=1\nnonsense\n") == "line 3: 'nonsense' is neither [section] nor key = value");
  CHECK(show("[a\n") == "line 1: a section without its closing ]");
  CHECK(show("[") == "line 1: a section without its closing ]");
  CHECK(show("\n[]") == "line 2: a section without a name");
  CHECK(show("[ \t ]") == "line 1: a section without a name");
  CHECK(show("[a]\n=1") == "line 2: a value without a key");
  CHECK(show("k=1\n[a]") == "line 1: key 'k' stands before the first [section]");
  CHECK(test::failed_with(parse_ini("x"), errc::bad_configuration));
}

TEST_CASE("ini: a NUL shows that it is no text", "[base][unit]") {
  CHECK(show("[a]\nk=1\0"sv) == "line 2: a NUL byte: not a text file");
  CHECK(show("# \0"sv) == "line 1: a NUL byte: not a text file");
}

TEST_CASE("ini: a broken line is safe to show", "[base][unit]") {
  CHECK(show("[a]\n\x1b[2J") == "line 2: '\\x1b[2J' is neither [section] nor key = value");
}

}  // namespace netlab::ini_test
