// SPDX-License-Identifier: MIT
// Maps the name of a header field to the grammar of its body.
#pragma once

#include <cstdint>
#include <string_view>

namespace netlab::mail {

enum class field_kind : std::uint8_t {
  unstructured,  ///< text (RFC 5322 §3.2.5), and all unknown fields
  addresses,     ///< mailboxes separated by commas
  phrases,       ///< phrases separated by commas
  list_id,       ///< a phrase, then `<id>` (RFC 2919)
  structured,    ///< tokens with a grammar of their own: identifiers, URLs, dates, parameters
};

/// Case does not matter: `In-Reply-To` is structured, `X-Mailer` unstructured.
[[nodiscard]] field_kind kind_of(std::string_view name);

}  // namespace netlab::mail
