// SPDX-License-Identifier: MIT
// A message's content as DATA and BDAT bring it (RFC 5321 §4.1.1.4, §4.5.2; RFC 3030): where it ends, what it says
// without the dots that were put before dots, and whether its lines end as they must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netlab::mail {

/// In any cut. Only CR LF ends a line: a lone CR or LF is remembered, and nothing behind it is taken for the start of a
/// line; so `LF . LF`, `LF . CR LF` and `CR . CR LF` end no message (what is taken for an end by one server and not by
/// the next smuggles a message through).
class content_scanner {
 public:
  enum class flaw : std::uint8_t { none, bare_lf, bare_cr };

  void start() noexcept {
    state_ = state::line_start;
    flaw_ = flaw::none;
  }

  /// Dot-stuffed content off the front of `input`, up to CR LF . CR LF or to its end. `take(piece)` gets what the
  /// message says, in pieces as large as can be; nothing any more behind a flaw. True: the message has ended; what
  /// follows it stays in `input`.
  template <class Take>
  [[nodiscard]] bool take_dotted(std::string_view& input, Take&& take);

  /// Content of a chunk, all of it; there are no dots in it to be removed.
  template <class Take>
  void take_chunk(std::string_view chunk, Take&& take);

  /// Behind the last chunk: a CR that nothing follows is a flaw. Whether the last line lacks its end.
  [[nodiscard]] bool finish_chunks() noexcept {
    if (state_ == state::cr) note(flaw::bare_cr);
    return state_ != state::line_start;
  }

  [[nodiscard]] flaw found() const noexcept { return flaw_; }

 private:
  enum class state : std::uint8_t {
    line_start,  // behind CR LF, or at the beginning
    dot,  // behind the first dot of a line, which is not said
    dot_cr,  // and a CR, which is not said either
    inside,
    cr,  // behind a CR inside a line
  };

  void note(flaw what) noexcept {
    if (flaw_ == flaw::none) flaw_ = what;
  }
  [[nodiscard]] static std::size_t find(std::string_view in, char what, std::size_t from) noexcept {
    return in.find(what, from);
  }
  /// From the middle of a line: past its end, or to the input's.
  std::size_t skip_line(std::string_view input, std::size_t at) noexcept;

  state state_ = state::line_start;
  flaw flaw_ = flaw::none;
};

inline std::size_t content_scanner::skip_line(std::string_view input, std::size_t at) noexcept {
  if (state_ == state::cr) {
    if (input[at] == '\n') {
      state_ = state::line_start;
      return at + 1;
    }
    note(flaw::bare_cr);
    state_ = state::inside;
  }
  // The next LF ends the line if a CR stands before it; a CR that stands anywhere else is bare. Both searches are over
  // one line.
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
  std::size_t from = 0;  // said, but not handed out
  std::size_t at = 0;
  const auto hand_out = [&](std::size_t to) {
    if (flaw_ == flaw::none && to > from) take(input.substr(from, to - from));
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
  hand_out(input.size());
  input = {};
  return false;
}

template <class Take>
void content_scanner::take_chunk(std::string_view chunk, Take&& take) {
  for (std::size_t at = 0; at < chunk.size();) at = skip_line(chunk, at);
  if (flaw_ == flaw::none && !chunk.empty()) take(chunk);
}

}  // namespace netlab::mail
