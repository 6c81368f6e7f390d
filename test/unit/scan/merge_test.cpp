// SPDX-License-Identifier: MIT
#include "scan/merge.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "scan/report/report.hpp"

namespace netlab::scan::merge_test {

namespace {

std::string line_of(std::uint16_t port, port_state state, reason why, std::string reply = {}) {
  finding one{.host = "192.0.2.1", .address = "192.0.2.1"};
  one.port = port;
  one.state = state;
  one.why = why;
  one.reply = std::move(reply);
  std::string text;
  make_report(report_format::json, {.all = true}, [&](std::string_view piece) { text += piece; })->add(one);
  return text;
}
std::string open(std::uint16_t port) { return line_of(port, port_state::open, reason::syn_ack); }
std::string unfinished(std::uint16_t port) { return line_of(port, port_state::unknown, reason::not_finished); }

std::string sum(shard part, std::uint64_t open = 1, std::uint64_t closed = 10, std::string because = {},
                std::string scan = "aaaa", std::uint64_t seed = 7, std::vector<scanned_host> hosts = {}) {
  scan_summary made{.targets = 3, .tcp_ports = 50};
  made.by_state[static_cast<std::size_t>(port_state::open)] = open;
  made.by_state[static_cast<std::size_t>(port_state::closed)] = closed;
  made.complete = because.empty();
  made.incomplete_because = std::move(because);
  made.scan = std::move(scan);
  made.seed = seed;
  made.part = part;
  made.tcp_range = "1-50";
  made.hosts = std::move(hosts);
  std::string text;
  make_report(report_format::json, {}, [&](std::string_view piece) { text += piece; })->finish(made);
  return text;
}

struct merged {
  std::vector<std::string> problems;
  std::vector<std::uint16_t> ports;
  std::vector<finding> findings;
  scan_summary sum;
  bool is_empty = false;
};

template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    take(text.substr(0, end), end == std::string_view::npos);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

merged merge(const std::vector<std::string>& files) {
  report_merge all;
  for (std::size_t at = 0; at < files.size(); ++at) {
    all.begin_file(std::string(1, static_cast<char>('a' + at)));
    each_line(files[at], [&](std::string_view line, bool is_torn) { all.add(line, is_torn); });
    all.end_file();
  }
  merged made;
  made.is_empty = all.is_empty();
  all.conclude();
  for (const std::string& file : files)
    each_line(file, [&](std::string_view line, bool) {
      if (auto found = all.keeps(line)) {
        made.ports.push_back(found->port);
        made.findings.push_back(*std::move(found));
      }
    });
  std::ranges::sort(made.ports);
  made.problems = all.problems();
  made.sum = all.summary();
  return made;
}

using texts = std::vector<std::string>;
using numbers = std::vector<std::uint16_t>;

}  // namespace

TEST_CASE("merge: all parts make a complete report, in one file or several, in any order", "[scan][merge]") {
  const std::string one = open(1) + sum({1, 3});
  const std::string two = open(2) + open(3) + sum({2, 3}, 2, 20);
  const std::string three = sum({3, 3}, 0, 5);
  for (const texts& files : {texts{one, two, three}, texts{three + one + two}, texts{two, three + one}}) {
    const merged all = merge(files);
    CHECK(all.problems.empty());
    CHECK(all.ports == numbers{1, 2, 3});
    CHECK(all.sum.complete);
    CHECK(all.sum.count(port_state::open) == 3);
    CHECK(all.sum.count(port_state::closed) == 35);
    CHECK(all.sum.targets == 3);
    CHECK(all.sum.part == shard{1, 1});
    CHECK(all.sum.tcp_range == "1-50");
  }
}

TEST_CASE("merge: a whole scan is one part", "[scan][merge]") {
  CHECK(merge({open(1) + sum({1, 1})}).problems.empty());
}

TEST_CASE("merge: missing, incomplete and foreign parts are named", "[scan][merge]") {
  const merged all = merge({open(1) + sum({1, 4}), open(2) + sum({3, 4}, 1, 10, "interrupted"),
                            open(3) + sum({2, 4}, 1, 10, "", "bbbb"), open(4) + sum({2, 4}, 1, 10, "", "aaaa", 8)});
  CHECK(all.problems == texts{"c: it is of scan bbbb, seed 7, 4 shards, not of scan aaaa, seed 7, 4 shards",
                              "d: it is of scan aaaa, seed 8, 4 shards, not of scan aaaa, seed 7, 4 shards",
                              "b: shard 3/4 is incomplete: interrupted", "shard 2/4 is missing",
                              "shard 4/4 is missing"});
  CHECK(all.ports == numbers{1, 2});
  CHECK(!all.sum.complete);
  CHECK(all.sum.incomplete_because == "merged with 5 problems");
}

TEST_CASE("merge: parts of another division of the same scan are foreign", "[scan][merge]") {
  const merged all = merge({sum({1, 2}), sum({2, 2}), open(9) + sum({3, 3})});
  CHECK(all.problems == texts{"c: it is of scan aaaa, seed 7, 3 shards, not of scan aaaa, seed 7, 2 shards"});
  CHECK(all.ports.empty());
}

TEST_CASE("merge: many missing parts are counted", "[scan][merge]") {
  const merged all = merge({sum({1, 1'000'000})});
  REQUIRE(all.problems.size() == 11);
  CHECK(all.problems.front() == "shard 2/1000000 is missing");
  CHECK(all.problems.back() == "999989 shards more are missing");
}

TEST_CASE("merge: a part that was ended and resumed counts once", "[scan][merge]") {
  const merged all = merge({open(1) + unfinished(2) + unfinished(3) + sum({1, 2}, 1, 4, "interrupted") + open(1) +
                                line_of(2, port_state::filtered, reason::no_response) + open(3) + sum({1, 2}, 2, 30),
                            sum({2, 2}, 0, 3)});
  CHECK(all.problems.empty());
  CHECK(all.ports == numbers{1, 2, 3});
  CHECK(all.sum.count(port_state::open) == 2);
  CHECK(all.sum.count(port_state::filtered) == 1);
  CHECK(all.sum.count(port_state::unknown) == 0);
  CHECK(all.sum.count(port_state::closed) == 33);
  // Also when the later run did not come so far.
  const merged other = merge({open(5) + sum({1, 1}) + unfinished(5) + sum({1, 1}, 0, 0, "interrupted")});
  CHECK(other.problems.empty());
  CHECK(other.findings.at(0).state == port_state::open);
}

TEST_CASE("merge: of two findings for a port the later one counts", "[scan][merge]") {
  const merged all = merge({line_of(1, port_state::open, reason::syn_ack, "old") + sum({1, 1}),
                            line_of(1, port_state::open, reason::syn_ack, "new") + sum({1, 1})});
  REQUIRE(all.findings.size() == 1);
  CHECK(all.findings[0].reply == "new");
  CHECK(all.problems.empty());
}

TEST_CASE("merge: a report that was cut off is named, and what it has counts", "[scan][merge]") {
  const std::string whole = open(1) + open(2);
  const merged all = merge({whole.substr(0, whole.size() - 20), sum({1, 2})});
  CHECK(all.problems == texts{"a: its last line is cut off", "a: it ends without a summary: its scan was killed",
                              "shard 2/2 is missing"});
  CHECK(all.ports == numbers{1});
  CHECK(merge({"", sum({1, 1})}).problems == texts{"a: it is empty"});
}

TEST_CASE("merge: a line that goes on after a cut is read from there", "[scan][merge]") {
  const std::string torn = open(1).substr(0, 30);
  const merged all = merge({torn + open(2) + torn + sum({1, 1})});
  CHECK(all.problems == texts{"a:1: it is not JSON", "a:2: it is not JSON"});
  CHECK(all.ports == numbers{2});
}

TEST_CASE("merge: a summary that names hosts is read after a cut", "[scan][merge]") {
  const std::string torn = open(1).substr(0, 30);
  const merged all =
      merge({open(2) + torn + sum({1, 2}, 1, 10, {}, "aaaa", 7, {{"a", "192.0.2.1"}, {"b", "192.0.2.2"}}),
             open(3) + "x" + torn + sum({2, 2})});
  CHECK(all.problems == texts{"a:2: it is not JSON", "b:2: it is not JSON"});
  CHECK(all.ports == numbers{2, 3});
}

TEST_CASE("merge: byte order marks, CR and blank lines make no difference", "[scan][merge]") {
  std::string text = "\xef\xbb\xbf" + open(1) + "\r\n\n" + "\xef\xbb\xbf" + sum({1, 1});
  text.insert(text.find('\n'), "\r");
  const merged all = merge({text});
  CHECK(all.problems.empty());
  CHECK(all.ports == numbers{1});
}

TEST_CASE("merge: other lines are named, and many of them counted", "[scan][merge]") {
  const merged all = merge({"a\nb\nc\nd\ne\n" + open(1) + sum({1, 1})});
  CHECK(all.problems == texts{"a:1: it is not JSON", "a:2: it is not JSON", "a:3: it is not JSON",
                              "a: 2 lines more are not lines of a report"});
  CHECK(all.ports == numbers{1});
}

TEST_CASE("merge: files without any line of a report are empty", "[scan][merge]") {
  CHECK(merge({"", "x\n", "{}\n"}).is_empty);
  CHECK(!merge({open(1)}).is_empty);
  CHECK(!merge({sum({1, 1})}).is_empty);
  CHECK(merge({open(1)}).sum.incomplete_because == "merged with 1 problem");
}

}  // namespace netlab::scan::merge_test
