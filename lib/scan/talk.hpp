// SPDX-License-Identifier: MIT
// The conversation on an open TCP port: its banner, our message, its reply. No socket, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace netlab::scan {

/// Limit for the octets of a banner, and of a reply, in a report.
inline constexpr std::size_t most_kept = 1024;

struct talk_options {
  bool listen = true;               ///< wait for a banner before sending
  std::optional<std::string> message;  ///< none: send nothing
};

/// The conversation with one port. Its memory is bounded.
///
/// A banner ends when the port is quiet after a whole line, or at its timeout; then the message is sent. Data that
/// continues without a pause after that still belongs to the banner.
class talk {
 public:
  /// `timeout`: the timeout until the banner begins, again until it ends, and for the reply.
  talk(const talk_options& options, duration timeout, time_point now);

  void feed(bytes_view octets, time_point now);
  /// The port closed, or the connection broke.
  void eof();
  void tick(time_point now);
  /// The part of the message that is to be sent next.
  [[nodiscard]] std::string_view unsent() const noexcept { return unsent_; }
  /// So many octets of unsent() were sent.
  void sent(std::size_t octets) noexcept { unsent_.remove_prefix(octets); }
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool done() const noexcept { return stage_ == stage::done; }

  /// The first `most_kept` octets.
  [[nodiscard]] const std::string& banner() const noexcept { return banner_.text; }
  [[nodiscard]] const std::string& reply() const noexcept { return reply_.text; }
  /// Longer than `most_kept`.
  [[nodiscard]] bool is_banner_cut() const noexcept { return banner_.is_cut; }
  [[nodiscard]] bool is_reply_cut() const noexcept { return reply_.is_cut; }
  /// The reply is exactly the message.
  [[nodiscard]] bool is_echo() const noexcept {
    return echoes_ && options_.message && echoed_ == options_.message->size();
  }

 private:
  enum class stage {
    banner,
    rest_of_banner,  // the message was sent, but the banner goes on
    reply,
    done,
  };
  struct kept_text {
    std::string text;
    bool is_cut = false;
    void append(std::string_view more);
  };
  void end_banner(time_point now, bool is_quiet);
  void take_reply(std::string_view octets, time_point now);

  const talk_options& options_;  // shared by all ports of a scan
  duration timeout_;
  stage stage_ = stage::banner;
  time_point limit_;     // of the stage, even if data comes
  time_point deadline_;  // of the stage, if no data comes
  bool has_begun_ = false;
  time_point received_at_;
  std::string_view unsent_;
  kept_text banner_;
  kept_text reply_;
  bool echoes_ = true;      // so far the reply equals the start of the message
  std::size_t echoed_ = 0;  // octets echoed so far
};

}  // namespace netlab::scan
