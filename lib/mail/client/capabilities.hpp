// SPDX-License-Identifier: MIT
// The extensions that a server lists in its answer to EHLO (RFC 5321 §4.1.1.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/reply.hpp"

namespace netlab::mail {

struct capabilities {
  bool starttls = false;         ///< RFC 3207
  bool pipelining = false;       ///< RFC 2920
  bool chunking = false;         ///< RFC 3030: BDAT
  bool binary_mime = false;      ///< RFC 3030: BODY=BINARYMIME
  bool eight_bit_mime = false;   ///< RFC 6152
  bool smtputf8 = false;         ///< RFC 6531
  bool dsn = false;              ///< RFC 3461
  bool size = false;             ///< RFC 1870: MAIL takes SIZE=
  std::uint64_t max_size = 0;    ///< octets; 0: no limit given
  std::vector<std::string> auth; ///< RFC 4954: mechanisms in capitals, in the server's order, without duplicates

  [[nodiscard]] bool offers(std::string_view mechanism) const noexcept;
};

/// Case does not matter; unknown and malformed keywords are skipped.
[[nodiscard]] capabilities parse_capabilities(const reply& to_ehlo);

}  // namespace netlab::mail
