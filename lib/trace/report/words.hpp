// SPDX-License-Identifier: MIT
// Descriptions of packets and calls that the reports share.
#pragma once

#include <string>

#include "trace/timeline.hpp"

namespace netlab::trace {

/// `client.py:40000`, or the address if the end does not belong to a traced program.
[[nodiscard]] std::string name_of_end(socket_id socket, const address& where, const timeline& in);

/// `#7 connect`.
[[nodiscard]] std::string name_of_call(call_id id, const timeline& in);

/// `client.py (pid 12) #7 connect(3, 127.0.0.1:4711) = 0 [client.py:14]`, complete without context.
[[nodiscard]] std::string describe_call_line(call_id id, const timeline& in);

/// The call that sent the packet, or why the kernel sent it: `sent by #7 connect`, `kernel: acknowledges`.
[[nodiscard]] std::string describe_cause(const linked_packet& packet, const timeline& in);

/// The packet's effect on waiting calls: `completes #7 connect`; empty if none.
[[nodiscard]] std::string describe_effect(const linked_packet& packet, const timeline& in);

/// Why the call returned: `completed by packet 2`, `at once: octets of packet 4 were there`, `timed out`; empty if it
/// did not wait.
[[nodiscard]] std::string describe_completion(const linked_call& call, const timeline& in);

}  // namespace netlab::trace
