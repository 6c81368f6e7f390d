// SPDX-License-Identifier: MIT
// What a server knows of a message beside its content: who brought it, from whom, for whom (RFC 5321 §2.3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.hpp"

namespace netlab::mail {

enum class body_type : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };  // RFC 6152, RFC 3030

/// Whom a message is for, as RCPT said it.
struct recipient {
  mail::address address;
  std::string notify;  ///< RFC 3461 §4.1: `NEVER`, or of `SUCCESS,FAILURE,DELAY`, in capitals; empty: nothing was said
  std::string orcpt;  ///< RFC 3461 §4.2: `rfc822;joe@example.org`, in xtext as it came; empty: nothing was said
};

struct envelope {
  std::string peer;  ///< the client's address as text, without its port: `192.0.2.1`, `2001:db8::1`
  std::string helo;  ///< what the client called itself: visible ASCII, nothing that could end a line or a comment
  bool is_extended = false;  ///< it said EHLO, not HELO
  bool is_secure = false;  ///< over TLS
  std::string tls;  ///< `TLSv1.3 TLS_AES_256_GCM_SHA384`, as the caller gave it; may be empty
  std::string user;  ///< who has logged in; empty: nobody

  std::optional<address> sender;  ///< none: `<>`
  std::vector<recipient> recipients;
  body_type body = body_type::seven_bit;
  bool smtputf8 = false;  ///< RFC 6531
  std::string ret;  ///< RFC 3461 §4.3: `FULL`, `HDRS`; empty: nothing was said
  std::string envid;  ///< RFC 3461 §4.4: in xtext as it came; empty: nothing was said
  std::uint64_t declared_size = 0;  ///< RFC 1870, octets; 0: nothing was said

  /// `a@example.org`, or nothing for `<>`.
  [[nodiscard]] std::string sender_text() const { return sender ? sender->to_string() : std::string(); }
};

/// `ESMTPSA`: what stands behind `with` in a Received field (RFC 3848, RFC 6531 §4.3).
[[nodiscard]] std::string_view protocol_of(const envelope& of) noexcept;

/// The fields that a receiver puts at a message's head (RFC 5321 §4.4): Return-Path and Received, lines in CRLF.
/// `host` is who receives, `id` the message's name there, `date` as RFC 5322 §3.3 has it (mail::to_date). Each part
/// of the envelope stands in it as it was checked; a sole recipient is named, several are not (RFC 5321 §7.2).
[[nodiscard]] std::string trace_fields(const envelope& of, std::string_view host, std::string_view id,
                                       std::string_view date);

}  // namespace netlab::mail
