// SPDX-License-Identifier: MIT
// AUTH (RFC 4954).
#include "mail/server/server.hpp"

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/text.hpp"

namespace netlab::mail {

void server::on_auth(std::string_view arguments) {
  const auto parts = words(arguments);
  has_failed_ = true;  // cleared by success
  if (!knows_auth()) return say_error("502 5.5.1 AUTH is not offered");
  if (!envelope_.is_extended) return say_error("503 5.5.1 Send EHLO first");
  if (!envelope_.user.empty()) return say_error("503 5.5.1 You are logged in already");
  if (in_transaction_) return say_error("503 5.5.1 A mail transaction is in progress");
  if (!offers_auth()) return say_error("538 5.7.11 Send STARTTLS first: AUTH requires TLS");
  if (with_.login_failures != nullptr && with_.login_failures->is_exhausted(envelope_.peer, now_))
    return say_error(fmt::format("454 4.7.0 Too many failed logins from {}, try again later", envelope_.peer));
  if (parts.empty()) return say_error("501 5.5.4 AUTH needs a mechanism");
  if (parts.size() > 2) return say_error("501 5.5.4 Too many parameters");
  const auto which = parse_mechanism(parts[0]);
  if (!which || !offers(*which)) return say_error("504 5.5.4 This mechanism is not offered");
  refuses_initial_ = sends_odd_challenge_ = false;
  login_by_ = *which;
  login_ = make_sasl_server(*which, *with_.users,
                            {.host = with_.host,
                             .nonce = with_.nonce ? with_.nonce() : std::string(),
                             .binding = binding_,
                             .offers_binding = offers(mechanism::scram_sha_256_plus)});
  if (login_ == nullptr) return say_error("504 5.5.4 This mechanism is not offered");
  if (inject_fault(fault_stage::auth)) return login_.reset();
  if (sends_odd_challenge_) {
    enter(server_state::auth);
    return say("334 Who are you?");
  }
  if (parts.size() == 1) return go_on_with_auth(std::nullopt);
  if (refuses_initial_) return say_error("501 5.5.4 An initial response is not accepted here");
  // RFC 4954 §4: no initial response if the server sends first. LOGIN is exempt: it has no RFC, and its clients do
  // so.
  if (*which == mechanism::cram_md5) return say_error("501 5.7.0 This mechanism takes no initial response");
  if (parts[1] == "=") return go_on_with_auth(std::string_view());
  auto decoded = decode_base64(parts[1]);
  if (!decoded) return fail_auth("501 5.5.2 That is not Base64", "not Base64");
  go_on_with_auth(as_text(*decoded));
  wipe(*decoded);
}

void server::on_auth_line(std::string_view line) {
  if (line == "*") {
    report_line('C', line);
    return fail_auth("501 5.7.0 Cancelled", "cancelled");
  }
  report_line('C', line.empty() ? "" : "***");
  if (sends_odd_challenge_) return fail_auth("535 5.7.8 Wrong user or password", "fault");
  auto decoded = decode_base64(line);
  if (!decoded || line.contains(' ')) return fail_auth("501 5.5.2 That is not Base64", "not Base64");
  go_on_with_auth(as_text(*decoded));
  wipe(*decoded);
}

void server::go_on_with_auth(std::optional<std::string_view> response) {
  enter(server_state::auth);
  const sasl_step next = login_->take(response);
  switch (next.type) {
    case sasl_step::kind::challenge: return say(fmt::format("334 {}", encode_base64(as_bytes(next.text))));
    case sasl_step::kind::malformed: return fail_auth(fmt::format("501 5.5.2 {}", next.text), next.text);
    case sasl_step::kind::refused: return refuse_login();
    case sasl_step::kind::accepted: break;
  }
  envelope_.user = login_->user();
  login_.reset();
  has_failed_ = false;
  enter(server_state::command);
  say("235 2.7.0 Welcome");
  if (watch_ != nullptr) watch_->logged_in(envelope_.user, name_of(login_by_));
}

void server::log_failed_login(std::string_view why) {
  if (watch_ != nullptr)
    watch_->login_failed(login_ != nullptr ? std::string_view(login_->user()) : std::string_view(), name_of(login_by_),
                         why);
  login_.reset();
}

void server::fail_auth(std::string_view reply, std::string_view why) {
  enter(server_state::command);
  log_failed_login(why);
  say_error(reply);
}

/// Wrong user or password: delays the answer, to slow down guessing on this connection; with too many failures from
/// one address, further logins from it are refused.
void server::refuse_login() {
  ++failed_logins_;
  if (with_.login_failures != nullptr) static_cast<void>(with_.login_failures->take(envelope_.peer, now_));
  log_failed_login("wrong user or password");
  enter(server_state::slowed);
  if (with_.timeouts.failed_login == duration(0)) return end_slowness();
  arm(with_.timeouts.failed_login);
}

void server::end_slowness() {
  enter(server_state::command);
  arm(with_.timeouts.command);
  say_error("535 5.7.8 Wrong user or password");
  if (failed_logins_ >= with_.limits.failed_logins && state_ != server_state::ended) {
    say("421 4.7.0 Too many failed logins");
    return close("too many failed logins");
  }
  continue_after_wait();
}

}  // namespace netlab::mail
