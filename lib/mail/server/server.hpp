// SPDX-License-Identifier: MIT
// The server's side of one SMTP connection (RFC 5321, 6409): login, envelopes and message content.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/machine.hpp"
#include "mail/envelope.hpp"
#include "mail/login/sasl_server.hpp"
#include "mail/server/content_scanner.hpp"
#include "mail/server/inbox.hpp"
#include "mail/server/parameters.hpp"

namespace netlab::mail {

enum class server_state : std::uint8_t {
  command,    ///< waiting for a command line
  auth,       ///< waiting for a line of a login
  slowed,     ///< delaying the answer to a failed login: busy()
  content,    ///< waiting for the content of DATA
  chunk,      ///< waiting for the octets of BDAT
  committing, ///< waiting for the inbox: busy()
  wants_tls,  ///< the caller has to start TLS, then call tls_started()
  hung,       ///< deliberately silent (a fault)
  pouring,    ///< deliberately repeating an answer without end (a fault)
  ended,
};
[[nodiscard]] std::string_view name_of(server_state state) noexcept;

/// Sends the greeting at once. Extensions: STARTTLS, AUTH, PIPELINING, SIZE, 8BITMIME, SMTPUTF8, DSN, CHUNKING,
/// ENHANCEDSTATUSCODES. Only CR LF ends a line: a command that ends in a lone LF is refused (500), and so is, after
/// its true end, a message with a lone CR or LF (554); then the session goes on.
class server : public machine {
 public:
  /// Octets of content that count as progress within server_timeouts::content, even without a line end.
  static constexpr std::uint64_t content_step = 16 * 1024;

  /// All references must outlive the server. `watch` may be null.
  server(const server_parameters& with, inbox& into, server_observer* watch, server_visitor who, time_point now);
  ~server() override;
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Without memory it sends 421 if possible, and is done; likewise in resume().
  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  [[nodiscard]] bytes take_output() override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override;
  /// Lets a message whose content has begun finish; after it, or at once, sends 421 and is done.
  void stop(time_point now) override;
  /// Sends 421 and is done, even in the middle of a message.
  void cut_off(time_point now) override;

  /// True after the 220 to STARTTLS. Plaintext received after STARTTLS ends the session.
  [[nodiscard]] bool wants_tls() const override;
  /// After STARTTLS the session starts anew (RFC 3207 §4.2). With implicit TLS this only gives the connection's
  /// facts.
  void tls_started(const tls_facts& facts, time_point now) override;

  /// True from inbox::commit() until the inbox has its outcome, and while the answer to a failed login is delayed.
  /// Input fed meanwhile is kept.
  [[nodiscard]] bool busy() const override {
    return state_ == server_state::committing || state_ == server_state::slowed;
  }
  /// Polls the inbox for its outcome.
  void resume(time_point now) override;

  [[nodiscard]] server_state state() const noexcept { return state_; }
  [[nodiscard]] const session_counts& counts() const noexcept { return counts_; }
  [[nodiscard]] const envelope& current() const noexcept { return envelope_; }

 private:
  struct parameter;
  struct command_line;

  // lines, in server.cpp
  void take(std::string_view input);
  void work(std::string_view& input);
  void drain();
  void continue_after_wait();
  void take_line(std::string_view& input);
  void on_line(std::string_view line);
  void report_command(std::string_view line, std::uint32_t which);
  [[nodiscard]] bool is_idle(std::uint32_t which) noexcept;
  void dispatch(std::uint32_t which, std::string_view arguments);
  void say(std::string_view reply);
  void say_error(std::string_view reply);
  void report_line(char who, std::string_view line) const;
  void close(std::string_view why);
  void end_without_memory() noexcept;
  void enter(server_state next) noexcept { state_ = next; }
  void arm(duration timeout) noexcept;
  void extend_session() noexcept;

  // the session, in session.cpp
  void greet();
  void on_ehlo(std::string_view arguments, bool extended);
  void say_capabilities();
  void on_starttls(std::string_view arguments);
  void on_rset(std::string_view arguments);
  void on_vrfy(std::string_view arguments);
  void on_quit(std::string_view arguments);
  [[nodiscard]] bool offers_starttls() const noexcept;
  [[nodiscard]] bool knows_auth() const noexcept;
  [[nodiscard]] bool offers_auth() const noexcept;
  [[nodiscard]] bool offers_chunking() const noexcept;
  [[nodiscard]] bool offers(mechanism which) const noexcept;
  [[nodiscard]] bool lacks_tls() const noexcept;
  [[nodiscard]] std::uint64_t size_limit() const noexcept;

  // login, in auth.cpp
  void on_auth(std::string_view arguments);
  void on_auth_line(std::string_view line);
  void go_on_with_auth(std::optional<std::string_view> response);
  void fail_auth(std::string_view reply, std::string_view why);
  void refuse_login();
  void end_slowness();
  void log_failed_login(std::string_view why);

  // envelopes, in mail.cpp
  void on_mail(std::string_view arguments);
  void on_rcpt(std::string_view arguments);
  void take_recipient(std::string_view arguments);
  [[nodiscard]] std::string_view mail_refusal() const noexcept;
  [[nodiscard]] bool set_mail_parameter(const parameter& one);
  [[nodiscard]] bool set_rcpt_parameter(const parameter& one, recipient& to);
  [[nodiscard]] std::optional<command_line> take_command_line(std::string_view arguments, std::string_view word);
  [[nodiscard]] std::optional<address> take_address(std::string_view path, bool of_sender);
  void refuse_envelope(std::string_view reply, const address* whom = nullptr);
  void forget_transaction();

  // content, in content.cpp
  [[nodiscard]] std::string_view content_refusal() const noexcept;
  [[nodiscard]] bool begin_message();
  void poll_inbox();
  void on_data(std::string_view arguments);
  void on_bdat(std::string_view arguments);
  void lose_track(std::string_view reply);
  void swallow_chunk(std::string_view reply);
  void refuse_large_chunk();
  void take_content(std::string_view& input);
  void take_chunk(std::string_view& input);
  void end_chunk();
  void append_content(std::string_view piece);
  void progress(std::string_view taken) noexcept;
  [[nodiscard]] content_rules rules_of_content() const noexcept;
  [[nodiscard]] std::string_view flaw_of_message() const noexcept;
  void end_message();
  void refuse_message(std::string_view reply);
  void accept(std::string_view id);

  // faults, in faults.cpp
  [[nodiscard]] bool inject_fault(fault_stage at, const address* now_at = nullptr);
  [[nodiscard]] bool act(const fault_plan::entry& one);
  [[nodiscard]] bool is_trickling() const noexcept { return split_ || delay_ != duration(0); }
  [[nodiscard]] bytes take_trickle();

  const server_parameters& with_;
  inbox& inbox_;
  server_observer* watch_;
  bool wants_lines_;
  server_state state_ = server_state::command;
  time_point now_;
  time_point deadline_ = never;
  time_point session_end_ = never;
  bytes output_;
  session_counts counts_;
  std::size_t idle_commands_ = 0;
  bool working_ = false;        // inside work(), from which the outcome may be reported
  bool stopping_ = false;
  bool ended_by_peer_ = false;  // while the inbox was waited for

  std::string line_;       // an incomplete line
  bool skipping_ = false;  // the line is too long
  std::string held_;       // fed while busy()

  std::optional<channel_binding> binding_;
  std::unique_ptr<sasl_server> login_;
  mechanism login_by_{};
  bool has_failed_ = false;  // the last login failed, and no known verb has come since
  std::size_t failed_logins_ = 0;

  envelope envelope_;
  bool is_greeted_ = false;        // EHLO or HELO was accepted
  bool in_transaction_ = false;    // MAIL was accepted
  bool tried_recipients_ = false;  // RCPT was sent in this transaction
  std::uint64_t refused_before_ = 0;  // refused recipients up to the last accepted message
  content_scanner scanner_;
  bool is_receiving_ = false;      // between inbox::begin() and commit() or abandon()
  bool is_last_chunk_ = false;
  bool is_swallowing_ = false;     // the chunk is discarded
  std::string chunk_reply_;        // the reply at the end of a discarded chunk
  std::uint64_t chunk_left_ = 0;
  std::uint64_t octets_ = 0;       // of the message
  std::uint64_t step_ = 0;         // octets of it since the deadline was last moved
  std::optional<failure> trouble_;  // the inbox's failure

  // Active faults.
  const fault* after_commit_ = nullptr;
  std::string_view more_words_;  // sent after the next answer
  std::string_view poured_;
  bool babbles_ = false;
  bool loses_ = false;
  bool refuses_initial_ = false;
  bool sends_odd_challenge_ = false;
  bool hides_starttls_ = false;
  bool is_small_ = false;
  bool is_lax_ = false;
  bool lies_ = false;
  bool split_ = false;
  std::size_t trickled_ = 0;  // octets of output_ that were sent
  duration delay_{};
  time_point held_back_until_ = never;
};

}  // namespace netlab::mail
