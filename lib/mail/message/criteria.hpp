// SPDX-License-Identifier: MIT
// Which messages a reader wants: by recipient, sender and subject.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mail/message/address.hpp"
#include "mail/message/entity.hpp"
#include "mail/server/address_pattern.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_correspondents =
    10'000;  // of each list: ten times what servers accept (RFC 5321 §4.5.3.1.8)

/// The senders and recipients of a stored message. Addresses are as written, without names and
/// comments; each is there once.
struct correspondents {
  std::vector<std::string> envelope_from;  ///< of Return-Path: one at most, `` for the null sender
  std::vector<std::string> envelope_to;    ///< of Delivered-To, X-Original-To and their like
  std::vector<std::string> from;           ///< of From and Sender
  std::vector<std::string> to;             ///< of To, Cc and Bcc
};

[[nodiscard]] correspondents correspondents_of(std::span<const header_field> header);

/// The addresses in the body of a field: liberal, with comments, names, groups and routes; whatever has an @.
[[nodiscard]] std::vector<std::string> addresses_in(std::string_view field_body);

/// A message is wanted if it fits each of these; without any, all messages are.
struct message_criteria {
  std::vector<address_pattern> to;    ///< each fits a recipient of the envelope or of the header
  std::vector<address_pattern> from;  ///< each fits the sender of the envelope or of the header
  std::vector<std::string> subject;   ///< each is a part of the decoded subject; see contains_text()

  [[nodiscard]] bool empty() const noexcept { return to.empty() && from.empty() && subject.empty(); }
  [[nodiscard]] bool match(std::span<const header_field> header) const;
};

/// ASCII letters match in either case, and any white space matches any other: a header may have been folded there.
[[nodiscard]] bool contains_text(std::string_view text, std::string_view wanted);

}  // namespace netlab::mail
