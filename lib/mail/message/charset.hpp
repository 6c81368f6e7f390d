// SPDX-License-Identifier: MIT
// Detects the character set of a text from its octets.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "mail/message/source.hpp"

namespace netlab::mail {

/// `us-ascii` or `utf-8`; empty if it is neither, or has control characters that text does not use. Reads the whole
/// source in constant memory. Fails if the source cannot be read.
[[nodiscard]] result<std::string_view> charset_of(const source& text);

}  // namespace netlab::mail
