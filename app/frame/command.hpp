// SPDX-License-Identifier: MIT
// The commands and options of netlab, and their descriptions. Help, man pages and completions are generated only from
// this.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "frame/exit_status.hpp"

namespace netlab::app {

class arguments;
class console;

struct option {
  std::string_view name;           ///< without dashes; also its key in the configuration file
  char letter = 0;                 ///< 0: none
  std::string_view argument = {};  ///< name of its value in the help; empty: a flag
  std::string_view help;           ///< no capital, no full stop
  std::string_view fallback = {};  ///< the default, as a user would type it
  bool repeatable = false;
  std::string_view choices = {};   ///< `big little`: the accepted words; help lists them unless `help` does
  std::string_view needs = {};  ///< `watch`: without any of these options it has no effect, which is reported
  std::string_view implied = {};  ///< its value if no word follows that could be one; its `argument` is in brackets
  std::string_view beside = {};  ///< `timeout`: help and man page list it right after that option
};

/// Options that serve one purpose, for a help that is too long to be read by name.
struct option_group {
  std::string_view title;    ///< `Targets`; no colon
  std::string_view options;  ///< `host range top`: names in the order of help, the most used first
};

struct example {
  std::string_view line;
  std::string_view says;
};

/// One action of netlab: `calc serve`, or a whole command such as `base64`.
struct action {
  std::string_view path;  ///< `calc serve`; its section in the configuration file
  std::string_view summary;  ///< one line, no full stop
  std::string_view operands = {};  ///< after the options in the usage line
  std::string_view operand_choices = {};  ///< possible first operands, for completion
  std::string_view description;  ///< paragraphs of one line each, separated by empty lines
  std::span<const option> options;  ///< its own, sorted by name; every action also has common_options()
  std::span<const option_group> groups = {};  ///< each of its own options once; empty if help lists them by name
  bool takes_transport = false;  ///< an operand `tcp` or `udp`, not after --, means --tcp or --udp
  bool takes_text = false;  ///< its operands may be any words, so only the first can be a transport
  std::span<const example> examples;
  std::span<const exit_status> statuses;  ///< its possible exit statuses, ascending
  exit_status (*run)(arguments&, console&);

  [[nodiscard]] std::string_view command() const noexcept { return path.substr(0, path.find(' ')); }
  [[nodiscard]] std::string_view verb() const noexcept {
    const auto blank = path.find(' ');
    return blank == std::string_view::npos ? std::string_view{} : path.substr(blank + 1);
  }
};

struct command {
  std::string_view name;
  std::string_view summary;
  std::span<const action> actions;  ///< one without a verb, or several with verbs, sorted
};

/// Sorted by name.
[[nodiscard]] std::span<const command> commands() noexcept;
[[nodiscard]] const command* find_command(std::string_view name) noexcept;
[[nodiscard]] const action* find_action(const command& in, std::string_view verb) noexcept;

/// --color, --help, --json, --quiet, --verbose.
[[nodiscard]] std::span<const option> common_options() noexcept;

/// An option of this action or a common one; null if there is none.
[[nodiscard]] const option* find_option(const action& of, std::string_view name) noexcept;
[[nodiscard]] const option* find_option(const action& of, char letter) noexcept;

// Each is defined in the source file of its command.
extern const command base64_command;
extern const command calc_command;
extern const command connect_command;
extern const command echo_command;
extern const command lab_command;
extern const command mail_command;
extern const command scan_command;
extern const command sockets_command;
extern const command trace_command;

}  // namespace netlab::app
