// SPDX-License-Identifier: MIT
#include "mail/message/piece.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace netlab::mail {
namespace {

class text_piece final : public composed::piece {
 public:
  explicit text_piece(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] std::uint64_t size() const override { return text_.size(); }
  [[nodiscard]] result<std::size_t> read(std::span<char> to) override {
    const std::size_t length = std::string_view(text_).substr(at_).copy(to.data(), to.size());
    at_ += length;
    return length;
  }
  void rewind() override { at_ = 0; }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

// A source; its size is fixed when the message is composed.
class source_piece final : public composed::piece {
 public:
  source_piece(std::shared_ptr<source> from, bool in_base64)
      : from_(std::move(from)), octets_(from_->size()), in_base64_(in_base64) {}

  [[nodiscard]] std::uint64_t size() const override { return in_base64_ ? size_in_base64(octets_) : octets_; }

  [[nodiscard]] result<std::size_t> read(std::span<char> to) override {
    if (to.empty()) return 0;
    if (at_ == ready_.size())
      if (const auto done = fill(); !done) return unexpected(done.error());
    const std::size_t length = std::string_view(ready_).substr(at_).copy(to.data(), to.size());
    at_ += length;
    return length;
  }

  void rewind() override {
    offset_ = 0;
    at_ = 0;
    ready_.clear();
  }

 private:
  static constexpr std::size_t lines_at_once = 512;  // 29 KiB, 39 KiB encoded: fit in a processor's cache

  // Reads and encodes the next lines; none at the end.
  result<void> fill() {
    std::array<char, lines_at_once * octets_a_line> raw;
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(raw.size(), octets_ - offset_));
    for (std::size_t length = 0; length < wanted;) {
      const auto got = from_->read(offset_ + length, std::span(raw).subspan(length, wanted - length));
      if (!got) return unexpected(got.error());
      if (*got == 0) return changed(fmt::format("it had {} octets, then only {}", octets_, offset_ + length));
      length += *got;
    }
    offset_ += wanted;
    if (offset_ == octets_) {  // these were the last octets, or the end is read again
      std::array<char, 1> more;
      const auto got = from_->read(offset_, more);
      if (!got) return unexpected(got.error());
      if (*got != 0) return changed(fmt::format("it had {} octets, then more", octets_));
      if (const auto same = from_->check_unchanged(); !same) return same;
    }
    at_ = 0;
    if (in_base64_) {
      ready_.resize(size_in_base64(wanted));
      encode_base64_lines({raw.data(), wanted}, ready_);
    } else {
      ready_.assign(raw.data(), wanted);
    }
    return {};
  }

  [[nodiscard]] unexpected<failure> changed(std::string difference) const {
    return unexpected(failure(make_error_code(std::errc::io_error), "read " + from_->label(),
                              "it changed while it was sent: " + difference));
  }

  std::shared_ptr<source> from_;
  std::uint64_t octets_;
  bool in_base64_;
  std::uint64_t offset_ = 0;
  std::string ready_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<composed::piece> make_piece(std::string text) { return std::make_unique<text_piece>(std::move(text)); }

std::unique_ptr<composed::piece> make_piece(std::shared_ptr<source> from, transfer_encoding encoding) {
  return std::make_unique<source_piece>(std::move(from), encoding == transfer_encoding::base64);
}

}  // namespace netlab::mail
