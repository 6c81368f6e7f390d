// SPDX-License-Identifier: MIT
// The common part of the fuzz targets. Each defines LLVMFuzzerTestOneInput, the function that libFuzzer calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace netlab::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A condition that must hold for every input; ends the process otherwise, so that libFuzzer keeps the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// Takes one octet from the front; 0 if the input is empty.
inline std::uint8_t take_octet(std::string_view& input) {
  if (input.empty()) return 0;
  const auto octet = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return octet;
}

/// Takes lengths from the front of `input` (the first octet gives their number) and cuts the rest into such pieces.
inline std::vector<std::string_view> take_cut(std::string_view& input) {
  std::vector<std::size_t> lengths(take_octet(input) % 16);
  for (std::size_t& length : lengths) length = take_octet(input);
  std::vector<std::string_view> pieces;
  std::string_view left = input;
  for (const std::size_t length : lengths) {
    pieces.push_back(left.substr(0, length));
    left.remove_prefix(pieces.back().size());
  }
  pieces.push_back(left);
  return pieces;
}

/// True for one line that does not affect a terminal.
inline bool is_harmless(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return text.find("\xc2\x9b") == std::string_view::npos && text.find("\xe2\x80\xae") == std::string_view::npos;
}

}  // namespace netlab::fuzz
