// SPDX-License-Identifier: MIT
// One connection to the mail server: its dialogue, whether a person typed it, and what it means for the steps.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/journal/event.hpp"
#include "lab/journal/observation.hpp"

namespace netlab::lab {

/// A person needs at least this long to read a reply and to type or paste the next command; a program does not wait.
inline constexpr std::chrono::milliseconds typing_pause{250};

class mail_session {
 public:
  explicit mail_session(bool is_implicit_tls) : is_implicit_tls_(is_implicit_tls) {}

  /// tls_started, line, logged_in, login_failed, mail_accepted, mail_refused.
  void observe(observation& seen);
  /// The connection has ended.
  void end(wall_time now);

  /// Without address, port and service.
  [[nodiscard]] std::vector<class_event> take_events() { return std::exchange(events_, {}); }
  /// Messages whose reply has been sent.
  [[nodiscard]] std::vector<kept_mail> take_mails() {
    if (!mails_.empty() && mails_.back().dialogue.empty()) return {};
    return std::exchange(mails_, {});
  }

 private:
  void on_line(const observation& seen);
  void on_accepted(observation& seen);
  [[nodiscard]] sheet_step kind() const noexcept;
  void report(wall_time at, verdict outcome, std::string text, std::string note, std::vector<step_mark> marks = {});

  bool is_implicit_tls_;
  bool is_secure_ = false;
  bool was_greeted_ = false;   // the client said EHLO or HELO
  bool has_refusal_ = false;   // one was reported, since the last message
  std::string user_;
  std::string last_command_;
  std::vector<dialogue_line> dialogue_;
  std::size_t dialogue_octets_ = 0;
  std::optional<wall_time> last_reply_;
  bool in_content_ = false;
  unsigned typed_ = 0;      // commands since the last message, after a pause
  unsigned immediate_ = 0;  // without a pause
  std::vector<class_event> events_;
  std::vector<kept_mail> mails_;
};

}  // namespace netlab::lab
