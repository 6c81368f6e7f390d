// SPDX-License-Identifier: MIT
// Reads what a stopped program's arguments point at.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "trace/calls.hpp"
#include "trace/io/system_calls.hpp"

namespace netlab::trace {

using raw_arguments = std::array<std::uint64_t, 6>;

/// Octets of the program's memory; fewer than asked for where the program has no more, none on failure.
[[nodiscard]] bytes read_memory(process_id thread, std::uint64_t at, std::size_t size);

/// What a call is about to do: arguments in words, the octets asked for, the target address, flags.
void read_arguments(call& into, const system_call& which, const raw_arguments& raw);

/// What the program learned by it: the source of a datagram, the lengths of several. `into.value` is set.
void read_results(call& into, const system_call& which, const raw_arguments& raw);

/// Descriptors that a wait asks for, or after it those that are ready.
[[nodiscard]] std::vector<int> read_polled(process_id thread, const system_call& which, const raw_arguments& raw,
                                           bool only_ready);

/// The data of the events that epoll_wait returned.
[[nodiscard]] std::vector<std::uint64_t> read_epoll_events(process_id thread, const raw_arguments& raw,
                                                           std::size_t count);

/// What epoll_ctl() wants to get back for a descriptor; 0 where it gives none.
[[nodiscard]] std::uint64_t read_epoll_data(process_id thread, const raw_arguments& raw);

}  // namespace netlab::trace
