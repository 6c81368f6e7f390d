// SPDX-License-Identifier: MIT
#include "lab/mail_receiver.hpp"

#include <fmt/format.h>

#include "base/line_buffer.hpp"
#include "base/text.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t max_line = 1000;               // RFC 5321 §4.5.3.1.6, and what our client keeps to
constexpr std::size_t max_message = 1024 * 1024;     // of an exercise
constexpr auto idle_time = std::chrono::minutes(1);  // the tour takes seconds

// `FROM:<a@b> SIZE=1` → `a@b`
std::string path_in(std::string_view argument) {
  const auto begin = argument.find('<');
  const auto end = argument.find('>', begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  return std::string(argument.substr(begin + 1, end - begin - 1));
}

}  // namespace

class mail_receiver::session final : public machine {
 public:
  session(mail_receiver& for_whom, std::string peer, time_point now)
      : for_whom_(for_whom), peer_(std::move(peer)), last_(now) {
    say("220 lab.example ESMTP");
  }

  void feed(bytes_view from_peer, time_point now) override {
    last_ = now;
    input_.append(as_text(from_peer));
    while (!done_) {
      const auto line = input_.next();
      if (!line) return;
      if (line->too_long)
        say("500 5.5.2 line too long");
      else if (in_data_)
        take_content(line->text);
      else
        take_command(line->text);
    }
  }
  void eof(time_point) override { done_ = true; }
  void tick(time_point now) override {
    if (now < last_ + idle_time) return;
    say("421 4.4.2 nothing came for a minute");
    done_ = true;
  }
  bytes take_output() override { return std::exchange(output_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return last_ + idle_time; }
  [[nodiscard]] bool done() const override { return done_; }

 private:
  void say(std::string_view reply) {
    append(output_, reply);
    append(output_, "\r\n");
  }

  void take_command(std::string_view line) {
    const std::string verb = to_upper(line.substr(0, 4));
    const std::string_view argument = line.substr(std::min<std::size_t>(line.size(), 5));
    if (verb == "EHLO" || verb == "HELO") {
      helo_ = argument;
      say("250 lab.example");
    } else if (verb == "MAIL") {
      mail_ = {.from_address = peer_, .helo = helo_, .sender = path_in(argument), .recipients = {}, .text = {}};
      say("250 2.1.0 sender noted, not checked");
    } else if (verb == "RCPT") {
      mail_.recipients.push_back(path_in(argument));
      say("250 2.1.5 recipient noted");
    } else if (verb == "DATA" && mail_.recipients.empty()) {
      say("503 5.5.1 for whom?");
    } else if (verb == "DATA") {
      in_data_ = true;
      // RFC 5321 §4.4: what a receiver adds. The first two lines are all that it knows by itself.
      mail_.text = fmt::format("Return-Path: <{}>\r\nReceived: from {} ([{}]) by lab.example\r\n", mail_.sender,
                               mail_.helo, peer_);
      say("354 the message, and a dot on a line of its own");
    } else if (verb == "RSET" || verb == "NOOP") {
      if (verb == "RSET") mail_ = {};
      say("250 2.0.0 well");
    } else if (verb == "QUIT") {
      say("221 2.0.0 bye");
      done_ = true;
    } else {
      say("502 5.5.1 not known here");
    }
  }

  void take_content(std::string_view line) {
    if (line == ".") {
      in_data_ = false;
      if (mail_.text.size() > max_message) return say("552 5.3.4 too much");
      {
        const std::lock_guard lock(for_whom_.mutex_);
        for_whom_.taken_.push_back(std::move(mail_));
      }
      mail_ = {};
      return say("250 2.0.0 taken");
    }
    if (line.starts_with('.')) line.remove_prefix(1);
    if (mail_.text.size() > max_message) return;
    mail_.text += line;
    mail_.text += "\r\n";
  }

  mail_receiver& for_whom_;
  std::string peer_;
  time_point last_;
  line_buffer input_{max_line};
  bytes output_;
  std::string helo_;
  received_mail mail_;
  bool in_data_ = false;
  bool done_ = false;
};

std::vector<received_mail> mail_receiver::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

std::unique_ptr<machine> mail_receiver::open(const net::visitor& who) {
  return std::make_unique<session>(*this, who.peer.address().to_string(), who.now);
}

void mail_receiver::closed(machine&, const net::tcp::endpoint&, const result<void>&) {}

bytes mail_receiver::full(const net::tcp::endpoint&) {
  bytes words;
  append(words, "421 4.3.2 too many clients\r\n");
  return words;
}

bool mail_receiver::answer(const net::datagram&, bytes&) { return false; }

void mail_receiver::trouble(const std::string&) {}

}  // namespace netlab::lab
