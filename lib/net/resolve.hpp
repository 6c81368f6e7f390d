// SPDX-License-Identifier: MIT
// Resolves names with a deadline, which holds even if the name service hangs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

namespace netlab::net {

/// Every address of a host, without duplicates, in the order of getaddrinfo(3) (RFC 6724); never an empty list. A
/// numeric address needs no name service; a name that is not ASCII is looked up in A-labels (to_ascii_domain()). Fails
/// with errc::no_such_host, errc::resolver_failed, errc::timed_out (the context is `resolve HOST`), and with
/// errc::usage as check_interface() does.
[[nodiscard]] asio::awaitable<result<std::vector<asio::ip::address>>> resolve(std::string host, family which,
                                                                              time_point deadline);

/// Resolves several hosts in parallel within one deadline, so that a name without an answer does not delay the others.
/// Returns the results of resolve() in the order of the hosts. After cancellation, hosts not yet known fail with
/// operation_canceled. `found`, which may be empty, is called with the index and result of each host as soon as it is
/// known.
[[nodiscard]] asio::awaitable<std::vector<result<std::vector<asio::ip::address>>>> resolve_all(
    std::vector<std::string> hosts, family which, time_point deadline,
    std::function<void(std::size_t, const result<std::vector<asio::ip::address>>&)> found = {});

}  // namespace netlab::net
