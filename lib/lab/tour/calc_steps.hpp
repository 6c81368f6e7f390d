// SPDX-License-Identifier: MIT
// The steps of exercise 1; calc_chapter.cpp has their titles and order.
#pragma once

#include "lab/tour/classroom.hpp"
#include "lab/tour/step.hpp"

namespace netlab::lab {

// calc_requests.cpp: correct and wrong requests and answers
[[nodiscard]] step_result first_query(classroom& in);
[[nodiscard]] step_result layout(classroom& in);
[[nodiscard]] step_result calc_over_udp(classroom& in);
[[nodiscard]] step_result wrong_order(classroom& in);
[[nodiscard]] step_result by_telnet(classroom& in);
[[nodiscard]] step_result calc_against_echo(classroom& in);
[[nodiscard]] step_result no_answer(classroom& in);

// questions_calls.cpp: calls and packets
[[nodiscard]] step_result sending_calls(classroom& in);
[[nodiscard]] step_result completing_packets(classroom& in);
[[nodiscard]] step_result pieces(classroom& in);

// calc_sockets.cpp
[[nodiscard]] step_result watched_sockets(classroom& in);

// questions_ends.cpp: the ends of a connection
[[nodiscard]] step_result own_end(classroom& in);
[[nodiscard]] step_result chosen_end(classroom& in);
[[nodiscard]] step_result bound_end(classroom& in);
[[nodiscard]] step_result one_number(classroom& in);

// questions_timeouts.cpp
[[nodiscard]] step_result timeout_errors(classroom& in);
[[nodiscard]] step_result timeout_settings(classroom& in);

// calc_clients.cpp: one server and many clients
[[nodiscard]] step_result many_clients(classroom& in);
[[nodiscard]] step_result orderly_end(classroom& in);

}  // namespace netlab::lab
