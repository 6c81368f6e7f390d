// SPDX-License-Identifier: MIT
// Explains one binary request of calc: its fields, its result, and what is wrong with it.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "lab/journal/event.hpp"

namespace netlab::lab {

/// A request, complete or not, and the server's reaction.
struct calc_exchange {
  wall_time at{};
  bool is_text = false;      ///< typed, over telnet
  bool is_answered = false;  ///< with a result
  std::string text;          ///< `SUM 1 2 3 = 6`
  std::string note;          ///< what is wrong; empty: nothing
  bytes octets;
  bool is_truncated = false;
  std::vector<event_field> fields;
};

/// Explains a datagram of `length` octets, of which `octets` are known.
[[nodiscard]] calc_exchange explain_datagram(bytes_view octets, std::size_t length, byte_order order, wall_time at);

/// Explains a request in a TCP stream after which nothing more is expected; `octets` start with the request.
[[nodiscard]] calc_exchange explain_request(bytes_view octets, byte_order order, wall_time at);

}  // namespace netlab::lab
