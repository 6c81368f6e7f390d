// SPDX-License-Identifier: MIT
// Sending over the network: one message or a stream of them, over one connection or several.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "mail/client.hpp"
#include "net/dial.hpp"
#include "net/tls.hpp"

namespace netlab::mail {

enum class tls_mode : std::uint8_t {
  starttls,
  implicit,
  none,
};

struct send_options {
  std::string host;
  std::uint16_t port = 587;
  net::family restrict_to = net::family::any;
  tls_mode tls = tls_mode::starttls;
  net::tls_client_options trust;
  std::string helo;  ///< empty: the literal of the connection's local address
  std::string user;  ///< empty: no login
  secret password;
  std::vector<mechanism> mechanisms;
  std::optional<dsn_wish> dsn;
  bool all_or_nothing = false;
  duration timeout = std::chrono::minutes(1);    ///< for the connection, for TLS, and again for each answer
  duration end_timeout = std::chrono::minutes(10);  ///< for the answer to a message's end
  duration max_time = std::chrono::hours(1);     ///< for each message all in all, connection included
  unsigned parallel = 1;                         ///< connections
};

/// Where the messages come from. The tag comes back with the delivery.
class submission_source {
 public:
  virtual ~submission_source() = default;
  /// The next message, if there is one now.
  [[nodiscard]] virtual std::optional<submission> take() = 0;
  /// No more will come.
  [[nodiscard]] virtual bool finished() const = 0;
  /// Calls back, in the loop's thread, when take() or finished() may say something new.
  virtual void on_change(std::function<void()> callback) = 0;
};

/// One message, and no more.
class single_submission final : public submission_source {
 public:
  explicit single_submission(submission what) : what_(std::move(what)) {}
  std::optional<submission> take() override { return std::exchange(what_, std::nullopt); }
  [[nodiscard]] bool finished() const override { return !what_; }
  void on_change(std::function<void()>) override {}

 private:
  std::optional<submission> what_;
};

/// What is told while it goes on.
struct send_observer {
  delivery_handler delivered;  ///< for each message once, as soon as it is known
  dialogue_handler line;       ///< may be missing
  /// TLS stands on a connection; may be missing.
  std::function<void(const net::tls_stream& stream)> secured;
};

/// Sends what the source gives. A connection that ends behind a message is opened again for the rest. Fails where the
/// server cannot be reached, lets nobody in, or when cancelled; the failure is then also that of the messages that were
/// taken and not reported.
[[nodiscard]] asio::awaitable<result<void>> send(send_options options, submission_source& source,
                                                 send_observer observer);

}  // namespace netlab::mail
