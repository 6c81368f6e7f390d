// SPDX-License-Identifier: MIT
#include "lab/journal/json.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

#include "base/time.hpp"
#include "support/failure.hpp"

namespace netlab::lab::json_test {

using namespace std::chrono_literals;

namespace {

const wall_time some_time = *parse_timestamp("2026-11-30T10:38:59.123Z");

class_event some_event() {
  class_event made{.id = 7, .at = some_time, .address = "192.0.2.7", .port = 4711, .service = "calc", .proto = "tcp"};
  made.text = "SUM 1 = 1";
  made.verdict = verdict::wrong;
  made.note = "\"quoted\" ü";
  made.octets = {std::byte{0}, std::byte{255}, std::byte{16}};
  made.is_truncated = true;
  made.fields = {{"id", 0, 2, "1"}};
  made.marks = {{sheet_step::calc_tcp, step_state::tried, "why"}};
  return made;
}

}  // namespace

TEST_CASE("json: times are RFC 3339 in UTC with milliseconds", "[lab][unit]") {
  CHECK(to_timestamp(some_time) == "2026-11-30T10:38:59.123Z");
  CHECK(to_timestamp(wall_time{}) == "1970-01-01T00:00:00.000Z");
  for (const char* bad :
       {"", "2026-11-30", "2026-13-30T10:38:59.123Z", "2026-11-30T25:38:59.123Z", "2026-11-30T10:38:59.123+"})
    CHECK_FALSE(parse_timestamp(bad));
}

TEST_CASE("json: an event comes back from its line", "[lab][unit]") {
  const class_event before = some_event();
  const std::string line = to_line(before);
  CHECK(line.starts_with(R"({"record":"event","id":7,)"));
  CHECK(line.find('\n') == std::string::npos);
  const auto record = parse_record(line);
  REQUIRE(record);
  const auto* after = std::get_if<class_event>(&*record);
  REQUIRE(after);
  CHECK(to_line(*after) == line);
  CHECK(after->octets == before.octets);
  CHECK(after->fields == before.fields);
  CHECK(after->marks == before.marks);
}

TEST_CASE("json: a mail, a name and a clearing come back", "[lab][unit]") {
  kept_mail mail{.id = "M1", .at = some_time, .address = "192.0.2.7", .file = "/x/new/M1", .sender = "a@b"};
  mail.recipients = {"c@d"};
  mail.dialogue = {{'S', "220 hi"}, {'C', "EHLO <x>"}};
  const std::string line = to_line(mail);
  const auto record = parse_record(line);
  REQUIRE(record);
  CHECK(to_line(std::get<kept_mail>(*record)) == line);
  CHECK(std::get<kept_mail>(*record).dialogue == mail.dialogue);
  const auto name = parse_record(to_line(naming{some_time, "192.0.2.7", "Us"}));
  REQUIRE(name);
  CHECK(std::get<naming>(*name).name == "Us");
  CHECK(std::holds_alternative<mails_cleared>(*parse_record(to_line(mails_cleared{some_time}))));
}

TEST_CASE("json: a line that is not a record is refused, whatever it is", "[lab][unit]") {
  for (const char* bad :
       {"", "{", "[]", "1", "{}", R"({"record":"event"})", R"({"record":"x","at":"2026-11-30T10:38:59.123Z"})",
        R"({"record":"event","at":"2026-11-30T10:38:59.123Z","id":"7","address":"a"})",
        R"({"record":"mail","at":"2026-11-30T10:38:59.123Z","id":7})"})
    CHECK_FALSE(parse_record(bad));
  const auto odd = parse_record(
      R"({"record":"event","at":"2026-11-30T10:38:59.123Z","id":1,"address":"a","fields":[1,{"from":5,"to":9}],"marks":"x","octets":"zz"})");
  REQUIRE(odd);
  CHECK(std::get<class_event>(*odd).fields.empty());
}

TEST_CASE("json: every torn line of a record is refused", "[lab][unit]") {
  const std::string line = to_line(some_event());
  for (std::size_t size = 0; size < line.size(); ++size)
    CHECK_FALSE(parse_record(std::string_view(line).substr(0, size)));
}

TEST_CASE("json: invalid UTF-8 becomes a replacement character", "[lab][unit]") {
  CHECK(to_line(naming{some_time, "a", "x\xff"}).find("x\xef\xbf\xbd") != std::string::npos);
}

TEST_CASE("json: a row has all steps, and null where nothing was", "[lab][unit]") {
  class_journal journal;
  journal.add(some_event());
  const auto row = to_json(*journal.rows()[0]);
  CHECK(row["steps"].size() == step_count);
  CHECK(row["steps"]["calc_tcp"]["state"] == "tried");
  CHECK(row["steps"]["calc_tcp"]["at"] == "2026-11-30T10:38:59.123Z");
  CHECK(row["steps"]["echo_udp"]["state"] == "none");
  CHECK(row["steps"]["echo_udp"]["at"].is_null());
  CHECK(row["stuck_since"] == "2026-11-30T10:38:59.123Z");
  CHECK(row["stuck_step"] == "calc_tcp");
}

TEST_CASE("json: CSV quotes, and disarms what a spreadsheet would run", "[lab][unit]") {
  class_journal journal;
  class_event event = some_event();
  event.marks[0].note = "=cmd|' /C calc'!A0, \"x\"";
  journal.add(event);
  journal.name({some_time, "192.0.2.7", "+1, us"});
  const std::string text = to_csv(journal.rows());
  CHECK(text.starts_with("address,name,calc_tcp,calc_tcp_at,calc_tcp_note,calc_udp,"));
  CHECK(text.find(
            "\r\n192.0.2.7,\"'+1, us\",tried,2026-11-30T10:38:59.123Z,\"'=cmd|' /C calc'!A0, \"\"x\"\"\",none,,,") !=
        std::string::npos);
}

}  // namespace netlab::lab::json_test
