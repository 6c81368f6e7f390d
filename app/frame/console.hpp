// SPDX-License-Identifier: MIT
// The output of a command: results on stdout, everything else on stderr.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "frame/exit_status.hpp"

namespace netlab::app {

enum class color_choice { automatic, always, never };

struct console_options {
  std::string command;  ///< starts each error line: `netlab calc query`
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  color_choice color = color_choice::automatic;
};

/// note() and detail() may be called from any thread, the other functions only from the main thread.
class console {
 public:
  explicit console(console_options options);
  /// Writes the buffered output.
  ~console();
  console(const console&) = delete;
  console& operator=(const console&) = delete;

  /// A result line. Peers' octets must have been escaped. Buffered until flush() or finish().
  void line(std::string_view text);
  /// A result without change and without a line end.
  void raw(std::string_view octets);
  /// A result as a line of JSON: to_line().
  void json(const nlohmann::ordered_json& object);
  void flush();

  /// A line for people on stderr. Not written with --quiet, or if stderr is a pipe that is full.
  void note(std::string_view text);
  /// The same, only with --verbose.
  void detail(std::string_view text);
  /// A line on stderr that the next line replaces; cut to the terminal's width. Written only if shows_progress().
  void progress(std::string_view text);
  /// True if stderr is a terminal that can erase a line, and neither --quiet nor the colour settings forbid it.
  [[nodiscard]] bool shows_progress() const noexcept;
  /// `netlab calc query: …` on stderr, always.
  void error(const failure& why);

  [[nodiscard]] bool wants_json() const noexcept { return options_.json; }
  [[nodiscard]] bool is_quiet() const noexcept { return options_.quiet; }
  [[nodiscard]] bool is_verbose() const noexcept { return options_.verbose && !options_.quiet; }

  /// True if stdout is a terminal: peers' octets have to be escaped.
  [[nodiscard]] bool on_terminal() const noexcept;

  /// True if stdout is a terminal that understands escape sequences, so that a screen can be redrawn.
  [[nodiscard]] bool can_redraw() const noexcept;

  /// The text in bold, if stdout is such a terminal and NO_COLOR is not set, or with --color=always.
  [[nodiscard]] std::string bold(std::string_view text) const;

  /// True if the reader of stdout has gone (EPIPE) or stdout cannot be written: a command that runs only for its output
  /// can stop.
  [[nodiscard]] bool output_lost() const noexcept { return lost_ != std::error_code(); }

  /// The error of writing to stdout; no error so far if empty.
  [[nodiscard]] std::error_code output_error() const noexcept { return lost_; }

  /// The command does more than print: its exit status is that of its work, even if the reader of stdout has gone.
  void has_effects() noexcept { has_effects_ = true; }

  /// Calls error() and returns the matching status.
  [[nodiscard]] exit_status refuse(const failure& why);

  /// Flushes and returns the exit status: `wanted`; 0 if the reader of stdout has gone, unless has_effects(); 74 with
  /// an error line if stdout could not be written.
  [[nodiscard]] exit_status finish(exit_status wanted);

 private:
  void write_error_line(std::string_view text, bool waits);

  console_options options_;
  bool color_ = false;
  bool has_effects_ = false;
  std::string buffer_;
  std::error_code lost_;
  std::mutex error_mutex_;
  bool progress_stands_ = false;  // on the last line of the terminal
};

/// The columns of the terminal on this descriptor; 80 if unknown.
[[nodiscard]] std::size_t terminal_width(int fd) noexcept;

/// One line of JSON. Invalid UTF-8 becomes U+FFFD; characters that affect terminals are escaped.
[[nodiscard]] std::string to_line(const nlohmann::ordered_json& object);

/// Call it first in main(). Opens /dev/null for standard descriptors that the caller has closed, so that no socket gets
/// their numbers, in the wrong direction, so that using them still fails. Ignores SIGPIPE.
void prepare_standard_streams();

}  // namespace netlab::app
