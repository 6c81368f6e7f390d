// SPDX-License-Identifier: MIT
// Whether an answer is right, and what the peer did if it is not: the client knows the numbers.
#pragma once

#include "base/result.hpp"
#include "calc/wire.hpp"

namespace netlab::calc {

/// Judges what came back for a request that was sent in this byte order. `reply` is what has arrived: for
/// TCP at least answer_size octets and perhaps more, for UDP the whole datagram. The value, or
/// errc::peer_protocol with a diagnosis (another ID, the other byte order, an echo service, plain text, a
/// wrong value), or errc::try_later for a netlab server that is full.
[[nodiscard]] result<std::int32_t> check_answer(const request& asked, byte_order order, bytes_view reply);

/// The same for a datagram, which must be exactly one answer.
[[nodiscard]] result<std::int32_t> check_datagram(const request& asked, byte_order order, bytes_view reply);

/// Whether this reply shows that the peer does not speak the protocol at all: an echo, or text.
[[nodiscard]] bool is_foreign(const request& asked, byte_order order, bytes_view reply);

/// Why no answer may have come: what to try, or nothing. A server of the other byte order that reads
/// `PRO 2 3` finds a result outside 32 bits and has no answer.
[[nodiscard]] std::string silence_hint(const request& asked, byte_order order);

}  // namespace netlab::calc
