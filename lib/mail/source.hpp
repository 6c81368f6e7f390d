// SPDX-License-Identifier: MIT
// Octets that can be read as often as asked: an attachment, a ready message.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace netlab::mail {

/// Has no position of its own, so several messages may be made of one.
class source {
 public:
  virtual ~source() = default;

  /// How many octets there are, as found when it was opened.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// The octets from `offset` on: at least one of them, or 0 at the end. A failure names the source.
  [[nodiscard]] virtual result<std::size_t> read(std::uint64_t offset, std::span<char> to) const = 0;
  /// Fails where the content is known to have changed since it was opened, so that what was read is no longer one
  /// thing. The failure names the source.
  [[nodiscard]] virtual result<void> check_unchanged() const { return {}; }
  /// For errors: the name that the person gave it, escaped.
  [[nodiscard]] virtual std::string label() const = 0;
};

/// What is in memory already.
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
