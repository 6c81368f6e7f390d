// SPDX-License-Identifier: MIT
#include "calc/lost_answer.hpp"

#include <fmt/format.h>

#include "calc/check.hpp"

namespace netlab::calc {

failure closed_within_answer(std::size_t received) {
  return {make_error_code(errc::peer_protocol),
          {},
          fmt::format("the connection ended after {} of {} octets of the answer", received, answer_size),
          {}};
}

failure closed_without_answer() {
  return {make_error_code(errc::closed_by_peer), {}, "the connection was closed without an answer", {}};
}

failure answer_timed_out(std::size_t received, duration timeout) {
  std::string detail = received == 0 ? fmt::format("no answer within {}", to_string(timeout))
                                     : fmt::format("{} of {} octets of the answer, then silence for {}", received,
                                                   answer_size, to_string(timeout));
  return {make_error_code(errc::timed_out), {}, std::move(detail), {}};
}

std::string unanswered_hint(const request& asked, byte_order order, bool others, bool has_answered) {
  if (others && has_answered) return "a server that reads one request at a time needs --pipeline 1";
  return silence_hint(asked, order);
}

}  // namespace netlab::calc
