// SPDX-License-Identifier: MIT
// All of netlab includes Asio through this header, which hides the differences between versions 1.22 and 1.38.
#pragma once

#include <exception>
#include <system_error>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/version.hpp>
#include <asio/write.hpp>

#if ASIO_VERSION >= 102400
#include <asio/as_tuple.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#endif

#include "base/error.hpp"

namespace netlab::net {

using asio::ip::tcp;
using asio::ip::udp;

/// `auto [error, size] = co_await socket.async_read_some(buffer, use_tuple);`: no exceptions from I/O.
#if ASIO_VERSION >= 102400
inline constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
#else
inline constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);
#endif

/// Whether an operation failed because it was cancelled: by its owner, by net::expiry or by a signal.
[[nodiscard]] inline bool is_cancelled(const std::error_code& error) noexcept {
  return to_standard(error) == std::errc::operation_canceled;
}

/// Whether a coroutine was cancelled: `is_cancelled(co_await asio::this_coro::cancellation_state)`. This is possible
/// even after an operation that succeeded, because cancellation does not affect what has completed already.
[[nodiscard]] inline bool is_cancelled(const asio::cancellation_state& state) noexcept {
  return state.cancelled() != asio::cancellation_type::none;
}

/// For co_spawn without a waiter: an exception leaves through run() and is not lost.
inline constexpr auto rethrow = [](const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
};

}  // namespace netlab::net
