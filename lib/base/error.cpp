// SPDX-License-Identifier: MIT
#include "base/error.hpp"

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace netlab {
namespace {

class code_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "netlab"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::usage: return "usage error";
      case errc::bad_data: return "bad input data";
      case errc::no_input: return "cannot read input";
      case errc::no_such_host: return "no such host";
      case errc::resolver_failed: return "name service did not answer";
      case errc::closed_by_peer: return "connection closed by the peer";
      case errc::rejected: return "rejected";
      case errc::try_later: return "try again later";
      case errc::timed_out: return "timed out";
      case errc::peer_protocol: return "the peer broke the protocol";
      case errc::internal: return "internal error";
      case errc::cannot_create: return "cannot create";
      case errc::output_lost: return "write error";
      case errc::outcome_unknown: return "outcome unknown";
      case errc::not_permitted: return "not permitted";
      case errc::bad_configuration: return "bad configuration";
      case errc::partly_done: return "partly done";
      case errc::interrupted: return "interrupted";
      case errc::terminated: return "terminated";
    }
    return "error " + std::to_string(value);
  }
};

class class_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "netlab class"; }
  [[nodiscard]] std::string message(int value) const override { return "error class " + std::to_string(value); }
  [[nodiscard]] bool equivalent(const std::error_code& code, int condition) const noexcept override {
    return static_cast<int>(classify(code)) == condition;
  }
};

const class_category the_class_category;

error_class classify_own(errc code) noexcept {
  switch (code) {
    case errc::usage: return error_class::usage;
    case errc::bad_data: return error_class::bad_data;
    case errc::no_input: return error_class::no_input;
    case errc::no_such_host: return error_class::no_host;
    case errc::closed_by_peer:
    case errc::rejected: return error_class::unavailable;
    case errc::resolver_failed:
    case errc::try_later:
    case errc::timed_out: return error_class::temporary;
    case errc::peer_protocol: return error_class::protocol;
    case errc::internal: return error_class::internal;
    case errc::cannot_create: return error_class::cannot_create;
    case errc::output_lost:
    case errc::outcome_unknown: return error_class::input_output;
    case errc::not_permitted: return error_class::not_permitted;
    case errc::bad_configuration: return error_class::configuration;
    case errc::partly_done: return error_class::partial;
    case errc::interrupted: return error_class::interrupted;
    case errc::terminated: return error_class::terminated;
  }
  return error_class::internal;
}

error_class classify_errno(int value) noexcept {
  switch (value) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ESRCH: return error_class::unavailable;
    case ETIMEDOUT:
    case EAGAIN: return error_class::temporary;
    case EACCES:
    case EPERM: return error_class::not_permitted;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: return error_class::system_resources;
    case ENOENT: return error_class::no_input;
    case EPROTO: return error_class::protocol;
    case ECANCELED:
    case EINTR: return error_class::interrupted;
    default: return error_class::input_output;
  }
}

}  // namespace

const std::error_category& netlab_category() noexcept {
  static const code_category category;
  return category;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), netlab_category()}; }

std::error_condition make_error_condition(error_class condition) noexcept {
  return {static_cast<int>(condition), the_class_category};
}

error_class classify(const std::error_code& any) noexcept {
  const std::error_code code = to_standard(any);
  if (code.category() == netlab_category()) return classify_own(static_cast<errc>(code.value()));
  if (code.category() == std::system_category() || code.category() == std::generic_category())
    return classify_errno(code.value());
  return error_class::input_output;
}

std::error_code to_standard(const std::error_code& code) noexcept {
  return std::string_view(code.category().name()) == "asio.system"
             ? std::error_code(code.value(), std::system_category())
             : code;
}

std::error_code last_system_error() noexcept { return {errno, std::system_category()}; }

std::string message_of(const std::error_code& code) {
  // System messages start with a capital; our own messages do not.
  std::string message = code.message();
  if (message.size() > 1 && message[0] >= 'A' && message[0] <= 'Z' && message[1] >= 'a' && message[1] <= 'z')
    message[0] = static_cast<char>(message[0] - 'A' + 'a');
  return message;
}

std::string describe(const failure& why) {
  std::string line = why.context;
  if (!line.empty()) line += ": ";
  line += why.detail.empty() ? message_of(why.code) : why.detail;
  if (!why.hint.empty()) line += " (" + why.hint + ")";
  return line;
}

}  // namespace netlab
