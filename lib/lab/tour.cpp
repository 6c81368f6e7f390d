// SPDX-License-Identifier: MIT
#include "lab/tour.hpp"

#include "lab/calc_chapter.hpp"
#include "lab/mail_chapter.hpp"

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

}  // namespace

asio::awaitable<result<bool>> tour(narrator& tell) {
  judge all(tell);
  all.chapter(1, "A calculation server and its clients");
  if (auto done = co_await calc_chapter(all); !done) co_return unexpected(done.error());
  all.chapter(3, "Mail, and who sent it");
  if (auto done = co_await mail_chapter(all); !done) co_return unexpected(done.error());
  co_return all.all_held();
}

}  // namespace netlab::lab
