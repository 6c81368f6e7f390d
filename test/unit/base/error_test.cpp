// SPDX-License-Identifier: MIT
#include "base/error.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cerrno>
#include <future>

#include "base/result.hpp"

namespace netlab::error_test {

namespace {

std::error_code system(int value) { return {value, std::system_category()}; }

// A category with the name of Asio's own, because base must not use Asio.
class asio_like final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "asio.system"; }
  [[nodiscard]] std::string message(int) const override { return "?"; }
};

}  // namespace

TEST_CASE("error: each code of ours says what happened, in lower case", "[base][unit]") {
  for (int value = static_cast<int>(errc::usage); value <= static_cast<int>(errc::terminated); ++value) {
    const std::error_code code = make_error_code(static_cast<errc>(value));
    INFO(code.message());
    CHECK_FALSE(code.message().starts_with("error "));
    CHECK(code.message()[0] >= 'a');
  }
}

TEST_CASE("error: a code is in one class", "[base][unit]") {
  CHECK(make_error_code(errc::timed_out) == error_class::temporary);
  CHECK(make_error_code(errc::timed_out) != error_class::unavailable);
  CHECK(make_error_code(errc::peer_protocol) == error_class::protocol);
  CHECK(system(ECONNREFUSED) == error_class::unavailable);
  CHECK(system(ECONNRESET) == error_class::unavailable);
  CHECK(system(EADDRINUSE) == error_class::unavailable);
  CHECK(system(ENETUNREACH) == error_class::unavailable);
  CHECK(system(ETIMEDOUT) == error_class::temporary);
  CHECK(system(EACCES) == error_class::not_permitted);
  CHECK(system(EMFILE) == error_class::system_resources);
  CHECK(system(ENOENT) == error_class::no_input);
  CHECK(system(EIO) == error_class::input_output);
}

TEST_CASE("error: a code of an unknown category failed outside the program", "[base][unit]") {
  CHECK(classify(std::make_error_code(std::future_errc::no_state)) == error_class::input_output);
  CHECK(classify({9999, netlab_category()}) == error_class::internal);
}

TEST_CASE("error: Asio's own spelling of errno is the system's", "[base][unit]") {
  static const asio_like category;
  const std::error_code code(ECONNREFUSED, category);
  CHECK(to_standard(code) == std::errc::connection_refused);
  CHECK(code == error_class::unavailable);
  CHECK(failure(code, "connect").code == std::errc::connection_refused);
}

TEST_CASE("describe: one line, the act, the reason and the cure", "[base][unit]") {
  CHECK(describe({system(ECONNREFUSED), "connect [::1]:25", {}, "is it running?"}) ==
        "connect [::1]:25: connection refused (is it running?)");
  CHECK(describe({system(ECONNREFUSED), {}, {}, {}}) == "connection refused");
  CHECK(describe({make_error_code(errc::bad_data), {}, "'x' is not a number", {}}) == "'x' is not a number");
  CHECK(describe({make_error_code(errc::timed_out), "resolve x", {}, {}}) == "resolve x: timed out");
}

TEST_CASE("fail: makes a result of a code and words", "[base][unit]") {
  const result<int> ours = fail(errc::usage, "no", "yes");
  CHECK(ours.error().code == errc::usage);
  CHECK(describe(ours.error()) == "no (yes)");
  const result<int> theirs = fail(system(EPIPE), "write");
  CHECK(describe(theirs.error()) == "write: broken pipe");
}

}  // namespace netlab::error_test
