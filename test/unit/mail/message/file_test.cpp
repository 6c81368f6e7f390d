// SPDX-License-Identifier: MIT
#include "mail/message/io/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/failure.hpp"

namespace netlab::mail::file_test {

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

TEST_CASE("file: one that is written to while it is read is no longer what was opened", "[mail][unit]") {
  const place here;
  const std::string name = here.put("a", "hello, world");
  const auto file = open_file(name);
  REQUIRE(file);
  std::array<char, 5> buffer;
  CHECK((*file)->read(0, buffer).value() == 5);
  CHECK((*file)->check_unchanged());
  SECTION("in place, as long as before") {
    std::fstream(name, std::ios::in | std::ios::out) << "HELLO, WORLD";
    CHECK(why((*file)->check_unchanged()).ends_with("it changed while it was sent"));
  }
  SECTION("appended to") {
    std::ofstream(name, std::ios::app) << "!";
    CHECK(why((*file)->check_unchanged()).ends_with("it had 12 octets, then 13"));
  }
  SECTION("renamed and removed: what was opened is still there") {
    std::filesystem::rename(name, name + "b");
    std::filesystem::remove(name + "b");
    CHECK((*file)->check_unchanged());
  }
}

TEST_CASE("base_name: without directories", "[mail][unit]") {
  CHECK(base_name("/a/b.txt") == "b.txt");
  CHECK(base_name("b.txt") == "b.txt");
  CHECK(base_name("a/").empty());
}

}  // namespace netlab::mail::file_test
