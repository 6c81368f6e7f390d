// SPDX-License-Identifier: MIT
// AUTH.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "base/base64.hpp"
#include "dialogue.hpp"

namespace netlab::mail::auth_test {

using namespace test_server;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

std::string base64(std::string_view text) { return encode_base64(as_bytes(text)); }

/// A session over TLS, after EHLO.
struct secured : dialogue {
  explicit secured(server_parameters parameters = with_users())
      : dialogue(std::move(parameters), {.peer = "::1", .is_secure = true}) {
    begin();
  }
  [[nodiscard]] const std::string& user() const { return session.current().user; }
};

const std::string good_plain = base64(std::string_view("\0tim\0geheim", 11));

}  // namespace

TEST_CASE("server: AUTH is not offered and not taken in clear", "[mail][server][auth]") {
  dialogue d(with_users());
  static_cast<void>(d.said());
  CHECK_THAT(d.client("EHLO c\r\n"), !ContainsSubstring("AUTH"));
  CHECK_THAT(d.client("AUTH PLAIN " + good_plain + "\r\n"), StartsWith("538 5.7.11 "));
  CHECK(d.session.current().user.empty());
}

TEST_CASE("server: AUTH goes in clear where that was said", "[mail][server][auth]") {
  server_parameters with = with_users();
  with.login_in_clear = true;
  dialogue d(with);
  static_cast<void>(d.said());
  CHECK_THAT(d.client("EHLO c\r\n"), ContainsSubstring("250-AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN\r\n"));
  CHECK(d.client("AUTH PLAIN " + good_plain + "\r\n") == "235 2.7.0 Welcome\r\n");
}

TEST_CASE("server: AUTH offers a bound mechanism only where TLS can be bound to", "[mail][server][auth]") {
  secured d;
  CHECK_THAT(d.client("EHLO c\r\n"), ContainsSubstring("250-AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN\r\n"));
  CHECK_THAT(d.client("AUTH SCRAM-SHA-256-PLUS\r\n"), StartsWith("504 5.5.4 "));
  d.session.tls_started({.binding = channel_binding{"tls-exporter", {}}, .version = {}, .cipher = {}}, d.now);
  CHECK_THAT(d.client("EHLO c\r\n"), ContainsSubstring("250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 "));
}

TEST_CASE("server: without a nonce nothing is offered that needs one", "[mail][server][auth]") {
  server_parameters with = with_users();
  with.nonce = {};
  secured d(with);
  CHECK_THAT(d.client("EHLO c\r\n"), ContainsSubstring("250-AUTH PLAIN LOGIN\r\n"));
  CHECK_THAT(d.client("AUTH CRAM-MD5\r\n"), StartsWith("504 5.5.4 "));
}

TEST_CASE("server: with nobody to log in AUTH is not offered", "[mail][server][auth]") {
  const accounts nobody(secret("0123456789abcdef"));
  server_parameters with = with_users();
  with.users = GENERATE(false, true) ? &nobody : nullptr;
  secured d(with);
  CHECK_THAT(d.client("EHLO c\r\n"), !ContainsSubstring("AUTH"));
  CHECK_THAT(d.client("AUTH PLAIN\r\n"), StartsWith("502 5.5.1 "));
}

TEST_CASE("server: PLAIN logs in, with and without an initial response", "[mail][server][auth]") {
  secured d;
  if (GENERATE(true, false)) {
    CHECK(d.client("auth plain " + good_plain + "\r\n") == "235 2.7.0 Welcome\r\n");
  } else {
    CHECK(d.client("AUTH PLAIN\r\n") == "334 \r\n");
    CHECK(d.client(good_plain + "\r\n") == "235 2.7.0 Welcome\r\n");
  }
  CHECK(d.user() == "tim");
  CHECK(d.watch.events == "in tim PLAIN\n");
  CHECK_THAT(d.watch.lines, !ContainsSubstring(good_plain));
}

TEST_CASE("server: LOGIN logs in, with and without an initial response", "[mail][server][auth]") {
  secured d;
  if (GENERATE(true, false)) {
    CHECK(d.client("AUTH LOGIN " + base64("tim") + "\r\n") == "334 UGFzc3dvcmQ6\r\n");
  } else {
    CHECK(d.client("AUTH LOGIN\r\n") == "334 VXNlcm5hbWU6\r\n");
    CHECK(d.client(base64("tim") + "\r\n") == "334 UGFzc3dvcmQ6\r\n");
  }
  CHECK(d.client(base64("geheim") + "\r\n") == "235 2.7.0 Welcome\r\n");
  CHECK(d.user() == "tim");
}

TEST_CASE("server: CRAM-MD5 logs in as RFC 2195 has it, without an initial response", "[mail][server][auth]") {
  secured d;
  CHECK_THAT(d.client("AUTH CRAM-MD5 " + base64("tim x") + "\r\n"), StartsWith("501 5.7.0 "));
  CHECK(d.client("AUTH CRAM-MD5\r\n") == "334 " + base64("<3rfcNHYJY1ZVvWVs7j@mx.example>") + "\r\n");
  CHECK_THAT(d.client(base64("tim 0123456789abcdef0123456789abcdef") + "\r\n"), StartsWith("535 5.7.8 "));
}

TEST_CASE("server: a wrong password and a wrong user have the same answer", "[mail][server][auth]") {
  secured d;
  const std::string_view message =
      GENERATE(std::string_view("\0tim\0wrong", 10), std::string_view("\0tom\0geheim", 11), std::string_view("\0\0", 2),
               std::string_view("\0tim\0", 5), std::string_view("root\0tim\0geheim", 15));
  CHECK(d.client("AUTH PLAIN " + base64(message) + "\r\n") == "535 5.7.8 Wrong user or password\r\n");
  CHECK(d.user().empty());
  CHECK_THAT(d.watch.events, StartsWith("failed "));
  CHECK_THAT(d.watch.events, !ContainsSubstring("wrong\n") && !ContainsSubstring("geheim"));
}

TEST_CASE("server: AUTH in disorder is refused", "[mail][server][auth]") {
  SECTION("before EHLO, or behind HELO") {
    dialogue d(with_users(), {.peer = "::1", .is_secure = true});
    static_cast<void>(d.said());
    CHECK_THAT(d.client("AUTH PLAIN\r\n"), StartsWith("503 5.5.1 "));
    static_cast<void>(d.client("HELO c\r\n"));
    CHECK_THAT(d.client("AUTH PLAIN\r\n"), StartsWith("503 5.5.1 "));
  }
  SECTION("twice") {
    secured d;
    static_cast<void>(d.client("AUTH PLAIN " + good_plain + "\r\n"));
    CHECK_THAT(d.client("AUTH PLAIN " + good_plain + "\r\n"), StartsWith("503 5.5.1 "));
    static_cast<void>(d.client("RSET\r\n"));
    CHECK_THAT(d.client("EHLO c\r\n"), StartsWith("250-"));
    CHECK(d.user() == "tim");
    CHECK_THAT(d.client("AUTH PLAIN\r\n"), StartsWith("503 5.5.1 "));
  }
  SECTION("in a message") {
    secured d;
    CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\nAUTH PLAIN\r\n"), ContainsSubstring("\r\n503 5.5.1 "));
  }
  SECTION("what is not understood") {
    secured d;
    CHECK_THAT(d.client("AUTH\r\n"), StartsWith("501 5.5.4 "));
    CHECK_THAT(d.client("AUTH WHAT\r\n"), StartsWith("504 5.5.4 "));
    CHECK_THAT(d.client("AUTH XOAUTH2 eA==\r\n"), StartsWith("504 5.5.4 "));
    CHECK_THAT(d.client("AUTH PLAIN a b\r\n"), StartsWith("501 5.5.4 "));
    CHECK_THAT(d.client("AUTH PLAIN %%%\r\n"), StartsWith("501 5.5.2 "));
    CHECK_THAT(d.client("AUTH PLAIN =\r\n"), StartsWith("501 5.5.2 "));
    CHECK_THAT(d.client("AUTH PLAIN " + base64("user password") + "\r\n"), StartsWith("501 5.5.2 "));
    CHECK_THAT(d.client("NOOP\r\n"), StartsWith("250 "));
  }
}

TEST_CASE("server: a login is cancelled with a star, and by what is no Base64", "[mail][server][auth]") {
  secured d;
  static_cast<void>(d.client("AUTH LOGIN\r\n"));
  const std::string line = GENERATE(as<std::string>{}, "*\r\n", "no base64\r\n", "dGl\r\n", "dGlt\n", "dGlt \r\n");
  CHECK_THAT(d.client(line), StartsWith("50"));
  CHECK(d.client("NOOP\r\n") == "250 2.0.0 Ok\r\n");
  CHECK(d.client("AUTH PLAIN " + good_plain + "\r\n") == "235 2.7.0 Welcome\r\n");
}

TEST_CASE("server: a line of a login may have 12,288 octets, and no more", "[mail][server][auth]") {
  secured d;
  static_cast<void>(d.client("AUTH PLAIN\r\n"));
  const std::string fits = base64(std::string_view("\0tim\0wrong", 10)) + std::string(0, ' ');
  std::string line = base64(std::string(9213, 'x'));
  CHECK(line.size() == 12'284);
  CHECK_THAT(d.client(line + "\r\n"), StartsWith("501 5.5.2 PLAIN must be"));
  static_cast<void>(d.client("AUTH PLAIN\r\n"));
  CHECK_THAT(d.client(line + "AAAA\r\n"), StartsWith("500 5.5.6 "));
  CHECK_THAT(d.client("AUTH PLAIN " + base64(std::string(9201, 'x')) + "\r\n"), StartsWith("501 5.5.2 PLAIN must be"));
}

TEST_CASE("server: failed logins are errors, and end the session in the end", "[mail][server][auth]") {
  server_parameters with = with_users();
  with.limits.failed_logins = with.limits.errors + 1;
  secured d(with);
  std::string all;
  for (std::size_t at = 0; at < d.with.limits.errors; ++at)
    all += d.client("AUTH PLAIN " + base64(std::string_view("\0tim\0wrong", 10)) + "\r\n");
  CHECK_THAT(all, EndsWith("\r\n421 4.7.0 Too many errors\r\n"));
  CHECK(d.session.done());
}

TEST_CASE("server: where a login is required nobody sends without", "[mail][server][auth]") {
  server_parameters with = with_users();
  with.login_required = true;
  secured d(with);
  CHECK_THAT(d.client("MAIL FROM:<a@b.example>\r\n"), StartsWith("530 5.7.0 "));
  static_cast<void>(d.client("AUTH PLAIN " + good_plain + "\r\n"));
  CHECK_THAT(d.client("MAIL FROM:<a@b.example> AUTH=<>\r\n"), StartsWith("250 2.1.0 "));
  CHECK_THAT(d.client("RSET\r\nMAIL FROM:<a@b.example> AUTH=x+3Dy@z\r\n"), ContainsSubstring("250 2.1.0 "));
  CHECK_THAT(d.client("RSET\r\nMAIL FROM:<a@b.example> AUTH=x+3\r\n"), ContainsSubstring("501 5.5.4 "));
}

TEST_CASE("server: STARTTLS forgets who has logged in", "[mail][server][auth]") {
  server_parameters with = with_users();
  with.login_in_clear = true;
  dialogue d(with);
  d.begin();
  static_cast<void>(d.client("AUTH PLAIN " + good_plain + "\r\nSTARTTLS\r\n"));
  CHECK(d.session.current().user == "tim");
  d.session.tls_started({}, d.now);
  CHECK(d.session.current().user.empty());
}

TEST_CASE("server: what is said behind a failed login as if it had not failed is not shown", "[mail][server][auth]") {
  secured d;
  static_cast<void>(d.client("AUTH NTLM\r\n" + base64("tim") + "\r\n" + base64("geheim") + "\r\nNOOP\r\n"));
  CHECK_THAT(d.watch.lines, !ContainsSubstring(base64("geheim")));
  CHECK_THAT(d.watch.lines,
             ContainsSubstring("C: AUTH NTLM\n") && ContainsSubstring("C: ***\n") && ContainsSubstring("C: NOOP\n"));
}

TEST_CASE("server: a login in any cut has the same answers", "[mail][server][auth]") {
  const std::string talk = "EHLO c\r\nAUTH PLAIN " + good_plain + "\r\nAUTH LOGIN\r\nQUIT\r\n";
  const std::string other =
      "EHLO c\r\nAUTH LOGIN\r\n" + base64("tim") + "\r\n*\r\nAUTH PLAIN\r\n" + good_plain + "\r\nQUIT\r\n";
  const server_parameters with = with_users();
  for (const std::string& each : {talk, other}) {
    const transcript whole = play(with, {each}, true);
    CHECK_THAT(whole.said, ContainsSubstring("235 2.7.0 "));
    for (const auto& cut : test::every_cut(each)) CHECK(play(with, cut, true) == whole);
  }
}

TEST_CASE("server: a failed login is answered after a while, in which nothing is read", "[mail][server][auth]") {
  server_parameters with = with_users();
  with.timeouts.failed_login = 1s;
  secured d(with);
  const std::string wrong = base64(std::string_view("\0tim\0wrong", 10));
  CHECK(d.client("AUTH PLAIN " + wrong + "\r\nAUTH PLAIN " + wrong + "\r\nNOOP\r\n").empty());
  CHECK(d.session.busy());
  CHECK(d.session.deadline() == d.now + 1s);
  CHECK(d.client("NOOP\r\n").empty());
  d.session.resume(d.now);
  CHECK(d.said().empty());
  d.now += 1s;
  d.session.tick(d.now);
  CHECK(d.said() == "535 5.7.8 Wrong user or password\r\n");
  CHECK(d.session.busy());
  d.now += 1s;
  d.session.tick(d.now);
  CHECK(d.said() == "535 5.7.8 Wrong user or password\r\n250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n");
  CHECK_FALSE(d.session.busy());
}

TEST_CASE("server: a stop and the peer's end do not wait for a failed login for long", "[mail][server][auth]") {
  server_parameters with = with_users();
  with.timeouts.failed_login = 1s;
  secured d(with);
  CHECK(d.client("AUTH PLAIN " + base64(std::string_view("\0tim\0wrong", 10)) + "\r\n").empty());
  if (GENERATE(true, false)) {
    d.session.stop(d.now);
    CHECK(d.said() == "421 4.3.2 The server is shutting down\r\n");
  } else {
    d.session.eof(d.now);
    d.now += 1s;
    d.session.tick(d.now);
    CHECK(d.said() == "535 5.7.8 Wrong user or password\r\n");
  }
  CHECK(d.session.done());
}

TEST_CASE("server: so many failed logins end the session", "[mail][server][auth]") {
  secured d;
  const std::string wrong = "AUTH PLAIN " + base64(std::string_view("\0tim\0wrong", 10)) + "\r\n";
  for (std::size_t at = 1; at < d.with.limits.failed_logins; ++at)
    CHECK_THAT(d.client(wrong), EndsWith("password\r\n"));
  CHECK_THAT(d.client(wrong), EndsWith("password\r\n421 4.7.0 Too many failed logins\r\n"));
  CHECK(d.session.done());
}

TEST_CASE("server: a client that has guessed too often is not asked for a password any more", "[mail][server][auth]") {
  rate_limit failures(3, 1min);
  server_parameters with = with_users();
  with.login_failures = &failures;
  const std::string wrong = "AUTH PLAIN " + base64(std::string_view("\0tim\0wrong", 10)) + "\r\n";
  const std::string right = "AUTH PLAIN " + good_plain + "\r\n";
  for (int session = 0; session < 3; ++session) {
    secured d(with);
    CHECK_THAT(d.client(wrong), StartsWith("535 "));
  }
  secured d(with);
  CHECK(d.client(right) == "454 4.7.0 Too many failed logins from ::1, try again later\r\n");
  d.now += 1min;
  CHECK_THAT(d.client(right), StartsWith("235 "));
}

}  // namespace netlab::mail::auth_test
