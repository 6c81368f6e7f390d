// SPDX-License-Identifier: MIT
#include "lab/tour/tour.hpp"

#include <array>
#include <utility>

#include "lab/tour/chapters.hpp"

namespace netlab::lab {
namespace {

/// Forwards all calls and records the outcome.
class outcome_recorder final : public narrator {
 public:
  explicit outcome_recorder(narrator& tell) : tell_(tell) {}
  /// Shown with the first step, because the reader may stop before it.
  void chapter(int number, std::string_view title) override { heading_ = {number, title}; }
  asio::awaitable<result<bool>> next() override {
    // Before the first step, there is nothing for the reader to finish.
    if (std::exchange(is_first_, false)) co_return true;
    auto wanted = co_await tell_.next();
    if (wanted && !*wanted) outcome_.to_the_end = false;
    co_return wanted;
  }
  void step(std::string_view title) override {
    if (const auto heading = std::exchange(heading_, std::nullopt)) tell_.chapter(heading->first, heading->second);
    tell_.step(title);
  }
  void say(std::string_view text) override { tell_.say(text); }
  void show(std::string_view line) override { tell_.show(line); }
  void check(std::string_view observation, bool held) override {
    outcome_.all_held = outcome_.all_held && held;
    tell_.check(observation, held);
  }
  [[nodiscard]] const tour_outcome& outcome() const noexcept { return outcome_; }

 private:
  narrator& tell_;
  tour_outcome outcome_;
  std::optional<std::pair<int, std::string_view>> heading_;
  bool is_first_ = true;
};

constexpr std::array<chapter, tour_chapters> all_chapters{{
    {"A calculation server and its clients", calc_titles, tell_calc},
    {"A port scan", scan_titles, tell_scan},
    {"Mail, and who sent it", mail_titles, tell_mail},
}};

}  // namespace

std::span<const chapter> chapters() noexcept { return all_chapters; }

asio::awaitable<result<tour_outcome>> tour(narrator& tell, std::optional<int> only, std::string netlab) {
  outcome_recorder recorder(tell);
  for (int number = 1; number <= tour_chapters && recorder.outcome().to_the_end; ++number) {
    if (only && *only != number) continue;
    const chapter& one = all_chapters[static_cast<std::size_t>(number - 1)];
    recorder.chapter(number, one.title);
    if (auto done = co_await one.tell(recorder, netlab); !done) co_return unexpected(done.error());
  }
  co_return recorder.outcome();
}

}  // namespace netlab::lab
