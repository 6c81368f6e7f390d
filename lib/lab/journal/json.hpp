// SPDX-License-Identifier: MIT
// The journal's JSON: rows and events for the page and for programs, and the lines of the journal file.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "base/result.hpp"
#include "lab/journal/class_journal.hpp"

namespace netlab::lab {

/// Parses what to_timestamp() writes. Fails with errc::bad_data.
[[nodiscard]] result<wall_time> parse_timestamp(std::string_view text);

/// One line, without its line end; invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string to_json_line(const nlohmann::ordered_json& object);

/// A row with its cells, without its events.
[[nodiscard]] nlohmann::ordered_json to_json(const class_row& of);
[[nodiscard]] nlohmann::ordered_json to_json(const class_event& of);
[[nodiscard]] nlohmann::ordered_json to_json(const class_totals& of);
/// For a list of mails: without the dialogue.
[[nodiscard]] nlohmann::ordered_json to_json(const kept_mail& of);
/// `[{"by":"C","text":"EHLO x"},…]`
[[nodiscard]] nlohmann::ordered_json dialogue_of(const kept_mail& of);

/// The table with a header line (RFC 4180): address and name of each team, and state, time and note of each step. A
/// text that a spreadsheet would evaluate as a formula gets an apostrophe in front.
[[nodiscard]] std::string to_csv(const std::vector<const class_row*>& rows);

struct mails_cleared {
  wall_time at{};
};
using journal_record = std::variant<class_event, kept_mail, naming, mails_cleared>;

/// A line of the journal file, without its line end.
[[nodiscard]] std::string to_line(const class_event& of);
[[nodiscard]] std::string to_line(const kept_mail& of);
[[nodiscard]] std::string to_line(const naming& of);
[[nodiscard]] std::string to_line(const mails_cleared& of);
/// Fails with errc::bad_data.
[[nodiscard]] result<journal_record> parse_record(std::string_view line);

/// Applies a record that was read from a file.
void apply(class_journal& to, journal_record record);

}  // namespace netlab::lab
