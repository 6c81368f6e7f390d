// SPDX-License-Identifier: MIT
#include "net/endpoint.hpp"

#include <catch2/catch_test_macros.hpp>

#include "net/dial.hpp"
#include "support/failure.hpp"

namespace netlab::net::endpoint_test {

using namespace std::string_view_literals;
using test::failed_with;
using test::why;

namespace {

std::string show(std::string_view text) {
  const auto parsed = parse_host_port(text);
  if (!parsed) {
    CHECK(parsed.error().code == errc::usage);
    return why(parsed);
  }
  return parsed->host + " " + (parsed->port ? std::to_string(*parsed->port) : "-");
}

std::string local(std::string_view text) {
  const auto parsed = parse_local_end(text);
  return parsed ? to_string(parsed->address, parsed->port) : why(parsed);
}

}  // namespace

TEST_CASE("parse_host_port: a host, with a port or without", "[net][unit]") {
  CHECK(show("localhost") == "localhost -");
  CHECK(show("localhost:25") == "localhost 25");
  CHECK(show("192.0.2.1:25") == "192.0.2.1 25");
  CHECK(show("host:0") == "host 0");
  CHECK(show("host:65535") == "host 65535");
  CHECK(show("münchen.example:1") == "münchen.example 1");
  CHECK(show(":25") == " 25");
  CHECK(show("") == " -");
}

TEST_CASE("parse_host_port: an IPv6 address, in brackets or alone", "[net][unit]") {
  CHECK(show("[::1]:25") == "::1 25");
  CHECK(show("[::1]") == "::1 -");
  CHECK(show("::1") == "::1 -");
  CHECK(show("::") == ":: -");
  CHECK(show("2001:db8::25") == "2001:db8::25 -");
  CHECK(show("fe80::1%lo") == "fe80::1%lo -");
  CHECK(show("[fe80::1%lo]:25") == "fe80::1%lo 25");
  CHECK(show("[::ffff:192.0.2.1]:1") == "::ffff:192.0.2.1 1");
}

TEST_CASE("parse_host_port: says what is wrong with an endpoint", "[net][unit]") {
  CHECK(show("[::1") == "endpoint '[::1' lacks the closing ] (write host:port or [::1]:port)");
  CHECK(show("[localhost]:1").starts_with("endpoint '[localhost]:1' has no IPv6 address in its brackets"));
  CHECK(show("[192.0.2.1]:1").starts_with("endpoint '[192.0.2.1]:1' has no IPv6 address in its brackets"));
  CHECK(show("[::1]25").starts_with("endpoint '[::1]25' has something other than :port after the ]"));
  CHECK(show("a:b:c").starts_with("endpoint 'a:b:c' is not an IP address, and has more than one colon"));
  CHECK(show("host/path").starts_with("endpoint 'host/path' contains characters that are not allowed in a host name"));
  CHECK(show("user@host:25").starts_with("endpoint 'user@host:25' contains characters"));
  CHECK(show("a b").starts_with("endpoint 'a b' contains characters"));
  CHECK(show("a\x1b[2J").starts_with("endpoint 'a\\x1b[2J' contains characters"));
  CHECK(show("a\0b"sv).starts_with("endpoint 'a\\x00b' contains characters"));
  CHECK(show("[::1\0]:25"sv).starts_with("endpoint '[::1\\x00]:25' has no IPv6 address"));
  CHECK(show(std::string(256, 'x')).find("contains characters that are not allowed in a host name") !=
        std::string::npos);
}

TEST_CASE("parse_host_port: a port outside its range is named", "[net][unit]") {
  CHECK(show("host:") == "port '' is neither a number from 0 to 65535 nor the name of a service");
  CHECK(show("host:65536") == "port '65536' does not exist (a port is 1 to 65535)");
  CHECK(show("host:-1") == "port '-1' does not exist (a port is 1 to 65535)");
  CHECK(show("[::1]:x y") == "port 'x y' is neither a number from 0 to 65535 nor the name of a service");
}

TEST_CASE("parse_host_port: a URL is named as one, with what is meant", "[net][unit]") {
  CHECK(show("https://localhost:4711/x") == "'https://localhost:4711/x' is a URL (write localhost:4711)");
  CHECK(why(parse_host("http://lab:80")) == "'http://lab:80' is a URL (write lab)");
}

TEST_CASE("parse_port: 0 to 65535 in decimal figures, or a service's name", "[net][unit]") {
  CHECK(parse_port("0") == 0);
  CHECK(parse_port("65535") == 65535);
  CHECK(parse_port("smtp") == 25);
  CHECK(failed_with(parse_remote_port("0"), errc::usage));
  CHECK(parse_remote_port("HTTP") == 80);
  for (const auto text : {"", "65536", "70000", "-1", "+1", " 1", "1 ", "0x50", "1e3"})
    CHECK(failed_with(parse_port(text), errc::usage));
}

TEST_CASE("parse_address: an address and nothing else", "[net][unit]") {
  CHECK(parse_address("127.0.0.1").value().is_v4());
  CHECK(parse_address("::1").value().is_v6());
  for (const auto text : {""sv, "localhost"sv, "127.0.0.1:1"sv, "[::1]"sv, "127.1"sv, "127.0.0.256"sv, "127.0.0.1\0"sv,
                          " 127.0.0.1"sv, "127.0.0.1 "sv})
    CHECK_FALSE(parse_address(text));
}

TEST_CASE("to_string: an endpoint is written so that it can be read again", "[net][unit]") {
  CHECK(to_string(tcp::endpoint(asio::ip::make_address("127.0.0.1"), 50000)) == "127.0.0.1:50000");
  CHECK(to_string(udp::endpoint(asio::ip::make_address("::1"), 7)) == "[::1]:7");
  CHECK(to_string("localhost", 25) == "localhost:25");
  CHECK(to_string("::1", 25) == "[::1]:25");
}

TEST_CASE("in_family: any takes both", "[net][unit]") {
  const auto v4 = asio::ip::make_address("127.0.0.1");
  const auto v6 = asio::ip::make_address("::1");
  CHECK((in_family(v4, family::any) && in_family(v6, family::any)));
  CHECK((in_family(v4, family::ipv4) && !in_family(v6, family::ipv4)));
  CHECK((!in_family(v4, family::ipv6) && in_family(v6, family::ipv6)));
}

TEST_CASE("parse_host: a host alone, without its brackets", "[net][unit]") {
  CHECK(parse_host("localhost") == "localhost");
  CHECK(parse_host("192.0.2.1") == "192.0.2.1");
  CHECK(parse_host("::1") == "::1");
  CHECK(parse_host("[::1]") == "::1");
  CHECK(parse_host("[fe80::1%lo]") == "fe80::1%lo");
  CHECK(parse_host("a:b:c") == "a:b:c");  // left to the resolver
}

TEST_CASE("parse_host: an empty one and one with a port are refused", "[net][unit]") {
  CHECK(failed_with(parse_host(""), errc::usage));
  CHECK(why(parse_host("")) == "the host is empty (a name or an address)");
  CHECK(why(parse_host("192.0.2.1:5")) == "'192.0.2.1:5' has a port (give the port with --port)");
  CHECK(why(parse_host("[::1]:5", "not here")) == "'[::1]:5' has a port (not here)");
  CHECK(failed_with(parse_host("localhost:"), errc::usage));
  CHECK(failed_with(parse_host(":5"), errc::usage));
  CHECK(failed_with(parse_host("fe80::1"), errc::usage));
}

TEST_CASE("check_interface: a link-local address wants its interface", "[net][unit]") {
  CHECK(why(parse_local_end("fe80::1")) ==
        "'fe80::1' is a link-local address and needs an interface (write fe80::1%eth0)");
  CHECK(failed_with(parse_local_end("[fe80::1]:5"), errc::usage));
  CHECK(parse_local_end("[fe80::1%1]:5"));
  CHECK(check_interface(asio::ip::make_address("fec0::1")));
  CHECK(check_interface(asio::ip::make_address("169.254.0.1")));
}

TEST_CASE("parse_local_end: an address, a port, or both", "[net][unit]") {
  CHECK(local("127.0.0.2") == "127.0.0.2:0");
  CHECK(local("127.0.0.2:4000") == "127.0.0.2:4000");
  CHECK(local(":4000") == "0.0.0.0:4000");
  CHECK(local("[::1]:4000") == "[::1]:4000");
  CHECK(local("::1") == "[::1]:0");
  CHECK(local("eth0") == "local address 'eth0' is not an IP address (write 192.0.2.1, 192.0.2.1:4000 or [::1]:4000)");
  CHECK(failed_with(parse_local_end("127.0.0.1:x"), errc::usage));
}

TEST_CASE("address_literal: an address in brackets, IPv6 with its tag and without its interface", "[net][unit]") {
  CHECK(address_literal(asio::ip::make_address("192.0.2.1")) == "[192.0.2.1]");
  CHECK(address_literal(asio::ip::make_address("2001:db8::1")) == "[IPv6:2001:db8::1]");
  CHECK(address_literal(asio::ip::make_address("fe80::1%1")) == "[IPv6:fe80::1]");
}

TEST_CASE("with_context: the peer, unless the failure has a context", "[net][unit]") {
  const std::error_code code = make_error_code(errc::timed_out);
  CHECK(with_context({code, {}, {}, {}}, "localhost", 25).context == "localhost:25");
  CHECK(with_context({code, "read answer", {}, {}}, "localhost", 25).context == "read answer");
}

}  // namespace netlab::net::endpoint_test
