// SPDX-License-Identifier: MIT
// What the reports say of a packet and of a call, in the words that they share.
#pragma once

#include <string>

#include "trace/timeline.hpp"

namespace netlab::trace {

/// `client.py:40000`, or the address where no traced program has that end.
[[nodiscard]] std::string name_of_end(socket_id socket, const address& where, const timeline& in);

/// `#7 connect`.
[[nodiscard]] std::string name_of_call(call_id id, const timeline& in);

/// `client.py (pid 12) #7 connect(3, 127.0.0.1:4711) = 0 [client.py:14]`, for where it stands alone.
[[nodiscard]] std::string describe_call_line(call_id id, const timeline& in);

/// Which call sent it, or why the kernel did: `sent by #7 connect`, `kernel: acknowledges`.
[[nodiscard]] std::string describe_cause(const linked_packet& packet, const timeline& in);

/// What it did to the calls that waited: `completes #7 connect`; empty if nothing.
[[nodiscard]] std::string describe_effect(const linked_packet& packet, const timeline& in);

/// What completed it: `completed by packet 2`, `at once: octets of packet 4 were there`, `timed out`; empty if it did
/// not wait.
[[nodiscard]] std::string describe_completion(const linked_call& call, const timeline& in);

}  // namespace netlab::trace
