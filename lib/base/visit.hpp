// SPDX-License-Identifier: MIT
// The common part of the sessions of simple services: start time, octet count and idle timeout.
#pragma once

#include <cstdint>
#include <utility>

#include "base/machine.hpp"

namespace netlab {

class visit : public machine {
 public:
  [[nodiscard]] time_point since() const noexcept { return since_; }
  /// Octets received from the peer, or sent to it; each service counts one direction.
  [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }

 protected:
  explicit visit(time_point now) : since_(now) {}
  void count(std::size_t octets) noexcept { octets_ += octets; }

 private:
  time_point since_;
  std::uint64_t octets_ = 0;
};

/// A session that lasts as long as its peer sends, and counts what it sends.
class listening_visit : public visit {
 public:
  void feed(bytes_view from_peer, time_point now) final {
    if (done_) return;
    take(from_peer);
    count(from_peer.size());
    last_input_ = now;
  }
  void eof(time_point) final { done_ = true; }
  void tick(time_point now) final {
    if (deadline() && *deadline() <= now) done_ = true;
  }
  bytes take_output() override { return {}; }
  [[nodiscard]] std::optional<time_point> deadline() const final {
    if (idle_timeout_ == duration(0) || done_) return std::nullopt;
    return last_input_ + idle_timeout_;
  }
  [[nodiscard]] bool done() const final { return done_; }
  void stop(time_point) final { done_ = true; }

 protected:
  /// `idle_timeout`: how long a peer may send nothing; 0: no limit.
  listening_visit(duration idle_timeout, time_point now) : visit(now), idle_timeout_(idle_timeout), last_input_(now) {}

 private:
  virtual void take(bytes_view from_peer) = 0;

  duration idle_timeout_;
  time_point last_input_;
  bool done_ = false;
};

/// Sends one message and ends.
class announcement final : public visit {
 public:
  announcement(bytes octets, time_point now) : visit(now), octets_(std::move(octets)) { count(octets_.size()); }

  void feed(bytes_view, time_point) override {}
  void eof(time_point) override {}
  void tick(time_point) override {}
  bytes take_output() override { return std::exchange(octets_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return std::nullopt; }
  [[nodiscard]] bool done() const override { return true; }

 private:
  bytes octets_;
};

}  // namespace netlab
