// SPDX-License-Identifier: MIT
// What `netlab mail send` does once its arguments are understood: one message, or one a line of a batch.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "console.hpp"
#include "mail/send.hpp"
#include "mail_message.hpp"
#include "password.hpp"

namespace netlab::app {

struct mail_call {
  mail::send_options how;
  bool is_default_server = false;
  password_source password;
  bool has_password = false;  ///< `how` has it
  message_wish wish;         ///< the message, or what the lines of a batch leave out
  std::string body_file;     ///< its text, if that is to be read: `-` is stdin
  bool may_lack_text = false;  ///< an empty one is left out: there is something else in the message
  std::string html_file;
  std::vector<std::string> attach;
  std::string raw_file;
  bool dry_run = false;
  std::string batch;  ///< a file of messages, `-` for stdin; empty: one message
};

/// Opens and reads what the call names. Fails as open_attachment() and prepare() do.
[[nodiscard]] result<void> load_files(mail_call& call);

/// What the two have in common: looks for a password if there is a login, and runs the sending in a loop of its own.
[[nodiscard]] result<void> run_sending(mail_call& call, mail::submission_source& source, asio::io_context& loop,
                                       mail::delivery_handler delivered, console& out);

/// What became of one message, for people and for programs.
struct delivery_words {
  std::string line;  ///< `sent <id> to 2 recipients: 250 …`, `not sent: …` or `delivery unknown: …`
  exit_status status = exit_status::done;
};
[[nodiscard]] delivery_words in_words(const mail::delivery& one);
/// With the envelope that it was sent with.
[[nodiscard]] nlohmann::ordered_json to_json(const mail::delivery& one, const std::string& sender,
                                             const std::vector<std::string>& recipients);
/// Each refusal and the failure, on stderr, with `where` before them.
void tell_failures(const mail::delivery& one, const std::string& where, console& out);

[[nodiscard]] exit_status send_single(mail_call& call, console& out);
[[nodiscard]] exit_status send_batch(mail_call& call, console& out);

}  // namespace netlab::app
