// SPDX-License-Identifier: MIT
// netlab trace --step: asks on the terminal before each socket call.
#pragma once

#include <string>

#include "base/result.hpp"
#include "frame/console.hpp"
#include "net/fd.hpp"
#include "trace/timeline.hpp"

namespace netlab::app {

/// The user's answer: a key and Enter.
enum class step_key { next, next_blocking, run_on, quit };

/// An empty line, `n`, `b`, `r` or `q`; anything else means next, too.
[[nodiscard]] step_key parse_step_key(std::string_view line) noexcept;

/// True if a call of this kind may wait for a packet.
[[nodiscard]] bool may_block(trace::call_kind kind) noexcept;

class stepper {
 public:
  /// Fails with errc::usage if there is no terminal.
  [[nodiscard]] static result<stepper> open(console& out, bool shows_sockets);

  /// Shows the program's next call and waits for the user. False: end the program.
  [[nodiscard]] bool ask(const trace::call& next, const trace::timeline& in);

 private:
  stepper(console& out, net::unique_fd terminal, bool shows_sockets)
      : out_(&out), terminal_(std::move(terminal)), shows_sockets_(shows_sockets) {}
  void show(const trace::call& next, const trace::timeline& in);
  [[nodiscard]] std::string read_line();

  console* out_;
  net::unique_fd terminal_;
  bool shows_sockets_;
  bool runs_on_ = false;
  bool until_blocking_ = false;
};

}  // namespace netlab::app
