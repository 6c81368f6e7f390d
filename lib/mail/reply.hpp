// SPDX-License-Identifier: MIT
// Replies of an SMTP server (RFC 5321 §4.2; enhanced status codes: RFC 2034, 3463).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/line_buffer.hpp"
#include "base/result.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_reply_line = 8 * 1024;  // RFC 5321 §4.5.3.1.5 allows 512; be liberal, but bounded
inline constexpr std::size_t max_reply = 64 * 1024;      // all lines of a reply; an EHLO answer has about 20

/// `5.1.1`
struct enhanced_status {
  unsigned kind = 0;     ///< 2, 4 or 5
  unsigned subject = 0;  ///< 0 to 999
  unsigned detail = 0;   ///< 0 to 999

  friend bool operator==(const enhanced_status&, const enhanced_status&) = default;
};

struct reply {
  int code = 0;                    ///< 200 to 599
  std::vector<std::string> lines;  ///< the text of each line, without code and separator; at least one

  [[nodiscard]] bool is_positive() const noexcept { return code / 100 == 2; }
  [[nodiscard]] bool is_intermediate() const noexcept { return code / 100 == 3; }
  [[nodiscard]] bool is_temporary() const noexcept { return code / 100 == 4; }
  [[nodiscard]] bool is_permanent() const noexcept { return code / 100 == 5; }
  /// From the start of the last line, if its class matches the code's.
  [[nodiscard]] std::optional<enhanced_status> enhanced() const;
  /// `250 2.0.0 Ok: queued as 4711`: all lines in one, unescaped; escape it before showing it.
  [[nodiscard]] std::string to_string() const;
  /// The code and the text of the last line.
  [[nodiscard]] std::string last_line() const;
};

/// The reply as a failure: errc::rejected, errc::try_later, or errc::peer_protocol if the reply makes no sense there.
/// `act` is the context: `RCPT TO:<a@b>`. The detail has the escaped reply.
[[nodiscard]] failure to_failure(const reply& answer, std::string act);

/// Splits a stream into replies: cut anywhere, lines end in CRLF or LF. After a failure it returns no more.
class reply_parser {
 public:
  void feed(std::string_view text) { lines_.append(text); }

  /// The next complete reply, or errc::peer_protocol: not a reply, a line or reply that is too long, differing codes.
  [[nodiscard]] std::optional<result<reply>> next();

  /// True if all input was returned as replies.
  [[nodiscard]] bool empty() const noexcept { return lines_.empty() && begun_.lines.empty(); }

 private:
  [[nodiscard]] result<bool> take(std::string_view line);

  line_buffer lines_{max_reply_line};
  reply begun_;
  std::size_t size_ = 0;  // octets in begun_
  bool broken_ = false;
};

}  // namespace netlab::mail
