// SPDX-License-Identifier: MIT
#include "sockets/table.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::sockets::table_test {

namespace {

row make_row(std::uint64_t cookie, std::uint16_t port, state in = state::established) {
  row made;
  made.socket.state = in;
  made.socket.cookie = cookie;
  made.socket.local = {.address = {127, 0, 0, 1}, .port = port};
  return made;
}

std::string signs(const std::vector<marked_row>& rows) {
  std::string text;
  for (const marked_row& each : rows) text += sign_of(each.mark) + std::to_string(each.row.socket.cookie);
  return text;
}

std::size_t columns(std::string_view line) {
  std::size_t count = 0;
  for (const char each : line) count += (static_cast<unsigned char>(each) & 0xc0) != 0x80;
  return count;
}

}  // namespace

TEST_CASE("table: columns stand under their headings, numbers to the right", "[sockets][table]") {
  row one = make_row(1, 50000, state::listen);
  one.socket.send_queue = 128;
  one.owners = {{12, 3, "netlab"}, {12, 4, "netlab"}, {99, 3, "ev\x1bil"}};
  const auto lines = make_table({{one, mark::same}}, {});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "PROTO  STATE   RECV-Q  SEND-Q  LOCAL            REMOTE  PROCESS");
  CHECK(lines[1] == "tcp    listen       0     128  127.0.0.1:50000  -       netlab (pid 12), ev\\x1bil (pid 99)");
}

TEST_CASE("table: it fits the terminal, as far as addresses can be cut", "[sockets][table]") {
  row one = make_row(1, 50000);
  one.socket.remote = {
      .is_v6 = true, .address = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, .port = 1};
  for (int pid = 1; pid < 40; ++pid) one.owners.push_back({pid, 1, "wörker"});
  for (const std::size_t width : {80U, 100U, 200U})
    for (const std::string& line : make_table({{one, mark::same}}, {.width = width, .details = true}))
      CHECK(columns(line) <= width);
  CHECK(make_table({{one, mark::same}}, {.width = 60})[1].ends_with("…"));
}

TEST_CASE("table: timers and congestion are shown where they are asked for", "[sockets][table]") {
  row one = make_row(1, 1);
  one.socket.timer = {timer_kind::retransmit, 1500, 2};
  one.socket.details = tcp_details{.congestion = "cubic", .rtt_us = 250, .window = 10, .retransmits = 3};
  CHECK(make_table({{one, mark::same}}, {.details = true})[1].find(
            "retransmit 1.5 s x2  cubic cwnd 10 rtt 250 µs resent 3") != std::string::npos);
}

TEST_CASE("table: what came, changed and went is marked, where it stands", "[sockets][table]") {
  const std::vector before{make_row(1, 1), make_row(2, 2), make_row(3, 3), make_row(4, 4)};
  CHECK(signs(compare(before, before)) == " 1 2 3 4");
  CHECK(signs(compare({}, before)) == "+1+2+3+4");
  CHECK(signs(compare(before, {})) == "-1-2-3-4");
  CHECK(signs(compare(before, {make_row(1, 1), make_row(3, 3, state::close_wait), make_row(9, 9)})) == " 1-2~3-4+9");
  auto busy = before;
  busy[1].socket.recv_queue = 1;
  busy[2].owners = {{1, 1, "x"}};
  busy[3].socket.timer = {timer_kind::keepalive, 5, 0};  // a running timer is not a change
  CHECK(signs(compare(before, busy)) == " 1~2~3 4");
}

TEST_CASE("table: requests for a connection, which have no cookie, are told apart by their ends", "[sockets][table]") {
  CHECK(signs(compare({make_row(0, 1)}, {make_row(0, 2)})) == "-0+0");
}

}  // namespace netlab::sockets::table_test
