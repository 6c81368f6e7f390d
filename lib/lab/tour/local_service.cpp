// SPDX-License-Identifier: MIT
#include "lab/tour/local_service.hpp"

namespace netlab::lab {

result<std::unique_ptr<local_service>> local_service::start(serve::servable& handler,
                                                            const local_service_options& options) {
  std::unique_ptr<local_service> started(new local_service(handler));
  if (!options.tls.empty())
    if (auto ready = started->engine_->use_tls(options.tls, false); !ready) return unexpected(ready.error());
  auto sockets = serve::listen({.addresses = {asio::ip::address_v4::loopback()},
                                .tcp = true,
                                .udp = options.udp,
                                .sockets_each = started->threads_.size()});
  if (!sockets) return unexpected(sockets.error());
  started->port_ = sockets->front().port;
  started->engine_->start(*sockets);
  started->threads_.start();
  return started;
}

local_service::~local_service() { threads_.join(); }

void local_service::begin_stop(const asio::any_io_executor& on) {
  stop_ = std::make_shared<stop_state>(on);
  // The service calls this in a thread of its own, possibly after the waiting coroutine has gone.
  engine_->stop([stop = stop_] {
    asio::post(stop->changed.get_executor(), [stop] {
      stop->reached = true;
      stop->changed.cancel();
    });
  });
}

asio::awaitable<result<bool>> local_service::stopped(time_point deadline) {
  const auto stop = stop_;
  if (!stop->reached) {
    stop->changed.expires_at(deadline);
    const auto [error] = co_await stop->changed.async_wait(net::use_tuple);
    if (error && !stop->reached) co_return fail(error, "stop a service");
  }
  co_return stop->reached;
}

}  // namespace netlab::lab
