// SPDX-License-Identifier: MIT
// Why a request over TCP has no answer, in the words of the client and of the load generator.
#pragma once

#include <cstddef>

#include "base/result.hpp"
#include "base/time.hpp"
#include "calc/wire.hpp"

namespace netlab::calc {

/// The peer has closed the connection after `received` octets of the answer.
[[nodiscard]] failure closed_within_answer(std::size_t received);

/// The peer has closed the connection before any answer.
[[nodiscard]] failure closed_without_answer();

/// The time has passed, after `received` octets of the answer.
[[nodiscard]] failure answer_timed_out(std::size_t received, duration timeout);

/// What to try when nothing of the answer has arrived: `others`: more requests were sent and not answered;
/// `has_answered`: earlier ones were.
[[nodiscard]] std::string unanswered_hint(const request& asked, byte_order order, bool others, bool has_answered);

}  // namespace netlab::calc
