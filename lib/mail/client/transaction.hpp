// SPDX-License-Identifier: MIT
// Part of the client: one message on one connection.
#pragma once

#include "mail/client/client.hpp"
#include "mail/message/dots.hpp"

namespace netlab::mail {

struct client::transaction {
  explicit transaction(mail::submission submitted) : submission(std::move(submitted)) {}

  enum class way : std::uint8_t {
    data,   ///< DATA, ended by a dot
    chunk,  ///< BDAT with the whole message
  };

  mail::submission submission;
  std::optional<result<composed>> made;  // composed for this server
  composed* message = nullptr;           // points into it, if composing succeeded
  delivery report;
  std::vector<const address*> recipients;  // those to be sent in RCPT
  std::vector<bool> is_accepted;           // the replies to RCPT so far
  std::optional<failure> mail_failure;
  way by = way::data;
  std::size_t steps = 0;       // envelope commands sent: MAIL, each RCPT
  bool data_said = false;      // DATA or BDAT was sent
  bool body_done = false;      // the whole message with its end is in the output
  bool given_up = false;       // DATA was sent, but there is no recipient: an empty message was sent
  std::optional<result<reply>> decided;  // known before the session ends, and reported then
  dot_stuffer stuffer;
  std::uint64_t written = 0;   // octets of the message
};

struct client::expectation {
  kind type;
  transaction* of = nullptr;  // null for the session's own commands
};

}  // namespace netlab::mail
