// SPDX-License-Identifier: MIT
// Simple drafts, and messages as one text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/message/message.hpp"

namespace netlab::test {

/// A valid draft from a@example.org to these recipients.
inline mail::draft draft_to(std::string_view to) {
  mail::draft made;
  made.from = mail::parse_mailbox("a@example.org").value();
  made.to = mail::parse_mailbox_list(to).value();
  made.date = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
  made.message_id = "1@example.org";
  return made;
}

/// The rest of the message, read in pieces; a failure is appended as text.
inline std::string octets_of(mail::composed& message, std::size_t at_once = 4096) {
  std::string octets;
  std::vector<char> buffer(at_once);
  for (;;) {
    const auto length = message.read(buffer);
    if (!length) return octets + "!" + describe(length.error());
    if (*length == 0) return octets;
    octets.append(buffer.data(), *length);
  }
}

}  // namespace netlab::test
