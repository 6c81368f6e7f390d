// SPDX-License-Identifier: MIT
// A service on a free port of 127.0.0.1, in threads of this process.
#pragma once

#include "base/result.hpp"
#include "net/service.hpp"

namespace netlab::lab {

struct local_service_options {
  bool udp = true;  ///< beside TCP, on the same number
  std::vector<net::tls_server_options> tls = {};  ///< what STARTTLS begins with; none: there is no TLS
};

class local_service {
 public:
  /// The handler must outlive it.
  [[nodiscard]] static result<std::unique_ptr<local_service>> start(net::service_handler& handler,
                                                                    net::service_limits limits,
                                                                    const local_service_options& how = {});
  /// Stops it, in order if stopped() was waited for.
  ~local_service();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// As SIGTERM would: accepts nobody any more, finishes what was begun. Once; from the thread of this executor.
  void begin_stop(const asio::any_io_executor& on);
  /// After that: waits until all is closed, at the latest to the deadline; false then. Fails when
  /// cancelled.
  [[nodiscard]] asio::awaitable<result<bool>> stopped(time_point deadline);

 private:
  local_service(net::service_handler& handler, net::service_limits limits)
      : threads_(2), service_(threads_, handler, limits) {}

  struct stop_state {
    explicit stop_state(const asio::any_io_executor& on) : changed(on) {}
    asio::steady_timer changed;
    bool reached = false;
  };

  net::workers threads_;
  net::service service_;
  std::uint16_t port_ = 0;
  std::shared_ptr<stop_state> stop_;
};

}  // namespace netlab::lab
