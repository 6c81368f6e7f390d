// SPDX-License-Identifier: MIT
// Looks names up in a thread of its own, so that the caller can continue with the names that are known.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

namespace netlab::net {

class background_resolver {
 public:
  using outcome = result<std::vector<asio::ip::address>>;

  /// Starts at once. Calls resolve() for each host, with one deadline for all. Throws std::system_error if no thread
  /// can be created.
  background_resolver(std::vector<std::string> hosts, family which, time_point deadline);
  /// Abandons the look-ups that have not finished.
  ~background_resolver();
  background_resolver(const background_resolver&) = delete;
  background_resolver& operator=(const background_resolver&) = delete;

  /// Waits until all hosts are known or until `until`, but always for the first `needed` hosts. Fails with
  /// operation_canceled.
  [[nodiscard]] asio::awaitable<result<void>> wait(time_point until, std::size_t needed = 0);

  /// The outcomes known so far, in the order of the hosts. May be called from any thread.
  [[nodiscard]] std::vector<std::optional<outcome>> known() const;

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
  asio::io_context loop_{1};
  std::thread thread_;
};

}  // namespace netlab::net
