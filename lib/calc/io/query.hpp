// SPDX-License-Identifier: MIT
// Queries a calculation server over the network, with one request or a stream of requests.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "calc/client.hpp"
#include "net/dial.hpp"

namespace netlab::calc {

struct query_options {
  net::transport protocol = net::transport::tcp;
  std::string host = "127.0.0.1";
  std::uint16_t port = 50000;
  net::family restrict_to = net::family::any;
  std::optional<net::local_end> local;
  byte_order order = byte_order::big;
  duration timeout = std::chrono::seconds(5);  ///< for connecting, and for each answer
  unsigned retries = 2;                        ///< UDP retransmissions; ICMP "unreachable" errors do not end them
  std::size_t pipeline = 32;                   ///< the most requests in flight
};

/// Has the requests, and gets the outcome of each.
class requester {
 public:
  struct item {
    std::uint64_t tag = 0;
    request asked;
  };
  virtual ~requester() = default;
  /// The next request, if one is available now.
  [[nodiscard]] virtual std::optional<item> take() = 0;
  /// True if there will be no more requests.
  [[nodiscard]] virtual bool finished() const = 0;
  /// `callback` is called in the loop's thread when take() or finished() may return something new.
  virtual void on_change(std::function<void()> callback) = 0;
  /// Called once for each request, in the order of the answers; the outcome has the tag of its request.
  virtual void report(const outcome& answer, const net::ends& where) = 0;
};

/// Sends the user's requests and reports their outcomes. If a TCP connection ends after an answer, it is reopened for
/// the remaining requests. Fails if the server cannot be reached at all, or when cancelled; requests that were taken
/// but not reported have failed likewise.
[[nodiscard]] asio::awaitable<result<void>> query(query_options options, requester& user);

/// One request and its outcome.
struct query_reply {
  outcome answer;
  net::ends where;
};
/// Fails only when query() does; a failure of the request itself is in `answer.value`.
[[nodiscard]] asio::awaitable<result<query_reply>> query_one(query_options options, request asked);

}  // namespace netlab::calc
