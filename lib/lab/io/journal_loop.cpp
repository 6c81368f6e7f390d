// SPDX-License-Identifier: MIT
#include "lab/io/journal_loop.hpp"

#include <sys/resource.h>

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/out_of_memory.hpp"

namespace netlab::lab {
namespace {

// Short enough that a person perceives no delay.
constexpr std::chrono::milliseconds turn_time{100};
constexpr int loop_niceness = 10;

}  // namespace

journal_loop::journal_loop(journal_parameters parameters)
    : parameters_(std::move(parameters)),
      monitor_(std::move(parameters_.names), std::move(parameters_.recognized), wall_now()) {
  if (parameters_.json) monitor_.keep_json();
}

result<std::unique_ptr<journal_loop>> journal_loop::open(journal_parameters parameters) {
  std::unique_ptr<journal_loop> made(new journal_loop(std::move(parameters)));
  if (made->parameters_.file.empty()) return made;
  auto opened =
      journal_file::open(made->parameters_.file, [&](journal_record each) { made->monitor_.restore(std::move(each)); });
  if (!opened) return unexpected(opened.error());
  made->file_ = std::move(*opened);
  made->monitor_.keep_records();
  return made;
}

std::string journal_loop::summary() const {
  if (!file_ || file_->restored() + file_->skipped() == 0) return {};
  std::string line = fmt::format("journal: {} read", count_of(file_->restored(), "record"));
  if (file_->skipped() > 0) line += fmt::format(", {} skipped", count_of(file_->skipped(), "incomplete line"));
  return line;
}

void journal_loop::start() {
  asio::io_context& on = workers_.context(0);
  timer_.emplace(on);
  asio::post(on, [this] {
    // Only for this thread (setpriority(2)): the services have priority.
    ::setpriority(PRIO_PROCESS, 0, loop_niceness);
    wait();
  });
}

void journal_loop::wait() {
  timer_->expires_after(turn_time);
  timer_->async_wait([this](std::error_code error) {
    if (error) return;
    net::attempt([this] { turn(); });
    net::insist([this] { wait(); });
  });
}

void journal_loop::turn() {
  observation_queue::taken taken = queue_.take();
  if (taken.dropped > 0) monitor_.count_dropped(taken.dropped);
  for (observation& each : taken.all) net::attempt([&] { monitor_.observe(std::move(each)); });
  const wall_time now = wall_now();
  monitor_.tick(now);
  const bool is_new = monitor_.publish(now);
  write_out();
  if (is_new && on_news_) on_news_();
}

void journal_loop::write_out() {
  for (const std::string& line : monitor_.take_records()) {
    if (!file_) continue;
    if (const std::string trouble = file_->append(line); !trouble.empty()) parameters_.note(trouble);
  }
  for (const std::string& line : monitor_.take_json())
    if (parameters_.json) parameters_.json(line);
}

}  // namespace netlab::lab
