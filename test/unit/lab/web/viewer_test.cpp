// SPDX-License-Identifier: MIT
#include "lab/web/viewer.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace netlab::lab::viewer_test {

namespace {

const std::string token = "0123456789abcdefABCDEF-_";

http::request asked(std::string_view target, std::string_view more = {}) {
  return *http::parse_head("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) +
                           "\r\n");
}

}  // namespace

TEST_CASE("viewer: the token makes the teacher, anything else does not", "[lab][unit]") {
  const access_rules rules(token, "secret", {});
  CHECK(rules.identify(asked("/?token=" + token), "::1")->is_teacher);
  CHECK(rules.identify(asked("/", "Authorization: Bearer " + token + "\r\n"), "::1")->is_teacher);
  const auto student = rules.identify(asked("/"), "192.0.2.7");
  REQUIRE(student);
  CHECK_FALSE(student->is_teacher);
  CHECK(student->address == "192.0.2.7");
  CHECK_FALSE(rules.identify(asked("/?token="), "::1")->is_teacher);
  CHECK_FALSE(rules.identify(asked("/?token=" + token.substr(1)), "::1"));
  CHECK_FALSE(rules.identify(asked("/?token=" + token + "x"), "::1"));
  CHECK_FALSE(rules.identify(asked("/", "Authorization: Basic eDp5\r\n"), "::1"));
}

TEST_CASE("viewer: only our own names are our host", "[lab][unit]") {
  const access_rules rules(token, "secret", {"Lab.Example"});
  for (const char* ours :
       {"localhost", "LOCALHOST:8080", "127.0.0.1:8080", "192.0.2.1", "[::1]:8080", "lab.example.", "lab.example:80"})
    CHECK(rules.is_our_host(ours));
  for (const char* foreign :
       {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", ":8080", "[", "lab.example.evil"})
    CHECK_FALSE(rules.is_our_host(foreign));
}

TEST_CASE("viewer: a form of a foreign page is refused", "[lab][unit]") {
  const access_rules rules(token, "secret", {});
  const viewer student{.address = "192.0.2.7"};
  const std::string form = rules.form_token(student);
  CHECK(rules.is_own_form(asked("/", "X-Form-Token: " + form + "\r\nOrigin: null\r\n"), student));
  CHECK(rules.is_own_form(asked("/"), student));  // a script
  CHECK_FALSE(rules.is_own_form(asked("/", "Origin: null\r\n"), student));
  CHECK_FALSE(rules.is_own_form(asked("/", "Origin: http://evil.example\r\n"), student));
  CHECK_FALSE(rules.is_own_form(asked("/", "Sec-Fetch-Site: cross-site\r\n"), student));
  CHECK_FALSE(rules.is_own_form(asked("/", "X-Form-Token: x\r\n"), student));
  CHECK(form != rules.form_token({.address = "192.0.2.8"}));
  CHECK(form != rules.form_token({.address = "192.0.2.7", .is_teacher = true}));
  CHECK(form != access_rules(token, "other", {}).form_token(student));
  http::request posted = asked("/", "Content-Type: application/x-www-form-urlencoded\r\nOrigin: null\r\n");
  posted.body = "name=x&form=" + form;
  CHECK(rules.is_own_form(posted, student));
}

TEST_CASE("viewer: a token is long enough and needs no escapes", "[lab][unit]") {
  CHECK(is_token(token));
  CHECK_FALSE(is_token("short"));
  CHECK_FALSE(is_token("0123456789abcdef/"));
  CHECK_FALSE(is_token(std::string(201, 'a')));
}

}  // namespace netlab::lab::viewer_test
