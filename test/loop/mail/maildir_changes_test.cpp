// SPDX-License-Identifier: MIT
#include "mail/sink/io/maildir_changes.hpp"

#include <chrono>
#include <filesystem>

#include <catch2/catch_test_macros.hpp>

#include "net/run_client.hpp"
#include "support/files.hpp"

namespace netlab::mail::maildir_changes_test {
namespace {

class watched_box {
 public:
  watched_box() {
    for (const auto* each : {"new", "cur"}) std::filesystem::create_directory(box_.path_of(each));
  }
  [[nodiscard]] std::string path() const { return box_.path_of(""); }
  void deliver(std::string_view name) const { static_cast<void>(box_.file("new/" + std::string(name), "x")); }

 private:
  test::scratch_directory box_;
};

TEST_CASE("a change that came after watch() ends the wait, and the next wait ends at its time") {
  const watched_box box;
  asio::io_context loop;
  const auto waits = [&]() -> asio::awaitable<result<void>> {
    maildir_changes changes(loop, box.path());
    changes.watch();
    REQUIRE(changes.is_watching());
    box.deliver("1");
    const auto changed = co_await changes.wait(never);
    REQUIRE(changed);
    co_return co_await changes.wait(clock::now() + std::chrono::milliseconds(1));
  };
  CHECK(net::run_client(loop, waits()));
}

TEST_CASE("a change at the very end of the wait: what watches may be destroyed at once") {
  const watched_box box;
  asio::io_context loop;
  const auto waits = [&]() -> asio::awaitable<result<void>> {
    maildir_changes changes(loop, box.path());
    changes.watch();
    box.deliver("1");
    co_return co_await changes.wait(clock::now());  // in the same turn of the loop
  };
  CHECK(net::run_client(loop, waits()));
}

}  // namespace
}  // namespace netlab::mail::maildir_changes_test
