// SPDX-License-Identifier: MIT
// A minimal Telnet client: it refuses all options and handles 0xFF; a stream that is not Telnet is left unchanged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/telnet.hpp"

namespace netlab::connect {

enum class telnet_mode : std::uint8_t {
  off,        ///< no Telnet: octets are unchanged
  on,         ///< from the first octet
  automatic,  ///< if the peer starts with a Telnet negotiation: IAC WILL or IAC DO
};

/// Both directions of one connection. The result does not depend on how the streams are cut into pieces.
class telnet {
 public:
  explicit telnet(telnet_mode mode) : mode_(mode), filter_(telnet_filter::carriage_return_nul::carriage_return) {}

  struct received {
    std::string data;    ///< for the user
    std::string answer;  ///< to be sent to the peer
  };
  [[nodiscard]] received from_peer(std::string_view octets);
  /// The octets held back; call it when the peer has closed.
  [[nodiscard]] std::string rest();

  /// Encodes the user's input (RFC 854: 0xFF is doubled, a line ends in CR LF, any other CR is CR NUL). Appends to
  /// `to`.
  void to_peer(std::string& to, std::string_view octets);

  /// True if it will not change anything any more, so the streams may bypass it.
  [[nodiscard]] bool is_off() const noexcept { return mode_ == telnet_mode::off; }
  [[nodiscard]] bool is_on() const noexcept { return mode_ == telnet_mode::on; }

 private:
  void decide(std::string_view begin);

  telnet_mode mode_;
  telnet_filter filter_;
  std::string held_;  // the first octets, until the mode is decided
  bool after_cr_ = false;
};

}  // namespace netlab::connect
