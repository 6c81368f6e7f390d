// SPDX-License-Identifier: MIT
#include "lab/web/site.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <string>
#include <vector>

namespace netlab::lab::site_test {

using namespace std::chrono_literals;

namespace {

constexpr wall_time start{std::chrono::hours(1000)};
const std::string token = "0123456789abcdefABCDEF-_";

class files final : public mail_files {
 public:
  std::map<std::string, std::string> all;
  result<std::string> read(const std::string& file) override {
    const auto found = all.find(file);
    if (found == all.end()) return fail(errc::no_input, "gone");
    return found->second;
  }
};

/// A class of two teams, .7 and .8, and what a browser gets.
struct room {
  class_monitor monitor{{}, {}, start};
  access_rules rules{token, "secret", {}};
  files mails;
  site it{monitor, rules, mails};
  event_feed::reader reader;

  room() {
    for (const char* address : {"192.0.2.7", "192.0.2.8"}) {
      monitor.restore(class_event{.id = 1,
                                  .at = start,
                                  .address = address,
                                  .service = "calc",
                                  .text = "x<script>",
                                  .marks = {{sheet_step::calc_tcp, step_state::tried, "<b>why</b>"}}});
      monitor.restore(kept_mail{.id = std::string("M") + (address + 7),
                                .at = start,
                                .address = address,
                                .file = "f",
                                .subject = "</td><script>"});
    }
    mails.all["f"] =
        "From: a@b\nSubject: <script>alert(1)</script>\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\nContent-Type: text/html\n\n<p onclick=a()>hi<script src=http://evil/></script>\n"
        "--x\nContent-Type: image/svg+xml; name=\"../../e\tvil\r.svg\"\nContent-Disposition: attachment\n\n<svg/>\n"
        "--x\nContent-Type: image/png\n\nPNG\n--x--\n";
  }
  http::response get(std::string_view target, std::string_view address = "192.0.2.7", std::string_view more = {},
                     std::string_view method = "GET", std::string body = {}) {
    auto asked = http::parse_head(std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" +
                                  std::string(more) + "\r\n");
    REQUIRE(asked);
    asked->body = std::move(body);
    return it.answer(*asked, address, start, reader);
  }
  http::response as_teacher(const std::string& target, std::string_view more = {}, std::string_view method = "GET",
                            std::string body = {}) {
    return get(target + (target.find('?') == std::string::npos ? "?" : "&") + "token=" + token, "192.0.2.99", more,
               method, std::move(body));
  }
};

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string field(const http::response& of, std::string_view name) {
  std::string all;
  for (const auto& [each, value] : of.fields)
    if (each == name) all += value;
  return all;
}

}  // namespace

TEST_CASE("site: the teacher sees all, a student the own row, a stranger none", "[lab][unit]") {
  room one;
  const auto all = nlohmann::json::parse(one.as_teacher("/api/teams").body);
  CHECK(all["teams"].size() == 2);
  CHECK(all["viewer"]["teacher"] == true);
  const auto own = nlohmann::json::parse(one.get("/api/teams").body);
  REQUIRE(own["teams"].size() == 1);
  CHECK(own["teams"][0]["address"] == "192.0.2.7");
  CHECK_FALSE(own.contains("totals"));
  CHECK(nlohmann::json::parse(one.get("/api/teams", "192.0.2.50").body)["teams"].empty());
  CHECK(one.get("/api/teams?token=wrong").status == 403);
}

TEST_CASE("site: no student sees another's row, events, mails or CSV", "[lab][unit]") {
  room one;
  CHECK(one.get("/api/teams/192.0.2.7/events").status == 200);
  CHECK(one.get("/api/teams/192.0.2.8/events").status == 404);
  CHECK(one.get("/api/teams/192.0.2.8/events").body == one.get("/api/teams/192.0.2.77/events").body);
  CHECK(one.as_teacher("/api/teams/192.0.2.8/events").status == 200);
  CHECK(one.get("/api/mail/M.7").status == 200);
  for (const char* other : {"/api/mail/M.8", "/mail/M.8/source", "/mail/M.8/part/1", "/mail/M.8/html/1"})
    CHECK(one.get(other).status == 404);
  CHECK(nlohmann::json::parse(one.get("/api/mail").body)["mails"].size() == 1);
  CHECK_FALSE(has(one.get("/teams.csv").body, "192.0.2.8"));
  CHECK_FALSE(has(one.get("/").body, "192.0.2.8"));
  CHECK_FALSE(has(one.get("/?team=192.0.2.8").body, "192.0.2.8"));
}

TEST_CASE("site: what a peer sent never becomes markup", "[lab][unit]") {
  room one;
  for (const std::string& page :
       {one.as_teacher("/").body, one.as_teacher("/?team=192.0.2.7").body, one.get("/").body}) {
    CHECK_FALSE(has(page, "<script>"));
    CHECK_FALSE(has(page, "<b>why"));
  }
  CHECK(field(one.get("/"), "Content-Security-Policy").find("unsafe") == std::string::npos);
}

TEST_CASE("site: HTML of a mail is in a sandbox, other parts are downloads", "[lab][unit]") {
  room one;
  const auto html = one.get("/mail/M.7/html/1");
  CHECK(html.status == 200);
  CHECK(field(html, "Content-Security-Policy").starts_with("sandbox; default-src 'none'"));
  CHECK_FALSE(has(html.content(), "<script"));
  const auto svg = one.get("/mail/M.7/part/2");
  CHECK(svg.type == "application/octet-stream");
  CHECK(field(svg, "Content-Disposition").starts_with("attachment; filename=\""));
  CHECK(field(svg, "Content-Disposition").find_first_of("\r\n\t/") == std::string::npos);
  CHECK(one.get("/mail/M.7/part/3").type == "image/png");
  CHECK(one.get("/mail/M.7/html/2").status == 404);
  CHECK(one.get("/mail/M.7/part/9").status == 404);
  CHECK(one.get("/mail/M.7/source").type == "message/rfc822");
  CHECK(one.get("/mail/M.7/source?view").type == "text/plain; charset=utf-8");
  one.mails.all.clear();
  CHECK(one.get("/mail/M.7/source").status == 404);
  CHECK(one.get("/api/mail/M.7").status == 200);
}

TEST_CASE("site: large answers are shared and bounded, and the teacher has a part of the bound", "[lab][unit]") {
  room one;
  one.mails.all["f"] = "Content-Type: text/html\n\n" + std::string(100'000, 'x');
  site small(one.monitor, one.rules, one.mails, 250'000);
  const auto get = [&](const std::string& target, std::string_view address) {
    const auto asked = http::parse_head("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(asked);
    return small.answer(*asked, address, start, one.reader);
  };
  std::vector<http::response> unread;
  for (const char* target : {"/api/mail/M.7", "/mail/M.7/html/1"}) {
    const auto first = get(target, "192.0.2.7");
    CHECK(first.status == 200);
    CHECK(first.body.empty());
    REQUIRE(first.shared_body);
    CHECK(first.content().size() >= 100'000);
    unread.push_back(get(target, "192.0.2.7"));
    CHECK(unread.back().shared_body == first.shared_body);
  }
  const auto refused = get("/mail/M.7/source", "192.0.2.7");
  CHECK(refused.status == 503);
  CHECK(field(refused, "Retry-After") == "10");
  CHECK(get("/mail/M.7/source?token=" + token, "192.0.2.99").status == 200);
  CHECK(get("/api/teams", "192.0.2.7").status == 200);
  unread.clear();
  CHECK(get("/mail/M.7/source", "192.0.2.7").status == 200);
}

TEST_CASE("site: a team names itself by a form of this page only", "[lab][unit]") {
  room one;
  const std::string type = "Content-Type: application/x-www-form-urlencoded\r\n";
  CHECK(one.get("/api/name", "192.0.2.7", type + "Origin: http://evil.example\r\n", "POST", "name=x").status == 403);
  const auto named = one.get("/api/name", "192.0.2.7", type, "POST", "name=The+team");
  CHECK(named.status == 303);
  CHECK(field(named, "Location") == "/");
  CHECK(one.monitor.journal().row_of("192.0.2.7")->name == "The team");
  CHECK(one.get("/api/name", "192.0.2.7", type + "Accept: application/json\r\n", "POST", "name=x").status == 204);
  CHECK(one.get("/api/name", "192.0.2.7", type, "POST", "address=192.0.2.8&name=y").status == 303);
  CHECK(one.monitor.journal().row_of("192.0.2.8")->name.empty());  // only the teacher names others
  CHECK(one.monitor.journal().row_of("192.0.2.7")->name == "y");
  CHECK(one.get("/api/name", "192.0.2.7", type, "POST", "name=%00").status == 400);
  CHECK(one.get("/api/name", "192.0.2.7", {}, "POST", "name=x").status == 400);
  CHECK(one.get("/api/name").status == 405);
}

TEST_CASE("site: only the teacher clears the mails", "[lab][unit]") {
  room one;
  CHECK(one.get("/api/mail", "192.0.2.7", {}, "DELETE").status == 403);
  CHECK(one.as_teacher("/api/mail", "Origin: null\r\n", "DELETE").status == 403);
  CHECK(one.as_teacher("/api/mail", {}, "DELETE").status == 204);
  CHECK(one.monitor.journal().mails().empty());
}

TEST_CASE("site: a foreign host name is refused before anything else", "[lab][unit]") {
  room one;
  const auto asked = http::parse_head("GET /api/teams?token=" + token + " HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  REQUIRE(asked);
  CHECK(one.it.answer(*asked, "127.0.0.1", start, one.reader).status == 421);
}

TEST_CASE("site: links to teams and mails with odd names lead to them", "[lab][unit]") {
  room one;
  one.monitor.restore(class_event{.id = 9, .at = start, .address = "a/b %41&c"});
  one.monitor.restore(kept_mail{.id = "M/9?#%", .at = start, .address = "a/b %41&c", .file = "f"});
  const std::string page = one.as_teacher("/").body;
  CHECK(has(page, "\"/?team=a%2Fb%20%2541%26c&amp;token="));
  CHECK(has(one.as_teacher("/?team=a%2Fb%20%2541%26c").body, "class=\"detail\""));
  CHECK(has(page, "\"/mail/M%2F9%3F%23%25/source?view=1&amp;token="));
  CHECK(one.as_teacher("/mail/M%2F9%3F%23%25/source?view=1").status == 200);
  CHECK(one.as_teacher("/api/teams/a%2Fb%20%2541%26c/events").status == 200);
  CHECK(one.as_teacher("/api/teams/a/b%20%2541%26c/events").status == 404);
  CHECK(one.as_teacher("/api%2Fteams").status == 404);
}

TEST_CASE("site: unknown addresses and methods", "[lab][unit]") {
  room one;
  for (const char* target :
       {"/x", "/..", "/page.html", "/api", "/api/teams/", "/mail/M.7/", "//", "/%2e%2e/etc/passwd"})
    CHECK(one.get(target).status == 404);
  CHECK(one.get("/", "192.0.2.7", {}, "POST").status == 405);
  CHECK(field(one.get("/", "192.0.2.7", {}, "POST"), "Allow") == "GET, HEAD");
}

TEST_CASE("site: files of the page have an ETag", "[lab][unit]") {
  room one;
  const auto css = one.get("/page.css");
  CHECK(css.status == 200);
  CHECK(one.get("/page.css", "192.0.2.7", "If-None-Match: " + field(css, "ETag") + "\r\n").status == 304);
}

TEST_CASE("site: a stream resumes where it was", "[lab][unit]") {
  room one;
  const auto stream = one.get("/events");
  CHECK(stream.is_stream);
  CHECK(one.reader.position == one.monitor.feed().last_id());
  CHECK(one.reader.team == "192.0.2.7");
  CHECK_FALSE(one.reader.is_teacher);
  one.get("/events", "192.0.2.7", "Last-Event-ID: 5\r\n");
  CHECK(one.reader.position == 5);
  one.get("/events?last_event_id=x");
  CHECK(one.reader.position == 0);
}

}  // namespace netlab::lab::site_test
