// SPDX-License-Identifier: MIT
#include "lab/tour/system_counters.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace netlab::lab::system_counters_test {

namespace {

constexpr std::string_view table =
    "Ip: Forwarding DefaultTTL\n"
    "Ip: 1 64\n"
    "IcmpMsg: InType3\n"
    "IcmpMsg: 9\n"
    "Tcp: RtoMin MaxConn OutRsts\n"
    "Tcp: 200 -1 18446744073709551615\n";

}  // namespace

TEST_CASE("system_counters: a value stands under its name", "[lab][system_counters]") {
  CHECK(find_counter(table, "Ip", "DefaultTTL") == 64);
  CHECK(find_counter(table, "IcmpMsg", "InType3") == 9);
  CHECK(find_counter(table, "Tcp", "OutRsts") == 18446744073709551615U);
}

TEST_CASE("system_counters: a protocol's name is whole", "[lab][system_counters]") {
  CHECK_FALSE(find_counter(table, "Icmp", "InType3").has_value());
  CHECK_FALSE(find_counter(table, "cp", "OutRsts").has_value());
}

TEST_CASE("system_counters: what is not there, or no count, is nothing", "[lab][system_counters]") {
  CHECK_FALSE(find_counter(table, "Udp", "InErrors").has_value());
  CHECK_FALSE(find_counter(table, "Tcp", "InErrs").has_value());
  CHECK_FALSE(find_counter(table, "Tcp", "MaxConn").has_value());
  CHECK_FALSE(find_counter(GENERATE("", "Tcp:", "Tcp: OutRsts", "Tcp: OutRsts\nTcp:", "Tcp: A OutRsts\nTcp: 1\n"),
                           "Tcp", "OutRsts")
                  .has_value());
}

TEST_CASE("system_counters: this system counts its resets", "[lab][system_counters]") {
  CHECK(system_counter("Tcp", "OutRsts").has_value());
}

}  // namespace netlab::lab::system_counters_test
