// SPDX-License-Identifier: MIT
#include "scan/targets.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/failure.hpp"

namespace netlab::scan::targets_test {

using test::failed_with;
using test::why;

namespace {

std::uint32_t two_interfaces(const std::string& name) { return name == "eth0" ? 2 : name == "br-lan" ? 3 : 0; }

address_range range(std::string_view text, target_use use = target_use::scan) {
  return std::get<address_range>(parse_target(text, use, two_interfaces).value());
}

std::string shown(std::string_view text) {
  const address_range found = range(text);
  return to_string(found.first) + " " + to_string(found.last);
}

std::vector<std::string> all(const target_set& set) {
  std::vector<std::string> found;
  for (std::uint64_t place = 0; place < set.size(); ++place) found.push_back(to_string(set.at(place)));
  return found;
}

}  // namespace

TEST_CASE("targets: an address, a block, a range", "[scan][unit]") {
  CHECK(shown("192.0.2.1") == "192.0.2.1 192.0.2.1");
  CHECK(shown("192.0.2.77/24") == "192.0.2.0 192.0.2.255");
  CHECK(shown("0.0.0.0/0") == "0.0.0.0 255.255.255.255");
  CHECK(shown("192.0.2.1-192.0.3.9") == "192.0.2.1 192.0.3.9");
  CHECK(shown("192.0.2.1-9") == "192.0.2.1 192.0.2.9");
  CHECK(shown("::1") == "::1 ::1");
  CHECK(shown("[::1]") == "::1 ::1");
  CHECK(shown("2001:db8::ff/120") == "2001:db8:: 2001:db8::ff");
  CHECK(shown("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::1") == "2001:db8::ffff:ffff:ffff:ffff 2001:db8:0:1::1");
}

TEST_CASE("targets: anything else that could be a name is one", "[scan][unit]") {
  for (const char* text : {"localhost", "lab.example.org", "my-host", "a-b.example"})
    CHECK(std::get<host_name>(parse_target(text).value()).name == text);
}

TEST_CASE("targets: an error names the cure", "[scan][unit]") {
  CHECK(why(parse_target("192.0.2.9-192.0.2.1")) ==
        "target '192.0.2.9-192.0.2.1' runs backwards (write 192.0.2.1-192.0.2.9)");
  CHECK(why(parse_target("192.0.2.0/33")) == "target '192.0.2.0/33' has no prefix length from 0 to 32");
  CHECK(why(parse_target("2001:db8::/64")) ==
        "target '2001:db8::/64' has more than 2^32 addresses (a prefix length of at least 96)");
  CHECK(why(parse_target("192.0.2.256")) == "target '192.0.2.256' is not an IPv4 address (four numbers from 0 to 255)");
  for (const char* text : {"", "a b", "x/24", "192.0.2.1-::1", "192.0.2.1-x", "1:2", "a\x1b[0m"})
    CHECK(failed_with(parse_target(text), errc::usage));
}

TEST_CASE("targets: a file has words and comments, and an error its line", "[scan][unit]") {
  const auto found = parse_target_file("# lab\n192.0.2.1 192.0.2.2\n\nhost # mine\r\n", "hosts").value();
  CHECK(found.size() == 3);
  const auto bad = parse_target_file("a\n192.0.2.9-1\n", "hosts");
  CHECK(failed_with(bad, errc::bad_data));
  CHECK(why(bad).starts_with("hosts:2: target"));
}

TEST_CASE("targets: what is named twice is scanned once, under its first name", "[scan][unit]") {
  target_set set;
  set.add(range("192.0.2.2"), "lab");
  set.add(range("192.0.2.1-3"));
  set.add(range("192.0.2.0-4"));
  CHECK(all(set) == std::vector<std::string>{"192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.0", "192.0.2.4"});
  CHECK(set.host_at(0) == "lab");
  CHECK(set.host_at(1) == "192.0.2.1");
}

TEST_CASE("targets: what is excluded is left out of blocks", "[scan][unit]") {
  target_set set;
  set.exclude(range("192.0.2.0"));
  set.exclude(range("192.0.2.2-3"));
  set.exclude(range("192.0.2.3-5"));
  set.exclude(range("192.0.2.255"));
  set.add(range("192.0.2.0/29"));
  CHECK(all(set) == std::vector<std::string>{"192.0.2.1", "192.0.2.6", "192.0.2.7"});
  set.add(range("192.0.2.254-255"));
  CHECK(set.size() == 4);
}

TEST_CASE("targets: a range tells how many of its addresses are new", "[scan][unit]") {
  target_set set;
  set.exclude(range("192.0.2.4-192.0.2.255"));
  CHECK(set.count_new(range("192.0.2.0/24")) == 4);
  set.add(range("192.0.2.1"));
  CHECK(set.count_new(range("192.0.2.0/24")) == 3);
  CHECK(set.count_new(range("192.0.2.1")) == 0);
  CHECK(set.count_new(range("10.0.0.0-10.255.255.255")) == 1 << 24);
  set.exclude(range("fe80::2", target_use::exclude));
  CHECK(set.count_new(range("fe80::1-fe80::3%2")) == 2);
}

TEST_CASE("targets: 2^24 hosts and more cost no memory", "[scan][unit]") {
  target_set set;
  set.exclude(range("10.1.2.3"));
  set.add(range("10.0.0.0/8"));
  CHECK(set.size() == (1U << 24) - 1);
  CHECK(to_string(set.at(set.size() - 1)) == "10.255.255.255");
  set.add(range("0.0.0.0/0"));
  CHECK(set.size() == 0xffffffff);
  set.add(range("2001:db8::/96"));
  CHECK(set.size() == 0x1ffffffff);
  CHECK(to_string(set.at(0x1fffffffe)) == "2001:db8::ffff:ffff");
}

TEST_CASE("targets: a port behind a host is named as one", "[scan][unit]") {
  for (const auto text : {"127.0.0.1:80", "lab.example.org:22", "[::1]:443"}) {
    const auto bad = parse_target(text);
    CHECK(failed_with(bad, errc::usage));
    CHECK(why(bad).find("--range") != std::string::npos);
  }
  CHECK(parse_target("::1:80"));  // an address
}

TEST_CASE("targets: a link-local address wants its interface", "[scan][unit]") {
  for (const auto text : {"fe80::1", "febf::1", "[fe80::1]"}) {
    const auto bad = parse_target(text);
    CHECK(failed_with(bad, errc::usage));
    CHECK(why(bad).find("%eth0") != std::string::npos);
  }
  CHECK(parse_target("fec0::1"));
}

TEST_CASE("targets: an interface is named after the address, in brackets, or in a block", "[scan][unit]") {
  for (const char* text : {"fe80::1%eth0", "[fe80::1%eth0]", "fe80::1%2"}) CHECK(shown(text) == "fe80::1%2 fe80::1%2");
  CHECK(shown("fe80::1%br-lan") == "fe80::1%3 fe80::1%3");
  CHECK(shown("fe80::%eth0/126") == "fe80::%2 fe80::3%2");
  CHECK(shown("fe80::/126%eth0") == "fe80::%2 fe80::3%2");
  CHECK(shown("fe80::1-fe80::9%br-lan") == "fe80::1%3 fe80::9%3");
  CHECK(shown("::1%eth0") == "::1 ::1");
  CHECK(why(parse_target("fe80::1%eth9", target_use::scan, two_interfaces)) ==
        "target 'fe80::1%eth9' names an interface that this machine does not have: 'eth9' (ip link lists them)");
  CHECK(failed_with(parse_target("fe80::1%eth0-fe80::9%br-lan", target_use::scan, two_interfaces), errc::usage));
}

TEST_CASE("targets: a link-local address on two interfaces is two targets", "[scan][unit]") {
  target_set set;
  set.add(range("fe80::1%2"));
  set.add(range("fe80::1%3"));
  set.add(range("fe80::1%2"));
  CHECK(all(set) == std::vector<std::string>{"fe80::1%2", "fe80::1%3"});
}

TEST_CASE("targets: a link-local address is excluded on one interface, or without one on all", "[scan][unit]") {
  target_set one;
  one.exclude(range("fe80::2%2", target_use::exclude));
  target_set every;
  every.exclude(range("fe80::2", target_use::exclude));
  for (target_set* each : {&one, &every})
    for (const char* text : {"fe80::1-fe80::3%2", "fe80::1-fe80::3%3"}) each->add(range(text));
  CHECK(all(one) == std::vector<std::string>{"fe80::1%2", "fe80::3%2", "fe80::1%3", "fe80::2%3", "fe80::3%3"});
  CHECK(all(every) == std::vector<std::string>{"fe80::1%2", "fe80::3%2", "fe80::1%3", "fe80::3%3"});
}

TEST_CASE("targets: what is excluded may be a block of any size", "[scan][unit]") {
  target_set set;
  set.exclude(range("2001:db8::/32", target_use::exclude));
  set.exclude(range("fe80::/10", target_use::exclude));
  set.exclude(range("2001:db9::5-2001:dba::", target_use::exclude));
  set.add(range("2001:db8::1"));
  set.add(range("2001:db9::1-2001:db9::9"));
  set.add(range("fe80::1%2"));
  CHECK(all(set) == std::vector<std::string>{"2001:db9::1", "2001:db9::2", "2001:db9::3", "2001:db9::4"});
  target_set none;
  none.exclude(range("::/0", target_use::exclude));
  none.exclude(range("0.0.0.0/0", target_use::exclude));
  none.add(range("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124", target_use::exclude));
  none.add(range("255.0.0.0/9"));
  CHECK(none.size() == 0);
}

TEST_CASE("targets: an address is the one that is really reached", "[scan][unit]") {
  CHECK(shown("0.0.0.0") == "127.0.0.1 127.0.0.1");
  CHECK(shown("::") == "::1 ::1");
  CHECK(shown("::ffff:192.0.2.7") == "192.0.2.7 192.0.2.7");
  CHECK(shown("::ffff:192.0.2.0/120") == "192.0.2.0 192.0.2.255");
  CHECK(shown("::ffff:0.0.0.0") == "127.0.0.1 127.0.0.1");
}

TEST_CASE("targets: a group or broadcast address is not a host", "[scan][unit]") {
  for (const char* text : {"224.0.0.1", "239.255.255.250", "224.0.0.0/24", "255.255.255.255", "ff02::1%2", "ff05::1",
                           "ff0e::/112", "::ffff:224.0.0.1"}) {
    CHECK(failed_with(parse_target(text), errc::usage));
    CHECK(parse_target(text, target_use::exclude));
  }
  target_set set;  // inside a larger block they are left out
  for (const address_range& each : addresses_of_no_host()) set.exclude(each);
  set.add(range("223.255.255.254-240.0.0.1"));
  CHECK(all(set) == std::vector<std::string>{"223.255.255.254", "223.255.255.255", "240.0.0.0", "240.0.0.1"});
}

TEST_CASE("targets: other names of an address are kept beside the first", "[scan][unit]") {
  target_set set;
  set.add(range("192.0.2.1"), "lab");
  set.add(range("192.0.2.1"), "www");
  set.add(range("192.0.2.1"), "lab");
  set.add(range("192.0.2.1"), "www");
  set.add(range("192.0.2.1"));
  set.add(range("192.0.2.4-9"));
  set.add(range("192.0.2.7"), "mail");
  const auto others = [&](std::string_view text) {
    const auto found = set.other_names(*parse_ip(text));
    return std::vector<std::string>(found.begin(), found.end());
  };
  CHECK(set.size() == 7);
  CHECK(others("192.0.2.1") == std::vector<std::string>{"www"});
  CHECK(others("192.0.2.7") == std::vector<std::string>{"mail"});
  CHECK(others("192.0.2.4").empty());
}

TEST_CASE("targets: the place of an address is found again", "[scan][unit]") {
  target_set set;
  set.exclude(range("192.0.2.3"));
  set.add(range("192.0.2.7"), "lab");
  set.add(range("192.0.2.1-9"));
  set.add(range("2001:db8::/126"));
  set.add(range("fe80::%2/126"));
  for (std::uint64_t place = 0; place < set.size(); ++place) CHECK(set.place_of(set.at(place)) == place);
  CHECK_FALSE(set.place_of(*parse_ip("192.0.2.3")));
  CHECK_FALSE(set.place_of(*parse_ip("192.0.2.10")));
  CHECK_FALSE(set.place_of(*parse_ip("fe80::1")));
}

}  // namespace netlab::scan::targets_test
