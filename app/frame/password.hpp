// SPDX-License-Identifier: MIT
// Gets passwords without having them in the argument list.
#pragma once

#include "base/secret.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"

namespace netlab::app {

namespace shared_options {
inline constexpr option password_command{
    .name = "password-command", .argument = "CMD", .help = "the password is the first line that this command prints"};
inline constexpr option password_file{
    .name = "password-file", .argument = "FILE", .help = "the password is the first line of this file"};
}  // namespace shared_options

/// The source of the password, from options and environment. The command line overrides NETLAB_PASSWORD, which
/// overrides the configuration file.
struct password_source {
  std::string file;
  std::string command;
  bool from_environment = false;

  /// Reads --password-file and --password-command.
  [[nodiscard]] static password_source read(arguments& args);
};

/// Gets the password from the file, from the command, from NETLAB_PASSWORD (which is then removed from the
/// environment), or from the terminal, without echo, after `prompt`. Fails with errc::no_input, errc::not_permitted
/// (the command failed), errc::usage (no terminal to ask on), errc::interrupted, errc::bad_data (an empty password).
[[nodiscard]] result<secret> get_password(const password_source& from, const std::string& prompt, console& out);

}  // namespace netlab::app
