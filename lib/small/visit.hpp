// SPDX-License-Identifier: MIT
// What the small services' sessions have in common: when they began, and how many octets they were about.
#pragma once

#include <cstdint>

#include "base/machine.hpp"

namespace netlab::small {

class visit : public machine {
 public:
  [[nodiscard]] time_point since() const noexcept { return since_; }
  /// Taken by discard, handed over by the others.
  [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }

 protected:
  explicit visit(time_point now) : since_(now) {}
  void count(std::size_t octets) noexcept { octets_ += octets; }

 private:
  time_point since_;
  std::uint64_t octets_ = 0;
};

}  // namespace netlab::small
