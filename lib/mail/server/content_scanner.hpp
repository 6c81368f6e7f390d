// SPDX-License-Identifier: MIT
// Scans message content as sent by DATA and BDAT (RFC 5321 §4.1.1.4, §4.5.2; RFC 3030): finds its end, removes
// dot-stuffing and checks its lines.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace netlab::mail {

/// RFC 5321 §4.5.3.1.6 and RFC 5322 §2.1.1: octets of a line of text, without CR LF and without a dot added for DATA.
inline constexpr std::size_t max_content_line = 998;

/// What a message may contain.
struct content_rules {
  bool eight_bit = false;       ///< octets above 127: with BODY=8BITMIME (RFC 6152) or SMTPUTF8 (RFC 6531)
  bool any_line_and_nul = false;  ///< lines above max_content_line, and NUL; RFC 5321 forbids both
  bool binary = false;  ///< any octets, not in lines: with BODY=BINARYMIME, only in chunks (RFC 3030 §3)
};

/// Any cut of the input gives the same result. Only CR LF ends a line: a lone CR or LF is a flaw, and what follows it
/// is not the start of a line. So `LF . LF`, `LF . CR LF` and `CR . CR LF` do not end a message (SMTP smuggling: one
/// server takes such a sequence for the end, the next one does not).
class content_scanner {
 public:
  /// From the worst to the least: found() reports the first that applies.
  enum class flaw : std::uint8_t { none, bare_lf, bare_cr, nul, long_line, eight_bit };

  void start(content_rules rules = {.eight_bit = true}) noexcept {
    state_ = state::line_start;
    flaws_ = 0;
    rules_ = rules;
    line_size_ = 0;
  }

  /// Takes dot-stuffed content from the front of `input`, up to CR LF . CR LF or the end of `input`. Calls
  /// `take(piece)` with the unstuffed content, in pieces as large as possible; not any more after a flaw. True: the
  /// message has ended, and `input` has what follows it.
  template <class Take>
  [[nodiscard]] bool take_dotted(std::string_view& input, Take&& take);

  /// Takes a whole chunk; chunks are not dot-stuffed.
  template <class Take>
  void take_chunk(std::string_view chunk, Take&& take);

  /// Call after the last chunk; a CR at the very end is a flaw. True if the last line has no line end.
  [[nodiscard]] bool finish_chunks() noexcept {
    if (rules_.binary) return false;
    if (state_ == state::cr) note(flaw::bare_cr);
    if (state_ == state::inside && line_size_ > max_content_line) note_long_line();
    return state_ != state::line_start;
  }

  /// The worst flaw so far; does not depend on how the input was cut.
  [[nodiscard]] flaw found() const noexcept {
    return flaws_ == 0 ? flaw::none : static_cast<flaw>(std::countr_zero(flaws_) + 1);
  }

 private:
  enum class state : std::uint8_t {
    line_start,  // after CR LF, or at the beginning
    dot,  // after a line's first dot, which is removed
    dot_cr,  // after that and a CR, which is not content either
    inside,
    cr,  // after a CR inside a line
  };

  void note(flaw found) noexcept { flaws_ |= 1U << (static_cast<unsigned>(found) - 1); }
  void note_long_line() noexcept {
    if (!rules_.any_line_and_nul) note(flaw::long_line);
  }
  /// Scans from the middle of a line to its end or the end of `input`.
  std::size_t skip_line(std::string_view input, std::size_t at) noexcept {
    const std::size_t end = find_line_end(input, at);
    line_size_ += end - at;
    // line_size_ includes the line's CR LF, or a CR alone.
    if (line_size_ > max_content_line + (state_ == state::line_start ? 2 : 1)) note_long_line();
    if (end > at && input[end - 1] == '\n') line_size_ = 0;
    return end;
  }
  std::size_t find_line_end(std::string_view input, std::size_t at) noexcept;
  /// Looks for octets that are flaws in any position.
  void look_for_octets(std::string_view in) noexcept;

  state state_ = state::line_start;
  unsigned flaws_ = 0;  // a bit per flaw
  content_rules rules_;
  std::size_t line_size_ = 0;  // of the current line, without the dot that DATA adds
};

inline void content_scanner::look_for_octets(std::string_view in) noexcept {
  if (rules_.eight_bit && rules_.any_line_and_nul) return;
  // Eight octets at a time; most messages have no such octet.
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t tops = 0x8080808080808080;
  std::uint64_t high = 0;
  std::uint64_t zero = 0;
  const auto look = [&](std::uint64_t eight) {
    high |= eight & tops;
    zero |= (eight - ones) & ~eight & tops;
  };
  std::size_t at = 0;
  for (; at + 8 <= in.size(); at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, in.data() + at, 8);
    look(eight);
  }
  std::uint64_t rest = ones;
  std::memcpy(&rest, in.data() + at, in.size() - at);
  look(rest);
  if (zero != 0 && !rules_.any_line_and_nul) note(flaw::nul);
  if (high != 0 && !rules_.eight_bit) note(flaw::eight_bit);
}

inline std::size_t content_scanner::find_line_end(std::string_view input, std::size_t at) noexcept {
  if (state_ == state::cr) {
    if (input[at] == '\n') {
      state_ = state::line_start;
      return at + 1;
    }
    note(flaw::bare_cr);
    state_ = state::inside;
  }
  // The next LF ends the line if it follows a CR; any other CR is bare. Neither search goes past this line.
  const std::size_t lf = input.find('\n', at);
  const std::size_t end = lf == std::string_view::npos ? input.size() : lf;
  const std::string_view line = input.substr(at, end - at);
  const std::size_t cr = line.find('\r');
  if (cr == std::string_view::npos) {
    state_ = state::inside;
    if (lf == std::string_view::npos) return end;
    note(flaw::bare_lf);
    return end + 1;
  }
  if (cr + 1 < line.size()) note(flaw::bare_cr);
  if (line.back() != '\r') {
    state_ = state::inside;
    if (lf == std::string_view::npos) return end;
    note(flaw::bare_lf);
    return end + 1;
  }
  state_ = lf == std::string_view::npos ? state::cr : state::line_start;
  return lf == std::string_view::npos ? end : end + 1;
}

template <class Take>
bool content_scanner::take_dotted(std::string_view& input, Take&& take) {
  std::size_t from = 0;  // start of the content not yet passed to `take`
  std::size_t at = 0;
  const auto hand_out = [&](std::size_t to) {
    if (flaws_ == 0 && to > from) take(input.substr(from, to - from));
  };
  while (at < input.size()) {
    switch (state_) {
      case state::line_start:
        if (input[at] == '.') {
          hand_out(at);
          from = ++at;
          state_ = state::dot;
          continue;
        }
        break;
      case state::dot:
        if (input[at] == '\r') {
          from = ++at;
          state_ = state::dot_cr;
          continue;
        }
        break;
      case state::dot_cr:
        if (input[at] == '\n') {
          look_for_octets(input.substr(0, at));
          input.remove_prefix(at + 1);
          state_ = state::line_start;
          return true;
        }
        note(flaw::bare_cr);
        state_ = state::inside;
        break;
      case state::inside:
      case state::cr: break;
    }
    at = skip_line(input, at);
  }
  look_for_octets(input);
  hand_out(input.size());
  input = {};
  return false;
}

template <class Take>
void content_scanner::take_chunk(std::string_view chunk, Take&& take) {
  if (rules_.binary) {
    if (!chunk.empty()) take(chunk);
    return;
  }
  for (std::size_t at = 0; at < chunk.size();) at = skip_line(chunk, at);
  look_for_octets(chunk);
  if (flaws_ == 0 && !chunk.empty()) take(chunk);
}

}  // namespace netlab::mail
