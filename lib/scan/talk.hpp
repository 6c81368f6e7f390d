// SPDX-License-Identifier: MIT
// What is said on an open TCP port: its banner, our message, its reply. No socket, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace netlab::scan {

struct talk_options {
  bool listen = true;               ///< for a banner, before anything is sent
  std::optional<std::string> message;  ///< none: nothing is sent
};

/// One port's conversation. Its memory is bounded, whatever comes.
class talk {
 public:
  /// `patience`: for the banner, and again for the reply.
  talk(const talk_options& how, duration patience, time_point now);

  void feed(bytes_view octets, time_point now);
  /// The port closed, or the connection broke.
  void eof();
  void tick(time_point now);
  /// What is to be sent, handed over once.
  [[nodiscard]] std::string_view take_output();
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool done() const noexcept { return stage_ == stage::done; }

  [[nodiscard]] const std::string& banner() const noexcept { return banner_; }
  [[nodiscard]] const std::string& reply() const noexcept { return reply_; }
  /// The port sent the message back, and nothing else.
  [[nodiscard]] bool is_echo() const noexcept { return !reply_.empty() && how_.message && reply_ == *how_.message; }

 private:
  enum class stage { banner, reply, done };
  void end_banner(time_point now);

  const talk_options& how_;  // the same for all ports of a scan
  duration patience_;
  stage stage_ = stage::banner;
  bool to_send_ = false;
  time_point deadline_;
  std::string banner_;
  std::string reply_;
};

}  // namespace netlab::scan
