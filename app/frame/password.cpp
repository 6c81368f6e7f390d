// SPDX-License-Identifier: MIT
#include "frame/password.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "net/fd.hpp"

namespace netlab::app {
namespace {

constexpr const char* password_variable = "NETLAB_PASSWORD";
constexpr std::size_t max_password = 64 * 1024;  // octets; tokens may be long

volatile std::sig_atomic_t caught = 0;
void catch_signal(int number) { caught = number; }

result<secret> checked_password(std::string line, const std::string& context) {
  const auto end = line.find_first_of("\r\n");
  if (end != std::string::npos) {
    OPENSSL_cleanse(line.data() + end, line.size() - end);
    line.resize(end);
  }
  if (line.empty()) return unexpected(failure{make_error_code(errc::bad_data), context, "it contains no password", {}});
  if (line.find('\0') != std::string::npos) {
    wipe(line);
    return unexpected(failure{make_error_code(errc::bad_data), context, "the password contains a NUL", {}});
  }
  return secret(std::move(line));
}

/// Removes the byte order mark that some editors put at the start of a file.
void drop_byte_order_mark(std::string& line) {
  const std::size_t length = line.size() - without_byte_order_mark(line).size();
  if (length == 0) return;
  std::move(line.begin() + static_cast<std::ptrdiff_t>(length), line.end(), line.begin());
  OPENSSL_cleanse(line.data() + line.size() - length, length);
  line.resize(line.size() - length);
}

/// Reads at most the first line. With `drain`, also reads and discards the rest, so that its writer does not fail.
result<std::string> read_line(int fd, const std::string& context, bool drain) {
  std::string line;
  line.reserve(max_password + 512);  // never reallocated, so no copy is left in memory
  std::array<char, 512> piece{};
  bool whole = false;
  for (;;) {
    const ssize_t size = ::read(fd, piece.data(), piece.size());
    if (size < 0 && errno == EINTR && caught == 0) continue;
    if (size < 0) {
      failure why{make_error_code(errc::no_input), context, message_of(last_system_error()), {}};
      wipe(line);
      if (caught != 0) return fail(errc::interrupted, {});
      return unexpected(std::move(why));
    }
    if (size == 0) break;
    if (!whole) line.append(piece.data(), static_cast<std::size_t>(size));
    OPENSSL_cleanse(piece.data(), piece.size());
    whole = whole || line.find('\n') != std::string::npos;
    if (line.size() > max_password) {
      wipe(line);
      return unexpected(failure{make_error_code(errc::bad_data),
                                context,
                                fmt::format("the first line is longer than {} octets", max_password),
                                {}});
    }
    if (whole && !drain) break;
  }
  return line;
}

result<secret> from_file(const std::string& name, console& out) {
  const std::string context = fmt::format("password file '{}'", escape(name, 200));
  const net::unique_fd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return unexpected(failure{make_error_code(errc::no_input), context, message_of(last_system_error()), {}});
  struct stat about{};
  if (::fstat(fd.get(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 077) != 0)
    out.note(fmt::format("{} is accessible to other users of this machine (chmod 600)", context));
  auto line = read_line(fd.get(), context, false);
  if (!line) return unexpected(line.error());
  drop_byte_order_mark(*line);
  return checked_password(std::move(*line), context);
}

result<secret> from_command(const std::string& command) {
  const std::string context = fmt::format("password command '{}'", escape(command, 200));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(last_system_error(), context);
  const net::unique_fd reading(ends[0]);
  net::unique_fd writing(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  // Our stdin is the text of the message, and only this process ignores SIGPIPE.
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t by_default;
  ::sigemptyset(&by_default);
  ::sigaddset(&by_default, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &by_default);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::string shell = "sh";
  std::string option = "-c";
  std::string line = command;
  std::array<char*, 4> argv{shell.data(), option.data(), line.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawn(&child, "/bin/sh", &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail({error, std::system_category()}, context);
  writing = net::unique_fd();
  auto said = read_line(reading.get(), context, true);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (!said) return unexpected(said.error());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    wipe(*said);
    const std::string reason = WIFEXITED(status) ? fmt::format("it exited with status {}", WEXITSTATUS(status))
                                                 : fmt::format("it was ended by signal {}", WTERMSIG(status));
    return unexpected(failure{make_error_code(errc::not_permitted), context, reason, {}});
  }
  return checked_password(std::move(*said), context);
}

/// Turns echo off while it exists, and only records signals, because the terminal must be restored first.
class unseen {
 public:
  explicit unseen(int terminal) : terminal_(terminal) {
    caught = 0;
    struct sigaction noting{};
    noting.sa_handler = catch_signal;  // no SA_RESTART, so that a signal interrupts read(2)
    for (std::size_t at = 0; at < signals.size(); ++at) ::sigaction(signals[at], &noting, &before_[at]);
    ::tcgetattr(terminal_, &as_it_was_);
    termios quiet = as_it_was_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    ::tcsetattr(terminal_, TCSAFLUSH, &quiet);
  }
  ~unseen() {
    ::tcsetattr(terminal_, TCSAFLUSH, &as_it_was_);
    for (std::size_t at = 0; at < signals.size(); ++at) ::sigaction(signals[at], &before_[at], nullptr);
  }
  unseen(const unseen&) = delete;
  unseen& operator=(const unseen&) = delete;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  int terminal_;
  termios as_it_was_{};
  std::array<struct sigaction, 5> before_{};
};

result<secret> from_person(const std::string& prompt) {
  net::unique_fd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal && ::isatty(STDIN_FILENO) == 1) terminal = net::unique_fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!terminal)
    return fail(errc::usage, "a password is missing",
                "--password-file, --password-command or NETLAB_PASSWORD; there is no terminal to ask on");
  result<std::string> line = std::string();
  {
    const unseen echo_off(terminal.get());
    [[maybe_unused]] const ssize_t written = ::write(terminal.get(), prompt.data(), prompt.size());
    line = read_line(terminal.get(), "terminal", false);
  }
  if (!line && caught != 0) {
    const int number = std::exchange(caught, 0);
    if (number == SIGTERM) return fail(errc::terminated, {});
    if (number != SIGINT) ::raise(number);
  }
  if (!line) return unexpected(line.error());
  return checked_password(std::move(*line), "terminal");
}

}  // namespace

password_source password_source::read(arguments& args) {
  password_source from;
  args.prefer_typed("password-file", "password-command");
  const char* const stands = std::getenv(password_variable);
  const bool typed = args.is_typed("password-file") || args.is_typed("password-command");
  if (!typed && stands != nullptr && *stands != '\0') {
    from.from_environment = true;
    return from;
  }
  from.file = args.text("password-file");
  from.command = args.text("password-command");
  if (!from.file.empty() && !from.command.empty())
    args.refuse({make_error_code(errc::usage), {}, "--password-file and --password-command exclude each other", {}});
  return from;
}

result<secret> get_password(const password_source& from, const std::string& prompt, console& out) {
  if (from.from_environment) {
    char* stands = std::getenv(password_variable);
    if (stands == nullptr) return fail(errc::internal, "NETLAB_PASSWORD was read before");
    std::string text = stands;
    // Otherwise it would be in /proc/PID/environ, and in the environment of every child.
    OPENSSL_cleanse(stands, std::strlen(stands));
    ::unsetenv(password_variable);
    return checked_password(std::move(text), password_variable);
  }
  if (!from.file.empty()) return from_file(from.file, out);
  if (!from.command.empty()) return from_command(from.command);
  return from_person(prompt);
}

}  // namespace netlab::app
