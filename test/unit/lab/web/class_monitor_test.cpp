// SPDX-License-Identifier: MIT
#include "lab/web/class_monitor.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <string>

namespace netlab::lab::class_monitor_test {

namespace {

constexpr wall_time start{std::chrono::hours(1000)};

/// A client connects to daytime, and the teacher names its team.
void let_something_happen(class_monitor& in) {
  in.observe({.kind = observed::connected, .at = start, .connection = 1, .address = "192.0.2.7", .service = "daytime"});
  REQUIRE(in.name({.at = start, .address = "192.0.2.7", .name = "x"}));
  in.clear_mails(start);
}

}  // namespace

TEST_CASE("class_monitor: without a reader nothing is kept for one", "[lab][unit]") {
  class_monitor one({}, {}, start);
  const auto before = one.feed().last_id();
  let_something_happen(one);
  CHECK_FALSE(one.publish(start));
  CHECK(one.feed().last_id() == before);
  CHECK(one.take_records().empty());
  CHECK(one.take_json().empty());
  CHECK(one.journal().rows().size() == 1);
}

TEST_CASE("class_monitor: the feed, the journal file and --json each get what happens", "[lab][unit]") {
  class_monitor one({}, {}, start);
  one.keep_feed();
  one.keep_json();
  one.keep_records();
  event_feed::reader teacher{.position = one.feed().last_id(), .is_teacher = true};
  let_something_happen(one);
  CHECK(one.publish(start));
  CHECK_FALSE(one.publish(start));
  const std::string text = one.feed().read(teacher, 100'000);
  for (const char* event : {"event: detail\n", "event: team\n", "event: mails\n", "event: totals\n"})
    CHECK(text.find(event) != std::string::npos);
  CHECK(one.take_records().size() == 3);
  CHECK(one.take_json().size() == 1);
}

}  // namespace netlab::lab::class_monitor_test
