// SPDX-License-Identifier: MIT
// The session: greeting, EHLO, STARTTLS, AUTH, and the end. Messages are in client_mail.cpp.
#include "mail/client/client.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mail/client/transaction.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t longest_auth_command = 512;  // RFC 5321 §4.5.3.1.4: octets with the CRLF; holds for AUTH, too

unexpected<failure> not_offered(std::string_view feature, std::string cure) {
  return fail(errc::not_permitted, fmt::format("the server does not offer {}", feature), std::move(cure));
}

}  // namespace

std::string_view name_of(client_state state) noexcept {
  switch (state) {
    case client_state::greeting: return "greeting";
    case client_state::ehlo: return "EHLO";
    case client_state::helo: return "HELO";
    case client_state::starttls: return "STARTTLS";
    case client_state::wants_tls: return "TLS";
    case client_state::auth: return "AUTH";
    case client_state::mail: return "mail";
    case client_state::quit: return "QUIT";
    case client_state::ended: return "ended";
  }
  return "?";
}

client::client(client_parameters with, dialogue_handler on_line)
    : with_(std::move(with)), on_line_(std::move(on_line)) {}

client::~client() = default;

void client::start(const std::optional<tls_facts>& tls, time_point now) {
  now_ = waiting_since_ = now;
  secured_ = tls.has_value();
  if (tls) binding_ = tls->binding;
  expect(kind::greeting, nullptr);
}

void client::tls_started(const tls_facts& tls, time_point now) {
  now_ = now;
  secured_ = true;
  binding_ = tls.binding;
  // RFC 3207 §4.2: discard what the server said before TLS.
  server_ = {};
  replies_ = {};
  enter(client_state::ehlo);
  command(fmt::format("EHLO {}", with_.helo), kind::ehlo);
}

void client::submit(submission message, time_point now) {
  now_ = now;
  queue_.push_back(std::make_unique<transaction>(std::move(message)));
  // Compose the message now, while replies are awaited, and not when it is due to be sent.
  if (state_ == client_state::mail) make(*queue_.back());
  pump();
}

void client::close(time_point now) {
  now_ = now;
  closing_ = true;
  pump();
}

void client::feed(bytes_view from_peer, time_point now) {
  now_ = now;
  if (done()) return;
  replies_.feed(as_text(from_peer));
  while (!done()) {
    auto next = replies_.next();
    if (!next) break;
    if (!*next) return end_session(std::move(next->error()));
    for (std::size_t at = 0; on_line_ && at < (*next)->lines.size(); ++at)
      report_line('S', without_secrets(fmt::format("{}{}{}", (*next)->code, at + 1 < (*next)->lines.size() ? '-' : ' ',
                                                   (*next)->lines[at])));
    waiting_since_ = now;
    on_reply(**next);
  }
  // Send the next commands once for all replies that arrived together.
  if (!done()) pump();
  // RFC 3207, CVE-2021-38371: an attacker may have injected the plaintext that follows the answer.
  if (wants_tls() && !replies_.empty())
    end_session({make_error_code(errc::peer_protocol), "STARTTLS", "unencrypted octets follow the server's answer",
                 "an attacker may have injected them"});
}

void client::eof(time_point now) { lost({make_error_code(errc::closed_by_peer), {}, {}, {}}, now); }

void client::lost(failure why, time_point now) {
  now_ = now;
  if (state_ == client_state::ended) return;
  if (state_ == client_state::quit && active_.empty()) return finish_session();
  if (why.detail.empty() && why.code == errc::closed_by_peer) {
    why.detail = state_ == client_state::mail || state_ == client_state::quit
                     ? "the server closed the connection"
                     : fmt::format("the server closed the connection instead of answering ({})", name_of(state_));
  }
  end_session(std::move(why));
}

void client::tick(time_point now) {
  now_ = now;
  const auto due = answer_deadline();
  if (!due || *due > now) return;
  if (state_ == client_state::quit && active_.empty()) return finish_session();
  const bool at_end = !expected_.empty() && expected_.front().type == kind::end;
  const duration waited = at_end ? with_.timeouts.message_end : with_.timeouts.answer;
  std::string command = at_end ? "the message's end" : std::string(name_of(state_));
  if (!expected_.empty() && !at_end) {
    if (expected_.front().type == kind::mail) command = "MAIL";
    if (expected_.front().type == kind::rcpt) command = "RCPT";
    if (expected_.front().type == kind::data) command = "DATA";
  }
  const std::string detail =
      body_ != nullptr
          ? fmt::format("the server has read nothing of the message for {}", to_string(with_.timeouts.answer))
      : state_ == client_state::greeting ? fmt::format("no greeting within {}", to_string(waited))
                                         : fmt::format("no answer to {} within {}", command, to_string(waited));
  end_session({make_error_code(errc::timed_out),
               {},
               detail,
               state_ == client_state::greeting && !secured_ ? "a server on port 465 needs --tls implicit" : ""});
}

std::optional<time_point> client::deadline() const {
  if (done()) return std::nullopt;
  return deliveries_.empty() ? answer_deadline() : now_;
}

std::optional<time_point> client::answer_deadline() const {
  if (done()) return std::nullopt;
  if (body_ != nullptr) return waiting_since_ + with_.timeouts.answer;
  if (expected_.empty()) return std::nullopt;
  switch (expected_.front().type) {
    case kind::end: return waiting_since_ + with_.timeouts.message_end;
    case kind::quit: return waiting_since_ + with_.timeouts.quit;
    default: return waiting_since_ + with_.timeouts.answer;
  }
}

bytes client::take_output() {
  if (body_ != nullptr) write_body();
  return std::exchange(output_, {});
}

void client::sent(time_point now) {
  now_ = now;
  // While a message is being sent, each write restarts the timeout.
  if (body_ != nullptr || (!expected_.empty() && expected_.front().type == kind::end)) waiting_since_ = now;
}

void client::report_line(char who, std::string_view line) const {
  if (on_line_) on_line_(who, line);
}

void client::expect(kind type, transaction* of) {
  if (expected_.empty()) waiting_since_ = now_;
  expected_.push_back({type, of});
}

void client::command(std::string_view line, kind expects, transaction* of) {
  // A control character can get here only through a bug; do not send it as a second command.
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    return end_session({make_error_code(errc::internal), {}, "a line end inside a command", {}});
  append(output_, line);
  append(output_, "\r\n");
  report_line('C', line);
  expect(expects, of);
}

/// Hides credentials in server replies, which may repeat what the client sent.
std::string client::without_secrets(std::string text) const {
  constexpr std::size_t least = 4;  // octets; shorter strings occur in any text
  const auto hide = [&](std::string_view word) {
    if (word.size() < least) return;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += 3)
      text.replace(at, word.size(), "***");
  };
  for (const secret& each : said_) hide(each.view());
  if (with_.login) hide(with_.login->password.view());
  return text;
}

void client::say_secret(std::string_view shown, std::string_view prefix, const secret& message, kind expects) {
  std::string encoded = encode_base64(as_bytes(message.view()));
  output_.reserve(output_.size() + prefix.size() + encoded.size() + 2);  // a reallocation would leave a copy
  append(output_, prefix);
  append(output_, encoded);
  append(output_, "\r\n");
  said_.emplace_back(std::move(encoded));
  report_line('C', shown);
  expect(expects, nullptr);
}

void client::enter(client_state next) { state_ = next; }

void client::on_reply(const reply& answer) {
  if (expected_.empty()) {
    failure why = to_failure(answer, {});
    if (why.code == errc::peer_protocol)
      why.detail = fmt::format("an answer without a command: {}", escape(answer.to_string(), 200));
    return end_session(std::move(why));
  }
  const expectation first = expected_.front();
  expected_.pop_front();
  // RFC 5321 §3.8: the server is shutting down. It has not processed commands sent after the one that it answers with
  // 421.
  if (answer.code == 421)
    for (const auto& each : active_)
      if (first.type != kind::end || each.get() != first.of) each->body_done = false;
  switch (first.type) {
    case kind::greeting: on_greeting(answer); break;
    case kind::ehlo:
    case kind::helo: on_ehlo(answer); break;
    case kind::starttls: on_starttls(answer); break;
    case kind::auth: on_auth(answer); break;
    case kind::mail: on_mail_reply(*first.of, answer); break;
    case kind::rcpt: on_rcpt_reply(*first.of, answer); break;
    case kind::data: on_data_reply(*first.of, answer); break;
    case kind::end: on_end_reply(*first.of, answer); break;
    case kind::rset:
      if (answer.code == 421) end_session(to_failure(answer, "RSET"));
      break;
    case kind::quit: finish_session(); break;
  }
}

void client::on_greeting(const reply& answer) {
  if (!answer.is_positive()) return end_session(to_failure(answer, "greeting"));
  enter(client_state::ehlo);
  command(fmt::format("EHLO {}", with_.helo), kind::ehlo);
}

void client::on_ehlo(const reply& answer) {
  if (answer.is_positive()) {
    server_ = state_ == client_state::ehlo ? parse_capabilities(answer) : capabilities();
    return after_ehlo();
  }
  // RFC 5321 §3.2: servers from before 1993 send 500, 501, 502 or 504; 503 and 550 have been seen, too.
  const bool not_understood = (answer.code >= 500 && answer.code <= 504) || answer.code == 550;
  if (state_ != client_state::ehlo || !not_understood)
    return end_session(to_failure(answer, fmt::format("{} {}", name_of(state_), with_.helo)));
  enter(client_state::helo);
  command(fmt::format("HELO {}", with_.helo), kind::helo);
}

void client::after_ehlo() {
  if (with_.starttls && !secured_) {
    if (!server_.starttls)
      return end_session(
          not_offered("STARTTLS, and nothing is sent without TLS", "--tls implicit for port 465").error());
    enter(client_state::starttls);
    return command("STARTTLS", kind::starttls);
  }
  if (with_.login) return begin_auth();
  become_ready();
}

void client::on_starttls(const reply& answer) {
  if (answer.code == 220) return enter(client_state::wants_tls);
  end_session(to_failure(answer, "STARTTLS"));
}

void client::begin_auth() {
  const login_parameters& login = *with_.login;
  if (!secured_)
    return end_session({make_error_code(errc::not_permitted), "login", "credentials are not sent without TLS", {}});
  if (server_.auth.empty())
    return end_session(not_offered("a login (AUTH)", "it may do so on port 587 or 465").error());
  for (const mechanism each : login.mechanisms)
    if (server_.offers(name_of(each)) && (each != mechanism::scram_sha_256_plus || binding_))
      mechanisms_.push_back(each);
  if (mechanisms_.empty()) {
    std::string wanted;
    for (const mechanism each : login.mechanisms)
      wanted += fmt::format("{}{}", wanted.empty() ? "" : ", ", name_of(each));
    return end_session({make_error_code(errc::not_permitted),
                        "login",
                        fmt::format("the server offers {}, not {}",
                                    escape(fmt::format("{}", fmt::join(server_.auth, ", ")), 200), wanted),
                        {}});
  }
  enter(client_state::auth);
  try_mechanism(true);
}

void client::try_mechanism(bool with_initial_response) {
  const mechanism which = mechanisms_.front();
  const login_parameters& login = *with_.login;
  login_ = make_sasl(which, {.user = login.user,
                             .password = login.password.copy(),
                             .host = login.host,
                             .port = login.port,
                             .nonce = login.nonce,
                             .binding = binding_});
  was_challenged_ = began_with_response_ = false;
  const std::string line = fmt::format("AUTH {}", name_of(which));
  if (with_initial_response) {
    if (const auto first = login_->initial()) {
      // RFC 4954 §4: an initial response that would make the AUTH line too long is sent in reply to an empty challenge
      // instead, in a line that may be longer.
      if (line.size() + 1 + (first->view().size() + 2) / 3 * 4 + 2 <= longest_auth_command) {
        began_with_response_ = true;
        return say_secret(line + " ***", line + " ", *first, kind::auth);
      }
      login_ = make_sasl(which, {.user = login.user,
                                 .password = login.password.copy(),
                                 .host = login.host,
                                 .port = login.port,
                                 .nonce = login.nonce,
                                 .binding = binding_});
    }
  }
  command(line, kind::auth);
}

void client::on_auth(const reply& answer) {
  const mechanism which = mechanisms_.front();
  const std::string act = fmt::format("login as {} ({})", escape(with_.login->user, 100), name_of(which));
  if (cancelled_) {
    if (cancelled_->context.empty()) cancelled_->context = act;
    return end_session(std::move(*cancelled_));
  }
  if (answer.code == 334) return on_challenge(answer);
  if (answer.is_positive()) {
    if (auto believed = login_->succeeded(); !believed) {
      believed.error().context = act;
      return end_session(std::move(believed.error()));
    }
    return become_ready();
  }
  // RFC 4954 §4: a server that does not accept an initial response sends 501, older ones 500 or 504; try again
  // without it.
  const bool about_syntax = answer.code == 500 || answer.code == 501 || answer.code == 504;
  if (about_syntax && began_with_response_ && !was_challenged_) return try_mechanism(false);
  // RFC 4954 §4, §6: not implemented, mechanism too weak, encryption required.
  if ((answer.code == 504 || answer.code == 534 || answer.code == 538) && mechanisms_.size() > 1) {
    mechanisms_.erase(mechanisms_.begin());
    return try_mechanism(true);
  }
  reply shown = answer;
  for (std::string& line : shown.lines) line = without_secrets(std::move(line));
  failure why = to_failure(shown, act);
  if (answer.is_permanent()) why.code = make_error_code(errc::not_permitted);
  if (!login_->reason().empty())
    why.detail += fmt::format("; {}", escape(without_secrets(std::string(login_->reason())), 300));
  end_session(std::move(why));
}

void client::on_challenge(const reply& answer) {
  if (began_with_response_ && !was_challenged_ && login_->ignores_challenges()) {
    // The server ignored the initial response (seen with empty `334`s): send the same again as an answer.
    login_ = make_sasl(mechanisms_.front(), {.user = with_.login->user,
                                             .password = with_.login->password.copy(),
                                             .host = {},
                                             .port = 0,
                                             .nonce = {},
                                             .binding = {}});
  } else if (mechanisms_.front() != mechanism::plain && !began_with_response_ && !was_challenged_ &&
             mechanisms_.front() != mechanism::login && mechanisms_.front() != mechanism::cram_md5) {
    // An empty challenge asks for the initial response.
    was_challenged_ = true;
    const auto first = login_->initial();
    return say_secret("***", {}, *first, kind::auth);
  }
  was_challenged_ = true;
  std::string challenge;
  if (!login_->ignores_challenges()) {
    const auto decoded = decode_base64(answer.lines.back());
    if (!decoded) return cancel_auth({make_error_code(errc::peer_protocol), {}, "the challenge is not Base64", {}});
    challenge = as_text(*decoded);
  }
  auto response = login_->answer(challenge);
  if (!response) return cancel_auth(std::move(response.error()));
  say_secret("***", {}, *response, kind::auth);
}

void client::cancel_auth(failure why) {
  cancelled_ = std::move(why);
  command("*", kind::auth);  // RFC 4954 §4
}

void client::become_ready() {
  login_.reset();
  said_.clear();
  with_.login.reset();  // this wipes the password
  mechanisms_.clear();
  enter(client_state::mail);
}

void client::finish_session() {
  enter(client_state::ended);
  expected_.clear();
}

void client::end_session(failure why) {
  if (state_ == client_state::ended) return;
  enter(client_state::ended);
  expected_.clear();
  body_ = nullptr;
  wipe(output_);
  login_.reset();
  said_.clear();
  with_.login.reset();
  auto begun = std::move(active_);
  active_.clear();
  session_ = unexpected(why);
  for (auto& each : begun) {
    each->report.tag = each->submission.tag;
    if (!each->decided && (each->mail_failure || each->given_up)) each->decided = unexpected(envelope_failure(*each));
    if (each->decided) {
      each->report.outcome = std::move(*each->decided);
      each->report.accepted = 0;
      deliveries_.push_back(std::move(each->report));
    } else if (each->body_done) {
      failure unknown = why;
      unknown.code = make_error_code(errc::outcome_unknown);
      unknown.detail = fmt::format("the message was handed over, but no answer came: {}",
                                   why.detail.empty() ? message_of(why.code) : why.detail);
      unknown.hint = "it may have been delivered or not; sending it again may deliver it twice";
      each->report.outcome = unexpected(std::move(unknown));
      deliveries_.push_back(std::move(each->report));
    } else {
      unsent_.push_back(std::move(each->submission));
    }
  }
  for (auto& each : queue_) unsent_.push_back(std::move(each->submission));
  queue_.clear();
}

std::vector<submission> client::take_unsent() {
  for (auto& each : queue_) unsent_.push_back(std::move(each->submission));
  queue_.clear();
  return std::exchange(unsent_, {});
}

}  // namespace netlab::mail
