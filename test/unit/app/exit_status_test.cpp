// SPDX-License-Identifier: MIT
#include "frame/exit_status.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cerrno>
#include <set>

namespace netlab::app::exit_status_test {

namespace {

int status(errc code) { return static_cast<int>(status_of(make_error_code(code))); }
int status(int value) { return static_cast<int>(status_of(std::error_code(value, std::system_category()))); }

}  // namespace

TEST_CASE("exit_status: each code of ours has the number that was promised", "[app][unit]") {
  CHECK(status(errc::partly_done) == 1);
  CHECK(status(errc::usage) == 64);
  CHECK(status(errc::bad_data) == 65);
  CHECK(status(errc::no_input) == 66);
  CHECK(status(errc::no_such_host) == 68);
  CHECK(status(errc::closed_by_peer) == 69);
  CHECK(status(errc::rejected) == 69);
  CHECK(status(errc::internal) == 70);
  CHECK(status(errc::cannot_create) == 73);
  CHECK(status(errc::output_lost) == 74);
  CHECK(status(errc::outcome_unknown) == 74);
  CHECK(status(errc::timed_out) == 75);
  CHECK(status(errc::try_later) == 75);
  CHECK(status(errc::resolver_failed) == 75);
  CHECK(status(errc::peer_protocol) == 76);
  CHECK(status(errc::not_permitted) == 77);
  CHECK(status(errc::bad_configuration) == 78);
  CHECK(status(errc::interrupted) == 130);
  CHECK(status(errc::terminated) == 143);
}

TEST_CASE("exit_status: the system's codes too", "[app][unit]") {
  for (const int value : {ECONNREFUSED, ECONNRESET, ENETUNREACH, EHOSTUNREACH, EADDRINUSE, EADDRNOTAVAIL, EPIPE})
    CHECK(status(value) == 69);
  for (const int value : {EMFILE, ENFILE, ENOMEM, ENOBUFS}) CHECK(status(value) == 71);
  for (const int value : {EIO, ENOSPC, EBADF}) CHECK(status(value) == 74);
  CHECK(status(ETIMEDOUT) == 75);
  for (const int value : {EACCES, EPERM}) CHECK(status(value) == 77);
}

TEST_CASE("exit_status: every status has one meaning, in ascending order", "[app][unit]") {
  std::set<int> seen;
  int before = -1;
  for (const status_meaning& each : status_meanings()) {
    CHECK(static_cast<int>(each.status) > before);
    CHECK_FALSE(each.meaning.empty());
    before = static_cast<int>(each.status);
    seen.insert(before);
  }
  CHECK(seen == std::set{0, 1, 64, 65, 66, 68, 69, 70, 71, 73, 74, 75, 76, 77, 78, 130, 143});
}

}  // namespace netlab::app::exit_status_test
