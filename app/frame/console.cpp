// SPDX-License-Identifier: MIT
#include "frame/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "net/signals.hpp"

namespace netlab::app {
namespace {

constexpr std::string_view erase_line = "\r\x1b[K";
constexpr std::size_t buffer_limit = 64 * 1024;

bool has_room(int fd) {
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&ready, 1, 0) != 0;
}

// Waits until the descriptor is writable. SIGINT and SIGTERM end the process meanwhile, as by default, because the
// event loop that would handle them is blocked here. Only the main thread does this: other threads would change the
// signal handling for all.
void wait_for_room(int fd) {
  if (has_room(fd)) return;
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  if (::gettid() != ::getpid()) {
    ::poll(&ready, 1, -1);
    return;
  }
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  struct sigaction before_interrupt{};
  struct sigaction before_termination{};
  ::sigaction(SIGINT, &by_default, &before_interrupt);
  ::sigaction(SIGTERM, &by_default, &before_termination);
  if (const int signal = net::waiting_stop_signal()) ::raise(signal);  // the loop cannot handle it any more
  ::poll(&ready, 1, -1);
  ::sigaction(SIGINT, &before_interrupt, nullptr);
  ::sigaction(SIGTERM, &before_termination, nullptr);
}

enum class when_full { wait, discard };

std::error_code write_all(int fd, std::string_view octets, when_full policy = when_full::wait) {
  while (!octets.empty()) {
    if (policy == when_full::wait)
      wait_for_room(fd);
    else if (!has_room(fd))
      return {};
    // A pipe that has room at all has room for PIPE_BUF octets (pipe(7)).
    const ssize_t written = ::write(fd, octets.data(), std::min<std::size_t>(octets.size(), PIPE_BUF));
    if (written >= 0)
      octets.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR && errno != EAGAIN)  // EAGAIN: the caller's descriptor is non-blocking
      return last_system_error();
  }
  return {};
}

/// True for a terminal that understands escape sequences: terminfo(5)'s `dumb` does not, and without TERM it is unknown
/// (as in Emacs's shell, on a serial line, in some CI systems).
bool understands_escapes(int fd) {
  const char* kind = std::getenv("TERM");
  return kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb" && ::isatty(fd) == 1;
}

/// True if colour and other escape sequences may be used. `fd`: the output.
bool may_decorate(color_choice choice, int fd) {
  if (choice == color_choice::never) return false;
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  return choice == color_choice::always || ((no_color == nullptr || *no_color == '\0') && understands_escapes(fd));
}

}  // namespace

console::console(console_options options)
    : options_(std::move(options)), color_(may_decorate(options_.color, STDOUT_FILENO)) {}

console::~console() { flush(); }

void console::line(std::string_view text) {
  buffer_ += text;
  buffer_ += '\n';
  if (buffer_.size() >= buffer_limit) flush();
}

void console::raw(std::string_view octets) {
  buffer_ += octets;
  if (buffer_.size() >= buffer_limit) flush();
}

void console::json(const nlohmann::ordered_json& object) { line(to_line(object)); }

std::string to_line(const nlohmann::ordered_json& object) {
  constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;
  std::string text = object.dump(-1, ' ', false, replace);
  // JSON itself escapes C0 controls only; others affect terminals, too.
  return is_harmless(text) ? text : object.dump(-1, ' ', true, replace);
}

void console::flush() {
  if (progress_stands_ && !buffer_.empty() && on_terminal()) progress({});
  if (!lost_) lost_ = write_all(STDOUT_FILENO, buffer_);
  buffer_.clear();
}

void console::note(std::string_view text) {
  if (options_.quiet) return;
  // A server must not block because nobody reads its log.
  write_error_line(text, false);
}

void console::detail(std::string_view text) {
  if (is_verbose()) note(text);
}

void console::error(const failure& why) {
  write_error_line(fmt::format("{}: {}", options_.command, describe(why)), true);
}

void console::write_error_line(std::string_view text, bool waits) {
  const std::lock_guard lock(error_mutex_);
  // One write per line, so that lines of several threads or processes do not mix. If it fails, nothing can be done.
  static_cast<void>(write_all(STDERR_FILENO,
                              fmt::format("{}{}\n", std::exchange(progress_stands_, false) ? erase_line : "", text),
                              waits ? when_full::wait : when_full::discard));
}

bool console::shows_progress() const noexcept {
  return !options_.quiet && understands_escapes(STDERR_FILENO) && may_decorate(options_.color, STDERR_FILENO);
}

void console::progress(std::string_view text) {
  if (!shows_progress()) return;
  const std::lock_guard lock(error_mutex_);
  // In its last column, a terminal may already have moved the cursor to the next line.
  const std::string line = cut_to_columns(text, terminal_width(STDERR_FILENO) - 1);
  static_cast<void>(write_all(STDERR_FILENO, fmt::format("{}{}", erase_line, line)));
  progress_stands_ = !text.empty();
}

std::string console::bold(std::string_view text) const {
  return color_ ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

bool console::on_terminal() const noexcept { return ::isatty(STDOUT_FILENO) == 1; }

bool console::can_redraw() const noexcept { return understands_escapes(STDOUT_FILENO); }

std::size_t terminal_width(int fd) noexcept {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

exit_status console::refuse(const failure& why) {
  error(why);
  return status_of(why);
}

exit_status console::finish(exit_status wanted) {
  flush();
  if (lost_ == std::errc::broken_pipe) return has_effects_ ? wanted : exit_status::done;
  if (lost_ && wanted != exit_status::input_output) {  // otherwise it was the reason and has been reported
    error({lost_, "write to stdout", {}, {}});
    return exit_status::input_output;
  }
  return wanted;
}

void prepare_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // open() returns the lowest free descriptor, which is this one: the lower ones are open by now.
    if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) std::abort();
  }
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace netlab::app
