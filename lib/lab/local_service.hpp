// SPDX-License-Identifier: MIT
// A service on a free port of 127.0.0.1, in threads of this process.
#pragma once

#include "base/result.hpp"
#include "net/service.hpp"

namespace netlab::lab {

class local_service {
 public:
  /// TCP and UDP on one number. The handler must outlive it.
  [[nodiscard]] static result<std::unique_ptr<local_service>> start(net::service_handler& handler,
                                                                    net::service_limits limits);
  /// Stops it, in order if stop() was called before.
  ~local_service();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// As SIGTERM would: finishes what was begun. Returns when all is closed, at the latest at the deadline; false then.
  [[nodiscard]] asio::awaitable<bool> stop(time_point deadline);

 private:
  local_service(net::service_handler& handler, net::service_limits limits)
      : threads_(2), service_(threads_, handler, limits) {}

  net::workers threads_;
  net::service service_;
  std::uint16_t port_ = 0;
};

}  // namespace netlab::lab
