// SPDX-License-Identifier: MIT
// Names looked up in a thread of its own, so that one can go on with those that are known.
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

  /// Begins at once; for each host what resolve() says, by the deadline. Throws std::system_error where there is no
  /// thread to be had.
  background_resolver(std::vector<std::string> hosts, family which, time_point deadline);
  /// What is still looked up is given up.
  ~background_resolver();
  background_resolver(const background_resolver&) = delete;
  background_resolver& operator=(const background_resolver&) = delete;

  /// Waits until all hosts are known, or until then, but in any case for the first `needed` of them. Fails with
  /// operation_canceled.
  [[nodiscard]] asio::awaitable<result<void>> wait(time_point until, std::size_t needed = 0);

  /// What is known by now, in the order of the hosts. From any thread.
  [[nodiscard]] std::vector<std::optional<outcome>> known() const;

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
  asio::io_context loop_{1};
  std::thread thread_;
};

}  // namespace netlab::net
