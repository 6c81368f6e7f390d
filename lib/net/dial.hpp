// SPDX-License-Identifier: MIT
// Connects sockets to a peer: tries every address of its name within one deadline.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

namespace netlab::net {

/// The local address and port of `--bind ADDR[:PORT]`. The system chooses for an unspecified address or port 0.
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

  /// From a client's options, with `local`, `restrict_to`, and `timeout`, which begins now.
  template <class Options>
  [[nodiscard]] static dial_options of(const Options& options) {
    return {.local = options.local, .restrict_to = options.restrict_to, .deadline = clock::now() + options.timeout};
  }
};

/// The peer: the host as the user named it, and those of its addresses that the options allow.
struct destination {
  std::string host;
  std::uint16_t port = 0;
  std::vector<asio::ip::address> addresses;
};

/// Resolves the host. Fails as resolve() does, or with errc::usage if no address suits the local one.
[[nodiscard]] asio::awaitable<result<destination>> find(std::string host, std::uint16_t port,
                                                        const dial_options& options);

/// Connects to the first address that answers. The next address is tried as soon as one has failed, or in parallel
/// after 250 ms (RFC 8305 §5). Sets TCP_NODELAY. The failure is `connect HOST:PORT: …`; if all addresses failed, with
/// the reason of the first.
[[nodiscard]] asio::awaitable<result<tcp::socket>> dial_tcp(destination to, dial_options options);

/// A UDP socket bound and connected to one address, so that it receives ICMP errors (RFC 1122 §4.1.3.3): the final
/// ones, or all of them with net/icmp.hpp.
[[nodiscard]] result<udp::socket> dial_udp(const asio::any_io_executor& executor, const destination& to,
                                           const asio::ip::address& address, const dial_options& options);

}  // namespace netlab::net
