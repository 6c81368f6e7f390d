// SPDX-License-Identifier: MIT
// DATA (RFC 5321 §4.1.1.4) and BDAT (RFC 3030): receives and stores a message's content.
#include "mail/server/server.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

std::string_view reply_to(const failure& trouble) noexcept {
  for (const std::errc full : {std::errc::no_space_on_device, std::errc::file_too_large})
    if (trouble.code == full) return "452 4.3.1 There is no room for the message";
  if (trouble.code == std::error_code(EDQUOT, std::system_category()))
    return "452 4.3.1 There is no room for the message";
  return "451 4.3.0 The message cannot be stored for now";
}

}  // namespace

std::string_view server::content_refusal() const noexcept {
  if (!in_transaction_) return "503 5.5.1 Send MAIL and RCPT first";
  if (!envelope_.recipients.empty()) return {};
  // RFC 2920 §3.1: DATA may be sent before the answers to RCPT are known.
  return tried_recipients_ ? "554 5.5.1 There are no valid recipients" : "503 5.5.1 Send RCPT first";
}

bool server::begin_message() {
  octets_ = step_ = 0;
  scanner_.start(rules_of_content());
  if (auto begun = inbox_.begin(envelope_); !begun) {
    trouble_ = std::move(begun.error());
    return false;
  }
  is_receiving_ = true;
  return true;
}

void server::on_data(std::string_view arguments) {
  if (!arguments.empty()) return say_error("501 5.5.4 DATA takes no parameters");
  if (is_receiving_) return say_error("503 5.5.1 The message has begun with BDAT");  // RFC 3030 §2
  if (envelope_.body == body_type::binary_mime) return say_error("503 5.5.1 BODY=BINARYMIME needs BDAT");  // §3
  if (const std::string_view refusal = content_refusal(); !refusal.empty())
    return refusal.starts_with("554") ? refuse_envelope(refusal) : say_error(refusal);
  if (inject_fault(fault_stage::data)) return;
  if (!begin_message()) return refuse_message(reply_to(*trouble_));
  enter(server_state::content);
  arm(with_.timeouts.content);
  say("354 End with CR LF . CR LF");
}

void server::on_bdat(std::string_view arguments) {
  const auto parts = words(arguments);
  const std::uint64_t limit = size_limit();
  const std::uint64_t so_far = is_receiving_ ? octets_ : 0;
  const auto size = parts.empty() ? std::nullopt : parse_integer<std::uint64_t>(parts[0]);
  const bool is_last = parts.size() == 2 && equal_in_any_case(parts[1], "LAST");
  if (!size || parts.size() > 2 || (parts.size() == 2 && !is_last))
    return lose_track("501 5.5.4 Write BDAT SIZE or BDAT SIZE LAST");
  chunk_left_ = *size;
  is_last_chunk_ = is_last;
  is_swallowing_ = false;
  enter(server_state::chunk);
  arm(with_.timeouts.content);
  if (lacks_tls())
    swallow_chunk("530 5.7.0 Send STARTTLS first");
  else if (lies_)
    swallow_chunk("502 5.5.1 BDAT is not implemented");
  else if (const std::string_view refusal = content_refusal(); !refusal.empty())
    swallow_chunk(refusal);
  else if (limit != 0 && chunk_left_ > limit - std::min(limit, so_far))
    refuse_large_chunk();
  else if (!is_receiving_ && inject_fault(fault_stage::data)) {
    if (state_ == server_state::chunk) swallow_chunk({});  // the fault has answered already
  } else if (!is_receiving_ && !begin_message())
    swallow_chunk(reply_to(*trouble_));
  if (state_ == server_state::chunk && chunk_left_ == 0) end_chunk();
}

void server::lose_track(std::string_view reply) {
  // What follows is a chunk of unknown length, which must not be taken for commands.
  say(reply);
  say("421 4.5.2 The data that follows cannot be distinguished from commands");
  close("a BDAT command that is not understood");
}

void server::swallow_chunk(std::string_view reply) {
  is_swallowing_ = true;
  chunk_reply_ = reply;
}

/// Answers at once and skips the chunk, to find the next command; a chunk larger than a message may be would take too
/// long to skip: closes the connection.
void server::refuse_large_chunk() {
  constexpr std::uint64_t always_skipped = 1024 * 1024;
  refuse_message("552 5.3.4 The message is too large");
  if (chunk_left_ <= std::max(size_limit(), always_skipped)) return swallow_chunk({});
  say("421 4.3.4 The chunk is too large to be skipped");
  close("a chunk that is too large");
}

void server::take_chunk(std::string_view& input) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size()));
  const std::string_view taken = input.substr(0, size);
  if (!is_swallowing_) scanner_.take_chunk(taken, [this](std::string_view piece) { append_content(piece); });
  input.remove_prefix(size);
  chunk_left_ -= size;
  progress(taken);
  if (chunk_left_ == 0) end_chunk();
}

void server::end_chunk() {
  enter(server_state::command);
  arm(with_.timeouts.command);
  if (is_swallowing_) {
    // RFC 3030 §2: the transaction has failed; later chunks of it are refused.
    forget_transaction();
    if (chunk_reply_.empty()) return;
    return chunk_reply_.starts_with("503") || chunk_reply_.starts_with("530") ? say_error(chunk_reply_)
                                                                              : refuse_envelope(chunk_reply_);
  }
  if (is_last_chunk_) {
    if (scanner_.finish_chunks() && octets_ > 0) append_content("\r\n");
    return end_message();
  }
  if (const std::string_view refusal = flaw_of_message(); !refusal.empty()) return refuse_message(refusal);
  say("250 2.0.0 Go on");
}

void server::take_content(std::string_view& input) {
  const std::string_view before = input;
  const bool is_whole = scanner_.take_dotted(input, [this](std::string_view piece) { append_content(piece); });
  progress(before.substr(0, before.size() - input.size()));
  if (!is_whole) return;
  enter(server_state::command);
  arm(with_.timeouts.command);
  end_message();
}

void server::progress(std::string_view taken) noexcept {
  step_ += taken.size();
  if (step_ < content_step && !taken.contains('\n')) return;
  step_ = 0;
  arm(with_.timeouts.content);
}

void server::append_content(std::string_view piece) {
  octets_ += piece.size();
  const std::uint64_t limit = size_limit();
  if (trouble_ || (limit != 0 && octets_ > limit)) return;
  if (auto taken = inbox_.append(piece); !taken) trouble_ = std::move(taken.error());
}

content_rules server::rules_of_content() const noexcept {
  return {.eight_bit = is_lax_ || envelope_.body != body_type::seven_bit || envelope_.smtputf8,
          .any_line_and_nul = is_lax_,
          .binary = envelope_.body == body_type::binary_mime};
}

std::string_view server::flaw_of_message() const noexcept {
  switch (scanner_.found()) {
    case content_scanner::flaw::bare_lf: return "554 5.6.0 There is an LF without CR in the message";
    case content_scanner::flaw::bare_cr: return "554 5.6.0 There is a CR without LF in the message";
    case content_scanner::flaw::nul: return "554 5.6.0 There is a NUL in the message";
    case content_scanner::flaw::long_line: return "554 5.6.0 A line of the message has more than 998 octets";
    case content_scanner::flaw::eight_bit:
      return "554 5.6.0 Octets above 127 need BODY=8BITMIME after MAIL FROM, or an encoding";
    case content_scanner::flaw::none: break;
  }
  if (const std::uint64_t limit = size_limit(); limit != 0 && octets_ > limit)
    return "552 5.3.4 The message is too large";
  return trouble_ ? reply_to(*trouble_) : std::string_view();
}

void server::end_message() {
  if (const std::string_view refusal = flaw_of_message(); !refusal.empty()) return refuse_message(refusal);
  if (inject_fault(fault_stage::end)) {
    if (state_ == server_state::ended) return;
    ++counts_.refused;
    return forget_transaction();
  }
  if (loses_) {
    inbox_.abandon();
    is_receiving_ = false;
    return accept("lost");
  }
  enter(server_state::committing);
  is_receiving_ = false;
  inbox_.commit();
  poll_inbox();
}

void server::poll_inbox() {
  const auto queue_id = inbox_.outcome();
  if (!queue_id) return;
  enter(server_state::command);
  arm(with_.timeouts.command);
  if (*queue_id)
    accept(**queue_id);
  else
    refuse_message(reply_to(queue_id->error()));
  continue_after_wait();
}

void server::accept(std::string_view id) {
  ++counts_.accepted;
  counts_.octets += octets_;
  idle_commands_ = 0;
  refused_before_ = counts_.refused_recipients;
  extend_session();
  arm(with_.timeouts.command);
  if (watch_ != nullptr) watch_->accepted(envelope_, octets_, id);
  const fault* instead = after_commit_;
  if (instead == nullptr) {
    say(fmt::format("250 2.0.0 Queued as {}", id));
  } else if (instead->does == fault_action::store_and_close) {
    return close("fault");
  } else {
    enter(server_state::hung);
    deadline_ = session_end_;
  }
  forget_transaction();
}

void server::refuse_message(std::string_view reply) {
  ++counts_.refused;
  if (watch_ != nullptr) watch_->refused(envelope_, nullptr, reply);
  forget_transaction();
  if (reply.starts_with("554 5.6"))
    say_error(reply);
  else
    say(reply);
}

}  // namespace netlab::mail
