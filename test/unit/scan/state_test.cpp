// SPDX-License-Identifier: MIT
#include "scan/state.hpp"

#include <cerrno>

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::state_test {

using namespace std::chrono_literals;

namespace {

scan_state example() {
  scan_state made;
  made.version = "1.2";
  made.options = {{"range", {"1-50"}}, {"exclude", {"192.0.2.1", "192.0.2.2"}}, {"udp", {"true"}}};
  made.targets = {"lab.example.org", "@list \"x\""};
  made.names = {{"lab.example.org", {"192.0.2.7", "2001:db8::7"}}, {"none.example.org", {}}};
  made.scan = "0123456789abcdef";
  made.seed = 18446744073709551615U;
  made.started = 1'764'500'000;
  made.elapsed = 1'500us;
  made.reached.tcp = sweep_checkpoint{.next = 12, .open = {{.item = 3, .attempts = 2, .fair = 1}}};
  made.reached.udp = udp_checkpoint{.next = 2, .open = {{.target = 1, .ports = {53, 54}}}};
  made.reached.syn = stateless_checkpoint{.next = 9, .parts = {{.first = 2, .size = 3, .finished = {5}}}};
  made.reached.stateless_udp = stateless_checkpoint{.next = 7, .parts = {}};
  made.by_state = {1, 2, 3, 4, 5};
  made.report_size = 1'000'000'000'000;
  made.findings_size = 17;
  made.not_probed = 4;
  made.first_error = ENETUNREACH;
  made.first_address = "192.0.2.9";
  return made;
}

}  // namespace

TEST_CASE("state: a text keeps all of it", "[scan][state]") {
  const scan_state before = example();
  const auto after = parse_scan_state(to_text(before), "1.2");
  REQUIRE(after);
  CHECK(after->version == before.version);
  CHECK(after->options == before.options);
  CHECK(after->targets == before.targets);
  CHECK(after->names == before.names);
  CHECK(after->scan == before.scan);
  CHECK(after->seed == before.seed);
  CHECK(after->started == before.started);
  CHECK(after->elapsed == before.elapsed);
  CHECK(after->reached == before.reached);
  CHECK(after->by_state == before.by_state);
  CHECK(after->report_size == before.report_size);
  CHECK(after->findings_size == before.findings_size);
  CHECK(after->not_probed == before.not_probed);
  CHECK(after->first_error == before.first_error);
  CHECK(after->first_address == before.first_address);
  CHECK(!after->exit_status);
}

TEST_CASE("state: a finished scan says so", "[scan][state]") {
  scan_state made = example();
  CHECK(to_text(made).find("\"finished\": false") != std::string::npos);
  made.exit_status = 1;
  made.reached = {};
  CHECK(to_text(made).find("\"finished\": true") != std::string::npos);
  const auto after = parse_scan_state(to_text(made), "1.2");
  REQUIRE(after);
  CHECK(after->exit_status == 1);
  CHECK(after->reached == scan_checkpoint{});
}

TEST_CASE("state: another version and another file are refused by name", "[scan][state]") {
  CHECK(
      describe(parse_scan_state(to_text(example()), "1.3").error()) ==
      "it is of netlab 1.2, and this is 1.3 (finish the scan with that version, or begin it again with another file)");
  for (const char* text : {" ", "{}", "[1]", "3", "\"x\"", "{\"summary\":{}}", "not JSON"}) {
    CAPTURE(text);
    const auto made = parse_scan_state(text, "1.2");
    REQUIRE(!made);
    CHECK(made.error().code == errc::bad_data);
    CHECK(made.error().detail == "it is not the state of a scan");
  }
}

TEST_CASE("state: a damaged one is refused, wherever it is damaged", "[scan][state]") {
  const std::string text = to_text(example());
  for (std::size_t cut = 0; cut < text.size() - 2; ++cut) CHECK(!parse_scan_state(text.substr(0, cut), "1.2"));
  for (const char* member :
       {"version", "exit_status", "targets", "options", "names", "scan", "seed", "started", "elapsed_us", "by_state",
        "report_size", "findings_size", "not_probed", "first_error", "first_address"}) {
    CAPTURE(member);
    std::string without = text;
    const std::size_t at = without.find(std::string("\"") + member + "\"");
    REQUIRE(at != std::string::npos);
    without[at + 1] = '_';
    CHECK(!parse_scan_state(without, "1.2"));
  }
  for (const auto& [from, to] :
       {std::pair("\"seed\": \"", "\"seed\": \"x"), std::pair("\"tcp\": \"", "\"tcp\": \"x"),
        std::pair("\"udp\": \"", "\"udp\": \"x"), std::pair("\"seed\": \"", "\"seed\": 1, \"_\": \"")}) {
    std::string changed = text;
    changed.replace(changed.find(from), std::string_view(from).size(), to);
    CHECK(!parse_scan_state(changed, "1.2"));
  }
}

}  // namespace netlab::scan::state_test
