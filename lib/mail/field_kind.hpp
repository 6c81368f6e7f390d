// SPDX-License-Identifier: MIT
// Which grammar the body of a header field has, by its name.
#pragma once

#include <cstdint>
#include <string_view>

namespace netlab::mail {

enum class field_kind : std::uint8_t {
  unstructured,  ///< text (RFC 5322 §3.2.5): any field that is not known, too
  addresses,     ///< mailboxes between commas
  phrases,       ///< phrases between commas
  list_id,       ///< a phrase, then `<id>` (RFC 2919)
  structured,    ///< tokens of its own: identifiers, URLs, dates, parameters
};

/// In any case: `In-Reply-To` is structured, `X-Mailer` unstructured.
[[nodiscard]] field_kind kind_of(std::string_view name);

}  // namespace netlab::mail
