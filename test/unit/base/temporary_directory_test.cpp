// SPDX-License-Identifier: MIT
#include "base/temporary_directory.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include <catch2/catch_test_macros.hpp>

namespace netlab::temporary_directory_test {

namespace {

/// $TMPDIR is a directory of the test's own, so that no other process has one there.
class own_parent {
 public:
  own_parent() {
    const char* const before = std::getenv("TMPDIR");
    if (before != nullptr) before_ = before;
    std::string made = (std::filesystem::temp_directory_path() / "netlab-test-XXXXXX").string();
    REQUIRE(::mkdtemp(made.data()) != nullptr);
    path_ = made;
    ::setenv("TMPDIR", made.c_str(), 1);
  }
  ~own_parent() {
    if (before_.empty())
      ::unsetenv("TMPDIR");
    else
      ::setenv("TMPDIR", before_.c_str(), 1);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  own_parent(const own_parent&) = delete;
  own_parent& operator=(const own_parent&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::string before_;
};

/// The path of a directory whose process was killed.
std::string abandon() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto made = temporary_directory::make();
    if (!made) ::_exit(1);
    std::ofstream(made->path() + "/left") << "x";
    if (::write(ends[1], made->path().data(), made->path().size()) < 0) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  std::array<char, 4096> path{};
  const ssize_t size = ::read(ends[0], path.data(), path.size());
  ::close(ends[0]);
  ::close(ends[1]);
  return {path.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

}  // namespace

TEST_CASE("temporary_directory: the owner's alone, and gone with all that is in it", "[base][temporary_directory]") {
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

TEST_CASE("temporary_directory: that of a killed process is removed by the next one", "[base][temporary_directory]") {
  const own_parent parent;
  const std::string left = abandon();
  REQUIRE(std::filesystem::exists(left + "/left"));
  const auto made = temporary_directory::make();
  REQUIRE(made.has_value());
  CHECK_FALSE(std::filesystem::exists(left));
}

TEST_CASE("temporary_directory: one in use and what others made is left alone", "[base][temporary_directory]") {
  const own_parent parent;
  const auto first = temporary_directory::make();
  REQUIRE(first.has_value());
  std::filesystem::create_directories(parent.path() / "netlab-report");
  std::filesystem::create_directories(parent.path() / "elsewhere" / "kept");
  std::filesystem::create_directory_symlink(parent.path() / "elsewhere", parent.path() / "netlab-temporary-abcdef");
  std::ofstream(parent.path() / "netlab-temporary-ghijkl") << "a file";
  const auto second = temporary_directory::make();
  REQUIRE(second.has_value());
  CHECK(std::filesystem::exists(first->path()));
  CHECK(std::filesystem::exists(parent.path() / "netlab-report"));
  CHECK(std::filesystem::exists(parent.path() / "elsewhere" / "kept"));
  CHECK(std::filesystem::exists(parent.path() / "netlab-temporary-ghijkl"));
}

TEST_CASE("temporary_directory: a parent that does not exist is said by name", "[base][temporary_directory]") {
  const own_parent parent;
  ::setenv("TMPDIR", (parent.path() / "absent").c_str(), 1);
  const auto made = temporary_directory::make();
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == errc::cannot_create);
  CHECK(describe(made.error()).contains("absent"));
}

}  // namespace netlab::temporary_directory_test
