// SPDX-License-Identifier: MIT
// The server's side of one SMTP connection (RFC 5321, 6409): who may send what to whom, and the messages that come.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/machine.hpp"
#include "mail/content_scanner.hpp"
#include "mail/envelope.hpp"
#include "mail/inbox.hpp"
#include "mail/sasl_server.hpp"
#include "mail/server_parameters.hpp"

namespace netlab::mail {

enum class server_state : std::uint8_t {
  command,    ///< waits for a line
  auth,       ///< for a line of a login
  content,    ///< for the content of DATA
  chunk,      ///< for the octets of BDAT
  committing, ///< for the inbox: busy()
  wants_tls,  ///< the caller shall start TLS, then call tls_started()
  hung,       ///< says nothing more, on purpose
  pouring,    ///< says the same for ever, on purpose
  ended,
};
[[nodiscard]] std::string_view name_of(server_state state) noexcept;

/// Greets at once. Extensions: STARTTLS, AUTH, PIPELINING, SIZE, 8BITMIME, SMTPUTF8, DSN, CHUNKING,
/// ENHANCEDSTATUSCODES. Lines end in CR LF and in nothing else: a command that ends in a lone LF is refused (500), a
/// message with a lone CR or LF in it too (554), behind its true end; then the session goes on.
class server final : public machine {
 public:
  /// So much of a message within server_patience::content is progress.
  static constexpr std::uint64_t content_step = 16 * 1024;

  /// All that is referred to outlives it. `watch` may be null.
  server(const server_parameters& with, inbox& into, server_observer* watch, server_visitor who, time_point now);
  ~server() override;
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  void feed(bytes_view from_peer, time_point now) override;
  void eof(time_point now) override;
  void tick(time_point now) override;
  [[nodiscard]] bytes take_output() override;
  [[nodiscard]] std::optional<time_point> deadline() const override;
  [[nodiscard]] bool done() const override;
  /// A message whose content has begun may be finished; then, or at once, 421 and done.
  void stop(time_point now) override;

  /// Behind the 220 to STARTTLS. Octets that come behind STARTTLS in clear end the session.
  [[nodiscard]] bool wants_tls() const;
  /// The session begins anew (RFC 3207 §4.2). `tls`: for envelope::tls, where it is known.
  void tls_started(time_point now);
  void describe_tls(std::string words) { envelope_.tls = std::move(words); }

  /// Between inbox::commit() and committed(). What is fed meanwhile is kept.
  [[nodiscard]] bool busy() const { return state_ == server_state::committing; }
  /// Asks the inbox for the outcome.
  void resume(time_point now);
  /// What became of the message that was given to commit(): its name, or why not. Nothing where none was.
  void committed(result<std::string> queue_id, time_point now);

  [[nodiscard]] server_state state() const noexcept { return state_; }
  [[nodiscard]] const session_counts& counts() const noexcept { return counts_; }
  [[nodiscard]] const envelope& current() const noexcept { return envelope_; }

 private:
  struct parameter;

  // lines
  void work(std::string_view& input);
  void take_line(std::string_view& input);
  void on_line(std::string_view line, bool has_cr);
  void dispatch(std::string_view line);
  void say(std::string_view reply);
  void say_error(std::string_view reply);
  void say_refusal(std::string_view reply);
  void close(std::string_view why);
  void say_and_close(std::string_view reply, std::string_view why);
  void enter(server_state next) noexcept { state_ = next; }
  void heard(std::string_view line);
  void arm(duration patience) noexcept;
  [[nodiscard]] bool is_clean(std::string_view arguments);

  // the session
  void greet();
  void on_ehlo(std::string_view arguments, bool extended);
  void say_capabilities();
  void on_starttls(std::string_view arguments);
  void on_rset(std::string_view arguments);
  void on_noop();
  void on_vrfy(std::string_view arguments);
  void on_help();
  void on_quit(std::string_view arguments);
  [[nodiscard]] bool offers_starttls() const noexcept;
  [[nodiscard]] bool offers_auth() const noexcept;
  [[nodiscard]] std::uint64_t size_limit() const noexcept;
  [[nodiscard]] bool may_go_on(std::string_view verb);

  // login
  void on_auth(std::string_view arguments);
  void on_auth_line(std::string_view line);
  void go_on_with_auth(std::optional<std::string_view> response);
  void end_auth(std::string_view reply, std::string_view why);

  // messages
  void on_mail(std::string_view arguments);
  void on_rcpt(std::string_view arguments);
  [[nodiscard]] bool set_mail_parameter(const parameter& one);
  [[nodiscard]] bool set_rcpt_parameter(const parameter& one, recipient& to);
  [[nodiscard]] std::optional<address> take_path(std::string_view path, bool of_sender, bool utf8);
  [[nodiscard]] bool is_ready_for_content();
  [[nodiscard]] bool begin_message();
  void on_data(std::string_view arguments);
  void on_bdat(std::string_view arguments);
  void take_content(std::string_view& input);
  void take_chunk(std::string_view& input);
  void end_chunk();
  void append_content(std::string_view piece);
  void progress(std::size_t octets) noexcept;
  void end_message();
  void refuse_message(std::string_view reply);
  void abandon_message();
  void forget_transaction() noexcept;
  void after_message();

  // faults
  [[nodiscard]] bool strike(fault_stage at, const address* now_at = nullptr);
  [[nodiscard]] bool act(const fault_plan::entry& one);

  const server_parameters& with_;
  inbox& inbox_;
  server_observer* watch_;
  bool wants_lines_;
  server_state state_ = server_state::command;
  time_point now_;
  time_point deadline_ = never;
  time_point session_end_;
  bytes output_;
  session_counts counts_;
  std::size_t idle_commands_ = 0;
  std::string_view why_ended_;
  bool working_ = false;    // within work(): committed() may be called from there
  bool stopping_ = false;
  bool ended_by_peer_ = false;  // while the inbox is waited for

  std::string line_;        // a line that is not whole yet
  bool skipping_ = false;   // it is too long
  std::string held_;        // fed while busy

  std::unique_ptr<sasl_server> login_;
  mechanism login_by_{};

  envelope envelope_;
  bool greeted_ = false;        // EHLO or HELO was said
  bool in_transaction_ = false; // MAIL was accepted
  bool tried_recipients_ = false;
  content_scanner scanner_;
  bool receiving_ = false;      // inbox::begin() has been called, and neither commit() nor abandon()
  bool chunked_ = false;        // by BDAT
  bool last_chunk_ = false;
  std::uint64_t chunk_left_ = 0;
  std::string chunk_reply_;     // it is thrown away, and this is said at its end
  std::uint64_t octets_ = 0;    // of the message
  std::uint64_t step_ = 0;      // of it since the deadline was last moved
  std::optional<failure> trouble_;  // the inbox's

  bool lose_ = false;           // faults that are under way
  const fault* after_commit_ = nullptr;
  bool hide_starttls_ = false;
  bool small_size_ = false;
  bool lie_ = false;
  bool split_ = false;
  duration delay_{};
  time_point held_back_until_ = never;
  std::string_view poured_;
};

}  // namespace netlab::mail
