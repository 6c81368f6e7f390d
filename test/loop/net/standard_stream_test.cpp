// SPDX-License-Identifier: MIT
#include "net/standard_stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <csignal>

#include "support/failure.hpp"
#include "support/pipe.hpp"
#include "support/serving.hpp"

namespace netlab::net::standard_stream_test {

using namespace test;

namespace {

bool is_blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

}  // namespace

TEST_CASE("standard stream: a pipe is read and written without becoming non-blocking", "[net][standard_stream][loop]") {
  const pipe_ends pipe;
  asio::io_context loop;
  standard_stream input(loop.get_executor(), pipe.reader.get(), standard_stream::use::input);
  standard_stream output(loop.get_executor(), pipe.writer.get(), standard_stream::use::output);
  const bytes sent(4 * 1024 * 1024, std::byte{7});  // more than a pipe holds: both have to wait
  std::error_code written = make_error_code(errc::internal);
  std::size_t received = 0;
  asio::co_spawn(loop, [&]() -> asio::awaitable<void> { written = co_await output.write(sent); }, net::rethrow);
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        bytes buffer(100'000);
        while (received < sent.size()) {
          const auto size = co_await input.read(buffer);
          if (!size || *size == 0) break;
          received += *size;
        }
      },
      net::rethrow);
  loop.run();
  CHECK(!written);
  CHECK(received == sent.size());
  CHECK(is_blocking(pipe.reader.get()));
  CHECK(is_blocking(pipe.writer.get()));
}

TEST_CASE("standard stream: the end of a pipe, a pipe without a reader, a descriptor that is none",
          "[net][standard_stream][loop]") {
  std::signal(SIGPIPE, SIG_IGN);  // as main() does
  asio::io_context loop;
  pipe_ends ended;
  ended.writer = net::unique_fd();
  pipe_ends unread;
  standard_stream input(loop.get_executor(), ended.reader.get(), standard_stream::use::input);
  standard_stream output(loop.get_executor(), unread.writer.get(), standard_stream::use::output);
  unread.reader = net::unique_fd();
  standard_stream none(loop.get_executor(), -1, standard_stream::use::input);
  std::size_t size = 1;
  std::error_code written;
  std::string why_none;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        bytes buffer(10);
        const auto end = co_await input.read(buffer);
        size = end.value_or(99);
        written = co_await output.write(buffer);
        const auto bad = co_await none.read(buffer);
        why_none = why(bad);
      },
      net::rethrow);
  loop.run();
  CHECK(size == 0);
  CHECK(written == std::errc::broken_pipe);
  CHECK(why_none == "read stdin: bad file descriptor");
}

TEST_CASE("standard stream: a read that waits can be cancelled", "[net][standard_stream][loop]") {
  const pipe_ends pipe;
  asio::io_context loop;
  standard_stream input(loop.get_executor(), pipe.reader.get(), standard_stream::use::input);
  bool failed = false;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        bytes buffer(10);
        const auto size = co_await input.read(buffer);
        failed = !size && classify(size.error().code) == error_class::interrupted;
      },
      net::rethrow);
  asio::post(loop, [&] { input.cancel(); });
  loop.run();
  CHECK(failed);
}

}  // namespace netlab::net::standard_stream_test
