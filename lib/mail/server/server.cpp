// SPDX-License-Identifier: MIT
// Splits input into lines and commands; timeouts; shutdown. The other files of this directory have the commands.
#include "mail/server/server.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t first_output = 512;  // octets of a usual batch of answers

// A verb's first 4 letters, in capitals, as one number; longer verbs (STARTTLS) are cut.
constexpr std::uint32_t verb(std::string_view letters) noexcept {
  std::uint32_t value = 0;
  for (const char c : letters.substr(0, 4))
    value = value << 8 | static_cast<unsigned char>(c >= 'a' && c <= 'z' ? c - 0x20 : c);
  return value;
}

/// The number of `word` if it is a known verb, else 0.
constexpr std::uint32_t verb_of(std::string_view word) noexcept {
  if (word.size() == 8) return verb(word) == verb("STAR") && verb(word.substr(4)) == verb("TTLS") ? verb("STAR") : 0;
  if (word.size() != 4) return 0;
  const std::uint32_t which = verb(word);
  for (const std::string_view known :
       {"MAIL", "RCPT", "DATA", "BDAT", "EHLO", "RSET", "QUIT", "NOOP", "AUTH", "HELO", "VRFY", "HELP", "EXPN"})
    if (which == verb(known)) return which;
  return 0;
}

}  // namespace

std::string_view name_of(server_state state) noexcept {
  switch (state) {
    case server_state::command: return "command";
    case server_state::auth: return "AUTH";
    case server_state::slowed: return "slowed";
    case server_state::content: return "DATA";
    case server_state::chunk: return "BDAT";
    case server_state::committing: return "committing";
    case server_state::wants_tls: return "TLS";
    case server_state::hung: return "hung";
    case server_state::pouring: return "pouring";
    case server_state::ended: return "ended";
  }
  return "?";
}

server::server(const server_parameters& with, inbox& into, server_observer* watch, server_visitor who, time_point now)
    : with_(with), inbox_(into), watch_(watch), wants_lines_(watch != nullptr && watch->wants_lines()), now_(now) {
  envelope_.peer = std::move(who.peer);
  envelope_.is_secure = who.is_secure;
  extend_session();
  arm(with_.timeouts.command);
  greet();
}

server::~server() { close("connection lost"); }

void server::feed(bytes_view from_peer, time_point now) {
  now_ = now;
  try {
    take(as_text(from_peer));
  } catch (const std::bad_alloc&) {
    end_without_memory();
  }
}

void server::take(std::string_view input) {
  if (!held_.empty()) {
    held_ += input;
    return drain();
  }
  work(input);
  held_ = input;
}

void server::drain() {
  std::string_view input = held_;
  work(input);
  held_.erase(0, held_.size() - input.size());
}

void server::work(std::string_view& input) {
  working_ = true;
  while (!input.empty() && !busy()) {
    switch (state_) {
      case server_state::command:
      case server_state::auth: take_line(input); break;
      case server_state::content: take_content(input); break;
      case server_state::chunk: take_chunk(input); break;
      case server_state::wants_tls:
        // RFC 3207 §6, CVE-2011-0411: plaintext after STARTTLS may have been injected by an attacker.
        close("unencrypted octets after STARTTLS");
        break;
      case server_state::hung:
        if (std::exchange(babbles_, false)) {
          append(output_, std::string_view("\x05 this is not TLS \xff\r\n"));
          close("fault");
        }
        input = {};
        break;
      case server_state::slowed:
      case server_state::committing:
      case server_state::pouring:
      case server_state::ended: input = {}; break;
    }
    if (stopping_ && state_ == server_state::command && !is_receiving_) {
      say("421 4.3.2 The server is shutting down");
      close("shutting down");
    }
  }
  working_ = false;
}

/// The inbox or the login delay has answered; handles the input received meanwhile.
void server::continue_after_wait() {
  if (working_) return;  // work() goes on by itself
  drain();
  if (busy() || state_ == server_state::ended) return;
  if (stopping_) {
    if (!is_receiving_) stop(now_);
  } else if (ended_by_peer_) {
    close("closed by peer");
  }
}

void server::take_line(std::string_view& input) {
  constexpr std::size_t most = max_server_auth_line - 1;  // without the LF
  const std::size_t lf = input.find('\n');
  const std::string_view part = input.substr(0, lf);
  const bool is_too_long = skipping_ || line_.size() + part.size() > most;
  if (lf == std::string_view::npos) {
    input = {};
    skipping_ = is_too_long;
    if (is_too_long)
      wipe(line_);
    else
      line_ += part;
    return;
  }
  input.remove_prefix(lf + 1);
  arm(with_.timeouts.command);
  if (is_too_long) {
    skipping_ = false;
    wipe(line_);
    ++counts_.commands;
    if (state_ == server_state::auth) return fail_auth("500 5.5.6 The line is too long", "a line that is too long");
    return say_error("500 5.5.2 The line is too long");
  }
  if (line_.empty()) return on_line(part);
  line_ += part;
  std::string whole = std::exchange(line_, {});
  on_line(whole);
  wipe(whole);  // it may hold a password
}

void server::on_line(std::string_view line) {
  ++counts_.commands;
  const bool has_cr = line.ends_with('\r');
  if (has_cr) line.remove_suffix(1);
  constexpr std::string_view lf_alone = "500 5.5.2 A line ends in CR LF, not in LF alone";
  if (state_ == server_state::auth) return has_cr ? on_auth_line(line) : fail_auth(lf_alone, "a line ends in LF alone");
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  const std::uint32_t which = verb_of(word);
  report_command(line, which);
  std::string_view refusal;
  if (!has_cr)
    refusal = lf_alone;
  else if (line.size() + 2 > max_command_line && which != verb("AUTH"))
    refusal = "500 5.5.2 The line is too long";
  else if (line.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos)
    refusal = "500 5.5.2 There is a CR or a NUL inside the line";
  if (!refusal.empty()) return which == verb("BDAT") ? lose_track(refusal) : say_error(refusal);
  dispatch(which, trim(line.substr(word.size())));
}

void server::report_command(std::string_view line, std::uint32_t which) {
  if (!wants_lines_) return;
  // on_auth() logs its own line. A client whose login failed may go on and send its password as a command: mask it.
  if (which == 0 && has_failed_) return report_line('C', "***");
  has_failed_ = false;
  if (which != verb("AUTH")) return report_line('C', line);
  const auto parts = words(line);
  report_line('C', parts.size() <= 2 ? std::string(line) : fmt::format("{} {} ***", parts[0], parts[1]));
}

bool server::is_idle(std::uint32_t which) noexcept {
  if (in_transaction_ && (which == verb("RCPT") || which == verb("BDAT"))) return false;
  return ++idle_commands_ > with_.limits.idle_commands;
}

void server::dispatch(std::uint32_t which, std::string_view arguments) {
  if (is_idle(which)) {
    say("421 4.7.0 Too many commands without a message");
    return close("too many commands without a message");
  }
  switch (which) {
    case verb("EHLO"): return on_ehlo(arguments, true);
    case verb("BDAT"): return on_bdat(arguments);  // the chunk has to be consumed whatever the reply
    case verb("NOOP"): return say("250 2.0.0 Ok");
    case verb("QUIT"): return on_quit(arguments);
    case verb("STARTTLS"): return on_starttls(arguments);
    default: break;
  }
  if (lacks_tls()) return say_error("530 5.7.0 Send STARTTLS first");
  switch (which) {
    case verb("HELO"): return on_ehlo(arguments, false);
    case verb("MAIL"): return on_mail(arguments);
    case verb("RCPT"): return on_rcpt(arguments);
    case verb("DATA"): return on_data(arguments);
    case verb("RSET"): return on_rset(arguments);
    case verb("AUTH"): return on_auth(arguments);
    case verb("VRFY"): return on_vrfy(arguments);
    case verb("HELP"):
      return say("214 2.0.0 EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT, as RFC 5321 has them");
    case verb("EXPN"): return say_error("502 5.5.1 EXPN is not implemented");
    default: return say_error("500 5.5.2 There is no such command");
  }
}

void server::extend_session() noexcept {
  if (with_.timeouts.session != duration(0)) session_end_ = now_ + with_.timeouts.session;
}

void server::arm(duration timeout) noexcept { deadline_ = std::min(now_ + timeout, session_end_); }

std::optional<time_point> server::deadline() const {
  time_point when = held_back_until_;
  if (state_ != server_state::ended && state_ != server_state::committing) when = std::min(when, deadline_);
  return when == never ? std::nullopt : std::optional(when);
}

void server::tick(time_point now) {
  now_ = now;
  if (held_back_until_ <= now) held_back_until_ = never;
  if (state_ == server_state::ended || state_ == server_state::committing || now < deadline_) return;
  const bool is_quiet =
      state_ == server_state::hung || state_ == server_state::pouring || state_ == server_state::wants_tls;
  const content_scanner::flaw flaw = scanner_.found();
  if (!is_quiet && now >= session_end_)
    say("421 4.4.2 The session has lasted too long without a message");
  else if (state_ == server_state::slowed)
    return end_slowness();
  else if (!is_quiet && state_ == server_state::content &&
           (flaw == content_scanner::flaw::bare_lf || flaw == content_scanner::flaw::bare_cr))
    say("421 4.4.2 Timed out: a message ends with CR LF . CR LF, and this one has a CR or LF alone");
  else if (!is_quiet)
    say("421 4.4.2 Timed out");
  close("timed out");
}

void server::eof(time_point now) {
  now_ = now;
  if (busy())
    ended_by_peer_ = true;
  else
    close("closed by peer");
}

void server::stop(time_point now) {
  now_ = now;
  stopping_ = true;
  if (is_receiving_) return;
  cut_off(now);
}

void server::cut_off(time_point now) {
  now_ = now;
  if (state_ == server_state::ended || state_ == server_state::committing) return;
  // Plaintext sent during the TLS handshake would break it.
  if (state_ != server_state::wants_tls && state_ != server_state::hung && state_ != server_state::pouring)
    say("421 4.3.2 The server is shutting down");
  close("shutting down");
}

void server::resume(time_point now) {
  now_ = now;
  if (state_ != server_state::committing) return;
  try {
    poll_inbox();
  } catch (const std::bad_alloc&) {
    end_without_memory();
  }
}

void server::end_without_memory() noexcept {
  working_ = false;
  held_.clear();
  const auto attempt = [](auto step) {
    try {
      step();
    } catch (const std::bad_alloc&) {}
  };
  attempt([this] { say("421 4.3.0 The server is out of memory, try again later"); });
  attempt([this] { close("out of memory"); });
  enter(server_state::ended);
}

bytes server::take_output() {
  if (is_trickling()) return take_trickle();
  if (state_ == server_state::pouring)
    for (std::size_t size = 0; size < content_step; size += poured_.size()) append(output_, poured_);
  return std::exchange(output_, {});
}

bool server::done() const { return state_ == server_state::ended && (!is_trickling() || output_.empty()); }

void server::report_line(char who, std::string_view line) const {
  if (wants_lines_) watch_->line(who, line);
}

void server::say(std::string_view reply) {
  if (output_.capacity() == 0) output_.reserve(first_output);
  if (delay_ != duration(0) && output_.empty()) held_back_until_ = now_ + delay_;
  append(output_, reply);
  append(output_, "\r\n");
  if (wants_lines_) {
    for (std::size_t end = 0; (end = reply.find("\r\n")) != std::string_view::npos; reply.remove_prefix(end + 2))
      report_line('S', reply.substr(0, end));
    report_line('S', reply);
  }
  if (!more_words_.empty()) append(output_, std::exchange(more_words_, {}));
}

void server::say_error(std::string_view reply) {
  say(reply);
  if (++counts_.errors < with_.limits.errors) return;
  say("421 4.7.0 Too many errors");
  close("too many errors");
}

void server::close(std::string_view why) {
  if (state_ == server_state::ended) return;
  if (is_receiving_) ++counts_.refused;
  forget_transaction();
  login_.reset();
  enter(server_state::ended);
  if (watch_ != nullptr) watch_->ended(counts_, why);
}

}  // namespace netlab::mail
