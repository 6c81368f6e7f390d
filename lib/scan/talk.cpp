// SPDX-License-Identifier: MIT
#include "scan/talk.hpp"

#include <algorithm>
#include <utility>

namespace netlab::scan {
namespace {

constexpr std::size_t kept = 1024;  // octets of a banner, and of a reply: what a report shows at most
// A text that comes in several pieces comes without longer pauses.
constexpr duration pause = std::chrono::milliseconds(50);

void keep(std::string& text, bytes_view octets) {
  const std::string_view more = as_text(octets);
  text.append(more.substr(0, kept - std::min(kept, text.size())));
}

}  // namespace

talk::talk(const talk_options& how, duration patience, time_point now)
    : how_(how), patience_(patience), deadline_(now + patience) {
  if (!how_.listen) end_banner(now);
}

void talk::end_banner(time_point now) {
  if (!how_.message) {
    stage_ = stage::done;
    return;
  }
  stage_ = stage::reply;
  to_send_ = true;
  deadline_ = now + patience_;
}

void talk::feed(bytes_view octets, time_point now) {
  if (stage_ == stage::done || octets.empty()) return;
  deadline_ = std::min(deadline_, now + pause);
  if (stage_ == stage::banner) {
    keep(banner_, octets);
    if (banner_.size() == kept) end_banner(now);
    return;
  }
  keep(reply_, octets);
  if (reply_.size() == kept || is_echo()) stage_ = stage::done;
}

void talk::eof() { stage_ = stage::done; }

void talk::tick(time_point now) {
  if (stage_ == stage::done || now < deadline_) return;
  if (stage_ == stage::banner)
    end_banner(now);
  else
    stage_ = stage::done;
}

std::string_view talk::take_output() {
  if (!std::exchange(to_send_, false)) return {};
  return *how_.message;
}

}  // namespace netlab::scan
