// SPDX-License-Identifier: MIT
#include "mail/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/failure.hpp"

using namespace netlab;
using namespace netlab::mail;
using test::failed_with;
using test::why;

namespace {

struct place {
  place() {
    std::string name = (std::filesystem::temp_directory_path() / "netlab-unit-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~place() { std::filesystem::remove_all(path); }
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  std::string put(const std::string& name, std::string_view octets) const {
    std::ofstream(path / name, std::ios::binary) << octets;
    return path / name;
  }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("file: it has the size that it was opened with, and can be read anywhere", "[mail][unit]") {
  const place here;
  const auto file = open_file(here.put("a", "hello, world"));
  REQUIRE(file);
  CHECK((*file)->size() == 12);
  std::array<char, 5> buffer;
  CHECK((*file)->read(7, buffer).value() == 5);
  CHECK(std::string_view(buffer.data(), 5) == "world");
  CHECK((*file)->read(12, buffer).value() == 0);
}

TEST_CASE("file: what is missing or no file is no input", "[mail][unit]") {
  const place here;
  CHECK(failed_with(open_file(here.path / "missing"), errc::no_input));
  CHECK(why(open_file(here.path / "missing")).find("missing: no such file or directory") != std::string::npos);
  CHECK(failed_with(open_file(here.path), errc::no_input));
  CHECK(failed_with(open_file(std::string("a\0b", 3)), errc::no_input));
  if (::geteuid() != 0) {
    const std::string closed = here.put("closed", "x");
    ::chmod(closed.c_str(), 0);
    CHECK(failed_with(open_file(closed), errc::no_input));
  }
}

TEST_CASE("file: a pipe has a size too, and can be read twice", "[mail][unit]") {
  const place here;
  const std::string name = here.path / "pipe";
  REQUIRE(::mkfifo(name.c_str(), 0600) == 0);
  std::thread writer([&] { std::ofstream(name) << std::string(100'000, 'x'); });
  const auto file = open_file(name);
  writer.join();
  REQUIRE(file);
  CHECK((*file)->size() == 100'000);
  std::array<char, 5> buffer;
  CHECK((*file)->read(99'999, buffer).value() == 1);
  CHECK((*file)->read(0, buffer).value() == 5);
}

TEST_CASE("base_name: without directories", "[mail][unit]") {
  CHECK(base_name("/a/b.txt") == "b.txt");
  CHECK(base_name("b.txt") == "b.txt");
  CHECK(base_name("a/").empty());
}
