// SPDX-License-Identifier: MIT
#include "lab/journal/class_journal.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace netlab::lab::class_journal_test {

using namespace std::chrono_literals;

namespace {

constexpr wall_time start{std::chrono::hours(1000)};

class_event event(std::string address, wall_time at, std::vector<step_mark> marks = {}, std::string user = {}) {
  class_event made{.at = at, .address = std::move(address), .user = std::move(user), .text = "x"};
  made.verdict = marks.empty() ? verdict::info : marks[0].state == step_state::done ? verdict::ok : verdict::wrong;
  made.marks = std::move(marks);
  return made;
}
step_mark tried(sheet_step which, std::string note = "wrong") { return {which, step_state::tried, std::move(note)}; }
step_mark done(sheet_step which) { return {which, step_state::done, {}}; }

}  // namespace

TEST_CASE("class_journal: a cell goes from none over tried to done, and stays there", "[lab][unit]") {
  class_journal one;
  one.add(event("192.0.2.7", start, {tried(sheet_step::calc_tcp, "a")}));
  one.add(event("192.0.2.7", start + 1s, {tried(sheet_step::calc_tcp, "b")}));
  const class_row* row = one.row_of("192.0.2.7");
  REQUIRE(row);
  CHECK(row->cell(sheet_step::calc_tcp).state == step_state::tried);
  CHECK(row->cell(sheet_step::calc_tcp).note == "b");
  CHECK(row->cell(sheet_step::calc_tcp).tries == 2);
  CHECK(row->stuck_step() == sheet_step::calc_tcp);
  CHECK(row->stuck_since() == start);
  one.add(event("192.0.2.7", start + 2s, {done(sheet_step::calc_tcp)}));
  CHECK_FALSE(row->stuck_since());
  one.add(event("192.0.2.7", start + 3s, {tried(sheet_step::calc_tcp)}));
  CHECK(row->cell(sheet_step::calc_tcp).state == step_state::done);
  CHECK(row->cell(sheet_step::calc_tcp).at == start + 2s);
  CHECK(row->cell(sheet_step::calc_tcp).tries == 2);
  CHECK(row->cell(sheet_step::calc_udp).state == step_state::none);
}

TEST_CASE("class_journal: stuck is the last step tried after the last success", "[lab][unit]") {
  class_journal one;
  one.add(event("a", start, {tried(sheet_step::calc_tcp)}));
  one.add(event("a", start + 1s, {tried(sheet_step::calc_udp)}));
  CHECK(one.row_of("a")->stuck_step() == sheet_step::calc_udp);
  one.add(event("a", start + 2s, {done(sheet_step::echo_tcp)}));
  CHECK_FALSE(one.row_of("a")->stuck_step());
  one.add(event("a", start + 3s, {tried(sheet_step::calc_tcp)}));
  CHECK(one.row_of("a")->stuck_since() == start);
}

TEST_CASE("class_journal: only the newest events of a row are kept", "[lab][unit]") {
  class_journal one({}, {.events_per_row = 3});
  for (int count = 0; count < 10; ++count) one.add(event("a", start));
  CHECK(one.row_of("a")->recent.size() == 3);
  CHECK(one.row_of("a")->recent.back().id == 10);
  CHECK(one.row_of("a")->events == 10);
}

TEST_CASE("class_journal: beyond the rows, one without a try gives way, else the new one", "[lab][unit]") {
  class_journal one({}, {.rows = 2});
  one.add(event("a", start, {tried(sheet_step::calc_tcp)}));
  one.add(event("b", start));
  one.add(event("c", start, {tried(sheet_step::calc_tcp)}));
  CHECK(one.row_of("b") == nullptr);
  CHECK(one.row_of("c"));
  CHECK(one.add(event("d", start)) == nullptr);
  CHECK(one.rows().size() == 2);
  CHECK(one.totals(start).dropped == 1);
}

TEST_CASE("class_journal: the roster joins addresses of one team", "[lab][unit]") {
  class_journal one(*roster::parse("192.0.2.7, Blue\n192.0.2.8, Blue\nalice, Red\n"));
  one.add(event("192.0.2.7", start, {done(sheet_step::calc_tcp)}));
  one.add(event("192.0.2.8", start, {done(sheet_step::calc_udp)}));
  REQUIRE(one.rows().size() == 1);
  CHECK(one.rows()[0]->name == "Blue");
  CHECK(one.rows()[0]->addresses.size() == 2);
  CHECK(one.rows()[0]->cell(sheet_step::calc_tcp).state == step_state::done);
  CHECK(one.rows()[0]->cell(sheet_step::calc_udp).state == step_state::done);
  CHECK(one.team_of("192.0.2.8") == "192.0.2.7");
}

TEST_CASE("class_journal: a mail user of the roster names the row, and joins another", "[lab][unit]") {
  class_journal one(*roster::parse("alice, Red\n"));
  one.add(event("192.0.2.1", start, {tried(sheet_step::calc_tcp)}));
  one.add(event("192.0.2.1", start + 1s, {done(sheet_step::mail_by_hand)}, "alice"));
  REQUIRE(one.rows().size() == 1);
  CHECK(one.rows()[0]->name == "Red");
  one.add(event("192.0.2.2", start + 2s, {done(sheet_step::calc_tcp)}));
  CHECK(one.rows().size() == 2);
  one.add(event("192.0.2.2", start + 3s, {}, "alice"));
  REQUIRE(one.rows().size() == 1);
  CHECK(one.rows()[0]->cell(sheet_step::calc_tcp).state == step_state::done);
  CHECK(one.row_of("192.0.2.2") == one.row_of("192.0.2.1"));
}

TEST_CASE("class_journal: two users behind one address are two teams", "[lab][unit]") {
  class_journal one(*roster::parse("alice, Red\nbob, Blue\n"));
  one.add(event("192.0.2.1", start, {done(sheet_step::mail_by_hand)}, "alice"));
  one.add(event("192.0.2.1", start, {done(sheet_step::mail_by_program)}, "bob"));
  REQUIRE(one.rows().size() == 2);
  CHECK(one.rows()[0]->name == "Red");
  CHECK(one.rows()[1]->name == "Blue");
  CHECK(one.rows()[1]->cell(sheet_step::mail_by_program).state == step_state::done);
  CHECK(one.row_of(one.team_of("192.0.2.1", "bob")) == one.rows()[1]);
}

TEST_CASE("class_journal: a team names itself, unless the roster does", "[lab][unit]") {
  class_journal one(*roster::parse("192.0.2.7, Blue\n"));
  CHECK(one.name({start, "192.0.2.1", "  Us \x01"}));
  CHECK(one.row_of("192.0.2.1")->name == "Us");
  CHECK_FALSE(one.name({start, "192.0.2.7", "Us"}));
  CHECK_FALSE(one.name({start, "192.0.2.1", "\xe2\x80\xae\x7f "}));
  CHECK(one.name({start, "192.0.2.1", std::string(1'000'000, 'x')}));
  CHECK(one.row_of("192.0.2.1")->name.size() == 60);
}

TEST_CASE("class_journal: totals and rate", "[lab][unit]") {
  class_journal one;
  for (int second = 0; second < 20; ++second) one.add(event("a", start + second * 1s, {done(sheet_step::calc_tcp)}));
  one.add(event("a", start + 19s, {tried(sheet_step::calc_tcp)}));
  const class_totals all = one.totals(start + 19s);
  CHECK(all.requests == 21);
  CHECK(all.answers == 20);
  CHECK(all.refused == 1);
  CHECK(all.teams == 1);
  CHECK(all.rate == 1.1);
  CHECK(one.totals(start + 1h).rate == 0);
}

TEST_CASE("class_journal: only the newest mails are kept", "[lab][unit]") {
  class_journal one({}, {.mails = 2});
  for (const char* id : {"1", "2", "3"}) one.add(kept_mail{.id = id, .at = start, .address = "a"});
  CHECK(one.mail("1") == nullptr);
  CHECK(one.mail("3"));
  one.clear_mails();
  CHECK(one.mails().empty());
  CHECK(one.totals(start).mails == 3);
}

}  // namespace netlab::lab::class_journal_test
