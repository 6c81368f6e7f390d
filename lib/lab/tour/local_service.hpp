// SPDX-License-Identifier: MIT
// A service on a free port of 127.0.0.1, in threads of this process.
#pragma once

#include "base/result.hpp"
#include "serve/service.hpp"

namespace netlab::lab {

struct local_service_options {
  bool udp = true;  ///< UDP in addition to TCP, on the same port number
  std::vector<tls::server_options> tls = {};  ///< identities for STARTTLS; none: no TLS
};

class local_service {
 public:
  /// The handler must outlive it.
  [[nodiscard]] static result<std::unique_ptr<local_service>> start(serve::servable& handler,
                                                                    const local_service_options& options = {});
  /// Stops the service: gracefully if stopped() was awaited.
  ~local_service();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Starts a graceful shutdown, as SIGTERM would. Call it once, in the thread of this executor.
  void begin_stop(const asio::any_io_executor& on);
  /// Call it after begin_stop(): waits until all connections are closed. False: not before the deadline. Fails when
  /// cancelled.
  [[nodiscard]] asio::awaitable<result<bool>> stopped(time_point deadline);

 private:
  explicit local_service(serve::servable& handler) : threads_(2), engine_(handler.run_on(threads_, handler.limits())) {}

  struct stop_state {
    explicit stop_state(const asio::any_io_executor& on) : changed(on) {}
    asio::steady_timer changed;
    bool reached = false;
  };

  serve::workers threads_;
  std::unique_ptr<serve::engine> engine_;
  std::uint16_t port_ = 0;
  std::shared_ptr<stop_state> stop_;
};

}  // namespace netlab::lab
