// SPDX-License-Identifier: MIT
// Domain names as people write them, and as DNS, TLS and SMTP have them (RFC 5890-5892, UTS 46, RFC 1035).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace netlab {

inline constexpr std::size_t max_label = 63;    // RFC 1035 §2.3.4
inline constexpr std::size_t max_domain = 253;  // RFC 1035 §2.3.4: 255 with the lengths, 253 as text

/// The name in A-labels and lower case: `Bücher.example` is `xn--bcher-kva.example`. Outside ASCII, libidn2 maps it as
/// UTS 46 says (letters in full width, composed from a letter and its mark, other dots), then holds it to IDNA 2008,
/// which knows no symbols. One final dot is dropped. Fails with errc::bad_data: empty and overlong labels, characters
/// that DNS host names may not have, text that is not UTF-8 or that hides (controls, zero width, bidirectional
/// overrides, variation selectors).
[[nodiscard]] result<std::string> to_ascii_domain(std::string_view domain);

}  // namespace netlab
