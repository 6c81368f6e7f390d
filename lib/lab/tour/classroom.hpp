// SPDX-License-Identifier: MIT
// The servers of exercises 1 and 2 (calculation and echo), and clients that show what they do.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "calc/io/query.hpp"
#include "calc/io/serve.hpp"
#include "lab/tour/local_service.hpp"
#include "lab/tour/narrator.hpp"
#include "lab/tour/trace_demo.hpp"
#include "simple/io/serve.hpp"

namespace netlab::lab {

inline constexpr auto patience = std::chrono::seconds(10);  ///< the longest wait for an expected event

class classroom {
 public:
  /// `netlab`: the program's file, which is run to record packets; empty: nothing is recorded.
  explicit classroom(narrator& to, std::string netlab = {});

  /// Starts the servers, on ports for which a scan has no special payload. Call it first.
  [[nodiscard]] result<void> open();

  [[nodiscard]] std::uint16_t calc_at() const { return calc_service_->port(); }
  [[nodiscard]] std::uint16_t echo_at() const { return echo_service_->port(); }
  [[nodiscard]] calc::server_totals totals() const { return calc_.totals(); }
  /// Waits until the calculation server has refused more than `count` requests. False: not within `patience`. Fails
  /// when cancelled.
  [[nodiscard]] asio::awaitable<result<bool>> refuses_more_than(std::uint64_t count) const;
  [[nodiscard]] local_service& calc_service() { return *calc_service_; }

  /// Shows a command line after a `$`.
  void show_command(std::string_view command) { tell.show(fmt::format("$ {}", command)); }
  /// Shows `netlab calc query` with its options, sends the request, and shows the output. Fails as calc::query() does.
  [[nodiscard]] asio::awaitable<result<calc::query_reply>> ask(calc::query_options options, calc::request request);
  /// Options for the calculation server with this transport.
  [[nodiscard]] calc::query_options over(net::transport protocol) const;

  /// Records the demonstration, or returns an earlier recording of it. Null if that is not possible; then the narrator
  /// has said why. Fails when cancelled.
  [[nodiscard]] asio::awaitable<result<const recording*>> record(demo which);

  narrator& tell;

 private:
  struct kept_demo {
    demo which{};
    traced_demo outcome;
  };

  std::string netlab_;
  std::deque<kept_demo> demos_;  // a deque, because references to its elements stay valid
  calc::server calc_;
  simple::server echo_;
  std::unique_ptr<local_service> calc_service_;
  std::unique_ptr<local_service> echo_service_;
};

}  // namespace netlab::lab
