// SPDX-License-Identifier: MIT
#include "scan/finding.hpp"

#include <cerrno>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::finding_test {

TEST_CASE("finding: the names of states and reasons are those of the JSON, each another", "[scan][unit]") {
  CHECK(name_of(transport::tcp) == "tcp");
  CHECK(name_of(transport::udp) == "udp");
  std::set<std::string> names;
  for (std::size_t each = 0; each < port_state_count; ++each) names.emplace(name_of(static_cast<port_state>(each)));
  CHECK(names == std::set<std::string>{"open", "closed", "filtered", "open|filtered", "unknown"});
  names.clear();
  constexpr auto last = static_cast<std::size_t>(reason::local_error);
  for (std::size_t each = 0; each <= last; ++each) names.emplace(name_of(static_cast<reason>(each)));
  CHECK(names.size() == last + 1);
  CHECK(name_of(reason::syn_ack) == "syn-ack");
  CHECK(name_of(reason::no_response) == "no-response");
  CHECK(name_of(reason::port_unreachable) == "port-unreachable");
}

TEST_CASE("finding: the lab's errors have the numbers that a Windows program gets", "[scan][unit]") {
  CHECK(winsock_number(transport::tcp, ECONNREFUSED) == 10061);
  CHECK(winsock_number(transport::udp, ECONNREFUSED) == 10054);
  CHECK(winsock_number(transport::tcp, ETIMEDOUT) == 10060);
  CHECK(winsock_number(transport::tcp, EHOSTUNREACH) == 10065);
  CHECK(winsock_number(transport::tcp, ENETUNREACH) == 10051);
  CHECK(winsock_number(transport::tcp, EACCES) == 10013);
  CHECK(winsock_number(transport::tcp, 0) == 0);
  CHECK(winsock_number(transport::tcp, EPIPE) == 0);
}

TEST_CASE("finding: an error has its own name, and what is none has none", "[scan][unit]") {
  CHECK(error_name(ECONNREFUSED) == "ECONNREFUSED");
  CHECK(error_name(ETIMEDOUT) == "ETIMEDOUT");
  CHECK(error_name(0).empty());
  CHECK(error_name(-1).empty());
  for (int error = 1; error < 200; ++error)
    if (winsock_number(transport::tcp, error) != 0) CHECK(!error_name(error).empty());
}

TEST_CASE("finding: a summary counts by state", "[scan][unit]") {
  scan_summary summary;
  summary.by_state = {1, 2, 3, 4, 5};
  CHECK(summary.count(port_state::open) == 1);
  CHECK(summary.count(port_state::unknown) == 5);
}

}  // namespace netlab::scan::finding_test
