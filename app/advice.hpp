// SPDX-License-Identifier: MIT
// What somebody probably meant who typed something that is not understood. By meaning first (what others call it, what
// the word looks like), by spelling then; where neither says anything, nothing is guessed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "command.hpp"

namespace netlab::app {

/// What a word looks like.
enum class word_kind {
  other,
  long_dash,     ///< `–port`: begins with a dash out of a text processor
  url,           ///< `https://localhost:4711`
  mail_address,  ///< `ben@example.org`
  endpoint,      ///< `localhost:4711`, `[::1]:25`
  port,          ///< `4711`
  port_list,     ///< `1-50`, `80,443`
  block,         ///< `192.0.2.0/24`, `192.0.2.1-9`
  address,       ///< `192.0.2.1`, `::1`, `fe80::1%eth0`
  host,          ///< `localhost`, or a name with a dot in it
  duration,      ///< `5s`, `250ms`
};
[[nodiscard]] word_kind kind_of(std::string_view word);

/// The same word with the dash that a keyboard has: `–port` and `—port` are `--port`, `–p` is `-p`, `−5` is `-5`.
[[nodiscard]] std::string with_plain_dash(std::string_view word);

/// Words that an action has no room for, as the options that take them, values filled in: `--host localhost --port
/// 4711`. Empty where nothing takes them.
[[nodiscard]] std::string as_options(const action& of, std::span<const std::string> words);

/// The failure for such words; the first is named.
[[nodiscard]] failure unexpected_words(const action& of, std::span<const std::string> words);

/// Of an option that the action does not have: `--prot`, `--clients=5`, `-z`.
[[nodiscard]] failure unknown_option(const action& of, std::string_view word);

/// Options of others that would be understood as something else: nmap's `-oX FILE` as a file named X.
[[nodiscard]] std::optional<failure> misread_option(const action& of, std::string_view word);

/// `did you mean netlab calc serve?` for what follows `netlab` and is not a command; `more`: what follows it.
[[nodiscard]] std::string advice_for_command(std::string_view word, std::span<const std::string> more);
/// The same for what follows a command and is not one of its subcommands.
[[nodiscard]] std::string advice_for_subcommand(const command& in, std::string_view word,
                                                std::span<const std::string> more);

}  // namespace netlab::app
