// SPDX-License-Identifier: MIT
// Parts of a stored message for the page.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "lab/journal/event.hpp"

namespace netlab::lab {

/// An object with `headers` as received, and `parts`, each with number, type, charset, name, size and disposition, and
/// its text if it has one.
[[nodiscard]] nlohmann::ordered_json describe_message(std::string_view content);

/// A decoded part that has no parts of its own.
struct message_part {
  std::string type;
  std::string file_name;
  bool is_html = false;
  bool is_image = false;  ///< of a kind that cannot have scripts
  std::string octets;
  std::string text;  ///< of an HTML part, valid UTF-8
};
/// `number`: as in describe_message().
[[nodiscard]] std::optional<message_part> find_part(std::string_view content, std::string_view number);

/// The HTML of a part, without anything that could act outside its frame.
[[nodiscard]] std::string defused(const message_part& of);

/// True if the sender, a recipient, From, To or the subject contains the text, in any case.
[[nodiscard]] bool matches(const kept_mail& which, std::string_view text);

}  // namespace netlab::lab
