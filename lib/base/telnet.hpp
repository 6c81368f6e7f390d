// SPDX-License-Identifier: MIT
// The Telnet commands in a stream, taken out and politely refused (RFC 854, RFC 855, RFC 1143).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace netlab {

/// Separates a Telnet peer's data from its commands. Every option that the peer offers or asks for is
/// refused, once, and its sub-negotiations are skipped. Any cut of the stream gives the same result.
class telnet_filter {
 public:
  /// IAC, with which every command begins.
  static constexpr char command_octet = '\xff';

  struct filtered {
    std::string data;    ///< what the peer meant as text; IAC IAC is one 0xFF, CR NUL is CR LF
    std::string answer;  ///< refusals owed to the peer
  };

  [[nodiscard]] filtered feed(std::string_view from_peer);

 private:
  enum class state : std::uint8_t {
    data,
    carriage_return,
    command,
    will,
    wont,
    do_,
    dont,
    subnegotiation,
    subnegotiation_command
  };

  // 256 options need no more than a refusal each way: a peer that insists is not answered again, so
  // two refusing ends cannot talk for ever (RFC 1143).
  struct option_set {
    std::uint64_t words[4] = {};
    [[nodiscard]] bool insert(std::uint8_t option) noexcept;
  };

  state state_ = state::data;
  option_set refused_will_;
  option_set refused_do_;
};

}  // namespace netlab
