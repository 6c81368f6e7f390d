// SPDX-License-Identifier: MIT
// Domain names as people write them and as DNS, TLS and SMTP use them (RFC 5890-5892, UTS 46, RFC 1035).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace netlab {

inline constexpr std::size_t max_label = 63;    // RFC 1035 §2.3.4
inline constexpr std::size_t max_domain = 253;  // RFC 1035 §2.3.4: 255 octets on the wire, 253 characters as text

/// Converts a name to A-labels in lower case: `Bücher.example` becomes `xn--bcher-kva.example`. libidn2 maps names that
/// are not ASCII by UTS 46 (full-width letters, a letter and its combining mark, other kinds of dots), then checks them
/// against IDNA 2008, which allows no symbols. One final dot is dropped. Fails with errc::bad_data on empty or overlong
/// labels, characters that DNS host names may not have, text that is not UTF-8, and invisible characters (controls,
/// zero width, bidirectional overrides, variation selectors).
[[nodiscard]] result<std::string> to_ascii_domain(std::string_view domain);

}  // namespace netlab
