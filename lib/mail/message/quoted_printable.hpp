// SPDX-License-Identifier: MIT
// The transfer encoding quoted-printable (RFC 2045 §6.7).
#pragma once

#include <string>
#include <string_view>

namespace netlab::mail {

/// The text is in CRLF form; the lines of the result have at most 76 octets.
[[nodiscard]] std::string encode_quoted_printable(std::string_view text);

/// Reads liberally: an `=` that encodes nothing stays, and lines may end in LF. Blanks at a line's end are removed.
[[nodiscard]] std::string decode_quoted_printable(std::string_view encoded);

}  // namespace netlab::mail
