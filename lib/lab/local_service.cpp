// SPDX-License-Identifier: MIT
#include "lab/local_service.hpp"

namespace netlab::lab {

result<std::unique_ptr<local_service>> local_service::start(net::service_handler& handler, net::service_limits limits) {
  std::unique_ptr<local_service> started(new local_service(handler, limits));
  auto sockets = net::listen({.addresses = {asio::ip::address_v4::loopback()},
                              .tcp = true,
                              .udp = true,
                              .sockets_each = started->threads_.size()});
  if (!sockets) return unexpected(sockets.error());
  started->port_ = sockets->front().port;
  started->service_.start(std::move(*sockets));
  started->threads_.start();
  return started;
}

local_service::~local_service() { threads_.join(); }

asio::awaitable<bool> local_service::stop(time_point deadline) {
  // The service calls back in a thread of its own, perhaps after this coroutine has gone.
  auto done = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, deadline);
  service_.stop([done] { asio::post(done->get_executor(), [done] { done->cancel(); }); });
  const auto [error] = co_await done->async_wait(net::use_tuple);
  co_return error == asio::error::operation_aborted;
}

}  // namespace netlab::lab
