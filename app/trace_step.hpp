// SPDX-License-Identifier: MIT
// netlab trace --step: asks at the terminal before each call on a socket.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "console.hpp"
#include "net/fd.hpp"
#include "trace/timeline.hpp"

namespace netlab::app {

/// What a person answers: a key and Enter.
enum class step_key { next, next_blocking, run_on, quit };

/// `` and `n`, `b`, `r`, `q`; anything else, too, is next: nothing is lost by looking once more.
[[nodiscard]] step_key parse_step_key(std::string_view line) noexcept;

/// Whether a call of this kind may wait for a packet.
[[nodiscard]] bool may_block(trace::call_kind kind) noexcept;

class stepper {
 public:
  /// Fails with errc::usage where there is no terminal.
  [[nodiscard]] static result<stepper> open(console& out, bool shows_sockets);

  /// Shows the call that a program is about to make, and waits. False: the program shall end.
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
