// SPDX-License-Identifier: MIT
// The session: greeting, EHLO, STARTTLS, and the commands that do not change its state.
#include "mail/server/server.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t max_helo = 255;              // RFC 5321 §4.5.3.1.2
constexpr std::uint64_t small_size = 1000;         // offered by fault_action::small_size

// A domain, an address literal, or what clients send instead (`DESKTOP_4711`), without characters that would end a
// comment or a line of a Received field. RFC 5321 §4.1.4: mail must not be refused because of this name.
bool is_helo(std::string_view text) noexcept {
  return !text.empty() && text.size() <= max_helo && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && !std::string_view("()<>\"\\;,").contains(c);
  });
}

}  // namespace

bool server::offers_starttls() const noexcept {
  return with_.starttls != starttls_offer::none && !envelope_.is_secure && !hides_starttls_;
}

bool server::lacks_tls() const noexcept { return with_.starttls == starttls_offer::required && !envelope_.is_secure; }

bool server::knows_auth() const noexcept {
  return with_.users != nullptr && !with_.users->empty() && !with_.mechanisms.empty();
}

/// Also decides on BINARYMIME, which needs CHUNKING (RFC 3030 §3).
bool server::offers_chunking() const noexcept { return with_.faults == nullptr || !with_.faults->needs_data(); }

bool server::offers_auth() const noexcept {
  return knows_auth() && (envelope_.is_secure || with_.login_in_clear) && !lacks_tls();
}

bool server::offers(mechanism which) const noexcept {
  if (std::ranges::find(with_.mechanisms, which) == with_.mechanisms.end()) return false;
  if (which == mechanism::plain || which == mechanism::login) return true;
  return with_.nonce && (which != mechanism::scram_sha_256_plus || binding_);  // without a nonce, challenges repeat
}

std::uint64_t server::size_limit() const noexcept { return is_small_ ? small_size : with_.limits.message; }

void server::greet() {
  if (inject_fault(fault_stage::connect)) return;
  if (with_.rate != nullptr && with_.rate->is_exhausted(envelope_.peer, now_)) {
    say(fmt::format("421 4.7.0 Too much mail from {}, try again later", envelope_.peer));
    return close("rate limit");
  }
  say(fmt::format("220 {} ESMTP netlab", with_.host));
}

void server::on_ehlo(std::string_view arguments, bool extended) {
  if (!is_helo(arguments))
    return say_error(arguments.empty() ? "501 5.5.4 A host name or address must follow"
                                       : "501 5.5.4 That is not a host name or address");
  forget_transaction();  // RFC 5321 §4.1.4
  envelope_.helo = arguments;
  envelope_.is_extended = extended;
  if (extended && inject_fault(fault_stage::ehlo)) return;
  is_greeted_ = true;
  if (!extended) return say(fmt::format("250 {}", with_.host));
  say_capabilities();
}

void server::say_capabilities() {
  std::string all = fmt::format("250-{}\r\n250-PIPELINING\r\n", with_.host);
  if (const std::uint64_t limit = size_limit(); limit != 0)
    all += fmt::format("250-SIZE {}\r\n", limit);
  else
    all += "250-SIZE\r\n";
  if (offers_starttls()) all += "250-STARTTLS\r\n";
  if (offers_auth()) {
    all += "250-AUTH";
    for (const mechanism each : with_.mechanisms)
      if (offers(each)) all += fmt::format(" {}", name_of(each));
    all += "\r\n";
  }
  if (offers_chunking()) all += "250-CHUNKING\r\n250-BINARYMIME\r\n";
  all += "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES";
  say(all);
}

void server::on_starttls(std::string_view arguments) {
  if (!arguments.empty()) return say_error("501 5.5.4 STARTTLS takes no parameters");
  if (envelope_.is_secure) return say_error("503 5.5.1 TLS is active already");
  if (!offers_starttls()) return say_error("502 5.5.1 STARTTLS is not offered");
  if (!envelope_.is_extended) return say_error("503 5.5.1 Send EHLO first");
  if (in_transaction_) return say_error("503 5.5.1 A mail transaction is in progress");
  if (inject_fault(fault_stage::starttls)) return;
  say("220 2.0.0 Begin TLS");
  if (inject_fault(fault_stage::handshake)) return;
  enter(server_state::wants_tls);
}

bool server::wants_tls() const { return state_ == server_state::wants_tls && (!is_trickling() || output_.empty()); }

void server::tls_started(const tls_facts& facts, time_point now) {
  now_ = now;
  binding_ = facts.binding;
  envelope_.tls = facts.cipher.empty() ? facts.version : fmt::format("{} {}", facts.version, facts.cipher);
  if (state_ != server_state::wants_tls) return;
  // RFC 3207 §4.2: discard everything from before TLS.
  forget_transaction();
  envelope_.helo.clear();
  envelope_.is_extended = false;
  envelope_.user.clear();
  envelope_.is_secure = true;
  is_greeted_ = false;
  enter(server_state::command);
  arm(with_.timeouts.command);
}

void server::on_rset(std::string_view arguments) {
  if (!arguments.empty()) return say_error("501 5.5.4 RSET takes no parameters");
  forget_transaction();
  say("250 2.0.0 Reset");
}

void server::on_vrfy(std::string_view arguments) {
  if (arguments.empty()) return say_error("501 5.5.4 VRFY needs an address");
  say("252 2.0.0 Addresses cannot be verified; send a message to find out");  // RFC 5321 §3.5.3
}

void server::on_quit(std::string_view arguments) {
  if (!arguments.empty()) return say_error("501 5.5.4 QUIT takes no parameters");
  if (inject_fault(fault_stage::quit)) return;
  say("221 2.0.0 Bye");
  close("quit");
}

}  // namespace netlab::mail
