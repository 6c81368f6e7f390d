// SPDX-License-Identifier: MIT
#include "base/random.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

namespace netlab {
namespace {

constexpr std::size_t most_from_stock = 64;

void draw(std::span<std::byte> to) {
  constexpr std::size_t most = std::numeric_limits<int>::max();  // RAND_bytes() takes the size as an int
  while (!to.empty()) {
    const std::size_t size = std::min(to.size(), most);
    if (RAND_bytes(reinterpret_cast<unsigned char*>(to.data()), static_cast<int>(size)) != 1)
      throw std::runtime_error("the random number generator failed");
    to = to.subspan(size);
  }
}

}  // namespace

void fill_random(std::span<std::byte> to) {
  // OpenSSL needs about as long for 16 octets as for 1024, and a batch of mail needs 16 for each message.
  thread_local std::array<std::byte, 1024> stock;
  thread_local std::size_t used = stock.size();
  if (to.size() > most_from_stock) return draw(to);
  if (to.size() > stock.size() - used) {
    draw(stock);
    used = 0;
  }
  const std::span<std::byte> taken = std::span(stock).subspan(used, to.size());
  std::ranges::copy(taken, to.begin());
  OPENSSL_cleanse(taken.data(), taken.size());
  used += taken.size();
}

std::uint64_t random_number() { return std::bit_cast<std::uint64_t>(random_octets<sizeof(std::uint64_t)>()); }

}  // namespace netlab
