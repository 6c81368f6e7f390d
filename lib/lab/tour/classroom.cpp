// SPDX-License-Identifier: MIT
#include "lab/tour/classroom.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/text_line.hpp"
#include "scan/payloads.hpp"

namespace netlab::lab {
namespace {

result<std::unique_ptr<local_service>> start(serve::servable& handler) {
  for (std::unique_ptr<local_service> before = {};;) {
    auto started = local_service::start(handler);
    if (!started || scan::payload_for((*started)->port()).empty()) return started;
    before = std::move(*started);  // occupies its port until another one is found
  }
}

}  // namespace

classroom::classroom(narrator& to, std::string netlab)
    : tell(to),
      netlab_(std::move(netlab)),
      calc_({}, [](const std::string&) {}),
      echo_(simple::echo, {}, [](const std::string&) {}) {}

result<void> classroom::open() {
  auto calc = start(calc_);
  if (!calc) return unexpected(calc.error());
  calc_service_ = std::move(*calc);
  auto echo = start(echo_);
  if (!echo) return unexpected(echo.error());
  echo_service_ = std::move(*echo);
  return {};
}

asio::awaitable<result<bool>> classroom::refuses_more_than(std::uint64_t count) const {
  const time_point end = clock::now() + patience;
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (totals().refused <= count) {
    if (clock::now() >= end) co_return false;
    pause.expires_after(std::chrono::milliseconds(1));
    if (const auto [error] = co_await pause.async_wait(net::use_tuple); error)
      co_return fail(error, "wait for a server");
  }
  co_return true;
}

asio::awaitable<result<const recording*>> classroom::record(demo which) {
  auto kept = std::ranges::find(demos_, which, &kept_demo::which);
  if (kept == demos_.end()) {
    auto done = co_await trace_demo(netlab_, which);
    if (!done) co_return unexpected(done.error());
    demos_.push_back({which, *std::move(done)});
    kept = demos_.end() - 1;
    if (!kept->outcome.made)
      tell.say(
          fmt::format("Packets cannot be recorded here: {}. The answer does without them.", kept->outcome.refusal));
  }
  co_return kept->outcome.made ? &*kept->outcome.made : nullptr;
}

calc::query_options classroom::over(net::transport protocol) const {
  return {.protocol = protocol, .port = calc_at(), .timeout = patience};
}

asio::awaitable<result<calc::query_reply>> classroom::ask(calc::query_options options, calc::request request) {
  std::string line = fmt::format("netlab calc query --{}", net::name_of(options.protocol));
  if (options.order == byte_order::little) line += " --byte-order little";
  if (options.timeout < patience)
    line +=
        fmt::format(" --timeout {}ms", std::chrono::duration_cast<std::chrono::milliseconds>(options.timeout).count());
  line += fmt::format(" --port {} {}", options.port, to_lower(calc::to_line(request)));
  show_command(line);
  auto reply = co_await calc::query_one(std::move(options), std::move(request));
  if (reply)
    tell.show(reply->answer.value ? fmt::format("{}", *reply->answer.value) : describe(reply->answer.value.error()));
  co_return reply;
}

}  // namespace netlab::lab
