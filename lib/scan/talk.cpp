// SPDX-License-Identifier: MIT
#include "scan/talk.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace netlab::scan {
namespace {

// A port that is quiet for this long after a whole line has finished its banner. Servers write a banner in pieces,
// for example line by line, and the path may delay one of them.
constexpr duration banner_pause = std::chrono::milliseconds(200);
// Longest pause between the pieces of a reply.
constexpr duration reply_pause = std::chrono::milliseconds(50);
// Limits the time for the echo of a long message, in units of `timeout`.
constexpr int echo_timeouts = 8;

// `220-mail.example.org` announces another line (RFC 5321 §4.2.1, RFC 959 §4.2).
bool announces_line(std::string_view line) noexcept {
  return line.size() > 3 && std::all_of(line.begin(), line.begin() + 3, is_digit) && line[3] == '-';
}

bool is_whole(std::string_view banner) noexcept {
  if (!banner.ends_with('\n')) return false;
  banner.remove_suffix(1);
  const std::size_t before = banner.rfind('\n');
  return !announces_line(before == std::string_view::npos ? banner : banner.substr(before + 1));
}

}  // namespace

void talk::kept_text::append(std::string_view more) {
  const std::size_t room = most_kept - text.size();
  if (more.size() > room) is_cut = true;
  text.append(more.substr(0, room));
}

talk::talk(const talk_options& options, duration timeout, time_point now)
    : options_(options), timeout_(timeout), limit_(now + timeout), deadline_(limit_), received_at_(now) {
  if (!options_.listen) end_banner(now, true);
}

void talk::end_banner(time_point now, bool is_quiet) {
  if (!options_.message) {
    stage_ = stage::done;
    return;
  }
  unsent_ = *options_.message;
  stage_ = is_quiet ? stage::reply : stage::rest_of_banner;
  deadline_ = now + timeout_;
  limit_ = is_quiet ? now + echo_timeouts * timeout_ : deadline_;
}

void talk::feed(bytes_view octets, time_point now) {
  if (stage_ == stage::done || octets.empty()) return;
  received_at_ = now;
  switch (stage_) {
    case stage::banner:
      if (!std::exchange(has_begun_, true)) limit_ = now + timeout_;
      banner_.append(as_text(octets));
      // The end of a long banner is not kept, so its last line is unknown.
      deadline_ = banner_.is_cut || is_whole(banner_.text) ? std::min(limit_, now + banner_pause) : limit_;
      break;
    case stage::rest_of_banner:
      banner_.append(as_text(octets));
      deadline_ = std::min(limit_, now + banner_pause);
      break;
    case stage::reply: take_reply(as_text(octets), now); break;
    case stage::done: break;
  }
}

void talk::take_reply(std::string_view octets, time_point now) {
  const std::string_view expected = std::string_view(*options_.message).substr(echoed_);
  echoes_ = echoes_ && expected.starts_with(octets);
  if (echoes_) echoed_ += octets.size();
  reply_.append(octets);
  if (is_echo() || (!echoes_ && reply_.is_cut))
    stage_ = stage::done;
  else
    deadline_ = std::min(echoes_ ? limit_ : deadline_, now + (echoes_ ? timeout_ : reply_pause));
}

void talk::eof() { stage_ = stage::done; }

void talk::tick(time_point now) {
  if (stage_ == stage::done || now < deadline_) return;
  const bool is_quiet = !has_begun_ || now - received_at_ >= banner_pause;
  if (stage_ == stage::rest_of_banner && is_quiet && now < limit_) {
    stage_ = stage::reply;
    deadline_ = limit_;
    return;
  }
  if (stage_ == stage::banner)
    end_banner(now, is_quiet);
  else
    stage_ = stage::done;
}

}  // namespace netlab::scan
