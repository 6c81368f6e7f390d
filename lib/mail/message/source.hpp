// SPDX-License-Identifier: MIT
// A source of octets that can be read repeatedly: an attachment, a ready-made message.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace netlab::mail {

/// It has no read position, so several messages may share it.
class source {
 public:
  virtual ~source() = default;

  /// The size when it was opened.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Reads octets from `offset`: at least one, or 0 at the end. A failure names the source.
  [[nodiscard]] virtual result<std::size_t> read(std::uint64_t offset, std::span<char> to) const = 0;
  /// Fails if the content is known to have changed since it was opened, so that what was read may be inconsistent.
  /// The failure names the source.
  [[nodiscard]] virtual result<void> check_unchanged() const { return {}; }
  /// The name that the user gave, escaped, for errors.
  [[nodiscard]] virtual std::string label() const = 0;
};

/// Octets in memory.
class memory_source final : public source {
 public:
  explicit memory_source(std::string octets, std::string label = "data in memory")
      : octets_(std::move(octets)), label_(std::move(label)) {}

  [[nodiscard]] std::uint64_t size() const override { return octets_.size(); }
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<char> to) const override {
    const std::string_view left = std::string_view(octets_).substr(std::min<std::uint64_t>(offset, octets_.size()));
    return left.copy(to.data(), to.size());
  }
  [[nodiscard]] std::string label() const override { return label_; }

 private:
  std::string octets_;
  std::string label_;
};

}  // namespace netlab::mail
