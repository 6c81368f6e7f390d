// SPDX-License-Identifier: MIT
// Passwords, from where they do not stand in the argument list.
#pragma once

#include "base/secret.hpp"
#include "cli.hpp"
#include "console.hpp"

namespace netlab::app {

namespace shared_options {
inline constexpr option password_command{
    .name = "password-command", .argument = "CMD", .help = "the password is the first line that this command prints"};
inline constexpr option password_file{
    .name = "password-file", .argument = "FILE", .help = "the password is the first line of this file"};
}  // namespace shared_options

/// Where to ask for it, as the options and the environment say. What is typed goes before NETLAB_PASSWORD, and that
/// before what stands in the configuration.
struct password_source {
  std::string file;
  std::string command;
  bool from_environment = false;

  /// Reads --password-file and --password-command.
  [[nodiscard]] static password_source read(arguments& args);
};

/// Gets it: from the file, the command, NETLAB_PASSWORD (which is then removed from the environment), or from the
/// person at the terminal, unseen, after `prompt`. Fails with errc::no_input, errc::not_permitted (the command failed),
/// errc::usage (no terminal to ask on), errc::interrupted; an empty password is errc::bad_data.
[[nodiscard]] result<secret> get_password(const password_source& from, const std::string& prompt, console& out);

}  // namespace netlab::app
