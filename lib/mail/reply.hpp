// SPDX-License-Identifier: MIT
// What an SMTP server answers (RFC 5321 §4.2, enhanced status codes RFC 2034 and 3463).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/line_buffer.hpp"
#include "base/result.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_reply_line = 8 * 1024;  // RFC 5321 §4.5.3.1.5 allows 512: be liberal, not endless
inline constexpr std::size_t max_reply = 64 * 1024;      // all lines of one; an EHLO answer has some 20

/// `5.1.1`
struct enhanced_status {
  unsigned kind = 0;     ///< 2, 4 or 5
  unsigned subject = 0;  ///< 0 to 999
  unsigned detail = 0;   ///< 0 to 999

  friend bool operator==(const enhanced_status&, const enhanced_status&) = default;
};

struct reply {
  int code = 0;                    ///< 200 to 599
  std::vector<std::string> lines;  ///< the text of each, without code and separator; at least one

  [[nodiscard]] bool is_positive() const noexcept { return code / 100 == 2; }
  [[nodiscard]] bool is_intermediate() const noexcept { return code / 100 == 3; }
  [[nodiscard]] bool is_temporary() const noexcept { return code / 100 == 4; }
  [[nodiscard]] bool is_permanent() const noexcept { return code / 100 == 5; }
  /// At the start of the last line, if its class is the code's.
  [[nodiscard]] std::optional<enhanced_status> enhanced() const;
  /// `250 2.0.0 Ok: queued as 4711`: all lines in one, as they came; to be escaped before it is shown.
  [[nodiscard]] std::string to_string() const;
  /// The code and the last line's text.
  [[nodiscard]] std::string last_line() const;
};

/// What it means for the one who asked: errc::rejected, errc::try_later, or errc::peer_protocol where the reply makes
/// no sense there. `act` is the context: `RCPT TO:<a@b>`. The reply stands in the detail, escaped.
[[nodiscard]] failure to_failure(const reply& answer, std::string act);

/// Replies from a stream, cut anyhow, lines ended by CRLF or LF. After a failure nothing more comes.
class reply_parser {
 public:
  void feed(std::string_view text) { lines_.append(text); }

  /// The next whole reply, or errc::peer_protocol: not a reply, a line or a reply that is too long, codes that differ.
  [[nodiscard]] std::optional<result<reply>> next();

  /// Nothing has come that was not handed out.
  [[nodiscard]] bool empty() const noexcept { return lines_.empty() && begun_.lines.empty(); }

 private:
  [[nodiscard]] result<bool> take(std::string_view line);

  line_buffer lines_{max_reply_line};
  reply begun_;
  std::size_t size_ = 0;  // octets in begun_
  bool broken_ = false;
};

}  // namespace netlab::mail
