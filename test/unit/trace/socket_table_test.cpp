// SPDX-License-Identifier: MIT
#include "trace/socket_table.hpp"

#include <bit>

#include <catch2/catch_test_macros.hpp>

namespace netlab::trace::socket_table_test {

// The tables have words in the order of the machine that printed them: these are from a little-endian one.
constexpr bool is_little_endian = std::endian::native == std::endian::little;

TEST_CASE("socket table: a row has both addresses, the state and the inode number", "[trace]") {
  if (!is_little_endian) SKIP("the rows are from a little-endian machine");
  const auto connected = trace::parse_socket_row(
      "   1: 0100007F:C350 0200007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 31415 1 0 20 4 30 10 "
      "-1",
      trace::protocol::tcp, false);
  REQUIRE(connected);
  CHECK(connected->id == 31415);
  CHECK(to_string(connected->local.value()) == "127.0.0.1:50000");
  CHECK(to_string(connected->remote.value()) == "127.0.0.2:40000");
  CHECK_FALSE(connected->is_listening);

  const auto listening = trace::parse_socket_row(
      "   0: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 "
      "00:00000000 "
      "00000000     0        0 27182 1 0 100 0 0 10 0",
      trace::protocol::tcp, true);
  REQUIRE(listening);
  CHECK(to_string(listening->local.value()) == "[::1]:25");
  CHECK_FALSE(listening->remote);
  CHECK(listening->is_listening);
}

TEST_CASE("socket table: what is not a row of a socket is nothing", "[trace]") {
  for (const char* row :
       {"", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        "   1: 0100007F:C350 0200007F:9C40 01 0:0 0:0 0 0 0 0 1", "   1: 0100007F 0200007F:9C40 01 0:0 0:0 0 0 0 7 1",
        "   1: 0100007X:C350 0200007F:9C40 01 0:0 0:0 0 0 0 7 1", "   1: 0100007F:C350 0200007F:9C40 01 0:0 0:0 0 0 0"})
    CHECK_FALSE(trace::parse_socket_row(row, trace::protocol::tcp, false));
}

}  // namespace netlab::trace::socket_table_test
