// SPDX-License-Identifier: MIT
#include "frame/advice.hpp"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "base/text.hpp"
#include "frame/elsewhere.hpp"

namespace netlab::app::advice_test {

namespace {

const action& called(std::string_view path) {
  const command* of = find_command(path.substr(0, path.find(' ')));
  const std::size_t blank = path.find(' ');
  return *find_action(*of, blank == std::string_view::npos ? std::string_view() : path.substr(blank + 1));
}

std::string options_for(std::string_view path, std::vector<std::string> words) {
  return as_options(called(path), words);
}

}  // namespace

TEST_CASE("advice: a word is recognised by what it looks like", "[app][advice]") {
  using enum word_kind;
  for (const auto& [word, kind] :
       std::initializer_list<std::pair<const char*, word_kind>>{{"4711", port},
                                                                {"0", port},
                                                                {"1-50", port_list},
                                                                {"80,443", port_list},
                                                                {"8000-", port_list},
                                                                {"192.0.2.1", address},
                                                                {"::1", address},
                                                                {"[::1]", address},
                                                                {"fe80::1%eth0", address},
                                                                {"192.0.2.0/24", block},
                                                                {"192.0.2.1-9", block},
                                                                {"localhost:4711", endpoint},
                                                                {"[::1]:25", endpoint},
                                                                {"lab.example:smtp", endpoint},
                                                                {"localhost", host},
                                                                {"lab.example.org", host},
                                                                {"ben@example.org", mail_address},
                                                                {"https://x/", url},
                                                                {"5s", duration},
                                                                {"250ms", duration},
                                                                {"–p", long_dash},
                                                                {"—port", long_dash},
                                                                {"−5", long_dash},
                                                                {"hello", other},
                                                                {"a:b", other},
                                                                {"99999", other},
                                                                {"", other},
                                                                {".", other}}) {
    INFO(word);
    CHECK(kind_of(word) == kind);
  }
}

TEST_CASE("advice: a long dash is one or two plain ones", "[app][advice]") {
  CHECK(with_plain_dash("—port") == "--port");
  CHECK(with_plain_dash("–port=5") == "--port=5");
  CHECK(with_plain_dash("–-port") == "--port");
  CHECK(with_plain_dash("–p") == "-p");
  CHECK(with_plain_dash("−5") == "-5");
}

TEST_CASE("advice: stray words become the options that take them", "[app][advice]") {
  CHECK(options_for("calc serve", {"4711"}) == "--port 4711");
  CHECK(options_for("calc query", {"localhost", "4711"}) == "--host localhost --port 4711");
  CHECK(options_for("mail send", {"localhost", "25"}) == "--server localhost:25");
  CHECK(options_for("mail send", {"[::1]:25"}) == "--server [::1]:25");
  CHECK(options_for("scan", {"1-50"}) == "--range 1-50");
  CHECK(options_for("lab serve", {"50000"}) == "--calc-port 50000");
  CHECK(options_for("sockets", {"a b"}) == "--process 'a b'");
  CHECK(options_for("calc serve", {"nothing"}).empty());
}

TEST_CASE("advice: every row of the table holds for something, and leads to an option that there is", "[app][advice]") {
  const auto actions = [] {
    std::vector<const action*> all;
    for (const command& each : commands())
      for (const action& one : each.actions) all.push_back(&one);
    return all;
  }();
  for (const meaning& row : options_elsewhere()) {
    INFO(row.where << ": " << row.names);
    const auto leads_somewhere = [&](const action* of) {
      if (!holds_for(row, of->path)) return false;
      if (row.ours.starts_with('!')) return true;
      const auto ours = words(row.ours);
      return std::ranges::any_of(ours, [&](std::string_view name) { return find_option(*of, name) != nullptr; });
    };
    CHECK(std::ranges::any_of(actions, leads_somewhere));
  }
}

}  // namespace netlab::app::advice_test
