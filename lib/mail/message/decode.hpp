// SPDX-License-Identifier: MIT
// Decodes what other programs have encoded: transfer encodings (RFC 2045 §6) and words in header fields (RFC 2047).
// Readers of mail must be liberal: whatever is not an encoding stays as it is, and nothing fails.
#pragma once

#include <string>
#include <string_view>

#include "mail/message/mime.hpp"

namespace netlab::mail {

/// `Base64` and the like; case does not matter. An unknown encoding is read as binary.
[[nodiscard]] transfer_encoding parse_transfer_encoding(std::string_view name);

/// The octets of a body in this encoding. Base64: other characters are skipped, and padding ends a group, not the
/// text. Quoted-printable: an `=` that encodes nothing stays.
[[nodiscard]] std::string decode_body(std::string_view encoded, transfer_encoding encoding);

/// The text of an unfolded header field in valid UTF-8: encoded words are decoded, and white space between two of them
/// is removed (RFC 2047 §6.2).
[[nodiscard]] std::string decode_words(std::string_view text);

}  // namespace netlab::mail
