// SPDX-License-Identifier: MIT
// What a message consists of, one after the other: texts, and sources in an encoding.
#pragma once

#include <memory>
#include <string>

#include "mail/message.hpp"
#include "mail/mime.hpp"
#include "mail/source.hpp"

namespace netlab::mail {

[[nodiscard]] std::unique_ptr<composed::piece> make_piece(std::string text);

/// Of the size that the source has now, in Base64 lines or (transfer_encoding::binary) as it is. Reading fails where
/// the source has another size by then, or has changed; before its last octets are handed over, so that what was sent
/// of a message is never all of it.
[[nodiscard]] std::unique_ptr<composed::piece> make_piece(std::shared_ptr<source> from, transfer_encoding encoding);

}  // namespace netlab::mail
