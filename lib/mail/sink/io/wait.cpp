// SPDX-License-Identifier: MIT
#include "mail/sink/io/wait.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/sink/io/maildir_changes.hpp"
#include "mail/sink/io/maildir_list.hpp"

namespace netlab::mail {
namespace {

using std::chrono::milliseconds;

constexpr auto look_interval = milliseconds(1000);         // with inotify: other machines' changes have no events
constexpr auto look_interval_unwatched = milliseconds(100);
constexpr std::size_t read_at_once = 256;                  // messages; then signals and the time limit are checked
constexpr auto settled_after = std::chrono::seconds(3);    // a file unchanged for this long is complete; longer than
                                                         // the granularity of times on any file system

/// What is known of a message.
struct known_message {
  std::string path;
  std::int64_t modified_ns = 0;
  std::uint64_t size = 0;
  bool is_message = false;  // false: gone, not a file, or unreadable
  bool is_unreadable = false;
  bool matches = false;
  bool is_settled = false;
  std::uint64_t seen_in = 0;  // the last look that listed it
};

class watcher {
 public:
  watcher(asio::io_context& on, wait_options options, wait_outcome& into)
      : options_(std::move(options)), outcome_(into), changes_(on, options_.maildir) {}

  asio::awaitable<result<void>> run() {
    const time_point end = clock::now() + options_.timeout;
    for (;;) {
      changes_.watch();
      const time_point began = clock::now();
      auto looked = co_await look();
      if (!looked) co_return looked;
      if (outcome_.found.size() >= options_.count) co_return result<void>();
      const time_point now = clock::now();
      if (now >= end) co_return nothing_found();
      // Takes at most half of a processor however fast messages arrive.
      auto waited = co_await pause(std::min(end, now + (now - began)));
      const auto interval = changes_.is_watching() ? look_interval : look_interval_unwatched;
      if (waited) waited = co_await changes_.wait(std::min(end, now + interval));
      if (!waited) co_return waited;
    }
  }

 private:
  /// Lists the Maildir and reads the headers of messages that are not yet known.
  asio::awaitable<result<void>> look() {
    const auto listed = list_maildir(options_.maildir);
    if (!listed) co_return unexpected(listed.error());
    outcome_.is_maildir_there = outcome_.is_maildir_there || listed->is_there;
    ++looks_;
    std::size_t read = 0;
    for (const listed_message& each : listed->messages) {
      known_message& one = known_[each.unique];
      one.path = each.path;
      one.seen_in = looks_;
      if (one.is_settled) continue;
      if (auto done = read_message(one); !done) co_return done;
      if (++read % read_at_once == 0) {
        auto waited = co_await pause(clock::now());
        if (!waited) co_return waited;
      }
    }
    std::erase_if(known_, [&](const auto& each) { return each.second.seen_in != looks_; });
    collect();
    co_return result<void>();
  }

  result<void> read_message(known_message& one) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    // A message that is still being written has another size or time than at the last look.
    if (one.is_message) {
      const auto now_there = stat_message(one.path);
      if (now_there && now_there->modified_ns == one.modified_ns && now_there->size == one.size) {
        one.is_settled = is_settled(one, now);
        return {};
      }
    }
    auto header = read_header_of(one.path);
    if (!header && header.error().code != make_error_code(errc::no_input)) return unexpected(header.error());
    one.is_message = header && *header;
    one.matches = false;
    if (!header) {
      if (!one.is_unreadable && options_.skipped) options_.skipped(header.error());
      one.is_unreadable = true;
    }
    if (!one.is_message) return {};
    one.is_unreadable = false;
    one.modified_ns = (*header)->modified_ns;
    one.size = (*header)->size;
    one.matches = options_.wanted.empty() || options_.wanted.match(parse_header((*header)->octets));
    one.is_settled = is_settled(one, now);
    return {};
  }

  static bool is_settled(const known_message& one, std::chrono::nanoseconds now) {
    return std::chrono::nanoseconds(one.modified_ns) + settled_after < now;
  }

  void collect() {
    std::vector<awaited_message> found;
    outcome_.others = outcome_.unreadable = 0;
    for (const auto& [unique, one] : known_) {
      if (one.matches)
        found.push_back({.unique = unique, .path = one.path, .received_ns = one.modified_ns, .size = one.size});
      else if (one.is_message)
        ++outcome_.others;
      else if (one.is_unreadable)
        ++outcome_.unreadable;
    }
    std::ranges::sort(found, [](const awaited_message& a, const awaited_message& b) {
      return std::pair(a.received_ns, std::string_view(a.unique)) <
             std::pair(b.received_ns, std::string_view(b.unique));
    });
    if (found.size() > options_.count)
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(options_.count));
    outcome_.found = std::move(found);
  }

  /// Waits, and handles signals even if the time has come already. Fails if a signal has cancelled the wait.
  static asio::awaitable<result<void>> pause(time_point until) {
    asio::steady_timer timer(co_await asio::this_coro::executor, until);
    const auto [error] = co_await timer.async_wait(net::use_tuple);
    if (error) co_return fail(error, {});
    // A timer that has expired already is not cancelled by the signal.
    if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
      co_return fail(std::make_error_code(std::errc::operation_canceled), {});
    co_return result<void>();
  }

  result<void> nothing_found() const {
    const std::string context = fmt::format("maildir '{}'", escape(options_.maildir, 200));
    if (!outcome_.is_maildir_there)
      return unexpected(failure{make_error_code(errc::no_input), context,
                                "it does not exist, or has neither new nor cur",
                                "netlab mail sink prints the Maildir that it delivers to"});
    std::string others = outcome_.others == 0 && outcome_.found.empty() ? "it is empty"
                         : outcome_.others == 0                         ? ""
                                                : count_of(outcome_.others, "message") + " there, but not as asked for";
    if (outcome_.unreadable > 0)
      others += fmt::format("{}{} unreadable", others.empty() ? "" : ", ", outcome_.unreadable);
    const std::string within = options_.timeout > duration(0) ? " within " + to_string(options_.timeout) : "";
    return unexpected(failure{make_error_code(errc::timed_out), context,
                              options_.count == 1
                                  ? fmt::format("no such message{}", within)
                                  : fmt::format("{} of {} messages{}", outcome_.found.size(), options_.count, within),
                              others});
  }

  wait_options options_;
  wait_outcome& outcome_;
  maildir_changes changes_;
  std::unordered_map<std::string, known_message> known_;
  std::uint64_t looks_ = 0;
};

}  // namespace

asio::awaitable<result<void>> wait_for_messages(asio::io_context& on, wait_options options, wait_outcome& into) {
  watcher one(on, std::move(options), into);
  co_return co_await one.run();
}

}  // namespace netlab::mail
