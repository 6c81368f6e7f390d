// SPDX-License-Identifier: MIT
#include "lab/tour/recording.hpp"

#include <catch2/catch_test_macros.hpp>

namespace netlab::lab::recording_test {

namespace {

constexpr std::string_view calls =
    R"({"process":7,"parent":null,"program":"netlab","command":["netlab"]}
{"call":1,"program":"netlab","name":"listen","kind":"listen","arguments":"1","result":0,"error":null,"completion":"none","completed_by":null,"received":[]}
{"packet":1,"proto":"tcp","octets":0,"what":"SYN","sender":"netlab#2","receiver":"netlab","role":"call","reason":null,"retransmission":false,"calls":[3]}
{"packet":2,"proto":"tcp","octets":0,"what":"SYN+ACK","sender":"netlab","receiver":"netlab#2","role":"handshake","reason":null,"retransmission":false,"calls":[1]}
{"packet":3,"proto":"tcp","octets":0,"what":"ACK","sender":"netlab#2","receiver":"netlab","role":"handshake","reason":null,"retransmission":false,"calls":[]}
{"call":3,"program":"netlab#2","name":"connect","kind":"connect","arguments":"127.0.0.1:7","entered_ns":1000,"returned_ns":121000,"result":0,"error":null,"completion":"packet","completed_by":2,"received":[2]}
{"call":2,"program":"netlab","name":"accept4","kind":"accept","arguments":"","result":8,"error":null,"completion":"at-once","completed_by":null,"received":[3]}
{"call":4,"program":"netlab#2","name":"sendto","kind":"send","arguments":"20 octets","result":20,"error":null,"completion":"none","completed_by":null,"received":[]}
)";
constexpr std::string_view data =
    R"({"packet":4,"proto":"tcp","octets":20,"what":"20 octets","sender":"netlab#2","receiver":"netlab","role":"call","reason":null,"retransmission":false,"calls":[4]}
)";
constexpr std::string_view data_of_nobody =
    R"({"packet":4,"proto":"tcp","octets":20,"what":"20 octets","sender":"netlab#2","receiver":"netlab","role":"unknown","reason":null,"retransmission":false,"calls":[]}
)";

std::string lines_with(std::string_view packet, std::string_view summary = R"({"summary":{"packets":4,"dropped":0}})") {
  return std::string(calls) + std::string(packet) + std::string(summary) + "\n";
}

}  // namespace

TEST_CASE("recording: who accepts is the server, and each packet is told with its call", "[lab][recording]") {
  const auto made = parse_recording(lines_with(data));
  REQUIRE(made);
  CHECK(packet_row(made->packets[0], *made) == " 1  client > server  SYN                    client's connect()");
  CHECK(packet_row(made->packets[1], *made).ends_with("SYN+ACK                the server's system, since listen()"));
  CHECK(packet_row(made->packets[2], *made).ends_with("the client's system ends the handshake"));
  CHECK(packet_row(made->packets[3], *made).ends_with("20 octets              client's send()"));
  CHECK(explains_every_packet(*made));
  CHECK(has_system_handshake(*made));
  CHECK(sends_nothing("accept", *made));
  CHECK_FALSE(sends_nothing("send", *made));
}

TEST_CASE("recording: a call is told with the packet that completed it, or that had come before", "[lab][recording]") {
  const auto made = parse_recording(lines_with(data));
  REQUIRE(made);
  CHECK(call_row(made->calls[1], *made) == "client's connect()                waited 120 µs   for packet 2, SYN+ACK");
  CHECK(call_row(made->calls[2], *made) == "server's accept()                 at once: packet 3, ACK had come");
  CHECK_FALSE(is_blocking(made->calls[3]));
}

TEST_CASE("recording: octets that no call has sent are not explained", "[lab][recording]") {
  const auto made = parse_recording(lines_with(data_of_nobody));
  REQUIRE(made);
  CHECK_FALSE(explains_every_packet(*made));
}

TEST_CASE("recording: what is not whole is none", "[lab][recording]") {
  CHECK_FALSE(parse_recording(""));
  CHECK_FALSE(parse_recording(lines_with(data, "")));
  CHECK_FALSE(parse_recording(lines_with(data, R"({"summary":{"packets":null,"dropped":0}})")));
  CHECK_FALSE(parse_recording(lines_with(data, R"({"summary":{"packets":4,"dropped":2}})")));
  CHECK_FALSE(parse_recording(lines_with("", R"({"summary":{"packets":4,"dropped":0}})")));
  CHECK_FALSE(parse_recording(lines_with(data, R"({"summary":7})")));
  CHECK_FALSE(parse_recording("[1]\nnonsense\n"));
}

}  // namespace netlab::lab::recording_test
