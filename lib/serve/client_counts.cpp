// SPDX-License-Identifier: MIT
#include "serve/client_counts.hpp"

#include <cstring>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::serve {

std::uint64_t source_number(const asio::ip::address& source) noexcept {
  if (source.is_v4()) return source.to_v4().to_uint();
  const auto octets = source.to_v6().to_bytes();
  std::uint64_t network = 0;
  std::memcpy(&network, octets.data(), sizeof network);
  return network;
}

std::string describe(const client_bound& reached) {
  return fmt::format("{}{} connected ({})", count_of(reached.most, "client"),
                     reached.is_per_address ? " from this address" : "",
                     reached.is_per_address ? "--max-clients-per-address" : "--max-clients");
}

client_counts::place client_counts::enter(const asio::ip::address& source, client_bound& reached) {
  const std::uint64_t number = source_number(source);
  const std::lock_guard lock(mutex_);
  std::size_t& from_there = by_source_[number];
  if (size_ >= most_) {
    reached = {.most = most_, .is_per_address = false};
  } else if (from_there >= most_per_address_) {
    reached = {.most = most_per_address_, .is_per_address = true};
  } else {
    ++from_there;
    ++size_;
    return {*this, number};
  }
  if (from_there == 0) by_source_.erase(number);
  return {};
}

void client_counts::leave(std::uint64_t source) noexcept {
  const std::lock_guard lock(mutex_);
  --size_;
  const auto at = by_source_.find(source);
  if (--at->second == 0) by_source_.erase(at);
}

}  // namespace netlab::serve
