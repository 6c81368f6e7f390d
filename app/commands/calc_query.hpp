// SPDX-License-Identifier: MIT
// Runs `netlab calc query` after its arguments were parsed: one request, or one per line of stdin.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "calc/io/query.hpp"
#include "frame/console.hpp"

namespace netlab::app {

struct calc_query_call {
  calc::query_options query;
  std::uint32_t id = 1;
  bool send_anyway = false;
  duration max_time{0};                 ///< for everything; 0: no limit
  std::optional<calc::request> single;  ///< none: requests from stdin
};

/// Converts words into a request. Fails with errc::bad_data if it must not be sent.
[[nodiscard]] result<calc::request> to_request(std::span<const std::string_view> words, const calc_query_call& call,
                                               std::uint32_t id);

/// Prints the result of call.single.
[[nodiscard]] exit_status run_single(const calc_query_call& call, console& out);

/// Prints a line for each line of stdin, in the same order.
[[nodiscard]] exit_status run_batch(const calc_query_call& call, console& out);

}  // namespace netlab::app
