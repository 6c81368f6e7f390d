// SPDX-License-Identifier: MIT
#include "trace/program_names.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::trace::program_names_test {

using words = std::vector<std::string>;

TEST_CASE("program names: the script of an interpreter, else the program", "[trace][names]") {
  CHECK(make_program_name(words{"/usr/bin/nc", "localhost"}) == "nc");
  CHECK(make_program_name(words{"python3.11", "-u", "x/client.py", "4711"}) == "client.py");
  CHECK(make_program_name(words{"python3", "-c", "print(1)"}) == "python3");
  CHECK(make_program_name(words{"sh", "-c", "true"}) == "sh");
  CHECK(make_program_name(words{"a\x1b[2Jb"}) == "a\\x1b[2Jb");
  CHECK(make_program_name({}) == "?");
}

TEST_CASE("program names: a second process of a name gets a number, exec() another name", "[trace][names]") {
  program_names names;
  names.add(1, words{"sh"});
  names.add(1, words{"python3", "client.py"});
  names.add(2, words{"python3", "client.py"});
  names.add(2, words{"python3.11", "client.py"});
  CHECK(names.name_of(1) == "client.py");
  CHECK(names.name_of(2) == "client.py#2");
  CHECK(names.name_of(3) == "process 3");
}

}  // namespace netlab::trace::program_names_test
