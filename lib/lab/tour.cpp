// SPDX-License-Identifier: MIT
#include "lab/tour.hpp"

#include <array>

#include "lab/calc_chapter.hpp"
#include "lab/mail_chapter.hpp"
#include "lab/scan_chapter.hpp"

namespace netlab::lab {
namespace {

/// Passes everything on, and remembers whether all held.
class judge final : public narrator {
 public:
  explicit judge(narrator& tell) : tell_(tell) {}
  void chapter(int number, std::string_view title) override { tell_.chapter(number, title); }
  void step(std::string_view title) override { tell_.step(title); }
  void say(std::string_view text) override { tell_.say(text); }
  void show(std::string_view line) override { tell_.show(line); }
  void check(std::string_view observation, bool held) override {
    all_held_ = all_held_ && held;
    tell_.check(observation, held);
  }
  [[nodiscard]] bool all_held() const noexcept { return all_held_; }

 private:
  narrator& tell_;
  bool all_held_ = true;
};

struct chapter {
  std::string_view title;
  asio::awaitable<result<void>> (*tell)(narrator&);
};
constexpr std::array<chapter, tour_chapters> chapters{{
    {"A calculation server and its clients", calc_chapter},
    {"A port scan", scan_chapter},
    {"Mail, and who sent it", mail_chapter},
}};

}  // namespace

asio::awaitable<result<bool>> tour(narrator& tell, std::optional<int> only) {
  judge all(tell);
  for (int number = 1; number <= tour_chapters; ++number) {
    if (only && *only != number) continue;
    const chapter& one = chapters[static_cast<std::size_t>(number - 1)];
    all.chapter(number, one.title);
    if (auto done = co_await one.tell(all); !done) co_return unexpected(done.error());
  }
  co_return all.all_held();
}

}  // namespace netlab::lab
