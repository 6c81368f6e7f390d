// SPDX-License-Identifier: MIT
// The client's side of one SMTP submission connection (RFC 5321, 6409): takes messages, reports the result of each.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/machine.hpp"
#include "base/result.hpp"
#include "mail/client/capabilities.hpp"
#include "mail/login/sasl.hpp"
#include "mail/message/address.hpp"
#include "mail/message/message.hpp"
#include "mail/reply.hpp"

namespace netlab::mail {

/// Timeouts for the server's answers. RFC 5321 §4.5.3.2 asks for several minutes, but with relays in mind; here a
/// user waits.
struct client_timeouts {
  duration answer = std::chrono::minutes(1);        ///< for all answers but the following
  duration message_end = std::chrono::minutes(10);  ///< for the reply to a whole message: it may be scanned first
  duration quit = std::chrono::seconds(2);          ///< for the answer to QUIT, on which nothing depends
};

struct login_parameters {
  std::string user;
  secret password;                    ///< or a token
  std::vector<mechanism> mechanisms;  ///< in order of preference; those that the server does not offer are skipped
  std::string host;                   ///< the server's name, for oauthbearer
  std::uint16_t port = 0;
  std::string nonce;                  ///< for SCRAM
};

/// Delivery status notifications (RFC 3461).
struct dsn_parameters {
  std::string notify;  ///< `NEVER`, or a list of `SUCCESS`, `FAILURE`, `DELAY`
  std::string ret;     ///< `FULL` or `HDRS`; empty: the server decides
};

struct client_parameters {
  std::string helo;  ///< a domain name or an address literal
  bool starttls = true;  ///< TLS is required, by STARTTLS; false: it is on already, or not wanted
  std::optional<login_parameters> login;
  std::optional<dsn_parameters> dsn;
  bool all_or_nothing = false;  ///< if one recipient is refused, the message is sent to none
  client_timeouts timeouts;
};

/// One message and its envelope.
struct submission {
  std::uint64_t tag = 0;          ///< for the caller's use
  std::optional<address> sender;  ///< the envelope's sender; none: `<>`
  std::vector<address> recipients;
  /// Composes the message for this server's abilities; called at most once per connection on which it is tried.
  std::function<result<composed>(server_abilities)> compose;
  /// The message as composed already, for the first server that it suits.
  std::optional<composed> ready = {};
};

struct refusal {
  std::string recipient;
  failure why;
};

/// The result of a submission.
struct delivery {
  std::uint64_t tag = 0;
  std::string message_id;
  std::uint64_t size = 0;        ///< octets of the message
  std::size_t accepted = 0;      ///< recipients to which the message was sent; 0 if it was not sent
  std::vector<refusal> refused;  ///< the other recipients, each with the reason
  /// The reply by which the server took responsibility for the message. Fails with errc::outcome_unknown if the
  /// connection was lost after the end of the message was passed on for sending.
  result<reply> outcome;
};

/// Called for each line of the dialogue, without its line end; `who` is `C` or `S`. Secrets are masked.
using dialogue_handler = std::function<void(char who, std::string_view line)>;

enum class client_state : std::uint8_t {
  greeting,    ///< waiting for 220
  ehlo,
  helo,        ///< after the server rejected EHLO
  starttls,
  wants_tls,   ///< the caller has to start TLS, then call tls_started()
  auth,
  mail,        ///< logged in, if a login was asked for; messages are sent
  quit,
  ended,
};
[[nodiscard]] std::string_view name_of(client_state state) noexcept;

/// Done when TLS has to be started, when everything was sent after close(), or when the session has failed: then
/// session() has the reason, and take_unsent() returns the messages that were not sent.
class client final : public machine {
 public:
  /// Messages that may await the server's reply at once. With more, a lost connection would leave more outcomes
  /// unknown.
  static constexpr std::size_t max_under_way = 8;

  explicit client(client_parameters with, dialogue_handler on_line = {});
  ~client() override;
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// The connection is established; `tls` has a value if it uses TLS already.
  void start(const std::optional<tls_facts>& tls, time_point now);
  [[nodiscard]] bool wants_tls() const override { return state_ == client_state::wants_tls; }
  void tls_started(const tls_facts& tls, time_point now) override;

  void submit(submission message, time_point now);
  /// No more messages will be submitted.
  void close(time_point now);

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  [[nodiscard]] bytes take_output() override;
  void sent(time_point now) override;
  /// The results since the last call, in the order in which they became known; each is returned once.
  [[nodiscard]] std::vector<delivery> take_deliveries() { return std::exchange(deliveries_, {}); }
  /// While there are deliveries to take: now.
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return state_ == client_state::ended || wants_tls(); }

  /// The connection broke: like eof(), for the reason `why`.
  void lost(failure why, time_point now);

  [[nodiscard]] client_state state() const noexcept { return state_; }
  /// Messages submitted, but neither returned by take_deliveries() nor left for take_unsent().
  [[nodiscard]] std::size_t outstanding() const noexcept { return queue_.size() + active_.size() + deliveries_.size(); }
  /// Why the session ended early; no failure while it goes on or after it was closed in order.
  [[nodiscard]] const result<void>& session() const noexcept { return session_; }
  [[nodiscard]] const capabilities& server() const noexcept { return server_; }
  /// In the order of submission; call it once, after done().
  [[nodiscard]] std::vector<submission> take_unsent();

 private:
  struct transaction;
  struct expectation;
  enum class kind : std::uint8_t { greeting, ehlo, helo, starttls, auth, mail, rcpt, data, end, rset, quit };

  // the session
  void on_reply(const reply& answer);
  void on_greeting(const reply& answer);
  void on_ehlo(const reply& answer);
  void on_starttls(const reply& answer);
  void after_ehlo();
  void begin_auth();
  void try_mechanism(bool with_initial_response);
  void on_auth(const reply& answer);
  void on_challenge(const reply& answer);
  void cancel_auth(failure why);
  void become_ready();
  void enter(client_state next);
  void command(std::string_view line, kind expects, transaction* of = nullptr);
  [[nodiscard]] std::string without_secrets(std::string text) const;
  void say_secret(std::string_view shown, std::string_view prefix, const secret& message, kind expects);
  void expect(kind type, transaction* of);
  void end_session(failure why);
  void finish_session();
  void report_line(char who, std::string_view line) const;
  [[nodiscard]] std::optional<time_point> answer_deadline() const;

  // messages
  void pump();
  [[nodiscard]] bool start_next();
  [[nodiscard]] bool may_start_next();
  void advance_envelope(transaction& one);
  void after_envelope(transaction& one);
  [[nodiscard]] std::string mail_line(const transaction& one) const;
  [[nodiscard]] std::string rcpt_line(const address& to) const;
  void make(transaction& one) const;
  [[nodiscard]] bool refuse_locally(transaction& one);
  void begin_body(transaction& one);
  void write_body();
  void on_mail_reply(transaction& one, const reply& answer);
  void on_rcpt_reply(transaction& one, const reply& answer);
  void on_data_reply(transaction& one, const reply& answer);
  void on_end_reply(transaction& one, const reply& answer);
  void finish(transaction& one, result<reply> outcome);
  void end_in_disorder(transaction& one, failure why);
  [[nodiscard]] failure envelope_failure(const transaction& one) const;

  client_parameters with_;
  dialogue_handler on_line_;
  client_state state_ = client_state::greeting;
  result<void> session_;
  reply_parser replies_;
  capabilities server_;
  bytes output_;
  std::deque<expectation> expected_;
  time_point now_{};
  time_point waiting_since_{};

  bool secured_ = false;
  std::optional<channel_binding> binding_;
  std::vector<mechanism> mechanisms_;  // not tried yet, the next one first
  std::unique_ptr<sasl> login_;
  std::vector<secret> said_;  // credentials as they were sent, to be masked
  bool began_with_response_ = false;
  bool was_challenged_ = false;
  std::optional<failure> cancelled_;

  std::deque<std::unique_ptr<transaction>> queue_;
  std::deque<std::unique_ptr<transaction>> active_;
  transaction* body_ = nullptr;                      // the one whose message is being written
  bool needs_reset_ = false;                         // the server may still hold an envelope
  bool closing_ = false;
  bool is_full_ = false;     // the pipeline is full; it is filled again when half of it is done
  std::vector<delivery> deliveries_;
  std::vector<submission> unsent_;
};

}  // namespace netlab::mail
