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

  /// What CR NUL means: of a client the Return key (RFC 1123 §3.3.1), of a server a lone CR (RFC 854).
  enum class carriage_return_nul : std::uint8_t { new_line, carriage_return };

  explicit telnet_filter(carriage_return_nul means = carriage_return_nul::new_line) : carriage_return_nul_(means) {}

  struct filtered {
    std::string data;    ///< what the peer meant as text; IAC IAC is one 0xFF, CR NUL is CR LF or CR
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

  carriage_return_nul carriage_return_nul_;
  state state_ = state::data;
  option_set refused_will_;
  option_set refused_do_;
};

}  // namespace netlab
