// SPDX-License-Identifier: MIT
// Checks answers and diagnoses wrong ones: the client knows the numbers that it sent.
#pragma once

#include "base/result.hpp"
#include "calc/wire.hpp"

namespace netlab::calc {

/// Checks the reply to a request that was sent in this byte order. `reply` is the input so far: over TCP at least
/// answer_size octets and possibly more, over UDP the whole datagram. Returns the value. Fails with errc::peer_protocol
/// and a diagnosis (another ID, the other byte order, an echo service, plain text, a wrong value), or with
/// errc::try_later if a netlab server is full.
[[nodiscard]] result<std::int32_t> check_answer(const request& asked, byte_order order, bytes_view reply);

/// The same for a datagram, which must be exactly one answer.
[[nodiscard]] result<std::int32_t> check_datagram(const request& asked, byte_order order, bytes_view reply);

/// True if the reply shows that the peer does not speak the protocol: an echo, or text.
[[nodiscard]] bool is_foreign(const request& asked, byte_order order, bytes_view reply);

/// Why there may be no answer and what to try, or an empty text. For example, a server of the other byte order that
/// reads `PRO 2 3` gets a result outside 32 bits and does not answer.
[[nodiscard]] std::string silence_hint(const request& asked, byte_order order);

}  // namespace netlab::calc
