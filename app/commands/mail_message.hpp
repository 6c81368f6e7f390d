// SPDX-License-Identifier: MIT
// Builds a message and its envelope from the options of a command line or the fields of a batch line.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mail/client/client.hpp"
#include "mail/message/message.hpp"

namespace netlab::app {

using envelope_sender = std::optional<mail::address>;  ///< none: `<>`, the null sender (RFC 5321 §4.5.5)

struct message_fields {
  std::optional<mail::mailbox> from;             ///< none: default_sender()
  std::optional<envelope_sender> envelope_from;  ///< none: the address of `from`
  std::vector<mail::mailbox> to;
  std::vector<mail::mailbox> cc;
  std::vector<mail::mailbox> bcc;
  std::string subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
  std::vector<mail::attachment> attachments;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<mail::source> raw;  ///< a complete message, which replaces everything but the envelope
};

/// `$USER@HOSTNAME`, or the name of the process's user.
[[nodiscard]] std::string default_sender();

/// This machine's name if it is a public one (with a dot).
[[nodiscard]] std::optional<std::string> full_host_name();

/// Opens a file; its name is without directories. Fails as mail::open_file().
[[nodiscard]] result<mail::attachment> open_attachment(const std::string& file);

/// `K: V`. Fails with errc::bad_data without a colon.
[[nodiscard]] result<std::pair<std::string, std::string>> parse_header(std::string_view text);

/// Fails as mail::parse_address() does.
[[nodiscard]] result<envelope_sender> parse_envelope_sender(std::string_view text);

/// At least one mailbox. Fails as mail::parse_mailbox_list() does.
[[nodiscard]] result<std::vector<mail::mailbox>> parse_recipients(std::string_view text);

/// The failure, with the name and the text of the value that caused it: `to 'ann@'`.
[[nodiscard]] failure about(std::string_view name, std::string_view text, failure why);

/// A submission without its tag. The message itself is composed for each server, with the current date. Fails with
/// errc::usage without a recipient, and with errc::bad_data if it needs default_sender() and that is not an address.
[[nodiscard]] result<mail::submission> prepare(message_fields fields);

}  // namespace netlab::app
