// SPDX-License-Identifier: MIT
#include "lab/tour/temporary_directory.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include <catch2/catch_test_macros.hpp>

using namespace netlab::lab;

TEST_CASE("temporary_directory: the owner's alone, and gone with all that is in it", "[lab][temporary_directory]") {
  std::string path;
  {
    auto made = temporary_directory::make();
    REQUIRE(made.has_value());
    const temporary_directory kept = std::move(*made);
    path = kept.path();
    struct stat about{};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
    std::filesystem::create_directories(path + "/a/b");
    std::ofstream(path + "/a/b/c") << "x";
  }
  CHECK_FALSE(std::filesystem::exists(path));
}
