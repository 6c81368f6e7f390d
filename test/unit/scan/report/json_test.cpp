// SPDX-License-Identifier: MIT
#include <catch2/catch_test_macros.hpp>

#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "unit/scan/report/samples.hpp"

namespace netlab::scan::json_test {

using namespace test;

namespace {
std::string json(const std::vector<finding>& findings, report_options options = {}, std::string because = {}) {
  return reported(report_format::json, findings, std::move(options), heading, std::move(because));
}
}  // namespace

TEST_CASE("json: an object a port, the fields in this order", "[scan][unit]") {
  auto echo = open_port(7, "echo");
  echo.host = echo.address = "127.0.0.1";
  echo.reply = "hello";
  CHECK(json({echo}).starts_with(
      R"({"host":"127.0.0.1","address":"127.0.0.1","proto":"tcp","port":7,"state":"open","reason":"syn-ack",)"
      R"("service":"echo","rtt_us":90,"reply":"hello"})"
      "\n"));
}

TEST_CASE("json: every port has a service, a round trip and a reply, null where there is none", "[scan][unit]") {
  auto bare = open_port(7);
  bare.rtt.reset();
  for (const finding& one : {open_port(7, "echo"), bare, closed_port(8), filtered_port(9)}) {
    const std::string text = json({one}, {.all = true});
    const auto parsed = nlohmann::json::parse(text.substr(0, text.find('\n')));
    for (const auto* name : {"service", "rtt_us", "reply"}) CHECK(parsed.contains(name));
    CHECK(parsed["rtt_us"].is_null() == !one.rtt);
    CHECK(parsed["service"].is_null() == one.service.empty());
    CHECK(parsed["reply"].is_null());
    CHECK(!parsed.contains("banner"));
  }
}

TEST_CASE("json: a port goes out at once", "[scan][unit]") {
  std::string text;
  const auto report = make_report(report_format::json, {}, [&](std::string_view piece) { text += piece; });
  report->begin(heading);
  report->add(open_port(7));
  CHECK(text.ends_with("}\n"));
}

TEST_CASE("json: the summary is the last line", "[scan][unit]") {
  CHECK(
      json({closed_port(1), closed_port(2), open_port(3), filtered_port(4)})
          .ends_with(
              "\n"
              R"({"summary":{"targets":1,"tcp_ports":50,"udp_ports":0,"open":1,"closed":2,"filtered":1,"open|filtered":0,)"
              R"("unknown":0,"elapsed_us":400000,"complete":true,"scan":"","seed":"0","shard":"1/1","tcp_range":"",)"
              R"("udp_range":"","started":0}})"
              "\n"));
  CHECK(json({}, {}, "interrupted").find(R"("complete":false,"because":"interrupted",)") != std::string::npos);
}

TEST_CASE("json: closed ports are counted, and listed when all are wanted", "[scan][unit]") {
  CHECK(json({closed_port(1)}).starts_with(R"({"summary":)"));
  CHECK(json({closed_port(1)}, {.all = true})
            .starts_with(
                R"({"host":"192.0.2.2","address":"192.0.2.2","proto":"tcp","port":1,"state":"closed",)"
                R"("reason":"reset","service":null,"rtt_us":null,"errno":111,"error":"ECONNREFUSED","winsock":10061,)"
                R"("reply":null})"));
}

TEST_CASE("json: who sent an error is told, where there is one", "[scan][unit]") {
  auto port = closed_port(1);
  CHECK(json({port}, {.all = true}).find("origin") == std::string::npos);
  port.origin = "192.0.2.254";
  CHECK(json({port}, {.all = true}).find(R"("winsock":10061,"origin":"192.0.2.254",)") != std::string::npos);
}

TEST_CASE("json: any octets make valid JSON, and none is lost", "[scan][unit]") {
  auto port = open_port(1);
  port.reply = hostile;
  const std::string text = json({port});
  for (const char c : text) CHECK((c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)));
  const auto parsed = nlohmann::json::parse(text.substr(0, text.find('\n')));
  const auto decoded = decode_base64(parsed["reply_base64"].get<std::string>());
  REQUIRE(decoded);
  CHECK(as_text(*decoded) == hostile);
  port.reply = "caf\xc3\xa9 \xf0\x9f\x90\xa2 \x1b";
  const std::string good = json({port});
  const auto again = nlohmann::json::parse(good.substr(0, good.find('\n')));
  CHECK(again["reply"] == port.reply);
  CHECK(!again.contains("reply_base64"));
}

TEST_CASE("json: what was cut is marked, and other names of the same address are told", "[scan][unit]") {
  auto port = open_port(1);
  port.banner = "220 x";
  port.reply = "y";
  const auto parsed = [&] {
    const std::string text = json({port});
    return nlohmann::json::parse(text.substr(0, text.find('\n')));
  };
  for (const char* name : {"banner_cut", "reply_cut", "other_names"}) CHECK(!parsed().contains(name));
  port.banner_cut = port.reply_cut = true;
  port.other_names = {"lab", "www"};
  CHECK(parsed()["banner_cut"] == true);
  CHECK(parsed()["reply_cut"] == true);
  CHECK(parsed()["other_names"] == nlohmann::json::array({"lab", "www"}));
}

TEST_CASE("json: one object is one line for every reader", "[scan][unit]") {
  auto port = open_port(1);
  port.reply =
      "a\xe2\x80\xa8"
      "b\xc2\x85"
      "c\xe2\x80\xae";
  const std::string text = json({port});
  CHECK(text.find("\\u2028") != std::string::npos);
  for (const char* part : {"\xe2\x80", "\xc2\x85"}) CHECK(text.find(part) == std::string::npos);
}

}  // namespace netlab::scan::json_test
