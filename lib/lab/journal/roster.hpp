// SPDX-License-Identifier: MIT
// The names of teams by their address or mail user, from a file.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace netlab::lab {

/// Who belongs to which team. Several addresses and users may have the same name: they are one team.
class roster {
 public:
  /// One `address-or-user, name` a line; the separator is a comma, a semicolon, a tab or blanks. Empty lines and lines
  /// that start with # do not count, nor does a first line `address,name`. Fails with errc::bad_data and `line N: …`: a
  /// line without a name, an address or a user that is listed twice with different names.
  [[nodiscard]] static result<roster> parse(std::string_view text);

  /// The team's name; empty if not listed.
  [[nodiscard]] std::string_view name_of_address(std::string_view address) const;
  [[nodiscard]] std::string_view name_of_user(std::string_view user) const;

 private:
  std::map<std::string, std::string, std::less<>> by_address_;  // in its usual form
  std::map<std::string, std::string, std::less<>> by_user_;
};

/// A team's name as it is kept and shown: without control characters, blanks at the ends and bidi controls, at most 60
/// characters. Empty if nothing remains.
[[nodiscard]] std::string clean_team_name(std::string_view name);

}  // namespace netlab::lab
