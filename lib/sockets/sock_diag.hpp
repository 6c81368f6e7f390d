// SPDX-License-Identifier: MIT
// Encodes requests for the kernel's list of sockets and decodes the answers (sock_diag(7), netlink(7)).
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "sockets/entry.hpp"
#include "sockets/filter.hpp"

namespace netlab::sockets {

/// The request for all sockets of one kind.
[[nodiscard]] bytes make_request(const filter& wanted, transport over, bool is_v6, std::uint32_t sequence);

/// Decodes one datagram of the answer and appends its sockets; skips messages of other sequences. Returns true when the
/// answer is complete. Fails with the kernel's error, or with errc::peer_protocol if the datagram is malformed.
[[nodiscard]] result<bool> read_answer(bytes_view datagram, transport over, std::uint32_t sequence,
                                       std::vector<entry>& out);

}  // namespace netlab::sockets
