// SPDX-License-Identifier: MIT
// Names and passwords in the one form in which SCRAM hashes them (SASLprep, RFC 4013).
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace netlab::mail {

/// The text in UTF-8, prepared: other spaces are a space, compatible characters their plain form (NFKC), what is not
/// shown is dropped. Characters that Unicode 3.2 does not know pass, though a stored string should have none (RFC 3454
/// §7): passwords have emoji. Fails with errc::bad_data where the text has prohibited characters or mixes directions,
/// and with errc::not_permitted where it is not ASCII and netlab was built without libidn.
[[nodiscard]] result<secret> saslprep(std::string_view text);

}  // namespace netlab::mail
