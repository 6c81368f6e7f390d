// SPDX-License-Identifier: MIT
// A connection on which one thing is said at once, and that is all: daytime (RFC 867), time (RFC 868).
#pragma once

#include <utility>

#include "small/visit.hpp"

namespace netlab::small {

class announcement final : public visit {
 public:
  announcement(bytes what, time_point now) : visit(now), what_(std::move(what)) { count(what_.size()); }

  void feed(bytes_view, time_point) override {}
  void eof(time_point) override {}
  void tick(time_point) override {}
  bytes take_output() override { return std::exchange(what_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return std::nullopt; }
  [[nodiscard]] bool done() const override { return true; }

 private:
  bytes what_;
};

}  // namespace netlab::small
