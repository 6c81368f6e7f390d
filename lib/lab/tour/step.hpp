// SPDX-License-Identifier: MIT
// A chapter is a list of steps, played in order in a room, which holds what the steps share.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "lab/tour/narrator.hpp"
#include "net/asio.hpp"

namespace netlab::lab {

using step_result = asio::awaitable<result<void>>;

/// A step does, shows and checks one thing. `Room` has a narrator, `tell`, and the servers that the step uses. Fails
/// only if the lab itself does not work, or when cancelled; observations go to the narrator.
template <class Room>
struct step {
  std::string_view title;  ///< ends in `?` if it is a question of the exercise
  step_result (*run)(Room& in);
};

/// Plays the steps, which must outlive the call. Asks the narrator before each step and stops if the reader wants to.
template <class Room, std::size_t Count>
[[nodiscard]] step_result play(Room& in, const std::array<step<Room>, Count>& steps) {
  for (const step<Room>& one : steps) {
    const auto wanted = co_await in.tell.next();
    if (!wanted) co_return unexpected(wanted.error());
    if (!*wanted) co_return result<void>();
    in.tell.step(one.title);
    if (auto done = co_await one.run(in); !done) co_return done;
    if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
      co_return fail(asio::error::operation_aborted, std::string(one.title));
  }
  co_return result<void>();
}

template <class Room, std::size_t Count>
[[nodiscard]] std::vector<std::string_view> titles_of(const std::array<step<Room>, Count>& steps) {
  std::vector<std::string_view> titles;
  for (const step<Room>& one : steps) titles.push_back(one.title);
  return titles;
}

/// A chapter of the tour.
struct chapter {
  std::string_view title;
  std::vector<std::string_view> (*steps)();                 ///< the titles of its steps
  step_result (*tell)(narrator& tell, std::string netlab);  ///< prepares its room and plays its steps
};

}  // namespace netlab::lab
