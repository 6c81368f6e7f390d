// SPDX-License-Identifier: MIT
// What a server knows about a message besides its content: client, sender, recipients (RFC 5321 §2.3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/message/address.hpp"

namespace netlab::mail {

enum class body_type : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };  // RFC 6152, RFC 3030

/// A recipient and its parameters, from RCPT.
struct recipient {
  mail::address address;
  std::string notify;  ///< RFC 3461 §4.1: `NEVER`, or some of `SUCCESS,FAILURE,DELAY`, in capitals; empty: not given
  std::string orcpt;  ///< RFC 3461 §4.2: `rfc822;joe@example.org`, in xtext as received; empty: not given
};

struct envelope {
  std::string peer;  ///< the client's address as text, without its port: `192.0.2.1`, `2001:db8::1`
  std::string helo;  ///< name given in EHLO or HELO: visible ASCII, nothing that could end a line or a comment
  bool is_extended = false;  ///< the client sent EHLO, not HELO
  bool is_secure = false;  ///< over TLS
  std::string tls;  ///< `TLSv1.3 TLS_AES_256_GCM_SHA384`, from the caller; may be empty
  std::string user;  ///< the user logged in; empty: none

  std::optional<address> sender;  ///< none: `<>`
  std::vector<recipient> recipients;
  body_type body = body_type::seven_bit;
  bool smtputf8 = false;  ///< RFC 6531
  std::string ret;  ///< RFC 3461 §4.3: `FULL`, `HDRS`; empty: not given
  std::string envid;  ///< RFC 3461 §4.4: in xtext as received; empty: not given
  std::uint64_t declared_size = 0;  ///< RFC 1870, octets; 0: not given

  /// `a@example.org`; empty for `<>`.
  [[nodiscard]] std::string sender_text() const { return sender ? sender->to_string() : std::string(); }
};

/// `ESMTPSA`: the protocol after `with` in a Received field (RFC 3848, RFC 6531 §4.3).
[[nodiscard]] std::string_view protocol_of(const envelope& of) noexcept;

/// The header fields that a receiver adds at the top (RFC 5321 §4.4): Return-Path and Received, with CRLF line ends.
/// `host` is the receiving host, `id` its identifier of the message, `date` is in RFC 5322 §3.3 form (mail::to_date).
/// The envelope must have been checked. A single recipient is named, several are not (RFC 5321 §7.2).
[[nodiscard]] std::string trace_fields(const envelope& of, std::string_view host, std::string_view id,
                                       std::string_view date);

}  // namespace netlab::mail
