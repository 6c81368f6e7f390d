// SPDX-License-Identifier: MIT
#include "mail/sink/io/maildir_changes.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "net/expiry.hpp"

namespace netlab::mail {
namespace {

// A message appears by rename(2) or link(2). Some programs create the file in new/ instead of tmp/: for these,
// IN_CLOSE_WRITE.
constexpr std::uint32_t message_events = IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_ONLYDIR;
// new/ or cur/ is created.
constexpr std::uint32_t folder_events = IN_MOVED_TO | IN_CREATE | IN_ONLYDIR;

}  // namespace

maildir_changes::maildir_changes(asio::io_context& on, std::string directory) : directory_(std::move(directory)) {
  if (const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); fd >= 0) events_.emplace(on, fd);
}

void maildir_changes::watch() {
  if (!events_) return;
  // A folder that is watched already keeps its watch.
  const auto add = [&](const char* folder, std::uint32_t mask) {
    return ::inotify_add_watch(events_->native_handle(), (directory_ + folder).c_str(), mask) >= 0;
  };
  add("", folder_events);
  const bool has_new = add("/new", message_events);
  const bool has_cur = add("/cur", message_events);
  watches_all_ = has_new && has_cur;
}

void maildir_changes::drain() {
  alignas(inotify_event) std::array<char, 16 * 1024> events;
  while (::read(events_->native_handle(), events.data(), events.size()) > 0) {}
}

asio::awaitable<result<void>> maildir_changes::wait(time_point until) {
  if (events_) {
    const net::expiry limit(*events_, until);
    const auto [error] = co_await events_->async_wait(asio::posix::stream_descriptor::wait_read, net::use_tuple);
    if (!error) drain();
    if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
      co_return fail(std::make_error_code(std::errc::operation_canceled), {});
    co_return result<void>();
  }
  asio::steady_timer timer(co_await asio::this_coro::executor, until);
  const auto [error] = co_await timer.async_wait(net::use_tuple);
  if (error) co_return fail(error, {});
  co_return result<void>();
}

}  // namespace netlab::mail
