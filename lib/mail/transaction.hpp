// SPDX-License-Identifier: MIT
// Part of the client: one message on its way through one connection.
#pragma once

#include "mail/client.hpp"
#include "mail/dots.hpp"

namespace netlab::mail {

struct client::transaction {
  explicit transaction(submission its) : what(std::move(its)) {}

  enum class way : std::uint8_t {
    data,   ///< DATA, and a dot at the end
    chunk,  ///< BDAT with all of it
  };

  submission what;
  std::optional<result<composed>> made;  // for this server, as soon as it is known
  composed* message = nullptr;           // in it, if it could be made
  delivery report;
  std::vector<const address*> recipients;  // those that are asked for
  std::vector<bool> is_accepted;           // of them, as far as answered
  std::optional<failure> mail_failure;
  way by = way::data;
  std::size_t steps = 0;       // of the envelope, said: MAIL, each RCPT
  bool data_said = false;      // or BDAT
  bool body_done = false;      // all of it is in the output, its end too
  bool given_up = false;       // an empty message was sent to nobody, because DATA had been said
  std::optional<result<reply>> decided;  // known before the session's end, and to be reported then
  dot_stuffer stuffer;
  std::uint64_t written = 0;   // octets of the message
};

struct client::expectation {
  kind what;
  transaction* of = nullptr;  // null for the session's own
};

}  // namespace netlab::mail
