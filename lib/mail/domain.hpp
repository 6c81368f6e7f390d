// SPDX-License-Identifier: MIT
// Domain names as people write them, and as DNS and SMTP have them (RFC 5890-5892, 3492, 1035).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_label = 63;    // RFC 1035 §2.3.4
inline constexpr std::size_t max_domain = 253;  // RFC 1035 §2.3.4: 255 with the lengths, 253 as text

/// Punycode (RFC 3492) of one label, without `xn--`. Nothing where a number would overflow.
[[nodiscard]] std::optional<std::string> encode_punycode(const std::vector<char32_t>& label);
[[nodiscard]] std::optional<std::vector<char32_t>> decode_punycode(std::string_view label);

/// The name in A-labels: `bücher.example` is `xn--bcher-kva.example`. Letters outside ASCII are lower-cased first;
/// U+3002, U+FF0E and U+FF61 are dots (RFC 3490 §3.1). One final dot is dropped. Refuses (errc::bad_data) empty and
/// overlong labels, what DNS host names may not have, text that is not UTF-8 or hides (controls, zero width,
/// bidirectional overrides), and combining marks where a composed letter is meant (RFC 5891 §5.3: NFC).
[[nodiscard]] result<std::string> to_ascii_domain(std::string_view domain);

}  // namespace netlab::mail
