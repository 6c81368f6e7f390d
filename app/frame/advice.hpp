// SPDX-License-Identifier: MIT
// Suggestions for words that netlab does not understand: first by meaning (names in other programs, the kind of the
// word), then by spelling. If neither finds anything, there is no suggestion.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "frame/command.hpp"

namespace netlab::app {

/// The kind of a word, by its form.
enum class word_kind {
  other,
  long_dash,     ///< `–port`: starts with a dash from a word processor
  url,           ///< `https://localhost:4711`
  mail_address,  ///< `ben@example.org`
  endpoint,      ///< `localhost:4711`, `[::1]:25`
  port,          ///< `4711`
  port_list,     ///< `1-50`, `80,443`
  block,         ///< `192.0.2.0/24`, `192.0.2.1-9`
  address,       ///< `192.0.2.1`, `::1`, `fe80::1%eth0`
  host,          ///< `localhost`, or a name with a dot
  duration,      ///< `5s`, `250ms`
};
[[nodiscard]] word_kind kind_of(std::string_view word);

/// The same word with plain hyphens: `–port` and `—port` become `--port`, `–p` becomes `-p`, `−5` becomes `-5`.
[[nodiscard]] std::string with_plain_dash(std::string_view word);

/// Converts operands that an action does not take into its options with values: `--host localhost --port 4711`. Empty
/// if it has no such options.
[[nodiscard]] std::string as_options(const action& of, std::span<const std::string> words);

/// The failure for such operands; it names the first.
[[nodiscard]] failure unexpected_words(const action& of, std::span<const std::string> words);

/// The failure for an option that the action does not have: `--prot`, `--clients=5`, `-z`.
[[nodiscard]] failure unknown_option(const action& of, std::string_view word);

/// Fails for options of other programs that would be misunderstood, such as nmap's `-oX FILE` as a file named X.
[[nodiscard]] std::optional<failure> misread_option(const action& of, std::string_view word);

/// `did you mean netlab calc serve?` for a word after `netlab` that is not a command; `more`: the words after it.
[[nodiscard]] std::string advice_for_command(std::string_view word, std::span<const std::string> more);
/// The same for a word after a command that is not one of its subcommands.
[[nodiscard]] std::string advice_for_subcommand(const command& in, std::string_view word,
                                                std::span<const std::string> more);

}  // namespace netlab::app
