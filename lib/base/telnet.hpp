// SPDX-License-Identifier: MIT
// Removes the Telnet commands from a stream and refuses all options (RFC 854, RFC 855, RFC 1143).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace netlab {

/// Separates a Telnet peer's data from its commands. Every option that the peer offers or requests is refused once, and
/// its sub-negotiations are skipped. The result does not depend on how the stream is cut into pieces.
class telnet_filter {
 public:
  /// IAC, the first octet of every command.
  static constexpr char command_octet = '\xff';

  /// The meaning of CR NUL: from a client, the Return key (RFC 1123 §3.3.1); from a server, a CR alone (RFC 854).
  enum class carriage_return_nul : std::uint8_t { new_line, carriage_return };

  explicit telnet_filter(carriage_return_nul means = carriage_return_nul::new_line) : carriage_return_nul_(means) {}

  struct filtered {
    std::string data;  ///< the peer's text; IAC IAC becomes 0xFF, CR NUL becomes CR LF or CR
    std::string answer;  ///< refusals to send to the peer
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

  // Each of the 256 options is refused at most once in each direction. A peer that insists gets no second answer, so
  // two ends that both refuse cannot loop forever (RFC 1143).
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
