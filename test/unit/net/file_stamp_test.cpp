// SPDX-License-Identifier: MIT
#include "net/file_stamp.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch_test_macros.hpp>

namespace netlab::net::file_stamp_test {

namespace {

struct temporary_file {
  temporary_file() : name((std::filesystem::temp_directory_path() / "netlab-unit-XXXXXX").string()) {
    descriptor = ::mkstemp(name.data());
    put("first");
  }
  ~temporary_file() {
    ::close(descriptor);
    ::unlink(name.c_str());
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  void put(const std::string& octets) const {
    REQUIRE(::pwrite(descriptor, octets.data(), octets.size(), 0) == static_cast<ssize_t>(octets.size()));
  }
  std::string name;
  int descriptor = -1;
};

}  // namespace

TEST_CASE("file stamp: a file that stays as it is has the same stamp", "[net][file]") {
  const temporary_file file;
  const auto before = file_stamp::take(file.descriptor);
  REQUIRE(before);
  CHECK(before->size() == 5);
  REQUIRE(::chmod(file.name.c_str(), 0644) == 0);
  CHECK(file_stamp::take(file.descriptor) == before);
}

TEST_CASE("file stamp: a change of the same length is seen, however soon it comes", "[net][file]") {
  const temporary_file file;
  for (int round = 0; round < 20; ++round) {
    file.put("other");  // in the tick of the stamp, or just before
    const auto before = file_stamp::take(file.descriptor);
    file.put("third");
    CHECK(file_stamp::take(file.descriptor) != before);
  }
}

TEST_CASE("file stamp: a descriptor that is not open has none", "[net][file]") { CHECK_FALSE(file_stamp::take(-1)); }

TEST_CASE("file stamp: a time in the future is not waited for", "[net][file]") {
  const temporary_file file;
  const timespec times[2] = {{.tv_sec = 4'000'000'000, .tv_nsec = 0}, {.tv_sec = 4'000'000'000, .tv_nsec = 0}};
  REQUIRE(::futimens(file.descriptor, times) == 0);
  const auto before = file_stamp::take(file.descriptor);
  CHECK(before == file_stamp::take(file.descriptor));
}

}  // namespace netlab::net::file_stamp_test
