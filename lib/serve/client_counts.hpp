// SPDX-License-Identifier: MIT
// Counts the clients of a service, in total and per address, so that one address cannot use up the limit.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "net/asio.hpp"

namespace netlab::serve {

/// A client's address as a number: all of an IPv4 address; the /64 network of an IPv6 address, because one host may use
/// every address in it.
[[nodiscard]] std::uint64_t source_number(const asio::ip::address& source) noexcept;

/// The limit that refused a client.
struct client_bound {
  std::size_t most = 0;
  bool is_per_address = false;
};
/// `10000 clients connected (--max-clients)`, `5000 clients from this address connected (--max-clients-per-address)`
[[nodiscard]] std::string describe(const client_bound& reached);

/// May be used from any thread.
class client_counts {
 public:
  /// Both limits must be at least 1.
  client_counts(std::size_t most, std::size_t most_per_address) : most_(most), most_per_address_(most_per_address) {}
  client_counts(const client_counts&) = delete;
  client_counts& operator=(const client_counts&) = delete;

  /// Counts as one client until it is destroyed.
  class place {
   public:
    place() = default;
    place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)), source_(other.source_) {}
    place& operator=(place&& other) noexcept {
      std::swap(of_, other.of_);
      std::swap(source_, other.source_);
      return *this;
    }
    ~place() {
      if (of_ != nullptr) of_->leave(source_);
    }
    [[nodiscard]] explicit operator bool() const noexcept { return of_ != nullptr; }

   private:
    friend class client_counts;
    place(client_counts& of, std::uint64_t source) : of_(&of), source_(source) {}
    client_counts* of_ = nullptr;
    std::uint64_t source_ = 0;
  };

  /// Counts one more client. Returns an empty place if a limit is reached, which `reached` then describes.
  [[nodiscard]] place enter(const asio::ip::address& source, client_bound& reached);
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  void leave(std::uint64_t source) noexcept;

  std::size_t most_;
  std::size_t most_per_address_;
  std::atomic<std::size_t> size_{0};
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::size_t> by_source_;
};

}  // namespace netlab::serve
