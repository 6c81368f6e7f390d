// SPDX-License-Identifier: MIT
// What a command shows: results on stdout, everything else on stderr.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "exit_status.hpp"

namespace netlab::app {

enum class color_choice { automatic, always, never };

struct console_options {
  std::string command;  ///< stands before errors: `netlab calc query`
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  color_choice color = color_choice::automatic;
};

/// note() and detail() may be called from any thread; the rest from the main one.
class console {
 public:
  explicit console(console_options options);
  /// Writes what is buffered.
  ~console();
  console(const console&) = delete;
  console& operator=(const console&) = delete;

  /// A result line. Bytes from peers must have been escaped. Buffered until flush() or finish().
  void line(std::string_view text);
  /// A result as it is, without a line end.
  void raw(std::string_view octets);
  /// A result line in JSON: to_line().
  void json(const nlohmann::ordered_json& object);
  void flush();

  /// A line for a person, on stderr; not with --quiet, and not where stderr is a pipe that nobody empties.
  void note(std::string_view text);
  /// The same, only with --verbose.
  void detail(std::string_view text);
  /// A line on stderr that the next one takes the place of, or any other line; cut to the terminal's width. Only where
  /// shows_progress().
  void progress(std::string_view text);
  /// stderr is a terminal that can erase a line, and neither --quiet nor what forbids colour stands against it.
  [[nodiscard]] bool shows_progress() const noexcept;
  /// `netlab calc query: …` on stderr, always.
  void error(const failure& why);

  [[nodiscard]] bool wants_json() const noexcept { return options_.json; }
  [[nodiscard]] bool is_quiet() const noexcept { return options_.quiet; }
  [[nodiscard]] bool is_verbose() const noexcept { return options_.verbose && !options_.quiet; }

  /// stdout is a terminal: bytes from peers have to be escaped.
  [[nodiscard]] bool on_terminal() const noexcept;

  /// stdout is a terminal that understands escape sequences, so that a screen can be written over itself.
  [[nodiscard]] bool can_redraw() const noexcept;

  /// The text in bold, if stdout is such a terminal and NO_COLOR is not set, or with --color=always.
  [[nodiscard]] std::string bold(std::string_view text) const;

  /// Nobody reads stdout any more (EPIPE), or it cannot be written: a command that goes on only for its
  /// output can end.
  [[nodiscard]] bool output_lost() const noexcept { return lost_ != std::error_code(); }

  /// Why stdout cannot be written; no error while it can.
  [[nodiscard]] std::error_code output_error() const noexcept { return lost_; }

  /// The command does more than to print: what became of that is its status, whether or not somebody reads on.
  void has_effects() noexcept { has_effects_ = true; }

  /// error(), and the status that goes with it.
  [[nodiscard]] exit_status refuse(const failure& why);

  /// Flushes, and says what the process returns: `wanted`; 0 if stdout's reader went away, unless it has_effects(); 74
  /// with an error line if stdout could not be written.
  [[nodiscard]] exit_status finish(exit_status wanted);

 private:
  void write_error_line(std::string_view text, bool waits);

  console_options options_;
  bool color_ = false;
  bool has_effects_ = false;
  std::string buffer_;
  std::error_code lost_;
  std::mutex error_mutex_;
  bool progress_stands_ = false;  // on the terminal's last line
};

/// The columns of the terminal on this descriptor; 80 where it does not tell.
[[nodiscard]] std::size_t terminal_width(int fd) noexcept;

/// One line of JSON: octets that are not UTF-8 become U+FFFD, characters that a terminal acts on are escaped.
[[nodiscard]] std::string to_line(const nlohmann::ordered_json& object);

/// Before anything else in main(): standard descriptors that the caller closed are held by /dev/null (so that
/// no socket gets their numbers), opened the wrong way round (so that using them still fails); SIGPIPE is
/// ignored.
void prepare_standard_streams();

}  // namespace netlab::app
