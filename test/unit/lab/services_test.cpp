// SPDX-License-Identifier: MIT
#include "lab/services.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <set>

#include "support/failure.hpp"

namespace netlab::lab::services_test {

using texts = std::vector<std::string>;

namespace {

texts names(const std::vector<lab::service_entry>& entries) {
  texts all;
  for (const lab::service_entry& each : entries) all.emplace_back(each.name);
  return all;
}

texts chosen(const texts& only, const texts& without) {
  std::vector<lab::service_entry> wanted;
  std::vector<lab::service_entry> unwanted;
  for (const auto& [lists, into] : {std::pair(&only, &wanted), std::pair(&without, &unwanted)})
    for (const std::string& list : *lists) {
      const auto named = lab::parse_services(list);
      if (!named) return {describe(named.error())};
      into->insert(into->end(), named->begin(), named->end());
    }
  const auto found = lab::choose(wanted, unwanted);
  return found ? names(*found) : texts{describe(found.error())};
}

}  // namespace

TEST_CASE("services: each has a name and a port of its own, and they are in the order of their ports", "[lab][unit]") {
  std::set<std::string_view> seen;
  std::uint16_t before = 0;
  for (const lab::service_entry& each : lab::services()) {
    CHECK(seen.insert(each.name).second);
    CHECK(each.port > before);
    before = each.port;
  }
}

TEST_CASE("services: all of them, some, all but some", "[lab][unit]") {
  CHECK(chosen({}, {}).size() == lab::services().size());
  CHECK(chosen({"calc,echo"}, {}) == texts{"echo", "calc"});
  CHECK(chosen({"time", "echo"}, {}) == texts{"echo", "time"});
  CHECK(chosen({" Echo , TIME", "echo"}, {}) == texts{"echo", "time"});
  CHECK(chosen({"echo,calc"}, {"calc"}) == texts{"echo"});
  const texts left = chosen({}, {"chargen,discard"});
  CHECK(left.size() == lab::services().size() - 2);
  CHECK(std::find(left.begin(), left.end(), "chargen") == left.end());
}

TEST_CASE("services: mail is all that take it", "[lab][unit]") {
  CHECK(chosen({"mail"}, {}) == texts{"smtp", "submissions", "submission"});
  CHECK(chosen({"mail,echo"}, {"smtp"}) == texts{"echo", "submissions", "submission"});
  CHECK(chosen({"mial"}, {}) == texts{"unknown service 'mial' (did you mean mail?)"});
}

TEST_CASE("services: a name that is none is refused, with the nearest", "[lab][unit]") {
  CHECK(chosen({"ecoh"}, {}) == texts{"unknown service 'ecoh' (did you mean echo?)"});
  CHECK(chosen({}, {"echo,discrad"}) == texts{"unknown service 'discrad' (did you mean discard?)"});
  CHECK(chosen({""}, {}).front().starts_with("unknown service ''"));
  CHECK(chosen({"echo,"}, {}).front().starts_with("unknown service ''"));
  CHECK(chosen({"\x1b"}, {}).front().starts_with("unknown service '\\x1b'"));
}

TEST_CASE("services: nothing left is refused", "[lab][unit]") {
  CHECK(chosen({"echo"}, {"echo"}).front().starts_with("no service left to run"));
}

TEST_CASE("services: an offset moves the ports below 1024 alone; calc has a port of its own", "[lab][unit]") {
  for (const lab::service_entry& each : lab::services()) {
    const bool is_calc = each.kind == lab::role::calc;
    CHECK(lab::port_of(each, {}) == each.port);
    CHECK(lab::port_of(each, {.offset = 10000}) == each.port + (is_calc ? 0 : 10000));
    CHECK(lab::port_of(each, {.offset = 10000, .calc_port = 4711}) == (is_calc ? 4711 : each.port + 10000));
    CHECK(lab::port_of(each, {.offset = lab::largest_offset}) >= each.port);
  }
}

TEST_CASE("services: chargen is not served by datagrams", "[lab][unit]") {
  for (const lab::service_entry& each : lab::services())
    if (each.name == "chargen") CHECK_FALSE(each.udp);
}

}  // namespace netlab::lab::services_test
