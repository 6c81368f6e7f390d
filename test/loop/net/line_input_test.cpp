// SPDX-License-Identifier: MIT
#include "net/line_input.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include <asio/executor_work_guard.hpp>

#include "net/fd.hpp"
#include "support/pipe.hpp"
#include "support/serving.hpp"

namespace netlab::net::line_input_test {

using test::pipe_ends;

namespace {

// Reads all lines up to the end of the input.
std::vector<std::string> read_all(int fd, std::size_t limit, std::error_code* error = nullptr) {
  asio::io_context loop{1};
  net::line_input input(loop, fd, limit);
  std::vector<std::string> lines;
  input.on_change([&] {
    while (const auto line = input.take()) lines.push_back(line->too_long ? "(too long)" : line->text);
    if (input.finished()) loop.stop();
  });
  const auto work = asio::make_work_guard(loop);
  loop.run_for(std::chrono::seconds(20));
  CHECK(input.finished());
  if (error != nullptr) *error = input.error();
  return lines;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("line_input: gives every line, the last without its ending too", "[net][loop]") {
  pipe_ends pipe;
  pipe.write("one\r\ntwo\n\nthree");
  pipe.writer = net::unique_fd();
  CHECK(read_all(pipe.reader.get(), 10) == texts{"one", "two", "", "three"});
}

TEST_CASE("line_input: a line that is too long is told, and the next is read", "[net][loop]") {
  pipe_ends pipe;
  pipe.write("12345678901\nok\n");
  pipe.writer = net::unique_fd();
  CHECK(read_all(pipe.reader.get(), 10) == texts{"(too long)", "ok"});
}

TEST_CASE("line_input: reads more than it holds at once, while somebody writes", "[net][loop]") {
  pipe_ends pipe;
  std::thread writer([&] {
    std::string text;
    for (int count = 0; count < 20'000; ++count) text += std::to_string(count) + "\n";
    pipe.write(text);
    pipe.writer = net::unique_fd();
  });
  const auto lines = read_all(pipe.reader.get(), 10);
  writer.join();
  REQUIRE(lines.size() == 20'000);
  CHECK(lines[19'999] == "19999");
}

TEST_CASE("line_input: a descriptor that cannot be read is an error, not an end", "[net][loop]") {
  const net::unique_fd directory(::open("/", O_RDONLY | O_CLOEXEC));
  std::error_code error;
  CHECK(read_all(directory.get(), 10, &error).empty());
  CHECK(error == std::errc::is_a_directory);
}

TEST_CASE("line_input: may go while its thread still waits", "[net][loop]") {
  pipe_ends pipe;
  {
    asio::io_context loop{1};
    const net::line_input input(loop, pipe.reader.get(), 10);
  }
  pipe.write("x\n");  // the thread wakes up and finds its owner gone
  // Until then the descriptor must not be closed, because its number might be reused.
  CHECK(test::becomes_true([&pipe] {
    int unread = 0;
    return ::ioctl(pipe.reader.get(), FIONREAD, &unread) == 0 && unread == 0;
  }));
}

TEST_CASE("line_input: a regular file's lines are there when they are asked for, to the last", "[net][loop]") {
  const int fd = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  const net::unique_fd file(fd);
  REQUIRE(file);
  std::string text;
  for (int count = 0; count < 20'000; ++count) text += std::to_string(count) + "\n";
  text += "too long for this\nno end";
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  REQUIRE(::lseek(fd, 0, SEEK_SET) == 0);
  asio::io_context loop{1};
  net::line_input input(loop, fd, 10);
  for (int count = 0; count < 20'000; ++count) {
    const auto line = input.take();
    REQUIRE(line);
    REQUIRE(line->text == std::to_string(count));
  }
  CHECK(input.take()->too_long);
  CHECK_FALSE(input.finished());
  CHECK(input.take()->text == "no end");
  CHECK_FALSE(input.take());
  CHECK(input.finished());
  CHECK(!input.error());
}

TEST_CASE("line_input: whoever waits for a regular file is called", "[net][loop]") {
  const net::unique_fd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  REQUIRE(::write(file.get(), "a\nb\n", 4) == 4);
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  CHECK(read_all(file.get(), 10) == std::vector<std::string>{"a", "b"});
}

}  // namespace netlab::net::line_input_test
