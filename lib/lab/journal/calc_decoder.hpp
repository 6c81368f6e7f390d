// SPDX-License-Identifier: MIT
// Decodes what a client sends to the calculation server over one TCP connection.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/telnet.hpp"
#include "lab/journal/calc_request.hpp"

namespace netlab::lab {

/// Follows the rules of calc::session: binary or text is decided once, and a binary request without an answer ends the
/// connection.
class calc_decoder {
 public:
  /// An incomplete request is reported when nothing has followed for this long: by then, its client is waiting for an
  /// answer.
  static constexpr std::chrono::milliseconds stall_time{500};

  explicit calc_decoder(byte_order order);

  void feed(bytes_view from_client, wall_time now);
  /// The connection has ended.
  void end(wall_time now);
  /// Call it several times a second.
  void tick(wall_time now);
  [[nodiscard]] std::vector<calc_exchange> take_exchanges() { return std::exchange(exchanges_, {}); }

 private:
  enum class state : std::uint8_t { undecided, binary, text, closed };

  void decide();
  void decode_binary(wall_time now);
  void decode_text(bytes_view from_client, wall_time now);
  void decode_line(std::string_view line, wall_time now);
  void report_incomplete(wall_time now);

  byte_order order_;
  state state_ = state::undecided;
  bytes pending_;  // an incomplete request
  telnet_filter telnet_;
  std::string line_;  // an incomplete line of text
  bool is_skipping_ = false;  // the rest of a line that is too long
  bool follows_request_ = false;  // a request came before pending_
  bool is_reported_ = false;  // pending_ has been reported
  wall_time last_input_{};
  std::vector<calc_exchange> exchanges_;
};

}  // namespace netlab::lab
