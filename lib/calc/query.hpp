// SPDX-License-Identifier: MIT
// Asking a calculation server over the network, one request or a stream of them.
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
  duration timeout = std::chrono::seconds(5);  ///< for the connection, and again for each answer
  unsigned retries = 2;                        ///< UDP; that a host is unreachable may pass, and does not end them
  std::size_t pipeline = 32;                   ///< requests under way at once
};

/// Where the requests come from. The tag comes back with the outcome.
class request_source {
 public:
  struct item {
    std::uint64_t tag = 0;
    request what;
  };
  virtual ~request_source() = default;
  /// The next request, if there is one now.
  [[nodiscard]] virtual std::optional<item> take() = 0;
  /// No more will come.
  [[nodiscard]] virtual bool finished() const = 0;
  /// Calls back, in the loop's thread, when take() or finished() may say something new.
  virtual void on_change(std::function<void()> callback) = 0;
};

/// The two ends that a request travelled between.
struct ends {
  std::string local;
  std::string remote;
};
/// Called for each request once, in the order of the answers.
using query_output = std::function<void(const outcome&, const ends&)>;

/// Sends what the source gives and reports what becomes of each. Over TCP a connection that ends behind an
/// answer is opened again for the rest. Fails where the server cannot be reached at all, or when cancelled;
/// the failure is then also that of the requests that were taken and not reported.
[[nodiscard]] asio::awaitable<result<void>> query(query_options options, request_source& source, query_output output);

/// One request and what became of it.
struct query_reply {
  outcome what;
  ends where;
};
/// Fails only where query() does; what was wrong with the answer stands in `what.value`.
[[nodiscard]] asio::awaitable<result<query_reply>> query_one(query_options options, request asked);

}  // namespace netlab::calc
