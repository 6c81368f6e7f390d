// SPDX-License-Identifier: MIT
#include "serve/visitor_log.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::serve {
namespace {

// A rate that a person can read, and a burst.
constexpr double lines_per_second = 10;
constexpr double burst = 20;

}  // namespace

visitor_log::visitor_log(line_function write, log_detail detail, std::string_view service)
    : detail_(detail),
      prefix_(service.empty() ? std::string() : fmt::format("{} ", service)),
      lines_(std::move(write), lines_per_second, burst, prefix_) {}

visitor_totals visitor_log::totals() const {
  return {.connections = connections_.load(), .refused = refused_.load(), .turned_away = turned_away_.load()};
}

void visitor_log::arrived(const net::tcp::endpoint& peer, const net::tcp::endpoint& local) {
  connections_.fetch_add(1, std::memory_order_relaxed);
  if (!tells_connections()) return;
  lines_.tell_all(line(net::transport::tcp, net::to_string(peer), " connected to ", net::to_string(local)));
}

void visitor_log::left(const net::tcp::endpoint& peer, const result<void>& outcome, std::string_view account,
                       time_point since) {
  if (!tells_visits()) return;
  const time_point now = clock::now();
  const auto make_line = [&] {
    return line(net::transport::tcp, net::to_string(peer), " ",
                fmt::format("{} after {}, {}", outcome ? "closed" : describe(outcome.error()), account,
                            netlab::to_string(now - since)));
  };
  if (tells_connections())
    lines_.tell_all(make_line());
  else
    lines_.tell(now, make_line);
}

void visitor_log::turned_away(const net::tcp::endpoint& peer, const client_bound& reached) {
  turned_away_.fetch_add(1, std::memory_order_relaxed);
  lines_.tell(clock::now(),
              [&] { return line(net::transport::tcp, net::to_string(peer), " turned away: ", describe(reached)); });
}

void visitor_log::refused(net::transport protocol, std::string_view peer, std::string_view why) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  lines_.tell(clock::now(), [&] { return line(protocol, peer, " refused: ", why); });
}

void visitor_log::trouble(std::string_view message) {
  lines_.tell(clock::now(), [&] { return fmt::format("{}{}", prefix_, message); });
}

void visitor_log::finish() { lines_.finish(); }

std::string visitor_log::line(net::transport protocol, std::string_view peer, std::string_view separator,
                              std::string_view text) const {
  return fmt::format("{}{} {}{}{}", prefix_, net::name_of(protocol), peer, separator, text);
}

}  // namespace netlab::serve
