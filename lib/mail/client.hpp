// SPDX-License-Identifier: MIT
// The submission client's side of one SMTP connection (RFC 5321, 6409): messages in, what became of each out.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "base/result.hpp"
#include "mail/address.hpp"
#include "mail/capabilities.hpp"
#include "mail/message.hpp"
#include "mail/reply.hpp"
#include "mail/sasl.hpp"

namespace netlab::mail {

/// How long the server may be silent. RFC 5321 §4.5.3.2 asks for minutes, of a relay that nobody waits for.
struct patience {
  duration answer = std::chrono::minutes(1);        ///< for any answer but these
  duration message_end = std::chrono::minutes(10);  ///< for the one to a message's end: it may be scanned first
  duration quit = std::chrono::seconds(2);          ///< for the farewell, which nothing depends on
};

struct login_wish {
  std::string user;
  secret password;                    ///< or a token
  std::vector<mechanism> mechanisms;  ///< the first of them that the server offers is tried first
  std::string host;                   ///< the server's, for oauthbearer
  std::uint16_t port = 0;
  std::string nonce;                  ///< for SCRAM
};

/// Delivery status notifications (RFC 3461).
struct dsn_wish {
  std::string notify;  ///< `NEVER`, or of `SUCCESS,FAILURE,DELAY`
  std::string ret;     ///< `FULL` or `HDRS`; empty: the server's choice
};

struct client_parameters {
  std::string helo;  ///< a domain name or an address literal
  bool starttls = true;  ///< TLS is required, and begins with STARTTLS; false: it is there already, or not wanted
  std::optional<login_wish> login;
  std::optional<dsn_wish> dsn;
  bool all_or_nothing = false;  ///< a message one of whose recipients is refused is sent to none
  patience patience_for;
};

/// One message and where it goes.
struct submission {
  std::uint64_t tag = 0;          ///< the caller's own
  std::optional<address> sender;  ///< of the envelope; none: `<>`
  std::vector<address> recipients;
  /// Makes the message for this server; called once for each connection that it is tried on.
  std::function<result<composed>(server_abilities)> compose;
};

struct refusal {
  std::string recipient;
  failure why;
};

/// What became of a submission.
struct delivery {
  std::uint64_t tag = 0;
  std::string message_id;
  std::uint64_t size = 0;        ///< octets of the message
  std::size_t accepted = 0;      ///< recipients that it was sent to, if it was
  std::vector<refusal> refused;  ///< the others, each with the reason
  /// The server's word that it has the message. The failure is errc::outcome_unknown where the connection was lost
  /// after the message's end was handed over.
  result<reply> outcome;
};
using delivery_handler = std::function<void(delivery)>;

/// Hears each line of the dialogue, without its end; `who` is `C` or `S`. Secrets are masked.
using dialogue_handler = std::function<void(char who, std::string_view line)>;

enum class client_state : std::uint8_t {
  greeting,    ///< waits for 220
  ehlo,
  helo,        ///< EHLO was not understood
  starttls,
  wants_tls,   ///< the caller shall start TLS, then call tls_started()
  auth,
  mail,        ///< logged in: messages
  quit,
  ended,
};
[[nodiscard]] std::string_view name_of(client_state state) noexcept;

/// Done when TLS is to be started, when close() was called and everything was sent, or when the session has failed:
/// then session() says why. What has not been handed over by then, take_unsent() gives.
class client final : public machine {
 public:
  /// So many messages may wait for the server's word at once. More would be left in doubt when a connection breaks.
  static constexpr std::size_t max_under_way = 8;

  client(client_parameters with, delivery_handler on_delivery, dialogue_handler on_line = {});
  ~client() override;
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// The connection stands; with TLS already where there are facts.
  void start(const std::optional<tls_facts>& tls, time_point now);
  [[nodiscard]] bool wants_tls() const override { return state_ == client_state::wants_tls; }
  void tls_started(const tls_facts& tls, time_point now) override;

  void submit(submission what, time_point now);
  /// Nothing more will be submitted.
  void close(time_point now);

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  [[nodiscard]] bytes take_output() override;
  void sent(time_point now) override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override { return state_ == client_state::ended || wants_tls(); }

  /// The stream broke: as eof(), with this reason.
  void lost(failure why, time_point now);

  [[nodiscard]] client_state state() const noexcept { return state_; }
  /// Submitted, and neither reported nor given back.
  [[nodiscard]] std::size_t outstanding() const noexcept { return queue_.size() + active_.size(); }
  /// Why the session ended early; a value while it goes on, and after an orderly end.
  [[nodiscard]] const result<void>& session() const noexcept { return session_; }
  [[nodiscard]] const capabilities& server() const noexcept { return server_; }
  /// In their order, once; after done().
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
  void expect(kind what, transaction* of);
  void end_session(failure why);
  void finish_session();
  void tell(char who, std::string_view line) const;

  // messages
  void pump();
  void pump_once();
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
  delivery_handler on_delivery_;
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
  std::vector<mechanism> mechanisms_;  // still to be tried, the next one first
  std::unique_ptr<sasl> login_;
  std::vector<secret> said_;  // what credentials looked like on the wire
  bool began_with_response_ = false;
  bool was_challenged_ = false;
  std::optional<failure> cancelled_;

  std::deque<std::unique_ptr<transaction>> queue_;
  std::deque<std::unique_ptr<transaction>> active_;
  transaction* body_ = nullptr;                      // whose message is being written
  bool needs_reset_ = false;                         // the server may still hold an envelope
  bool closing_ = false;
  bool pumping_ = false;     // a handler of ours may submit from within
  bool pump_again_ = false;
  bool is_full_ = false;     // as much is under way as may be; it goes on when half of it is done
  std::vector<submission> unsent_;
};

}  // namespace netlab::mail
