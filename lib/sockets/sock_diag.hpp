// SPDX-License-Identifier: MIT
// The kernel's list of sockets, as netlink carries it (sock_diag(7), netlink(7)): questions and answers as octets.
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

/// Reads one datagram of the answer, appends its sockets, skips messages of other sequences. True when the answer is
/// complete. Fails with the kernel's own error, or errc::peer_protocol where the octets make no sense.
[[nodiscard]] result<bool> read_answer(bytes_view datagram, transport over, std::uint32_t sequence,
                                       std::vector<entry>& out);

}  // namespace netlab::sockets
