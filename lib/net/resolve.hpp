// SPDX-License-Identifier: MIT
// Names to addresses, with a deadline that holds even where the name service hangs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

namespace netlab::net {

/// Every address of a host in the order of getaddrinfo(3) (RFC 6724), none twice, never an empty list.
/// An address in figures needs no name service; a name outside ASCII is looked up in A-labels (to_ascii_domain()).
/// Fails with errc::no_such_host, errc::resolver_failed, errc::timed_out; the context is `resolve HOST`. And with
/// errc::usage, as check_interface() does.
[[nodiscard]] asio::awaitable<result<std::vector<asio::ip::address>>> resolve(std::string host, family which,
                                                                              time_point deadline);

/// Several hosts side by side, so that one name without an answer holds up no other, all within one deadline: for each,
/// in their order, what resolve() says of it. When cancelled, those not known by then fail with operation_canceled.
/// `found`, which may be empty, is told of each as soon as it is known, by its place in the list.
[[nodiscard]] asio::awaitable<std::vector<result<std::vector<asio::ip::address>>>> resolve_all(
    std::vector<std::string> hosts, family which, time_point deadline,
    std::function<void(std::size_t, const result<std::vector<asio::ip::address>>&)> found = {});

}  // namespace netlab::net
