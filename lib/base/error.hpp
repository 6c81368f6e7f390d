// SPDX-License-Identifier: MIT
// Our own error codes, and the classes that every code, ours or the system's, belongs to.
#pragma once

#include <system_error>
#include <type_traits>

namespace netlab {

/// What happened, if no system code says it. Our own mistakes and the peer's have different codes.
enum class errc {
  usage = 1,          ///< the command line makes no sense
  bad_data,           ///< input data that breaks its format
  no_input,           ///< an input file that does not exist or cannot be read
  no_such_host,       ///< a name that does not resolve
  resolver_failed,    ///< the name service did not answer
  closed_by_peer,     ///< the peer ended the connection instead of answering
  rejected,           ///< the peer refused permanently
  try_later,          ///< the peer refused temporarily
  timed_out,          ///< one of our deadlines passed
  peer_protocol,      ///< the peer broke the protocol
  internal,           ///< a bug of ours
  cannot_create,      ///< an output file that cannot be created
  output_lost,        ///< results that could not be written
  outcome_unknown,    ///< sent, but the connection ended before the confirmation
  not_permitted,      ///< missing privilege, failed authentication, bad certificate
  bad_configuration,  ///< a configuration file or variable
  partly_done,        ///< some of many items failed; each failure was reported
  interrupted,        ///< SIGINT
  terminated,         ///< SIGTERM
};

/// The classes of failure that callers and exit statuses distinguish.
enum class error_class {
  partial = 1,
  usage,
  bad_data,
  no_input,
  no_host,
  unavailable,
  internal,
  system_resources,
  cannot_create,
  input_output,
  temporary,
  protocol,
  not_permitted,
  configuration,
  interrupted,
  terminated,
};

[[nodiscard]] const std::error_category& netlab_category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc code) noexcept;
[[nodiscard]] std::error_condition make_error_condition(error_class condition) noexcept;

/// The class of any code. Unknown codes belong to `input_output`: something failed outside the program.
[[nodiscard]] error_class classify(const std::error_code& code) noexcept;

/// Asio keeps errno values in a category of its own, which no standard condition matches; this function moves them to
/// std::system_category(). Other codes are returned unchanged.
[[nodiscard]] std::error_code to_standard(const std::error_code& code) noexcept;

}  // namespace netlab

template <>
struct std::is_error_code_enum<netlab::errc> : std::true_type {};
template <>
struct std::is_error_condition_enum<netlab::error_class> : std::true_type {};
