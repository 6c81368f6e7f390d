// SPDX-License-Identifier: MIT
#include "mail/server/rate_limit.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {

/// A lock: holds the flag while it lives.
class rate_limit::guard {
 public:
  explicit guard(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true, std::memory_order_relaxed);
  }
  ~guard() {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;

 private:
  std::atomic_flag& flag_;
};

result<rate_limit::terms> rate_limit::parse(std::string_view text) {
  const auto refuse = [&] {
    return fail(errc::usage, fmt::format("'{}' is not a rate", escape(text, 50)), "write 100/1h, 10/30s or 5/m");
  };
  const std::size_t slash = text.find('/');
  const auto messages = parse_integer<std::uint64_t>(text.substr(0, slash));
  if (!messages || *messages == 0) return refuse();
  if (slash == std::string_view::npos) return terms{*messages, std::chrono::minutes(1)};
  std::string time(text.substr(slash + 1));
  if (time == "s" || time == "m" || time == "h") time.insert(0, 1, '1');
  const auto per = parse_duration(time);
  if (!per || *per <= duration(0)) return refuse();
  return terms{*messages, *per};
}

bool rate_limit::take(std::string_view client, time_point now) {
  const guard held(busy_);
  auto at = windows_.find(client);
  if (at == windows_.end()) {
    if (windows_.size() >= max_clients) make_room(now);
    at = windows_.emplace(client, window{now, 0}).first;
  }
  window& current = at->second;
  if (now - current.began >= per_) current = {now, 0};
  if (current.taken >= messages_) return false;
  ++current.taken;
  return true;
}

bool rate_limit::is_exhausted(std::string_view client, time_point now) {
  const guard held(busy_);
  const auto at = windows_.find(client);
  return at != windows_.end() && now - at->second.began < per_ && at->second.taken >= messages_;
}

void rate_limit::make_room(time_point now) {
  std::erase_if(windows_, [&](const auto& each) { return now - each.second.began >= per_; });
  if (windows_.size() < max_clients) return;
  windows_.erase(std::ranges::min_element(windows_, {}, [](const auto& each) { return each.second.began; }));
}

}  // namespace netlab::mail
