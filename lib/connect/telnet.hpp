// SPDX-License-Identifier: MIT
// Telnet as a guest speaks it: options are refused, 0xFF is data, and a pipe that is none stays as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/telnet.hpp"

namespace netlab::connect {

enum class telnet_mode : std::uint8_t {
  off,        ///< octets are octets
  on,         ///< from the first octet on
  automatic,  ///< when the peer begins with a Telnet negotiation: IAC WILL or IAC DO
};

/// Both directions of one connection. Any cut of either stream gives the same result.
class telnet {
 public:
  explicit telnet(telnet_mode mode) : mode_(mode), filter_(telnet_filter::carriage_return_nul::carriage_return) {}

  struct received {
    std::string data;    ///< for the user
    std::string answer;  ///< owed to the peer
  };
  [[nodiscard]] received from_peer(std::string_view octets);
  /// At the peer's end: what was held back.
  [[nodiscard]] std::string rest();

  /// What the user typed, for the wire (RFC 854: 0xFF is doubled, a line ends in CR LF, another CR is CR NUL). Appends.
  void to_peer(std::string& to, std::string_view octets);

  /// It can do nothing any more: the streams may pass by it.
  [[nodiscard]] bool is_off() const noexcept { return mode_ == telnet_mode::off; }
  [[nodiscard]] bool is_on() const noexcept { return mode_ == telnet_mode::on; }

 private:
  void decide(std::string_view begin);

  telnet_mode mode_;
  telnet_filter filter_;
  std::string held_;  // the first octets, while undecided
  bool after_cr_ = false;
};

}  // namespace netlab::connect
