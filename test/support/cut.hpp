// SPDX-License-Identifier: MIT
// Cuts a stream into the pieces in which it may arrive.
#pragma once

#include <concepts>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace netlab::test {

/// The pieces are views of the stream, which must outlive them; temporaries are refused.
using pieces = std::vector<std::string_view>;
template <std::same_as<std::string> Temporary>
pieces one_octet_at_a_time(Temporary&&) = delete;
template <std::same_as<std::string> Temporary>
pieces random_cut(Temporary&&, std::uint32_t, std::size_t = 0) = delete;
template <std::same_as<std::string> Temporary>
std::vector<pieces> every_cut(Temporary&&) = delete;

inline pieces one_octet_at_a_time(std::string_view stream) {
  pieces all;
  for (std::size_t at = 0; at < stream.size(); ++at) all.push_back(stream.substr(at, 1));
  return all;
}

/// Pieces of 1 to `longest` octets.
inline pieces random_cut(std::string_view stream, std::uint32_t seed, std::size_t longest = 40) {
  std::minstd_rand random(seed);
  pieces all;
  while (!stream.empty()) {
    all.push_back(stream.substr(0, 1 + random() % longest));
    stream.remove_prefix(all.back().size());
  }
  return all;
}

/// Whole, one octet at a time, and in two pieces at every place; for streams of up to a few thousand octets.
inline std::vector<pieces> every_cut(std::string_view stream) {
  std::vector<pieces> all{{stream}, one_octet_at_a_time(stream)};
  for (std::size_t at = 1; at < stream.size(); ++at) all.push_back({stream.substr(0, at), stream.substr(at)});
  return all;
}

}  // namespace netlab::test
