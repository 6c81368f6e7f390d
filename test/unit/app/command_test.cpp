// SPDX-License-Identifier: MIT
#include "frame/command.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <set>

#include "frame/help.hpp"
#include "support/call.hpp"

namespace netlab::app::command_test {

using test::action_of;

namespace {

template <class Named, class Name>
bool is_sorted_by(std::span<const Named> all, Name name) {
  for (std::size_t at = 1; at < all.size(); ++at)
    if (!(name(all[at - 1]) < name(all[at]))) return false;
  return true;
}

// In columns, not octets.
std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  std::size_t length = 0;
  for (const char each : text) {
    if (each == '\n')
      length = 0;
    else if ((static_cast<unsigned char>(each) & 0xc0) != 0x80)
      longest = std::max(longest, ++length);
  }
  return longest;
}

}  // namespace

TEST_CASE("command: commands, verbs, options and statuses are sorted", "[app][unit]") {
  CHECK(is_sorted_by(commands(), [](const command& each) { return each.name; }));
  CHECK(is_sorted_by(common_options(), [](const option& each) { return each.name; }));
  for (const command& each : commands()) {
    INFO(each.name);
    CHECK(is_sorted_by(each.actions, [](const action& one) { return one.path; }));
    for (const action& one : each.actions) {
      INFO(one.path);
      CHECK(is_sorted_by(one.options, [](const option& which) { return which.name; }));
      CHECK(is_sorted_by(one.statuses, [](const exit_status which) { return static_cast<int>(which); }));
    }
  }
}

TEST_CASE("command: no letter and no name means two things in one action", "[app][unit]") {
  for (const command& each : commands())
    for (const action& one : each.actions) {
      INFO(one.path);
      std::set<std::string_view> names;
      std::set<char> letters;
      for (const auto options : {one.options, common_options()})
        for (const option& which : options) {
          CHECK(names.insert(which.name).second);
          if (which.letter != 0) CHECK(letters.insert(which.letter).second);
        }
    }
}

TEST_CASE("command: is found by its name and no other", "[app][unit]") {
  CHECK(find_command("calc") != nullptr);
  CHECK(find_command("cal") == nullptr);
  CHECK(find_command("") == nullptr);
  CHECK(find_action(*find_command("calc"), "serve") == &action_of("calc serve"));
  CHECK(find_action(*find_command("calc"), "") == nullptr);
  CHECK(find_action(*find_command("base64"), "") == &action_of("base64"));
}

TEST_CASE("help: fits 80 columns and has an example", "[app][unit]") {
  CHECK(longest_line(overview()) <= 80);
  for (const command& each : commands()) {
    CHECK(longest_line(help_for(each)) <= 80);
    for (const action& one : each.actions) {
      INFO(one.path);
      CHECK(longest_line(help_for(one)) <= 80);
      CHECK_FALSE(one.examples.empty());
      for (const option& which : one.options)
        CHECK(help_for(one).find("--" + std::string(which.name)) != std::string::npos);
    }
  }
}

}  // namespace netlab::app::command_test
