// SPDX-License-Identifier: MIT
// The parts of a composed message: texts, and sources in an encoding.
#pragma once

#include <memory>
#include <string>

#include "mail/message/message.hpp"
#include "mail/message/mime.hpp"
#include "mail/message/source.hpp"

namespace netlab::mail {

[[nodiscard]] std::unique_ptr<composed::piece> make_piece(std::string text);

/// A piece of the source's current size, in Base64 lines or unchanged (transfer_encoding::binary). Reading fails if
/// the source has changed or has another size by then. It fails before the last octets are returned, so that a
/// changed message is never sent to its end.
[[nodiscard]] std::unique_ptr<composed::piece> make_piece(std::shared_ptr<source> from, transfer_encoding encoding);

}  // namespace netlab::mail
