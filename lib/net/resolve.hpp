// SPDX-License-Identifier: MIT
// Names to addresses, with a deadline that holds even where the name service hangs.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

namespace netlab::net {

/// Every address of a host in the order of getaddrinfo(3) (RFC 6724), none twice, never an empty list.
/// An address in figures needs no name service. Fails with errc::no_such_host, errc::resolver_failed,
/// errc::timed_out; the context is `resolve HOST`.
[[nodiscard]] asio::awaitable<result<std::vector<asio::ip::address>>> resolve(std::string host, family which,
                                                                              time_point deadline);

}  // namespace netlab::net
