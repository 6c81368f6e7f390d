// SPDX-License-Identifier: MIT
// The mail server of exercise 3, with its own CA, and clients that show what they do.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/temporary_directory.hpp"
#include "lab/tour/local_service.hpp"
#include "lab/tour/step.hpp"
#include "mail/client/io/send.hpp"
#include "mail/sink/io/sink.hpp"

namespace netlab::lab {

inline constexpr std::string_view lab_user = "student";
inline constexpr std::string_view lab_password = "geheim";

/// A message as the server stored it.
struct taken_letter {
  mail::envelope envelope;
  std::string text;  ///< the file in its Maildir, with the fields that a receiver adds; lines end in LF
};

/// A message as a person writes it.
struct letter {
  std::string envelope_from = "ann@client.example";
  std::string from = "ann@client.example";
  std::string to = "ben@lab.example";
  std::string bcc = {};
  std::string subject;
  std::string text;
};

class post_office {
 public:
  explicit post_office(narrator& to) : tell(to) {}

  /// Creates a CA, a certificate, a Maildir and the server on a free port; call it once. `faults`: as for `mail sink
  /// --fault`.
  [[nodiscard]] result<void> open(std::vector<std::string> faults = {});
  /// Fails if the server has not stopped in time, or when cancelled.
  [[nodiscard]] step_result close();

  [[nodiscard]] std::uint16_t port() const { return service_->port(); }
  /// The CA that a client has to trust.
  [[nodiscard]] const std::string& ca_file() const { return authority_->file(); }
  /// All messages so far, in order.
  [[nodiscard]] std::vector<taken_letter> taken() const;

  /// The result of sending a message.
  struct outcome {
    result<void> done;
    result<mail::reply> answer = fail(errc::internal, "not sent");
    std::vector<std::string> dialogue;
    std::optional<taken_letter> arrived;
  };
  /// The usual options of netlab mail send: STARTTLS, login, and only this CA is trusted.
  [[nodiscard]] mail::send_options usual() const;
  /// Shows the command and sends the message. Fails when cancelled.
  [[nodiscard]] asio::awaitable<result<outcome>> deliver(letter one, mail::send_options options);
  /// The same with the usual options; fails if the message was not accepted.
  [[nodiscard]] asio::awaitable<result<taken_letter>> deliver(letter one);

  narrator& tell;

 private:
  void show_command(const letter& one, const mail::send_options& options);

  std::optional<temporary_directory> directory_;
  std::optional<tls::authority> authority_;
  mutable std::mutex mutex_;
  std::vector<taken_letter> taken_;
  std::unique_ptr<mail::sink> sink_;
  std::unique_ptr<local_service> service_;
  int sent_ = 0;
};

/// The value of a header field with its lines joined; empty if there is none.
[[nodiscard]] std::string field_of(std::string_view text, std::string_view name);

/// The text after the header.
[[nodiscard]] std::string_view body_of(std::string_view text);

// mail_dialogue.cpp
[[nodiscard]] step_result by_hand(post_office& in);
[[nodiscard]] step_result dots(post_office& in);
// mail_letters.cpp
[[nodiscard]] step_result by_program(post_office& in);
[[nodiscard]] step_result trust(post_office& in);
[[nodiscard]] step_result two_senders(post_office& in);
[[nodiscard]] step_result receiver_knows(post_office& in);
[[nodiscard]] step_result blind_copy(post_office& in);
[[nodiscard]] step_result starttls_removed(post_office& in);

}  // namespace netlab::lab
