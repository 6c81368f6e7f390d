// SPDX-License-Identifier: MIT
// Relays between standard input and output and a peer: TCP, TLS, or UDP.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "connect/io/relay.hpp"
#include "connect/starttls.hpp"
#include "connect/tls_report.hpp"
#include "net/dial.hpp"
#include "tls/stream.hpp"

namespace netlab::connect {

struct run_options {
  net::transport protocol = net::transport::tcp;
  std::string host;
  std::uint16_t port = 0;
  net::family restrict_to = net::family::any;
  std::optional<net::local_end> local;
  duration timeout = std::chrono::seconds(10);  ///< for connecting, each answer before TLS, and the handshake
  bool tls = false;
  std::optional<starttls_protocol> starttls;    ///< starts TLS after this negotiation
  tls::client_options trust;
  std::string sni;                              ///< empty: the host
  bool reconnect = false;                       ///< connects twice and resumes the session
  relay_options relay;
};

struct run_events {
  std::function<void(const std::string& line)> detail;
  std::function<void(const std::string& line)> warning;
  std::function<void(const tls_report& report)> report;  ///< also called if the certificate is not verified
};

/// Relays descriptors 0 and 1 until the end. Fails if the connection cannot be established (errc::not_permitted: its
/// certificate is not verified), and as relay::run() does.
[[nodiscard]] asio::awaitable<result<relay_totals>> run(run_options options, run_events events);

}  // namespace netlab::connect
