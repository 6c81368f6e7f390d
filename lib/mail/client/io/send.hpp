// SPDX-License-Identifier: MIT
// Sends messages over the network, on one connection or several.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "mail/client/client.hpp"
#include "net/dial.hpp"
#include "tls/stream.hpp"

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
  tls::client_options trust;
  std::string helo;  ///< empty: the connection's local address as a literal
  std::string user;  ///< empty: no login
  secret password;
  std::vector<mechanism> mechanisms;
  std::optional<dsn_parameters> dsn;
  bool all_or_nothing = false;
  duration timeout = std::chrono::minutes(1);    ///< for connecting, for TLS, and for each answer
  duration end_timeout = std::chrono::minutes(10);  ///< for the answer to the end of a message
  duration max_time = std::chrono::hours(1);     ///< per message, connecting included
  unsigned parallel = 1;                         ///< connections
};

/// Supplies the messages. A message's tag is returned in its delivery.
class submission_source {
 public:
  virtual ~submission_source() = default;
  /// The next message, if one is available now.
  [[nodiscard]] virtual std::optional<submission> take() = 0;
  /// True if no more will come.
  [[nodiscard]] virtual bool finished() const = 0;
  /// Sets a callback for when take() or finished() may return something new; it is called in the loop's thread.
  virtual void on_change(std::function<void()> callback) = 0;
};

/// A source of one message.
class single_submission final : public submission_source {
 public:
  explicit single_submission(submission only) : submission_(std::move(only)) {}
  std::optional<submission> take() override { return std::exchange(submission_, std::nullopt); }
  [[nodiscard]] bool finished() const override { return !submission_; }
  void on_change(std::function<void()>) override {}

 private:
  std::optional<submission> submission_;
};

using delivery_handler = std::function<void(delivery)>;

/// Callbacks during sending.
struct send_observer {
  delivery_handler delivered;  ///< called once per message, as soon as its result is known
  dialogue_handler line;       ///< called for each line of the SMTP dialogue; may be null
  /// Called after each TLS handshake; may be null.
  std::function<void(const tls::stream& stream)> secured;
};

/// Sends the messages of the source. If a connection ends after a message, a new one is opened for the rest. Fails if
/// the server cannot be reached or refuses every session, or if cancelled; messages that were taken but not reported
/// have then failed with this failure, too.
[[nodiscard]] asio::awaitable<result<void>> send(send_options options, submission_source& source,
                                                 send_observer observer);

}  // namespace netlab::mail
