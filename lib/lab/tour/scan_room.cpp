// SPDX-License-Identifier: MIT
#include "lab/tour/scan_room.hpp"

#include <algorithm>
#include <exception>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "scan/report/report.hpp"

namespace netlab::lab {

step_result scan_room::open(std::size_t silent) {
  if (auto opened = classroom::open(); !opened) co_return opened;
  auto closed = closed_port::make(co_await asio::this_coro::executor);
  if (!closed) co_return unexpected(closed.error());
  closed_ = std::move(*closed);
  while (silent_.size() < silent) {
    auto one = co_await silent_port::make();
    if (!one) co_return unexpected(one.error());
    silent_.push_back(std::move(*one));
  }
  co_return result<void>();
}

port_list scan_room::silent_ports() const {
  port_list ports;
  for (const silent_port& each : silent_) ports.push_back(each.number());
  return ports;
}

void scan_room::show_scan(std::string_view words, const port_list& ports) {
  show_command(fmt::format("netlab scan {} --range {}", words, fmt::join(ports, ",")));
}

void scan_room::show(const findings& found, bool verbose, std::string stop_reason) {
  std::string text;
  const auto table = scan::make_report(scan::report_format::table, {.all = true, .verbose = verbose},
                                       [&](std::string_view piece) { text += piece; });
  table->begin({});
  for (const scan::finding& each : found) table->add(each);
  table->finish({.targets = 1, .complete = stop_reason.empty(), .incomplete_because = std::move(stop_reason)});
  for (const std::string_view line : split(trim(text), '\n')) tell.show(line);
}

scan::host_scan scan_of(port_list tcp, port_list udp, duration timeout) {
  return {.host = scan::address::v4(asio::ip::address_v4::loopback().to_uint()),
          .tcp_ports = std::move(tcp),
          .udp_ports = std::move(udp),
          .timeout = timeout,
          .listen = false};
}

asio::awaitable<result<findings>> run_scan(scan::host_scan options, scan::stop_condition until) {
  auto done = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, never);
  std::optional<result<findings>> outcome;
  std::exception_ptr thrown;
  std::jthread worker([&, done](const std::stop_token& stop) {
    try {
      outcome = scan::scan_host(options, [&](std::span<const scan::finding> known) {
        return stop.stop_requested() || (until && until(known));
      });
    } catch (...) {
      thrown = std::current_exception();
    }
    asio::post(done->get_executor(), [done] { done->cancel(); });
  });
  co_await done->async_wait(net::use_tuple);
  worker.request_stop();
  worker.join();
  if (thrown) std::rethrow_exception(thrown);
  if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
    co_return fail(asio::error::operation_aborted, "scan");
  co_return std::move(*outcome);
}

bool has(const findings& all, scan::transport protocol, std::uint16_t port, scan::port_state state, scan::reason why) {
  return std::ranges::any_of(all, [&](const scan::finding& one) {
    return one.protocol == protocol && one.port == port && one.state == state && one.why == why;
  });
}

bool is_error(const findings& all, int system_error, int winsock) {
  return all.size() == 1 && all[0].system_error == system_error &&
         scan::winsock_number(all[0].protocol, all[0].system_error) == winsock;
}

}  // namespace netlab::lab
