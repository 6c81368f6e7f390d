// SPDX-License-Identifier: MIT
// A ready-made message as it is sent: CRLF line ends, no Bcc fields.
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/message/header.hpp"
#include "mail/message/message.hpp"

namespace netlab::mail {
namespace {

// One pass over a message; any cut of it gives the same result.
class raw_filter {
 public:
  // Appends to `out` what has to be sent.
  result<void> feed(std::string_view in, std::string& out) {
    if (std::exchange(after_cr_, false) && in.starts_with('\n')) in.remove_prefix(1);
    while (!in.empty()) {
      const std::string_view line = next_line(in);
      const bool is_ended = line.size() < in.size();
      if (const auto good = check(line); !good) return good;
      if (in_headers_) {
        field_line_ += line;
        if (is_ended)
          if (const auto good = end_header_line(out); !good) return good;
      } else {
        out += line;
        if (is_ended) out += "\r\n";
      }
      in.remove_prefix(line.size());
      if (!is_ended) continue;
      line_length_ = 0;
      ++line_number_;
      const bool was_cr = in.front() == '\r';
      in.remove_prefix(1);
      if (was_cr && in.starts_with('\n'))
        in.remove_prefix(1);
      else if (was_cr && in.empty())
        after_cr_ = true;
    }
    return {};
  }

  result<void> finish(std::string& out) {
    if (line_length_ != 0) {
      if (in_headers_) {
        if (const auto good = end_header_line(out); !good) return good;
      } else {
        out += "\r\n";
      }
      line_length_ = 0;
    }
    if (!has_field_) return no_header();
    return {};
  }

  [[nodiscard]] bool utf8_in_headers() const noexcept { return utf8_in_headers_; }
  [[nodiscard]] bool above_ascii() const noexcept { return above_ascii_; }
  [[nodiscard]] std::string message_id() const {
    std::string_view id = trim(message_id_);
    if (id.starts_with('<') && id.ends_with('>')) id = id.substr(1, id.size() - 2);
    return std::string(id);
  }

 private:
  static std::string_view next_line(std::string_view in) noexcept {
    const void* const lf = std::memchr(in.data(), '\n', in.size());
    if (lf != nullptr) in = in.substr(0, static_cast<std::size_t>(static_cast<const char*>(lf) - in.data()));
    const void* const cr = std::memchr(in.data(), '\r', in.size());
    return cr == nullptr ? in : in.substr(0, static_cast<std::size_t>(static_cast<const char*>(cr) - in.data()));
  }

  result<void> check(std::string_view line) {
    line_length_ += line.size();
    if (line_length_ > max_line)  // RFC 5321 §4.5.3.1.6
      return fail(errc::bad_data, fmt::format("line {} has more than {} octets", line_number_, max_line),
                  "encode that part of the message, in Base64 or quoted-printable");
    if (std::memchr(line.data(), '\0', line.size()) != nullptr)
      return fail(errc::bad_data, fmt::format("line {} contains a NUL", line_number_));
    if (is_ascii(line)) return {};
    above_ascii_ = true;
    return {};
  }

  // Handles field_line_: a line of the header section, or the empty line after it.
  result<void> end_header_line(std::string& out) {
    const std::string line = std::exchange(field_line_, {});
    if (line.empty()) {
      if (!has_field_) return no_header();
      in_headers_ = false;
      out += "\r\n";
      return {};
    }
    if (line.front() != ' ' && line.front() != '\t') {
      const std::size_t colon = line.find(':');
      const std::string_view name = trim(std::string_view(line).substr(0, colon));
      if (colon == std::string::npos || !is_field_name(name)) {
        if (!has_field_) return no_header();
        return fail(errc::bad_data,
                    fmt::format("line {} is neither a header field nor the empty line after the header: '{}'",
                                line_number_, escape(line, 60)));
      }
      has_field_ = true;
      const std::string lower = to_lower(name);
      in_bcc_ = lower == "bcc" || lower == "resent-bcc";
      in_message_id_ = lower == "message-id";
      if (in_message_id_) message_id_ = line.substr(colon + 1);
    } else if (!has_field_) {
      return no_header();
    } else if (in_message_id_) {
      message_id_ += line;
    }
    if (in_bcc_) return {};
    if (!is_ascii(line)) {
      utf8_in_headers_ = true;
      if (!is_utf8(line))
        return fail(
            errc::bad_data,
            fmt::format("line {}, of the header, is neither ASCII nor UTF-8: '{}'", line_number_, escape(line, 60)),
            "encode it (RFC 2047)");
    }
    out += line;
    out += "\r\n";
    return {};
  }

  static unexpected<failure> no_header() {
    return fail(errc::bad_data, "it does not begin with header fields",
                "text without a header is a body, not a message");
  }

  std::string field_line_;
  std::string message_id_;
  std::uint64_t line_number_ = 1;
  std::size_t line_length_ = 0;
  bool in_headers_ = true;
  bool has_field_ = false;
  bool in_bcc_ = false;
  bool in_message_id_ = false;
  bool after_cr_ = false;  // the input so far ends in CR: a LF would belong to it
  bool utf8_in_headers_ = false;
  bool above_ascii_ = false;
};

class raw_piece final : public composed::piece {
 public:
  explicit raw_piece(std::shared_ptr<source> from) : from_(std::move(from)) {}

  // Reads the whole message once to learn its size.
  result<raw_filter> measure() {
    std::uint64_t size = 0;
    while (!ended_) {
      if (const auto done = fill(); !done) return unexpected(done.error());
      size += ready_.size();
    }
    size_ = size;
    raw_filter found = std::move(filter_);
    rewind();
    return found;
  }

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  [[nodiscard]] result<std::size_t> read(std::span<char> to) override {
    if (to.empty()) return 0;
    while (at_ == ready_.size()) {
      if (ended_) return written_ == size_ ? result<std::size_t>(0) : changed();
      if (const auto done = fill(); !done) return unexpected(done.error());
      if (written_ + ready_.size() > size_) return changed();
    }
    const std::size_t length = std::string_view(ready_).substr(at_).copy(to.data(), to.size());
    at_ += length;
    written_ += length;
    return length;
  }

  void rewind() override {
    filter_ = {};
    ready_.clear();
    at_ = 0;
    offset_ = 0;
    written_ = 0;
    ended_ = false;
  }

 private:
  static constexpr std::size_t read_at_once = 32 * 1024;

  result<void> fill() {
    std::array<char, read_at_once> buffer;
    ready_.clear();
    at_ = 0;
    const auto length = from_->read(offset_, buffer);
    if (!length) return unexpected(length.error());
    offset_ += *length;
    ended_ = *length == 0;
    const auto good = ended_ ? filter_.finish(ready_) : filter_.feed({buffer.data(), *length}, ready_);
    // Check before the last octets are returned: a server that has received `size_` octets would accept the message.
    if (good) return written_ + ready_.size() >= size_ ? from_->check_unchanged() : good;
    failure why = good.error();
    why.context = from_->label();
    return unexpected(std::move(why));
  }

  [[nodiscard]] unexpected<failure> changed() const {
    return unexpected(failure(make_error_code(std::errc::io_error), "read " + from_->label(),
                              fmt::format("it changed while it was sent: it was {} octets", size_)));
  }

  std::shared_ptr<source> from_;
  raw_filter filter_;
  std::string ready_;
  std::size_t at_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t size_ = 0;
  bool ended_ = false;
};

}  // namespace

result<composed> raw(std::shared_ptr<source> message, server_abilities server) {
  const std::string label = message->label();
  auto piece = std::make_unique<raw_piece>(std::move(message));
  const auto found = piece->measure();
  if (!found) return unexpected(found.error());
  if (found->utf8_in_headers() && !server.smtputf8)
    return unexpected(
        failure(errc::rejected, label, "its header has octets above 127, and the server does not offer SMTPUTF8"));
  if (found->above_ascii() && !server.eight_bit_mime)
    return unexpected(failure(errc::rejected, label, "it has octets above 127, and the server does not offer 8BITMIME",
                              "encode its parts in Base64 or quoted-printable"));
  const composed::needs needs{.eight_bit_mime = found->above_ascii(), .smtputf8 = found->utf8_in_headers()};
  std::vector<std::unique_ptr<composed::piece>> pieces;
  pieces.push_back(std::move(piece));
  return composed(found->message_id(), needs, std::move(pieces));
}

}  // namespace netlab::mail
