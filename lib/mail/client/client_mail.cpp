// SPDX-License-Identifier: MIT
// The client's messages: envelope, content, and the server's reply to each.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/client/client.hpp"
#include "mail/client/transaction.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t output_chunk = 64 * 1024;        // octets of a message written at once
constexpr std::uint64_t max_chunk_unasked = 64 * 1024;  // octets that BDAT may send before the envelope is answered

std::string path_of(const std::optional<address>& whose) {
  return whose ? fmt::format("<{}>", whose->to_ascii_domain()) : "<>";
}

// RFC 3461 §4, xtext
std::string xtext(std::string_view text) {
  std::string out;
  for (const char each : text) {
    if (each > ' ' && each < '\x7f' && each != '+' && each != '=')
      out += each;
    else
      out += fmt::format("+{:02X}", static_cast<unsigned char>(each));
  }
  return out;
}

}  // namespace

/// Sends all that may be sent now.
void client::pump() {
  do {
    if (state_ != client_state::mail) return;
    while (may_start_next())
      if (!start_next()) break;
    // Advancing a transaction can finish it, which lets the next one start.
    for (std::size_t at = 0; at < active_.size(); ++at) advance_envelope(*active_[at]);
    if (state_ != client_state::mail || body_ != nullptr) return;
  } while (may_start_next());
  const bool all_said = active_.empty() || (server_.pipelining && active_.back()->body_done);
  if (closing_ && queue_.empty() && all_said && (server_.pipelining || expected_.empty())) {
    enter(client_state::quit);
    command("QUIT", kind::quit);
  }
}

bool client::may_start_next() {
  if (queue_.empty() || body_ != nullptr || state_ != client_state::mail) return false;
  if (active_.empty()) return true;
  if (!server_.pipelining || !active_.back()->body_done) return false;
  // RFC 2920 §3.1: the next envelope may be sent together with the end of the previous message.
  if (!server_.chunking || with_.all_or_nothing) return active_.size() < 2;
  // With BDAT the content can follow the envelope at once, without waiting for replies. Several messages are sent
  // together to save round trips.
  if (active_.size() >= max_under_way) is_full_ = true;
  if (active_.size() <= max_under_way / 2) is_full_ = false;
  return !is_full_;
}

bool client::start_next() {
  std::unique_ptr<transaction> one = std::move(queue_.front());
  queue_.pop_front();
  transaction& begun = *one;
  active_.push_back(std::move(one));
  begun.report.tag = begun.submission.tag;
  if (refuse_locally(begun)) return state_ == client_state::mail;
  // If BDAT was sent before the envelope was answered, and no recipient is accepted, some servers (Exim 4.96) keep
  // the sender and refuse another one until RSET. RFC 2920 §3.1 allows RSET in a pipeline.
  const transaction& before = *active_[active_.size() > 1 ? active_.size() - 2 : 0];
  const bool in_doubt = &before != &begun && before.by == transaction::way::chunk &&
                        (before.report.accepted == 0 || before.is_accepted.size() < before.recipients.size());
  if (std::exchange(needs_reset_, false) || in_doubt) command("RSET", kind::rset);
  return true;
}

/// Composes the message for this server, once.
void client::make(transaction& one) const {
  if (one.made) return;
  const server_abilities abilities{.eight_bit_mime = server_.eight_bit_mime,
                                   .smtputf8 = server_.smtputf8,
                                   .binary_mime = server_.chunking && server_.binary_mime};
  std::optional<composed>& ready = one.submission.ready;
  if (ready && ready->suits(abilities))
    one.made.emplace(*std::exchange(ready, std::nullopt));
  else
    one.made.emplace(one.submission.compose(abilities));
  if (*one.made) one.message = &**one.made;
}

/// Rejects a message that the server would refuse anyway. True: the message is finished, nothing of it has to be
/// sent.
bool client::refuse_locally(transaction& one) {
  make(one);
  if (one.message == nullptr) {
    finish(one, unexpected(std::move(one.made->error())));
    return true;
  }
  one.report.message_id = one.message->message_id();
  one.report.size = one.message->size();
  const auto refuse = [&](std::string detail, std::string hint) {
    finish(one, fail(errc::rejected, std::move(detail), std::move(hint)));
    return true;
  };
  if (server_.max_size > 0 && one.message->size() > server_.max_size)
    return refuse(
        fmt::format("the message has {} octets; the server accepts at most {}", one.message->size(), server_.max_size),
        "nothing was sent");
  if (with_.dsn && !server_.dsn) return refuse("the server does not offer delivery status notifications (DSN)", {});
  if (one.submission.sender && !one.submission.sender->is_ascii() && !server_.smtputf8)
    return refuse(fmt::format("the server does not accept the sender '{}', which is not ASCII (SMTPUTF8)",
                              escape(one.submission.sender->to_string())),
                  {});
  for (const address& each : one.submission.recipients) {
    if (each.is_ascii() || server_.smtputf8)
      one.recipients.push_back(&each);
    else
      one.report.refused.push_back({each.to_string(),
                                    {make_error_code(errc::rejected),
                                     fmt::format("RCPT TO:<{}>", escape(each.to_string())),
                                     "the server does not accept addresses outside ASCII (SMTPUTF8)",
                                     {}}});
  }
  if (one.recipients.empty() || (with_.all_or_nothing && !one.report.refused.empty())) {
    finish(one, unexpected(envelope_failure(one)));
    return true;
  }
  one.by = server_.chunking ? transaction::way::chunk : transaction::way::data;
  return false;
}

std::string client::mail_line(const transaction& one) const {
  std::string line = "MAIL FROM:" + path_of(one.submission.sender);
  if (server_.size) line += fmt::format(" SIZE={}", one.message->size());
  if (one.message->needs_binarymime())
    line += " BODY=BINARYMIME";
  else if (one.message->needs_8bitmime() && server_.eight_bit_mime)
    line += " BODY=8BITMIME";
  const auto needs_utf8 = [](const address* each) { return !each->is_ascii(); };
  if (server_.smtputf8 &&
      (one.message->needs_smtputf8() || (one.submission.sender && !one.submission.sender->is_ascii()) ||
       std::any_of(one.recipients.begin(), one.recipients.end(), needs_utf8)))
    line += " SMTPUTF8";
  if (with_.dsn && !with_.dsn->ret.empty()) line += " RET=" + with_.dsn->ret;
  return line;
}

std::string client::rcpt_line(const address& to) const {
  std::string line = "RCPT TO:<" + to.to_ascii_domain() + ">";
  if (with_.dsn) {
    line += " NOTIFY=" + with_.dsn->notify;
    if (to.is_ascii()) line += fmt::format(" ORCPT=rfc822;{}", xtext(to.to_ascii_domain()));
  }
  return line;
}

void client::advance_envelope(transaction& one) {
  if (one.given_up || one.data_said || body_ != nullptr) return;
  const bool at_once = server_.pipelining;
  while (one.steps <= one.recipients.size()) {
    if (!at_once && !expected_.empty()) return;
    if (one.mail_failure) break;
    if (one.steps == 0)
      command(mail_line(one), kind::mail, &one);
    else
      command(rcpt_line(*one.recipients[one.steps - 1]), kind::rcpt, &one);
    ++one.steps;
  }
  const bool answered = one.mail_failure ? std::none_of(expected_.begin(), expected_.end(),
                                                        [&](const expectation& each) { return each.of == &one; })
                                         : one.is_accepted.size() == one.recipients.size();
  if (answered) return after_envelope(one);
  if (!at_once) return;
  // With all_or_nothing, all recipients must be accepted before DATA is sent.
  if (with_.all_or_nothing && one.recipients.size() > 1) return;
  if (one.by == transaction::way::data) {
    one.data_said = true;
    command("DATA", kind::data, &one);
  } else if (one.message->size() <= max_chunk_unasked) {
    begin_body(one);
  }
}

void client::after_envelope(transaction& one) {
  const bool nobody = one.report.accepted == 0 || (with_.all_or_nothing && !one.report.refused.empty());
  if (one.mail_failure || nobody) {
    needs_reset_ = true;
    return finish(one, unexpected(envelope_failure(one)));
  }
  if (one.by == transaction::way::chunk) return begin_body(one);
  one.data_said = true;
  command("DATA", kind::data, &one);
}

void client::begin_body(transaction& one) {
  body_ = &one;
  one.data_said = true;
  waiting_since_ = now_;
  if (one.by == transaction::way::chunk) {
    const std::string line = fmt::format("BDAT {} LAST", one.message->size());
    command(line, kind::end, &one);
    if (state_ == client_state::ended) return;
  } else {
    expect(kind::end, &one);
  }
  if (on_line_) report_line('C', fmt::format("({} octets of message)", one.message->size()));
}

void client::write_body() {
  // Chunks are read straight into the output; dot-stuffing goes through this buffer.
  std::array<char, 8 * 1024> piece;
  while (body_ != nullptr && output_.size() < output_chunk) {
    transaction& one = *body_;
    result<std::size_t> size = std::size_t{0};
    if (one.by == transaction::way::chunk) {
      const std::size_t before = output_.size();
      output_.resize(before + std::min<std::uint64_t>(one.message->size() - one.written + 1, output_chunk));
      size = one.message->read(std::span(reinterpret_cast<char*>(output_.data()) + before, output_.size() - before));
      output_.resize(before + size.value_or(0));
    } else {
      size = one.message->read(piece);
      if (size) one.stuffer.append_to(output_, std::string_view(piece.data(), *size));
    }
    if (!size) {  // ends without the final dot, so that the server discards what it has received
      one.decided = unexpected(std::move(size.error()));
      return end_session({make_error_code(errc::interrupted), {}, "a message could not be read to its end", {}});
    }
    one.written += *size;
    if (*size > 0) continue;
    if (one.by == transaction::way::data) {
      append(output_, ".\r\n");
      report_line('C', ".");
    }
    one.body_done = true;
    body_ = nullptr;
    pump();
  }
}

void client::on_mail_reply(transaction& one, const reply& answer) {
  if (answer.is_positive()) return;
  failure why = to_failure(answer, fmt::format("MAIL FROM:{}", escape(path_of(one.submission.sender))));
  if (answer.code == 421) return end_session(std::move(why));
  if (why.code == errc::peer_protocol) return end_in_disorder(one, std::move(why));
  if (answer.code == 530) {  // RFC 4954 §6
    why.code = make_error_code(errc::not_permitted);
    why.hint = "--user NAME logs in";
  }
  one.mail_failure = std::move(why);
}

void client::on_rcpt_reply(transaction& one, const reply& answer) {
  const address& whom = *one.recipients[one.is_accepted.size()];
  one.is_accepted.push_back(answer.is_positive());
  if (answer.is_positive()) {  // 250, 251, 252
    ++one.report.accepted;
    return;
  }
  failure why = to_failure(answer, fmt::format("RCPT TO:<{}>", escape(whom.to_ascii_domain())));
  if (answer.code == 421) return end_session(std::move(why));
  if (why.code == errc::peer_protocol) return end_in_disorder(one, std::move(why));
  if (answer.code == 530) {
    why.code = make_error_code(errc::not_permitted);
    why.hint = "--user NAME logs in";
  }
  one.report.refused.push_back({whom.to_string(), std::move(why)});
}

/// The message was not accepted, and the server's state is unknown: end the session.
void client::end_in_disorder(transaction& one, failure why) {
  one.decided = unexpected(why);
  end_session(std::move(why));
}

failure client::envelope_failure(const transaction& one) const {
  if (one.mail_failure) return *one.mail_failure;
  const auto& refused = one.report.refused;
  if (refused.size() == 1 && one.submission.recipients.size() == 1) return refused.front().why;
  // One temporary refusal makes the whole worth another try.
  const auto is_temporary = [](const refusal& each) { return each.why.code == errc::try_later; };
  const auto is_barred = [](const refusal& each) { return each.why.code == errc::not_permitted; };
  errc code = errc::rejected;
  if (std::any_of(refused.begin(), refused.end(), is_temporary)) code = errc::try_later;
  if (std::all_of(refused.begin(), refused.end(), is_barred)) code = errc::not_permitted;
  const bool all = refused.size() == one.submission.recipients.size();
  return {make_error_code(code),
          {},
          all ? "every recipient was refused"
              : fmt::format("{} of {} recipients refused, so it was sent to none", refused.size(),
                            one.submission.recipients.size()),
          {}};
}

void client::on_data_reply(transaction& one, const reply& answer) {
  const bool somebody = !one.mail_failure && one.report.accepted > 0;
  if (answer.code == 354) {
    if (somebody) return begin_body(one);
    // A server that sends 354 although it refused the sender might deliver the empty message that ends DATA.
    if (one.mail_failure) return end_in_disorder(one, *one.mail_failure);
    // RFC 2920 §3.1: DATA was sent before the refusals were known, and now the server waits for a message: send an
    // empty one.
    append(output_, ".\r\n");
    report_line('C', ".");
    one.given_up = one.body_done = true;
    return expect(kind::end, &one);
  }
  failure why = to_failure(answer, "DATA");
  if (answer.code == 421 || why.code == errc::peer_protocol) return end_session(std::move(why));
  needs_reset_ = true;
  finish(one, unexpected(somebody ? std::move(why) : envelope_failure(one)));
}

void client::on_end_reply(transaction& one, const reply& answer) {
  const bool somebody = !one.mail_failure && one.report.accepted > 0;
  failure why = to_failure(answer, "message");
  if (!one.body_done) {
    // A reply before the end of the message refuses the message; the server may take the rest of it for commands.
    if (why.code == errc::peer_protocol) return end_session(std::move(why));
    one.decided = unexpected(why);
    return end_session(std::move(why));
  }
  if (!somebody) {
    needs_reset_ = !answer.is_positive() && one.by == transaction::way::chunk;
    finish(one, unexpected(envelope_failure(one)));
  } else if (answer.is_positive()) {
    finish(one, answer);
  } else if (why.code == errc::peer_protocol) {
    return end_session(std::move(why));  // the outcome is unknown
  } else {
    needs_reset_ = one.by == transaction::way::chunk;
    finish(one, unexpected(why));
  }
  if (answer.code == 421) end_session(to_failure(answer, {}));
}

/// Reports the result and removes the transaction.
void client::finish(transaction& one, result<reply> outcome) {
  if (body_ == &one) body_ = nullptr;
  one.report.outcome = std::move(outcome);
  if (!one.report.outcome) one.report.accepted = 0;
  if (one.mail_failure) one.report.refused.clear();  // without a sender, replies to RCPT mean nothing
  const auto at = std::find_if(active_.begin(), active_.end(), [&](const auto& each) { return each.get() == &one; });
  const std::unique_ptr<transaction> gone = std::move(*at);
  active_.erase(at);
  deliveries_.push_back(std::move(gone->report));
}

}  // namespace netlab::mail
