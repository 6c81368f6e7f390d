// SPDX-License-Identifier: MIT
#include "scan/rtnetlink.hpp"

#include <linux/rtnetlink.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <cerrno>
#include <cstring>

#include "scan/route_intervals.hpp"

namespace netlab::scan::rtnetlink_test {

namespace {

address ip(std::string_view text) { return *parse_ip(text); }

template <class Value>
void put(bytes& to, const Value& value) {
  append(to, std::as_bytes(std::span(&value, 1)));
}

struct message_maker {
  bytes octets;
  template <class Head>
  message_maker(std::uint16_t type, std::uint32_t sequence, const Head& head) {
    put(octets, nlmsghdr{0, type, 0, sequence, 0});
    put(octets, head);
  }
  message_maker& with(std::uint16_t type, bytes_view value) {
    put(octets, rtattr{static_cast<std::uint16_t>(4 + value.size()), type});
    append(octets, value);
    while (octets.size() % 4 != 0) octets.push_back({});
    return *this;
  }
  message_maker& with(std::uint16_t type, const address& value) {
    const auto all = value.octets();
    return with(type, std::as_bytes(std::span(all)).first(value.is_v6 ? 16 : 4));
  }
  message_maker& with(std::uint16_t type, std::uint32_t value) {
    return with(type, std::as_bytes(std::span(&value, 1)));
  }
  bytes done() {
    const auto size = static_cast<std::uint32_t>(octets.size());
    std::memcpy(octets.data(), &size, 4);
    return octets;
  }
};

message_maker route_message(unsigned type, std::uint32_t sequence = 7) {
  rtmsg head{};
  head.rtm_family = 2;
  head.rtm_type = static_cast<unsigned char>(type);
  return {RTM_NEWROUTE, sequence, head};
}

}  // namespace

TEST_CASE("rtnetlink: a route has an interface, a source and perhaps a gateway", "[scan][rtnetlink]") {
  auto one = parse_route(route_message(RTN_UNICAST).with(RTA_OIF, 3U).with(RTA_PREFSRC, ip("192.0.2.1")).done(), 7);
  REQUIRE(one);
  CHECK(one->type == route::kind::direct);
  CHECK(one->interface == 3);
  CHECK(one->source == ip("192.0.2.1"));
  CHECK_FALSE(one->gateway);
  one = parse_route(route_message(RTN_UNICAST)
                        .with(RTA_OIF, 3U)
                        .with(RTA_PREFSRC, ip("192.0.2.1"))
                        .with(RTA_GATEWAY, ip("192.0.2.9"))
                        .done(),
                    7);
  CHECK(one->gateway == ip("192.0.2.9"));
  // RTA_VIA: the address family, then an IPv6 gateway of an IPv4 route (RFC 5549).
  bytes via;
  put(via, std::uint16_t{10});
  const auto far = ip("fe80::9").octets();
  append(via, std::as_bytes(std::span(far)));
  one = parse_route(
      route_message(RTN_UNICAST).with(RTA_OIF, 3U).with(RTA_PREFSRC, ip("192.0.2.1")).with(RTA_VIA, via).done(), 7);
  REQUIRE(one->gateway);
  CHECK(one->gateway->equals_without_scope(ip("fe80::9")));
  CHECK(one->gateway->scope == 3);
  one = parse_route(route_message(RTN_LOCAL).with(RTA_OIF, 1U).with(RTA_PREFSRC, ip("127.0.0.1")).done(), 7);
  CHECK(one->type == route::kind::local);
}

TEST_CASE("rtnetlink: routes that lead nowhere are refused with an error", "[scan][rtnetlink]") {
  const auto error_of = [](bytes octets) {
    const auto found = parse_route(octets, 7);
    REQUIRE(found);
    CHECK(found->type == route::kind::refused);
    return found->system_error;
  };
  CHECK(error_of(route_message(RTN_UNREACHABLE).done()) == EHOSTUNREACH);
  CHECK(error_of(route_message(RTN_PROHIBIT).done()) == EACCES);
  CHECK(error_of(route_message(RTN_BLACKHOLE).done()) == EINVAL);
  CHECK(error_of(route_message(RTN_UNICAST).done()) == EADDRNOTAVAIL);  // without a source address
  nlmsgerr none{};
  none.error = -ENETUNREACH;
  CHECK(error_of(message_maker(NLMSG_ERROR, 7, none).done()) == ENETUNREACH);
}

TEST_CASE("rtnetlink: malformed answers and answers to others are none", "[scan][rtnetlink]") {
  const bytes whole = route_message(RTN_UNICAST).with(RTA_OIF, 3U).with(RTA_PREFSRC, ip("192.0.2.1")).done();
  CHECK_FALSE(parse_route(whole, 8));
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(parse_route(bytes_view(whole).first(size), 7));
}

TEST_CASE("rtnetlink: a table has prefixes, neighbours and an end", "[scan][rtnetlink]") {
  table_part all;
  rtmsg head{};
  head.rtm_family = 2;
  head.rtm_dst_len = 24;
  bytes octets = message_maker(RTM_NEWROUTE, 5, head).with(RTA_DST, ip("10.0.0.0")).done();
  ndmsg known{};
  known.ndm_family = 2;
  known.ndm_ifindex = 4;
  known.ndm_state = NUD_REACHABLE;
  const mac_address mac{1, 2, 3, 4, 5, 6};
  append(octets, message_maker(RTM_NEWNEIGH, 5, known)
                     .with(NDA_DST, ip("10.0.0.9"))
                     .with(NDA_LLADDR, std::as_bytes(std::span(mac)))
                     .done());
  known.ndm_state = NUD_FAILED;
  append(octets, message_maker(RTM_NEWNEIGH, 5, known)
                     .with(NDA_DST, ip("10.0.0.8"))
                     .with(NDA_LLADDR, std::as_bytes(std::span(mac)))
                     .done());
  REQUIRE(parse_table(octets, 5, all));
  CHECK_FALSE(all.is_last);
  REQUIRE(all.prefixes.size() == 1);
  CHECK(all.prefixes[0].first == ip("10.0.0.0"));
  CHECK(all.prefixes[0].bits == 24);
  CHECK(all.neighbours == std::vector<neighbour>{{4, {ip("10.0.0.9"), mac}}});
  REQUIRE(parse_table(message_maker(NLMSG_DONE, 5, std::uint32_t{0}).done(), 5, all));
  CHECK(all.is_last);
  nlmsgerr refused{};
  refused.error = -EOPNOTSUPP;
  const auto failed = parse_table(message_maker(NLMSG_ERROR, 5, refused).done(), 5, all);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == std::errc::operation_not_supported);
  CHECK_FALSE(parse_table(bytes_view(octets).first(10), 5, all));
}

TEST_CASE("route intervals: addresses between the ends of prefixes have the same number", "[scan][route_intervals]") {
  const std::vector<prefix> prefixes{{ip("0.0.0.0"), 0},        {ip("10.0.0.0"), 8},    {ip("10.1.0.0"), 16},
                                     {ip("255.255.255.0"), 24}, {ip("2001:db8::"), 32}, {ip("2001:db8:0:1::"), 64},
                                     {ip("ffff::"), 16},        {ip("10.2.3.4"), 32},   {ip("10.2.3.4"), 99}};
  const route_intervals cuts(prefixes);
  const auto same = [&](const char* one, const char* other) { return cuts.of(ip(one)) == cuts.of(ip(other)); };
  CHECK(same("1.2.3.4", "9.255.255.255"));
  CHECK_FALSE(same("9.255.255.255", "10.0.0.0"));
  CHECK_FALSE(same("10.0.255.255", "10.1.0.0"));
  CHECK(same("10.1.0.0", "10.1.255.255"));
  CHECK_FALSE(same("10.0.1.1", "10.2.1.1"));  // both in 10/8, but on either side of 10.1/16: asked twice, no harm
  CHECK_FALSE(same("10.2.3.3", "10.2.3.4"));
  CHECK_FALSE(same("10.2.3.4", "10.2.3.5"));
  CHECK_FALSE(same("255.255.254.255", "255.255.255.0"));
  CHECK(same("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
  CHECK_FALSE(same("2001:db8::1", "2001:db8:0:1::1"));
  CHECK_FALSE(same("2001:db8:0:1::1", "2001:db8:0:2::1"));
  CHECK_FALSE(same("fffe::1", "ffff::1"));
  CHECK(same("ffff::1", "ffff:ffff::1"));
  CHECK(cuts.of({.is_v6 = true, .scope = 3, .high = 0xffff'0000'0000'0000, .low = 1}) == cuts.of(ip("ffff::1")));
  CHECK(route_intervals().of(ip("1.2.3.4")) == 0);
  CHECK(cuts.last_like(ip("1.2.3.4")) == ip("9.255.255.255"));
  CHECK(cuts.last_like(ip("10.1.2.3")) == ip("10.1.255.255"));
  CHECK(cuts.last_like(ip("10.2.3.4")) == ip("10.2.3.4"));
  CHECK(cuts.last_like(ip("2001:db8:0:1::1")) == ip("2001:db8:0:1:ffff:ffff:ffff:ffff"));
  CHECK_FALSE(cuts.last_like(ip("255.255.255.9")));
  CHECK_FALSE(cuts.last_like(ip("ffff::1")));
  CHECK_FALSE(route_intervals().last_like(ip("1.2.3.4")));
}

}  // namespace netlab::scan::rtnetlink_test
