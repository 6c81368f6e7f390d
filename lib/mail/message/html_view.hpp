// SPDX-License-Identifier: MIT
// HTML of a message, made harmless for showing it in a frame without scripts.
#pragma once

#include <string>
#include <string_view>

namespace netlab::mail {

/// The same document without elements that act beyond their frame, whatever a content security policy says: `link`
/// (browsers connect ahead for it), `meta` (it may redirect), `base`, `script`, `iframe`, `frame`, `object`, `embed`,
/// `portal`, `form`, and links. Their tags get another name, so their content stays. `html` is valid UTF-8, and must be
/// served as that: in another character set a tag could be hidden.
[[nodiscard]] std::string defused_html(std::string_view html);

}  // namespace netlab::mail
