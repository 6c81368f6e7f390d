// SPDX-License-Identifier: MIT
#include "mail/message/address.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::mail::address_test {

using namespace std::string_view_literals;
using test::failed_with;
using test::why;

namespace {

std::string spelled(std::string_view text) {
  const auto parsed = parse_address(text);
  return parsed ? parsed->to_ascii_domain() : why(parsed);
}

// `name|address` of each mailbox.
std::string listed(std::string_view text) {
  const auto list = parse_mailbox_list(text);
  if (!list) return why(list);
  std::string out;
  for (const mailbox& one : *list) out += one.name + '|' + one.address.to_ascii_domain() + '\n';
  return out;
}

}  // namespace

TEST_CASE("address: dot-strings and quoted strings stay as they are", "[mail][unit]") {
  for (const auto good : {"a@b"sv, "first.last@example.org"sv, "o'hara+tag=x/y@example.org"sv,
                          "!#$%&'*+-/=?^_`{|}~@b"sv, "\"odd one\"@example.org"sv, "\"a@b\"@example.org"sv,
                          "\"a\\\"b\"@example.org"sv, "\"\"@b"sv, "Case@example.org"sv})
    CHECK(spelled(good) == good);
  CHECK(spelled(" <a@b> ") == "a@b");
  CHECK(spelled("a@Example.ORG.") == "a@example.org");
}

TEST_CASE("address: literals are IP addresses in brackets", "[mail][unit]") {
  CHECK(spelled("a@[192.0.2.1]") == "a@[192.0.2.1]");
  CHECK(spelled("a@[ipv6:2001:DB8::1]") == "a@[IPv6:2001:db8::1]");
  CHECK(spelled("a@[IPv6:::]") == "a@[IPv6:::]");
  CHECK(spelled("a@[IPv6:::ffff:192.0.2.1]") == "a@[IPv6:::ffff:192.0.2.1]");
  CHECK(spelled("a@[IPv6:1:2:3:4:5:6:7:8]") == "a@[IPv6:1:2:3:4:5:6:7:8]");
  for (const auto bad :
       {"a@[]"sv, "a@[192.0.2]"sv, "a@[192.0.2.256]"sv, "a@[192.0.2.01]"sv, "a@[IPv6:1:2:3:4:5:6:7]"sv,
        "a@[IPv6:1::2::3]"sv, "a@[IPv6:12345::]"sv, "a@[IPv6:1:2:3:4:5:6:7:8:9]"sv, "a@[host]"sv, "a@[1.2.3.4"sv,
        "a@[IPv6:1:2:3:4:5:6:7::8]"sv, "a@[IPv6:192.0.2.1::]"sv, "a@[2001:db8::1]"sv, "a@[192.0.2.1]x"sv})
    CHECK(failed_with(parse_address(bad), errc::bad_data));
}

TEST_CASE("address: what could end a line or a path is in none, whatever its quotes", "[mail][unit]") {
  for (const auto bad : {"a\r\n@b"sv, "a@b\n"sv, "a@b\r"sv, "\"a\nb\"@c"sv, "a\0@b"sv, "a@b\0"sv, "a\x7f@b"sv,
                         "a\x1b[1m@b"sv, "\"\t\"@b"sv, "a@b>\r\nRCPT TO:<c@d"sv, "a@b> SIZE=1"sv, "a@b><c@d"sv,
                         "a\xff@b"sv, "a\xc2\x85@b"sv, "a\xe2\x80\xae@b"sv})
    CHECK(failed_with(parse_address(bad), errc::bad_data));
}

TEST_CASE("address: a side that is missing or broken is named", "[mail][unit]") {
  CHECK(why(parse_address("")).find("empty") != std::string::npos);
  CHECK(why(parse_address("<>")).find("empty") != std::string::npos);
  CHECK(why(parse_address("nobody")).find("has no @") != std::string::npos);
  CHECK(why(parse_address("@b")).find("nothing before the @") != std::string::npos);
  CHECK(why(parse_address("a@")).find("nothing after the @") != std::string::npos);
  CHECK(why(parse_address("a@b@c")).find("more than one @") != std::string::npos);
  for (const auto bad : {".a@b"sv, "a.@b"sv, "a..b@c"sv, "a b@c"sv, "a,b@c"sv, "\"a@b"sv, "\"a\"b@c"sv, "a\"b@c"sv,
                         "(a)@b"sv, "a@b c"sv, "a@-b"sv, "a@b..c"sv, "\"a\\\"@b"sv, "a;b@c"sv, "<a@b"sv, "a@b>"sv})
    CHECK(failed_with(parse_address(bad), errc::bad_data));
}

TEST_CASE("address: lengths are the RFC's", "[mail][unit]") {
  CHECK(parse_address(std::string(64, 'a') + "@b"));
  CHECK(failed_with(parse_address(std::string(65, 'a') + "@b"), errc::bad_data));
  const std::string label(47, 'd');
  const std::string domain = label + "." + label + "." + label + "." + label;  // 191
  CHECK(parse_address(std::string(62, 'a') + "@" + domain));
  CHECK(failed_with(parse_address(std::string(63, 'a') + "@" + domain), errc::bad_data));
}

TEST_CASE("address: a local part outside ASCII has no other spelling, a domain has", "[mail][unit]") {
  const auto local = parse_address("jörg@example.org");
  REQUIRE(local);
  CHECK_FALSE(local->is_ascii());
  const auto domain = parse_address("jorg@bücher.example");
  REQUIRE(domain);
  CHECK(domain->is_ascii());
  CHECK(domain->to_ascii_domain() == "jorg@xn--bcher-kva.example");
  CHECK(domain->to_string() == "jorg@bücher.example");
  CHECK(*domain == *parse_address("jorg@XN--bcher-KVA.example"));
  CHECK_FALSE(*domain == *parse_address("Jorg@bücher.example"));
}

TEST_CASE("mailbox: names stand before angle brackets, bare, quoted or in a comment behind", "[mail][unit]") {
  CHECK(listed("a@b") == "|a@b\n");
  CHECK(listed("<a@b>") == "|a@b\n");
  CHECK(listed("John Doe <j@d.org>") == "John Doe|j@d.org\n");
  CHECK(listed("John Q. Public<j@d.org>") == "John Q. Public|j@d.org\n");
  CHECK(listed("\"Doe, John\" <j@d.org>") == "Doe, John|j@d.org\n");
  CHECK(listed("\"a \\\"b\\\" \\\\\" <j@d.org>") == "a \"b\" \\|j@d.org\n");
  CHECK(listed("Jürgen Müller <j@d.org>") == "Jürgen Müller|j@d.org\n");
  CHECK(listed("j@d.org (John Doe)") == "John Doe|j@d.org\n");
  CHECK(listed("John   Doe\t<j@d.org>") == "John Doe|j@d.org\n");
  CHECK(listed("John (the one) Doe <j@d.org> (home)") == "John Doe|j@d.org\n");
  CHECK(listed("\"odd one\"@b") == "|\"odd one\"@b\n");
  CHECK(listed("x <\"a>b\"@c>") == "x|\"a>b\"@c\n");
}

TEST_CASE("mailbox list: commas part them, empty elements are skipped", "[mail][unit]") {
  CHECK(listed("").empty());
  CHECK(listed(" , ").empty());
  CHECK(listed("a@b,c@d , ,\"e, f\" <g@h>,") == "|a@b\n|c@d\ne, f|g@h\n");
  CHECK(listed("a@b (x), c@d") == "x|a@b\n|c@d\n");
  CHECK(listed("a@[IPv6:::1],b@c") == "|a@[IPv6:::1]\n|b@c\n");
}

TEST_CASE("mailbox list: what is none is refused", "[mail][unit]") {
  for (const auto bad : {"a"sv, "a@b c@d"sv, "a@b; c@d"sv, "friends: a@b, c@d;"sv, "<a@b> x"sv, "x <a@b"sv,
                         "\"x <a@b>"sv, "x (y <a@b>"sv, "x, <a@b>"sv, "a@b\r\nBcc: x@y"sv, "\"a\nb\" <a@b>"sv,
                         "x[] <a@b>"sv, "x <>"sv, "x@y <a@b>"sv, "Name <a@b> <c@d>"sv})
    CHECK(failed_with(parse_mailbox_list(bad), errc::bad_data));
  CHECK(why(parse_mailbox_list("friends: a@b;")).find("group") != std::string::npos);
  CHECK(failed_with(parse_mailbox("a@b, c@d"), errc::bad_data));
  CHECK(failed_with(parse_mailbox(""), errc::bad_data));
}

TEST_CASE("address: a character that cannot be is shown so that it does nothing", "[mail][address]") {
  CHECK(why(parse_address("a\tb@c.example")) == "address 'a\\tb@c.example' has '\\t' before the @");
}

}  // namespace netlab::mail::address_test
