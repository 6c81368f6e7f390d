// SPDX-License-Identifier: MIT
#include "lab/web/event_feed.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace netlab::lab::event_feed_test {

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("event_feed: each reader gets what it may see, once", "[lab][unit]") {
  event_feed feed(100);
  event_feed::reader teacher{.position = feed.last_id(), .is_teacher = true};
  event_feed::reader a{.position = feed.last_id(), .team = "a"};
  feed.push("team", "1", "a", audience::team);
  feed.push("team", "2", "b", audience::team);
  feed.push("totals", "3", {}, audience::teacher);
  feed.push("mails", "4", "a", audience::only_team);
  const std::string all = feed.read(teacher, 10'000);
  CHECK(all == "id: 101\nevent: team\ndata: 1\n\nid: 102\nevent: team\ndata: 2\n\nid: 103\nevent: totals\ndata: 3\n\n");
  CHECK(feed.read(teacher, 10'000).empty());
  const std::string own = feed.read(a, 10'000);
  CHECK(has(own, "data: 1\n"));
  CHECK(has(own, "data: 4\n"));
  CHECK_FALSE(has(own, "data: 2\n"));
  CHECK_FALSE(has(own, "data: 3\n"));
}

TEST_CASE("event_feed: a reader without a team sees nothing", "[lab][unit]") {
  event_feed feed(0);
  event_feed::reader nobody{.position = 0};
  feed.push("totals", "1", {}, audience::teacher);
  feed.push("team", "2", "a", audience::team);
  CHECK(feed.read(nobody, 10'000).empty());
}

TEST_CASE("event_feed: a position resumes, and one that is too old or unknown resets", "[lab][unit]") {
  event_feed feed(1000);
  for (int count = 0; count < 5; ++count) feed.push("x", std::to_string(count), {}, audience::teacher);
  event_feed::reader resumed{.position = 1003, .is_teacher = true};
  CHECK(feed.read(resumed, 10'000).starts_with("id: 1004\n"));
  for (const std::uint64_t odd : {std::uint64_t{0}, std::uint64_t{999}, std::uint64_t{1006}, UINT64_MAX}) {
    event_feed::reader one{.position = odd, .is_teacher = true};
    CHECK(feed.read(one, 10'000) == "id: 1005\nevent: reset\ndata: {}\n\n");
    CHECK(one.position == 1005);
  }
  event_feed::reader first{.position = 1000, .is_teacher = true};
  CHECK(feed.read(first, 10'000).starts_with("id: 1001\n"));
}

TEST_CASE("event_feed: memory is bounded, and a reader that is too slow resets", "[lab][unit]") {
  event_feed feed(0);
  event_feed::reader slow{.position = 0, .is_teacher = true};
  for (std::size_t count = 0; count < event_feed::most_messages + 1; ++count)
    feed.push("x", "1", {}, audience::teacher);
  CHECK(has(feed.read(slow, 10'000), "event: reset"));
  event_feed::reader large{.position = feed.last_id(), .is_teacher = true};
  for (int count = 0; count < 20; ++count) feed.push("x", std::string(1024 * 1024, 'x'), {}, audience::teacher);
  CHECK(has(feed.read(large, 10'000), "event: reset"));
}

TEST_CASE("event_feed: a piece has about the size asked for", "[lab][unit]") {
  event_feed feed(0);
  event_feed::reader one{.position = 0, .is_teacher = true};
  for (int count = 0; count < 100; ++count) feed.push("x", std::string(1000, 'x'), {}, audience::teacher);
  CHECK(feed.read(one, 3000).size() < 4500);
  CHECK(one.position < 6);
}

}  // namespace netlab::lab::event_feed_test
