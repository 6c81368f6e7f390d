// SPDX-License-Identifier: MIT
#include "lab/journal/mail_session.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/message/address.hpp"
#include "mail/message/entity.hpp"

namespace netlab::lab {
namespace {

// Of one session. The exercise needs far fewer lines.
constexpr std::size_t most_lines = 400;
constexpr std::size_t most_dialogue = 32 * 1024;
constexpr std::size_t shown_mail_text = 300;  // octets of a line, a reply, a header field
constexpr std::size_t shown_recipients = 20;

std::string verb_of(std::string_view line) {
  return to_upper(line.substr(0, std::min(line.find(' '), std::size_t{12})));
}

/// The addresses in a field with mailboxes, in lower case; none if it is malformed.
std::vector<std::string> addresses_in(std::string_view field) {
  std::vector<std::string> all;
  if (const auto list = mail::parse_mailbox_list(field))
    for (const mail::mailbox& each : *list) all.push_back(to_lower(each.address.to_string()));
  return all;
}

std::string path_text(std::string_view address) { return fmt::format("<{}>", escape(address, shown_mail_text)); }

}  // namespace

void mail_session::report(wall_time at, verdict outcome, std::string text, std::string note,
                          std::vector<step_mark> marks) {
  class_event made{.at = at, .user = user_, .text = std::move(text), .verdict = outcome, .note = std::move(note)};
  made.marks = std::move(marks);
  events_.push_back(std::move(made));
}

sheet_step mail_session::kind() const noexcept {
  return typed_ > immediate_ ? sheet_step::mail_by_hand : sheet_step::mail_by_program;
}

void mail_session::observe(observation& seen) {
  switch (seen.kind) {
    case observed::tls_started:
      is_secure_ = true;
      is_implicit_tls_ = is_implicit_tls_ || seen.is_implicit_tls;
      last_reply_.reset();
      if (dialogue_.size() < most_lines)
        dialogue_.push_back({'S', fmt::format("({})", seen.text.empty() ? "TLS" : escape(seen.text, shown_mail_text))});
      break;
    case observed::line: on_line(seen); break;
    case observed::logged_in:
      user_ = escape(seen.text, shown_mail_text);
      report(seen.at, verdict::ok, fmt::format("logged in as {} by {}", user_, escape(seen.detail, shown_mail_text)),
             {});
      break;
    case observed::login_failed:
      report(
          seen.at, verdict::wrong,
          fmt::format("login as '{}' by {}", escape(seen.text, shown_mail_text), escape(seen.detail, shown_mail_text)),
          "the login failed", {{kind(), step_state::tried, "the login failed"}});
      break;
    case observed::mail_accepted: on_accepted(seen); break;
    case observed::mail_refused: {
      has_refusal_ = true;
      const std::string reply = escape(seen.text, shown_mail_text);
      report(seen.at, verdict::wrong, last_command_.empty() ? "refused" : fmt::format("{} refused", last_command_),
             reply, {{kind(), step_state::tried, reply}});
      break;
    }
    default: break;
  }
}

void mail_session::on_line(const observation& seen) {
  std::string shown = escape(seen.text, shown_mail_text);
  dialogue_octets_ += shown.size();
  if (dialogue_.size() < most_lines && dialogue_octets_ < most_dialogue)
    dialogue_.push_back({seen.by, std::move(shown)});
  if (seen.by == 'S') {
    last_reply_ = seen.at;
    in_content_ = seen.text.starts_with("354");
    if (!mails_.empty() && mails_.back().dialogue.empty()) mails_.back().dialogue = dialogue_;
    return;
  }
  const std::string verb = verb_of(seen.text);
  constexpr std::array<std::string_view, 5> transaction{"MAIL", "RCPT", "DATA", "BDAT", "AUTH"};
  if (verb == "EHLO" || verb == "HELO") was_greeted_ = true;
  if (std::find(transaction.begin(), transaction.end(), verb) != transaction.end() || verb == "EHLO" || verb == "HELO")
    last_command_ = verb;
  // EHLO does not count: interactive programs (openssl s_client -starttls smtp) send one by themselves.
  if (std::find(transaction.begin(), transaction.end(), verb) == transaction.end()) return;
  if (last_reply_ && seen.at >= *last_reply_ + typing_pause)
    ++typed_;
  else
    ++immediate_;
}

void mail_session::on_accepted(observation& seen) {
  observed_mail& from = seen.mail;
  kept_mail made{.id = escape(from.id, shown_mail_text),
                 .at = seen.at,
                 .file = std::move(from.file),
                 .helo = escape(from.helo, shown_mail_text),
                 .tls = escape(from.tls, shown_mail_text),
                 .user = escape(from.user, shown_mail_text),
                 .sender = escape(from.sender, shown_mail_text),
                 .size = from.size};
  for (const std::string& each : from.recipients)
    if (made.recipients.size() < shown_recipients) made.recipients.push_back(escape(each, shown_mail_text));
  std::string raw_from;
  for (const mail::header_field& field : mail::parse_header(from.header)) {
    const std::string name = to_lower(field.name);
    const auto keep = [&](std::string& in) {
      if (in.empty()) in = escape(field.value, shown_mail_text);
    };
    if (name == "from" && raw_from.empty()) raw_from = field.raw;
    if (name == "from") keep(made.header_from);
    if (name == "to") keep(made.header_to);
    if (name == "subject") keep(made.subject);
  }
  made.is_by_hand = kind() == sheet_step::mail_by_hand;

  std::vector<step_mark> marks;
  if (!made.is_by_hand)
    marks.push_back({sheet_step::mail_by_program, step_state::done, {}});
  else if (!is_secure_)
    marks.push_back({sheet_step::mail_by_hand, step_state::tried, "by hand, but without STARTTLS"});
  else if (is_implicit_tls_)
    marks.push_back(
        {sheet_step::mail_by_hand, step_state::tried, "by hand, but with TLS from the start, not STARTTLS"});
  else
    marks.push_back({sheet_step::mail_by_hand, step_state::done, {}});
  const std::vector<std::string> authors = addresses_in(raw_from);
  const std::string sender = to_lower(from.sender);
  if (authors.empty())
    marks.push_back({sheet_step::sender_differs, step_state::tried,
                     raw_from.empty() ? "the header has no From" : "From has no address"});
  else if (std::find(authors.begin(), authors.end(), sender) != authors.end())
    marks.push_back(
        {sheet_step::sender_differs, step_state::tried, fmt::format("sender and From are both {}", path_text(sender))});
  else
    marks.push_back({sheet_step::sender_differs, step_state::done,
                     fmt::format("sender {}, From {}", path_text(sender), path_text(authors.front()))});
  std::string note;
  for (const step_mark& each : marks)
    if (each.state == step_state::tried) note += (note.empty() ? "" : "; ") + each.note;
  const bool is_wrong = marks.front().state == step_state::tried;
  report(seen.at, is_wrong ? verdict::wrong : verdict::ok,
         fmt::format("message from {} to {}, {}", path_text(from.sender),
                     made.recipients.empty() ? "<>" : path_text(from.recipients.front()), count_of(from.size, "octet")),
         std::move(note), std::move(marks));
  if (made.user.empty()) made.user = user_;
  mails_.push_back(std::move(made));
  typed_ = immediate_ = 0;
  has_refusal_ = false;
}

void mail_session::end(wall_time now) {
  if (!mails_.empty() && mails_.back().dialogue.empty()) mails_.back().dialogue = dialogue_;
  // A scan connects and closes, as does a client that only reads the greeting.
  if (!was_greeted_ || has_refusal_ || typed_ + immediate_ == 0) return;
  std::string note =
      fmt::format("the connection ended {}", in_content_ ? "before the final dot" : "after " + last_command_);
  report(now, verdict::wrong, "no message", note, {{kind(), step_state::tried, note}});
}

}  // namespace netlab::lab
