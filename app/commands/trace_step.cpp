// SPDX-License-Identifier: MIT
#include "commands/trace_step.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "sockets/io/query.hpp"
#include "sockets/table.hpp"
#include "trace/report/words.hpp"

namespace netlab::app {
namespace {

constexpr auto long_stop = std::chrono::seconds(5);  // a peer may have given up after this pause

bool is_interrupted() {
  sigset_t waiting;
  return ::sigpending(&waiting) == 0 && (::sigismember(&waiting, SIGINT) == 1 || ::sigismember(&waiting, SIGTERM) == 1);
}

}  // namespace

step_key parse_step_key(std::string_view line) noexcept {
  line = trim(line);
  if (line == "b") return step_key::next_blocking;
  if (line == "r") return step_key::run_on;
  if (line == "q") return step_key::quit;
  return step_key::next;
}

bool may_block(trace::call_kind kind) noexcept {
  switch (kind) {
    case trace::call_kind::accept:
    case trace::call_kind::connect:
    case trace::call_kind::receive:
    case trace::call_kind::wait: return true;
    default: return false;
  }
}

result<stepper> stepper::open(console& out, bool shows_sockets) {
  net::unique_fd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  // A session without a controlling terminal may still have a terminal on stderr.
  if (!terminal && ::isatty(STDERR_FILENO) == 1)
    terminal = net::unique_fd(::open("/proc/self/fd/2", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal) return fail(errc::usage, "--step needs a terminal");
  return stepper(out, std::move(terminal), shows_sockets);
}

void stepper::show(const trace::call& next, const trace::timeline& in) {
  if (shows_sockets_) {
    const auto now =
        sockets::query({.tcp = true, .udp = true, .ipv4 = true, .ipv6 = true}, fmt::format("{}", next.process));
    if (now && !now->rows.empty()) {
      std::vector<sockets::marked_row> rows;
      for (const sockets::row& each : now->rows) rows.push_back({each, sockets::mark::same});
      for (const std::string& line : sockets::make_table(rows, {})) out_->line("    " + line);
    }
  }
  std::string text = fmt::format("-> {}: {}", in.names().name_of(next.process), trace::describe(next));
  if (const std::string where = trace::to_string(trace::source_of(next)); !where.empty())
    text += fmt::format("   [{}  {}]", where, escape(trace::source_of(next).text, 100));
  out_->line(out_->bold(text));
  out_->flush();
}

/// Reads from the terminal, whatever stdin is. Ctrl-C ends the wait; the program gets the signal when it continues.
std::string stepper::read_line() {
  std::string line;
  for (char octet = 0; octet != '\n';) {
    const ssize_t count = ::read(terminal_.get(), &octet, 1);
    if (count < 0 && errno == EINTR && !is_interrupted()) continue;
    if (count <= 0) return "r";
    line += octet;
  }
  return line;
}

bool stepper::ask(const trace::call& next, const trace::timeline& in) {
  if (runs_on_ || (until_blocking_ && !may_block(next.kind))) return true;
  show(next, in);
  constexpr std::string_view prompt =
      "   [Enter] next, b: to the next blocking call, r: run without stopping, q: quit  ";
  if (::write(terminal_.get(), prompt.data(), prompt.size()) < 0) return true;
  const auto before = clock::now();
  const step_key key = parse_step_key(read_line());
  if (const auto stopped = clock::now() - before; stopped >= long_stop)
    out_->line(fmt::format("   the program was stopped for {}: a peer with a timeout may have given up meanwhile",
                           netlab::to_string(stopped)));
  until_blocking_ = key == step_key::next_blocking;
  runs_on_ = key == step_key::run_on;
  if (key != step_key::quit) return true;
  runs_on_ = true;
  constexpr std::string_view question = "   e: end the program; any other key: let it run  ";
  if (::write(terminal_.get(), question.data(), question.size()) < 0) return true;
  return trim(read_line()) != "e";
}

}  // namespace netlab::app
