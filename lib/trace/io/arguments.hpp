// SPDX-License-Identifier: MIT
// Reads the memory that a stopped program's arguments point to.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/calls.hpp"
#include "trace/io/system_calls.hpp"

namespace netlab::trace {

using raw_arguments = std::array<std::uint64_t, 6>;

/// Reads memory of the program; returns fewer octets if the program has no more, none on failure.
[[nodiscard]] bytes read_memory(process_id thread, std::uint64_t at, std::size_t size);
/// The same into a buffer of the caller's; returns the octets read.
[[nodiscard]] bytes_view read_memory(process_id thread, std::uint64_t at, std::span<std::byte> buffer);

/// Reads a text that ends with a zero octet; cut after `limit` octets.
[[nodiscard]] std::string read_text(process_id thread, std::uint64_t at, std::size_t limit = 256);

/// At the entry of a call: its arguments as text, the octets requested, the target address, flags.
void read_arguments(call& into, const system_call& which, const raw_arguments& raw);

/// At its return: the source of a datagram, the lengths of several. `into.value` must be set.
void read_results(call& into, const system_call& which, const raw_arguments& raw);

/// The descriptors that a wait asks for or, after it returned, those that are ready.
[[nodiscard]] std::vector<int> read_polled(process_id thread, const system_call& which, const raw_arguments& raw,
                                           bool only_ready);

/// The user data of the events returned by epoll_wait.
[[nodiscard]] std::vector<std::uint64_t> read_epoll_events(process_id thread, const raw_arguments& raw,
                                                           std::size_t count);

/// The user data that epoll_ctl() sets for a descriptor; 0 if none.
[[nodiscard]] std::uint64_t read_epoll_data(process_id thread, const raw_arguments& raw);

}  // namespace netlab::trace
