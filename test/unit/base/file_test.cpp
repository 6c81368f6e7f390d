// SPDX-License-Identifier: MIT
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <catch2/catch_test_macros.hpp>

namespace netlab::file_test {

namespace {

std::string lines_of(std::string_view text) {
  std::string shown;
  for (const std::string_view line : text_lines(text)) shown += std::string(line) + "|";
  return shown;
}

}  // namespace

TEST_CASE("file: lines end with LF or CRLF, and the last one perhaps with nothing", "[base][file]") {
  CHECK(lines_of("a\nb\n") == "a|b|");
  CHECK(lines_of("a\nb") == "a|b|");
  CHECK(lines_of("a\r\nb\r\n") == "a|b|");
  CHECK(lines_of("a\r\nb") == "a|b|");
  CHECK(lines_of("a\n\n") == "a||");
  CHECK(lines_of("a\rb") == "a\rb|");
  CHECK(lines_of("") == "|");
}

TEST_CASE("file: is replaced as a whole, with the mode that is wanted", "[base][file]") {
  std::string directory = "/tmp/netlab-file-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string name = directory + "/one";
  const auto mode = [&] {
    struct stat about{};
    REQUIRE(::stat(name.c_str(), &about) == 0);
    return about.st_mode & 0777U;
  };
  CHECK_FALSE(replace_file(name, "first\n", 0600));
  CHECK(read_file(name) == "first\n");
  CHECK(mode() == 0600);
  CHECK_FALSE(replace_file(name, "", 0644));
  CHECK(read_file(name) == "");
  CHECK(mode() == 0644);
  ::unlink(name.c_str());
  // Fails at the last step: a directory cannot be replaced by a file. Nothing else is left.
  REQUIRE(::mkdir(name.c_str(), 0700) == 0);
  CHECK(replace_file(name, "second\n", 0600) == std::errc::is_a_directory);
  REQUIRE(::rmdir(name.c_str()) == 0);
  CHECK(::rmdir(directory.c_str()) == 0);
  CHECK(replace_file(name, "third\n", 0600) == std::errc::no_such_file_or_directory);
}

TEST_CASE("file: a byte order mark is no part of the first line", "[base][file]") {
  CHECK(lines_of("\xef\xbb\xbf"
                 "a\n\xef\xbb\xbf"
                 "b\n") ==
        "a|\xef\xbb\xbf"
        "b|");
  CHECK(without_byte_order_mark("\xef\xbb") == "\xef\xbb");
}

TEST_CASE("file: all of a file, or the system's reason", "[base][file]") {
  std::string name = "/tmp/netlab-file-XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  REQUIRE(fd >= 0);
  const std::string text(100'000, 'x');
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(fd);
  CHECK(read_file(name) == text);
  CHECK(read_file(name, text.size()) == text);
  CHECK(read_file(name, text.size() - 1).error() == std::errc::file_too_large);
  ::unlink(name.c_str());
  CHECK(read_file(name).error() == std::errc::no_such_file_or_directory);
  CHECK(read_file("/").error() == std::errc::is_a_directory);
  CHECK(read_file(std::string("/etc/passwd\0x", 13)).error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("file: a signal does not end what is read from a pipe", "[base][file]") {
  struct sigaction noting{};
  noting.sa_handler = [](int) {};  // no SA_RESTART: read(2) fails with EINTR
  struct sigaction before{};
  ::sigaction(SIGUSR2, &noting, &before);
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const pthread_t reader = ::pthread_self();
  std::jthread writer([&] {
    for (int count = 0; count < 20; ++count) {
      ::pthread_kill(reader, SIGUSR2);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(::write(ends[1], "text", 4) == 4);
    ::close(ends[1]);
  });
  CHECK(read_all(ends[0]) == "text");
  ::close(ends[0]);
  writer.join();
  ::sigaction(SIGUSR2, &before, nullptr);
}

}  // namespace netlab::file_test
