// SPDX-License-Identifier: MIT
#include "trace/calls.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::trace {
namespace {

// The kernel's internal results of a call that it restarts after a signal (ERESTARTSYS to ERESTART_RESTARTBLOCK).
constexpr int restart_first = 512;
constexpr int restart_last = 516;

}  // namespace

std::string_view name_of(call_kind which) noexcept {
  switch (which) {
    case call_kind::create: return "create";
    case call_kind::bind: return "bind";
    case call_kind::listen: return "listen";
    case call_kind::accept: return "accept";
    case call_kind::connect: return "connect";
    case call_kind::send: return "send";
    case call_kind::receive: return "receive";
    case call_kind::shutdown: return "shutdown";
    case call_kind::close: return "close";
    case call_kind::wait: return "wait";
    case call_kind::option: return "option";
    case call_kind::name: return "name";
    case call_kind::exit: return "exit";
  }
  return "?";
}

std::string name_of_errno(int number) {
  if (number >= restart_first && number <= restart_last) return "EINTR";
  const char* name = ::strerrorname_np(number);
  return name == nullptr ? fmt::format("errno {}", number) : std::string(name);
}

std::string describe(const call& of) {
  std::string text = fmt::format("{}(", of.name);
  if (of.fd >= 0) text += fmt::format("{}{}", of.fd, of.arguments.empty() ? "" : ", ");
  return text + of.arguments + ")";
}

std::string describe_result(const call& of) {
  if (!of.returned) return {};
  if (of.kind == call_kind::exit) return {};
  if (of.value < 0) {
    const int number = static_cast<int>(-of.value);
    if (number >= restart_first && number <= restart_last) return "interrupted by a signal";
    return fmt::format("= -1 {} ({})", name_of_errno(number), message_of({number, std::system_category()}));
  }
  return fmt::format("= {}{}{}", of.value, of.outcome.empty() ? "" : ", ", of.outcome);
}

const source_line& source_of(const call& of) noexcept {
  static const source_line unknown;
  return of.source ? *of.source : unknown;
}

std::string to_string(const source_line& where) {
  if (where.file.empty()) return escape(where.function, 60);
  const auto slash = where.file.rfind('/');
  const std::string_view name =
      slash == std::string::npos ? std::string_view(where.file) : std::string_view(where.file).substr(slash + 1);
  if (where.line == 0) return escape(name, 60);
  return fmt::format("{}:{}", escape(name, 60), where.line);
}

}  // namespace netlab::trace
