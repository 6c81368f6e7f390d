// SPDX-License-Identifier: MIT
// Runs `netlab mail send` after its arguments were parsed: one message, or a batch with one per line.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "commands/mail_message.hpp"
#include "frame/console.hpp"
#include "frame/password.hpp"
#include "mail/client/io/send.hpp"
#include "scan/shard.hpp"

namespace netlab::app {

struct mail_call {
  mail::send_options smtp;
  bool is_default_server = false;
  password_source password;
  bool has_password = false;  ///< it is in `smtp`
  message_fields message;        ///< the message, or the defaults for the lines of a batch
  std::string body_file;     ///< file of the text, if any: `-` is stdin
  bool may_lack_text = false;  ///< an empty text is left out, because there are other parts
  std::string html_file;
  std::vector<std::string> attach;
  std::string raw_file;
  bool dry_run = false;
  std::string batch;  ///< a file of messages, `-` for stdin; empty: one message
  scan::shard part;   ///< of the lines of the batch
};

/// Opens and reads the files that the call names. Fails as open_attachment() and prepare() do.
[[nodiscard]] result<void> load_files(mail_call& call);

/// The common part of both: gets a password if there is a login, and sends in the given event loop.
[[nodiscard]] result<void> run_sending(mail_call& call, mail::submission_source& source, asio::io_context& loop,
                                       mail::delivery_handler delivered, console& out);

/// The result of one message, in words and as an exit status.
struct delivery_words {
  std::string line;  ///< `sent <id> to 2 recipients: 250 …`, `not sent: …` or `delivery unknown: …`
  exit_status status = exit_status::done;
};
[[nodiscard]] delivery_words in_words(const mail::delivery& delivery);
/// With the envelope that was used.
[[nodiscard]] nlohmann::ordered_json to_json(const mail::delivery& delivery, const std::string& sender,
                                             const std::vector<std::string>& recipients);
/// Writes each refusal and the failure to stderr, each after `where`.
void print_failures(const mail::delivery& delivery, const std::string& where, console& out);

[[nodiscard]] exit_status send_single(mail_call& call, console& out);
[[nodiscard]] exit_status send_batch(mail_call& call, console& out);

}  // namespace netlab::app
