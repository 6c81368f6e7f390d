// SPDX-License-Identifier: MIT
// Sockets to a peer: every address of its name is tried, within one deadline.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

namespace netlab::net {

/// The local end, as `--bind ADDR[:PORT]` gives it. An unspecified address or port 0 is the system's choice.
struct local_end {
  asio::ip::address address;
  std::uint16_t port = 0;
};

/// `192.0.2.1`, `192.0.2.1:4000`, `[::1]:4000`, `:4000`. Fails with errc::usage.
[[nodiscard]] result<local_end> parse_local_end(std::string_view text);

struct dial_options {
  std::optional<local_end> local;
  family restrict_to = family::any;
  time_point deadline = never;
};

/// Where to go: the host as the user named it, and its addresses that the options allow.
struct destination {
  std::string host;
  std::uint16_t port = 0;
  std::vector<asio::ip::address> addresses;
};

/// Resolves the host. Fails as resolve() does, or with errc::usage where no address fits the local end.
[[nodiscard]] asio::awaitable<result<destination>> find(std::string host, std::uint16_t port,
                                                        const dial_options& options);

/// Connects to the first address that answers; the next one is tried as soon as one has failed, or after
/// 250 ms beside it (RFC 8305 §5). TCP_NODELAY is set. The failure is `connect HOST:PORT: …`, with the
/// first address's reason where all failed.
[[nodiscard]] asio::awaitable<result<tcp::socket>> dial_tcp(destination to, dial_options options);

/// A datagram socket bound and connected to one address, so that ICMP errors come back (RFC 1122 §4.1.3.3):
/// those that are final, or all of them with net/icmp.hpp.
[[nodiscard]] result<udp::socket> dial_udp(const asio::any_io_executor& executor, const destination& to,
                                           const asio::ip::address& address, const dial_options& options);

}  // namespace netlab::net
