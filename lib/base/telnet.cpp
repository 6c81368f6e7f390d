// SPDX-License-Identifier: MIT
#include "base/telnet.hpp"

namespace netlab {
namespace {

// RFC 854, "TELNET COMMAND STRUCTURE"
constexpr unsigned char se = 240;
constexpr unsigned char sb = 250;
constexpr unsigned char will = 251;
constexpr unsigned char wont = 252;
constexpr unsigned char do_option = 253;
constexpr unsigned char dont = 254;
constexpr unsigned char iac = 255;

void refuse(std::string& answer, unsigned char verb, unsigned char option) {
  answer += static_cast<char>(iac);
  answer += static_cast<char>(verb);
  answer += static_cast<char>(option);
}

}  // namespace

bool telnet_filter::option_set::insert(std::uint8_t option) noexcept {
  std::uint64_t& word = words[option / 64];
  const std::uint64_t bit = std::uint64_t{1} << (option % 64);
  const bool is_new = (word & bit) == 0;
  word |= bit;
  return is_new;
}

telnet_filter::filtered telnet_filter::feed(std::string_view from_peer) {
  filtered out;
  for (const char each : from_peer) {
    const auto octet = static_cast<unsigned char>(each);
    switch (state_) {
      case state::carriage_return:
        state_ = state::data;
        if (octet == 0) {  // RFC 1123 §3.3.1: the Return key in character mode
          if (carriage_return_nul_ == carriage_return_nul::new_line) out.data += '\n';
          break;
        }
        [[fallthrough]];
      case state::data:
        if (octet == iac) {
          state_ = state::command;
        } else {
          out.data += each;
          if (each == '\r') state_ = state::carriage_return;
        }
        break;
      case state::command:
        state_ = state::data;
        switch (octet) {
          case iac: out.data += each; break;
          case will: state_ = state::will; break;
          case wont: state_ = state::wont; break;
          case do_option: state_ = state::do_; break;
          case dont: state_ = state::dont; break;
          case sb: state_ = state::subnegotiation; break;
          default: break;  // NOP, AYT, IP and others are ignored
        }
        break;
      case state::will:
        if (refused_will_.insert(octet)) refuse(out.answer, dont, octet);
        state_ = state::data;
        break;
      case state::do_:
        if (refused_do_.insert(octet)) refuse(out.answer, wont, octet);
        state_ = state::data;
        break;
      case state::wont:
      case state::dont: state_ = state::data; break;  // the option is already off
      case state::subnegotiation:
        if (octet == iac) state_ = state::subnegotiation_command;
        break;
      case state::subnegotiation_command: state_ = octet == se ? state::data : state::subnegotiation; break;
    }
  }
  return out;
}

}  // namespace netlab
