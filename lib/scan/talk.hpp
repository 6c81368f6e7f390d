// SPDX-License-Identifier: MIT
// What is said on an open TCP port: its banner, our message, its reply. No socket, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace netlab::scan {

/// Octets of a banner, and of a reply, that a report has at most.
inline constexpr std::size_t most_kept = 1024;

struct talk_options {
  bool listen = true;               ///< for a banner, before anything is sent
  std::optional<std::string> message;  ///< none: nothing is sent
};

/// One port's conversation. Its memory is bounded, whatever comes.
///
/// A banner ends when the port is quiet after a whole line, or when the patience with it is over; then the message is
/// sent. What goes on to come without a pause is still the banner and not the reply.
class talk {
 public:
  /// `patience`: with a banner until it begins, again until it ends, and with the reply.
  talk(const talk_options& how, duration patience, time_point now);

  void feed(bytes_view octets, time_point now);
  /// The port closed, or the connection broke.
  void eof();
  void tick(time_point now);
  /// What is still to be sent.
  [[nodiscard]] std::string_view unsent() const noexcept { return unsent_; }
  /// So many octets of it were.
  void sent(std::size_t octets) noexcept { unsent_.remove_prefix(octets); }
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool done() const noexcept { return stage_ == stage::done; }

  /// The first `most_kept` octets.
  [[nodiscard]] const std::string& banner() const noexcept { return banner_.text; }
  [[nodiscard]] const std::string& reply() const noexcept { return reply_.text; }
  /// There was more.
  [[nodiscard]] bool is_banner_cut() const noexcept { return banner_.is_cut; }
  [[nodiscard]] bool is_reply_cut() const noexcept { return reply_.is_cut; }
  /// The port sent the message back, and nothing else.
  [[nodiscard]] bool is_echo() const noexcept { return echoes_ && how_.message && echoed_ == how_.message->size(); }

 private:
  enum class stage {
    banner,
    rest_of_banner,  // the message was sent, and the banner still goes on
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

  const talk_options& how_;  // the same for all ports of a scan
  duration patience_;
  stage stage_ = stage::banner;
  time_point limit_;     // of the stage, whatever comes
  time_point deadline_;  // of the stage, if nothing comes
  bool has_begun_ = false;
  time_point heard_at_;
  std::string_view unsent_;
  kept_text banner_;
  kept_text reply_;
  bool echoes_ = true;      // so far the reply is the message's beginning
  std::size_t echoed_ = 0;  // octets of it
};

}  // namespace netlab::scan
