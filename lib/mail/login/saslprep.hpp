// SPDX-License-Identifier: MIT
// SASLprep (RFC 4013): the normal form of names and passwords that SCRAM hashes.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace netlab::mail {

/// Prepares UTF-8 text: all kinds of spaces become a space, compatibility characters are normalized (NFKC), invisible
/// ones are removed. Characters unknown to Unicode 3.2 are allowed, because passwords have emoji, although RFC 3454
/// §7 forbids them in stored strings. Fails with errc::bad_data if the text has prohibited characters or mixes
/// writing directions, with errc::not_permitted if it is not ASCII and netlab was built without libidn.
[[nodiscard]] result<secret> saslprep(std::string_view text);

}  // namespace netlab::mail
