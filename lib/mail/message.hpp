// SPDX-License-Identifier: MIT
// Messages (RFC 5322, 2045-2049): what a person wants to send, and the octets that say it to a given server.
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
#include "mail/address.hpp"
#include "mail/source.hpp"

namespace netlab::mail {

/// What a server can take, from its answer to EHLO.
struct server_abilities {
  bool eight_bit_mime = false;  ///< 8BITMIME, RFC 6152
  bool smtputf8 = false;        ///< SMTPUTF8, RFC 6531
  bool binary_mime = false;     ///< BINARYMIME, and CHUNKING, without which it cannot be used (RFC 3030 §3)
};

struct attachment {
  std::string name;  ///< as the receiver sees it, UTF-8, without directories
  std::string type;  ///< `image/png`; empty: by the name's extension
  std::shared_ptr<source> content;
  std::string charset;  ///< of a text: `utf-8`; empty: none is named
};

/// A message as a person means it. All text is UTF-8.
struct draft {
  mailbox from;
  std::vector<mailbox> to;
  std::vector<mailbox> cc;
  std::vector<mailbox> bcc;  ///< for the envelope; in no header
  std::string subject;
  std::optional<std::string> text;
  std::optional<std::string> html;  ///< beside a text: the richer alternative of it
  std::vector<attachment> attachments;
  /// Further fields, name and value. `Date` and `Message-ID` replace ours; the others that are ours are refused.
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::sys_seconds date{};       ///< the caller's clock
  std::chrono::minutes utc_offset{0};    ///< the caller's zone at that time
  std::string message_id;                ///< `left@right`, without brackets: see make_message_id()
};

/// A Message-ID that nobody else makes (RFC 5322 §3.6.4): the time, 80 bits or more of the caller's randomness, and
/// the sender's domain.
[[nodiscard]] std::string make_message_id(std::chrono::sys_seconds now, bytes_view random, std::string_view domain);

/// The octets of a message, in CRLF form, handed over piece by piece in constant memory. Reads the attachments while
/// it is read itself; messages may share a source.
class composed {
 public:
  /// A part of it: text as it is, or a source in an encoding.
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
  };

  composed(std::string message_id, needs what, std::vector<std::unique_ptr<piece>> pieces);

  /// Without brackets; empty where a ready message has none.
  [[nodiscard]] const std::string& message_id() const noexcept { return message_id_; }
  /// Exactly what read() gives in all: CRLF form, without dot-stuffing and without the final dot. For SIZE and BDAT.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// BODY=BINARYMIME has to be said, and the message sent by BDAT.
  [[nodiscard]] bool needs_binarymime() const noexcept { return needs_.binary_mime; }
  /// BODY=8BITMIME has to be said.
  [[nodiscard]] bool needs_8bitmime() const noexcept { return needs_.eight_bit_mime; }
  /// SMTPUTF8 has to be said. For the headers alone: the envelope may need it too.
  [[nodiscard]] bool needs_smtputf8() const noexcept { return needs_.smtputf8; }

  /// The next octets, at least one of them; 0 at the end, or if `to` has no room. Lines end in CRLF, the last too.
  /// Fails when a file cannot be read, or has no longer the size that size() counted: then what was sent of the
  /// message must not be ended as if it were whole.
  [[nodiscard]] result<std::size_t> read(std::span<char> to);
  /// From the start again.
  void rewind();

 private:
  std::string message_id_;
  needs needs_;
  std::vector<std::unique_ptr<piece>> pieces_;
  std::uint64_t size_ = 0;
  std::size_t at_ = 0;
};

/// The message for a server of these abilities: what it cannot take as it is, is encoded. Can be done again for another
/// server. Fails with errc::bad_data where a field would break out of its line, has a word that no line has room for,
/// or is not UTF-8, and with errc::rejected where the server lacks what cannot be replaced (SMTPUTF8 for a local part).
[[nodiscard]] result<composed> compose(const draft& what, server_abilities server);

/// A ready message: its line ends become CRLF, its Bcc fields go, and no other octet changes. Reads it once to
/// measure it. errc::bad_data where it does not begin with header fields, has a NUL or a line of more than 998 octets;
/// errc::rejected where it has octets above 127 and the server cannot take them.
[[nodiscard]] result<composed> raw(std::shared_ptr<source> message, server_abilities server);

}  // namespace netlab::mail
