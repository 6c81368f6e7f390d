// SPDX-License-Identifier: MIT
#include "lab/web/render.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/octets.hpp"

namespace netlab::lab::render_test {

namespace {

constexpr std::string_view whole = "{{title}}|{{viewer}}|{{class}}|{{mail}}|{{unknown}}|{{now";

class_row make_row(std::string address, std::string name = {}) {
  class_row row;
  row.address = std::move(address);
  row.name = std::move(name);
  return row;
}

std::size_t count_in(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

const wall_time noon{std::chrono::hours(24 * 20000 + 12)};

}  // namespace

TEST_CASE("render: text becomes neither an element nor an attribute", "[lab][unit]") {
  CHECK(escape_html("<b a='1' c=\"2\">&amp;</b>") == "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;&lt;/b&gt;");
  CHECK(escape_html("Grüße") == "Grüße");
}

TEST_CASE("render: the teacher's table has a row a team and a cell a step, as they are", "[lab][unit]") {
  class_row one = make_row("192.0.2.7", "A & B");
  one.cells[0] = {.state = step_state::done, .at = noon, .note = {}, .tries = 0};
  one.cells[1] = {.state = step_state::tried, .at = noon, .note = "sent <little>-endian", .tries = 2};
  const class_row other = make_row("192.0.2.8");
  page_model what;
  what.rows = {&one, &other};
  what.is_teacher = true;
  what.token = "secret";
  what.now = noon;
  const std::string page = render_page(what, whole);
  CHECK(page.starts_with("The class at work|teacher|"));
  CHECK(count_in(page, "<th scope=\"row\">") == 2);
  CHECK(count_in(page, "data-state=\"none\"") == 2 * step_count - 2);
  CHECK(count_in(page, "data-step=\"calc_tcp\" data-state=\"done\"") == 1);
  CHECK(page.find("12:00:00</time>") != std::string::npos);
  CHECK(page.find("A &amp; B") != std::string::npos);
  CHECK(page.find("sent &lt;little&gt;-endian") != std::string::npos);
  CHECK(page.find("/?team=192.0.2.7&amp;token=secret") != std::string::npos);
  CHECK(page.find("1 of 12") != std::string::npos);
}

TEST_CASE("render: a student's page has the own row, no token, and a form with its proof", "[lab][unit]") {
  class_row own = make_row("192.0.2.7", "\"><script>");
  page_model what;
  what.rows = {&own};
  what.viewer_address = "192.0.2.7";
  what.form_token = "proof";
  const std::string page = render_page(what, whole);
  CHECK(page.find("|student|") != std::string::npos);
  CHECK(page.find("token=") == std::string::npos);
  CHECK(page.find("<script>") == std::string::npos);
  CHECK(page.find("name=\"form\" value=\"proof\"") != std::string::npos);
  CHECK(count_in(page, "<th scope=\"row\">") == step_count);
}

TEST_CASE("render: a student from whom nothing has come yet sees all steps as not yet", "[lab][unit]") {
  page_model what;
  what.viewer_address = "192.0.2.7";
  const std::string page = render_page(what, whole);
  CHECK(count_in(page, "not yet") == step_count);
  CHECK(page.find("192.0.2.7") != std::string::npos);
}

TEST_CASE("render: an open row shows its newest events first, with fields and octets in the same colours",
          "[lab][unit]") {
  class_row row = make_row("192.0.2.7");
  for (std::uint64_t id = 1; id <= 2; ++id) {
    class_event event;
    event.id = id;
    event.text = id == 1 ? "first" : "second";
    append(event.octets, test::octets("0001020304"));
    event.fields = {{"id", 0, 2, "1"}, {"beyond", 3, 9, "x"}};
    event.is_truncated = true;
    row.recent.push_back(event);
  }
  page_model what;
  what.rows = {&row};
  what.is_teacher = true;
  what.open_row = "192.0.2.7";
  const std::string page = render_page(what, whole);
  CHECK(page.find("second") < page.find("first"));
  CHECK(
      page.find(
          "<span class=\"field-1\" title=\"id\">00 01</span> <span class=\"field-0\">02</span> <span class=\"field-2\" "
          "title=\"beyond\">03 04</span> …") != std::string::npos);
  CHECK(count_in(page, "<dt class=\"field-2\">beyond</dt>") == 2);
}

TEST_CASE("render: mail is listed with links to its source, and only the teacher may clear it", "[lab][unit]") {
  kept_mail mail;
  mail.id = "1.M2";
  mail.subject = "<img src=x>";
  page_model what;
  what.mails = {&mail};
  CHECK(render_page(what, whole).find("/api/mail/clear") == std::string::npos);
  what.is_teacher = true;
  what.token = "t";
  const std::string page = render_page(what, whole);
  CHECK(page.find("/api/mail/clear?token=t") != std::string::npos);
  CHECK(page.find("/mail/1.M2/source?view=1&amp;token=t") != std::string::npos);
  CHECK(page.find("&lt;img src=x&gt;") != std::string::npos);
  CHECK(page.find("&lt;&gt;") != std::string::npos);
}

TEST_CASE("render: what a value contains is not replaced again, and an unknown or unfinished name is dropped",
          "[lab][unit]") {
  class_row own = make_row("192.0.2.7", "{{mail}}");
  page_model what;
  what.rows = {&own};
  const std::string page = render_page(what, whole);
  CHECK(page.find("{{mail}}") != std::string::npos);
  CHECK(page.ends_with("||"));
}

}  // namespace netlab::lab::render_test
