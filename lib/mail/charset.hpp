// SPDX-License-Identifier: MIT
// In which character set a text is written, as far as its octets tell.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "mail/source.hpp"

namespace netlab::mail {

/// `us-ascii` or `utf-8`; empty where it is neither, or has control characters that a text has no use for. Reads all of
/// it, in constant memory. Fails as the source does.
[[nodiscard]] result<std::string_view> charset_of(const source& text);

}  // namespace netlab::mail
