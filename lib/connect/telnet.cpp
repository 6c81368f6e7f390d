// SPDX-License-Identifier: MIT
#include "connect/telnet.hpp"

#include <utility>

namespace netlab::connect {
namespace {

constexpr char iac = telnet_filter::command_octet;
constexpr char will = '\xfb';
constexpr char do_option = '\xfd';

}  // namespace

telnet::received telnet::from_peer(std::string_view octets) {
  if (mode_ == telnet_mode::automatic) {
    held_ += octets;
    decide(held_);
    if (mode_ == telnet_mode::automatic) return {};
    const std::string begin = std::exchange(held_, {});
    return from_peer(begin);
  }
  if (mode_ == telnet_mode::off) return {std::string(octets), {}};
  auto filtered = filter_.feed(octets);
  return {std::move(filtered.data), std::move(filtered.answer)};
}

std::string telnet::rest() { return std::exchange(held_, {}); }

// A Telnet server negotiates before it sends data: a stream that starts with anything else is not Telnet.
void telnet::decide(std::string_view begin) {
  if (begin.empty()) return;
  if (begin[0] != iac) {
    mode_ = telnet_mode::off;
  } else if (begin.size() >= 2 && begin[1] != will && begin[1] != do_option) {
    mode_ = telnet_mode::off;
  } else if (begin.size() >= 3) {
    mode_ = telnet_mode::on;
  }
}

void telnet::to_peer(std::string& to, std::string_view octets) {
  if (mode_ != telnet_mode::on) {
    to += octets;
    return;
  }
  for (const char each : octets) {
    if (after_cr_ && each != '\n' && each != '\0') to += '\0';
    if (each == '\n' && !after_cr_) to += '\r';
    if (each == iac) to += iac;
    to += each;
    after_cr_ = each == '\r';
  }
}

}  // namespace netlab::connect
