// SPDX-License-Identifier: MIT
// Messages (RFC 5322, 2045-2049): a draft, and its octets as composed for a given server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "mail/message/address.hpp"
#include "mail/message/source.hpp"

namespace netlab::mail {

/// What a server accepts, from its answer to EHLO.
struct server_abilities {
  bool eight_bit_mime = false;  ///< 8BITMIME, RFC 6152
  bool smtputf8 = false;        ///< SMTPUTF8, RFC 6531
  bool binary_mime = false;     ///< BINARYMIME and CHUNKING; it cannot be used without the latter (RFC 3030 §3)
};

struct attachment {
  std::string name;  ///< as shown to the receiver, UTF-8, without directories
  std::string type;  ///< `image/png`; empty: from the name's extension
  std::shared_ptr<source> content;
  std::string charset;  ///< of a text: `utf-8`; empty: not stated
};

/// A message as its author writes it. All text is UTF-8.
struct draft {
  mailbox from;
  std::vector<mailbox> to;
  std::vector<mailbox> cc;
  std::vector<mailbox> bcc;  ///< in the envelope, not in the header
  std::string subject;
  std::optional<std::string> text;
  std::optional<std::string> html;  ///< with a text: its richer alternative
  std::vector<attachment> attachments;
  /// Further fields, name and value. `Date` and `Message-ID` replace the generated ones; other generated fields are
  /// refused.
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::sys_seconds date{};       ///< the current time, from the caller
  std::chrono::minutes utc_offset{0};    ///< the caller's time zone at that time
  std::string message_id;                ///< `left@right`, without brackets: see make_message_id()
};

/// A unique Message-ID (RFC 5322 §3.6.4): the time, 80 or more random bits from the caller, and the sender's domain.
[[nodiscard]] std::string make_message_id(std::chrono::sys_seconds now, bytes_view random, std::string_view domain);

/// The octets of a message, in CRLF form, read piece by piece in constant memory. Attachments are read only as
/// needed; messages may share a source.
class composed {
 public:
  /// A part of the message: literal text, or a source in an encoding.
  class piece {
   public:
    virtual ~piece() = default;
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    [[nodiscard]] virtual result<std::size_t> read(std::span<char> to) = 0;
    virtual void rewind() = 0;
  };
  struct needs {
    bool eight_bit_mime = false;
    bool smtputf8 = false;
    bool binary_mime = false;
    bool less_by_binary_mime = false;  ///< with BINARYMIME the attachments need no Base64
  };

  composed(std::string message_id, needs required, std::vector<std::unique_ptr<piece>> pieces);

  /// Without brackets; empty if a ready-made message has none.
  [[nodiscard]] const std::string& message_id() const noexcept { return message_id_; }
  /// The exact number of octets that read() returns in total: CRLF form, without dot-stuffing and the final dot. For
  /// SIZE and BDAT.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// MAIL needs BODY=BINARYMIME, and the message must be sent by BDAT.
  [[nodiscard]] bool needs_binarymime() const noexcept { return needs_.binary_mime; }
  /// MAIL needs BODY=8BITMIME.
  [[nodiscard]] bool needs_8bitmime() const noexcept { return needs_.eight_bit_mime; }
  /// MAIL needs SMTPUTF8 for the header; the envelope may need it, too.
  [[nodiscard]] bool needs_smtputf8() const noexcept { return needs_.smtputf8; }

  /// True if there is nothing to gain from composing it for this server.
  [[nodiscard]] bool suits(const server_abilities& server) const noexcept;

  /// Reads the next octets, at least one; 0 at the end, or if `to` is empty. All lines end in CRLF, the last too.
  /// Fails if a file cannot be read or no longer has the size that size() counted: the caller must then not end the
  /// message as if it were complete.
  [[nodiscard]] result<std::size_t> read(std::span<char> to);
  /// Back to the start.
  void rewind();

 private:
  std::string message_id_;
  needs needs_;
  std::vector<std::unique_ptr<piece>> pieces_;
  std::uint64_t size_ = 0;
  std::size_t at_ = 0;
};

/// Composes the message for a server of these abilities: encodes what the server does not accept as it is. Can be
/// repeated for another server. Fails with errc::bad_data if a field would break out of its line, has a word that
/// does not fit on a line, or is not UTF-8; with errc::rejected if the server lacks an extension for which there is
/// no substitute (SMTPUTF8 for a local part).
[[nodiscard]] result<composed> compose(const draft& of, server_abilities server);

/// A ready-made message: line ends become CRLF, Bcc fields are removed, nothing else changes. Reads it once to
/// measure it. Fails with errc::bad_data if it does not begin with header fields, has a NUL or a line of more than
/// 998 octets; with errc::rejected if it has octets above 127 and the server does not accept them.
[[nodiscard]] result<composed> raw(std::shared_ptr<source> message, server_abilities server);

}  // namespace netlab::mail
