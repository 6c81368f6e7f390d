// SPDX-License-Identifier: MIT
#include "frame/keyboard.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>

#include "net/standard_stream.hpp"

namespace netlab::app {
namespace {

constexpr char ctrl_d = '\x04';

bool is_ignored(int signal) {
  struct sigaction now{};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

/// Makes the terminal deliver each key at once, until leave(). Ctrl-Z, which stops the process, takes effect after the
/// terminal is restored; signals that end the process cancel this operation (net/run.hpp).
class key_mode : public std::enable_shared_from_this<key_mode> {
 public:
  key_mode(const asio::any_io_executor& on, std::function<void()> prompt) : signals_(on), prompt_(std::move(prompt)) {}
  ~key_mode() { leave(); }
  key_mode(const key_mode&) = delete;
  key_mode& operator=(const key_mode&) = delete;

  void enter() {
    std::error_code ignored;
    if (!is_ignored(SIGTSTP)) signals_.add(SIGTSTP, ignored);
    signals_.async_wait([self = weak_from_this()](std::error_code error, int signal) {
      if (const auto still = self.lock(); still && !error && still->is_entered_) still->obey(signal);
    });
    if (::tcgetattr(STDIN_FILENO, &as_it_was_) == 0) {
      termios keys = as_it_was_;
      keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // ISIG stays: Ctrl-C is a signal
      keys.c_cc[VMIN] = 1;
      keys.c_cc[VTIME] = 0;
      ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
      is_changed_ = true;
    }
    is_entered_ = true;
    prompt_();
  }

  void leave() {
    is_entered_ = false;
    if (std::exchange(is_changed_, false)) ::tcsetattr(STDIN_FILENO, TCSANOW, &as_it_was_);
    std::error_code ignored;
    signals_.clear(ignored);  // back to their defaults
  }

 private:
  void obey(int signal) {
    leave();
    ::raise(signal);
    enter();  // when the process continues
  }

  asio::signal_set signals_;
  std::function<void()> prompt_;
  termios as_it_was_{};
  bool is_changed_ = false;
  bool is_entered_ = false;
};

}  // namespace

bool has_keyboard() noexcept { return ::isatty(STDIN_FILENO) == 1; }

bool goes_on(std::string_view typed) noexcept {
  return !typed.empty() && typed.front() != 'q' && typed.front() != 'Q' && typed.front() != ctrl_d;
}

asio::awaitable<result<bool>> wait_for_key(std::function<void()> prompt) {
  const auto executor = co_await asio::this_coro::executor;
  net::standard_stream input(executor, STDIN_FILENO, net::standard_stream::use::input);
  const auto mode = std::make_shared<key_mode>(executor, std::move(prompt));
  mode->enter();
  std::array<std::byte, 64> typed{};
  const auto size = co_await input.read(typed);
  mode->leave();
  if (!size && net::is_cancelled(size.error().code)) co_return unexpected(size.error());
  co_return size&& goes_on(as_text(bytes_view(typed).first(*size)));  // EIO: the terminal has hung up
}

}  // namespace netlab::app
