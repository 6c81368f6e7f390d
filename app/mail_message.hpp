// SPDX-License-Identifier: MIT
// From the words of a command line, or of a line of a batch, to a message and its envelope.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mail/client.hpp"
#include "mail/message.hpp"

namespace netlab::app {

/// As typed. Addresses are parsed by prepare().
struct message_wish {
  std::optional<std::string> from;           ///< none: default_sender()
  std::optional<std::string> envelope_from;  ///< `<>`: the null sender; none: from's address
  std::vector<std::string> to;
  std::vector<std::string> cc;
  std::vector<std::string> bcc;
  std::string subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
  std::vector<mail::attachment> attachments;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<mail::source> raw;  ///< a ready message, in place of all that is not the envelope
};

/// `$USER@HOSTNAME`, or the name of who runs this.
[[nodiscard]] std::string default_sender();

/// This machine's name if it is one that others may know (it has a dot), else nothing.
[[nodiscard]] std::optional<std::string> full_host_name();

/// An opened file under its name without directories. Fails as mail::open_file().
[[nodiscard]] result<mail::attachment> open_attachment(const std::string& file);

/// `K: V`. errc::bad_data without a colon.
[[nodiscard]] result<std::pair<std::string, std::string>> parse_header(std::string_view text);

/// The sender of an envelope; nothing for `<>`, the null sender (RFC 5321 §4.5.5). Fails as mail::parse_address() does.
[[nodiscard]] result<std::optional<mail::address>> parse_envelope_sender(std::string_view text);

/// A submission without its tag. The message itself is made for each server, from now's date. Fails with errc::bad_data
/// where an address cannot be parsed, with errc::usage where there is no recipient.
[[nodiscard]] result<mail::submission> prepare(message_wish wish);

}  // namespace netlab::app
