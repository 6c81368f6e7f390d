// SPDX-License-Identifier: MIT
// Whatever a client sends: a message is stored only if its end was received, with CRLF lines, within its limits, and
// only from an allowed sender; the output consists of replies and is limited; the answers do not depend on how the
// input is cut.
#include <algorithm>

#include "base/text.hpp"
#include "fuzz.hpp"
#include "mail/reply.hpp"
#include "mail/server/server.hpp"

using namespace netlab;

namespace {

constexpr std::uint64_t max_message = 64;
constexpr std::size_t max_recipients = 2;

bool has_good_lines(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n' && (at == 0 || text[at - 1] != '\r')) return false;
    if (text[at] == '\r' && (at + 1 == text.size() || text[at + 1] != '\n')) return false;
  }
  return text.empty() || text.ends_with("\r\n");
}

class checking_inbox final : public mail::inbox {
 public:
  explicit checking_inbox(unsigned choice) : choice_(choice) {}

  result<void> begin(const mail::envelope& of) override {
    fuzz::require(!begun_ && !committing_, "one message after the other");
    fuzz::require(!of.recipients.empty() && of.recipients.size() <= max_recipients, "a message is for somebody");
    if ((choice_ & 1U) != 0) fuzz::require(of.is_secure, "nothing goes without TLS where it is required");
    if ((choice_ & 2U) != 0) fuzz::require(of.user == "tim", "nothing goes without a login where it is required");
    fuzz::require(of.smtputf8 || !of.sender || of.sender->is_ascii(), "UTF-8 needs SMTPUTF8");
    fuzz::require(fuzz::is_harmless(of.helo + of.envid + of.ret), "an envelope is harmless");
    const std::string trace = mail::trace_fields(of, "mx.example", "id", "today");
    fuzz::require(has_good_lines(trace) && trace.find('\0') == std::string::npos, "trace fields are lines");
    begun_ = true;
    content_.clear();
    return {};
  }
  result<void> append(std::string_view content) override {
    fuzz::require(begun_ && !content.empty(), "content is a message's");
    content_ += content;
    fuzz::require(content_.size() <= max_message, "a message has a limit");
    return {};
  }
  void commit() override {
    fuzz::require(begun_, "what is whole has begun");
    fuzz::require(has_good_lines(content_), "a message has lines in CRLF");
    begun_ = false;
    committing_ = true;
    ++commits;
    stored += content_;
  }
  void abandon() override {
    fuzz::require(begun_, "what is given up has begun");
    begun_ = false;
  }
  std::optional<result<std::string>> outcome() override {
    if (!committing_ || ((choice_ & 4U) != 0 && !may_finish)) return std::nullopt;
    committing_ = false;
    may_finish = false;
    return "id";
  }
  [[nodiscard]] bool is_idle() const { return !begun_; }

  std::size_t commits = 0;
  std::string stored;
  bool may_finish = false;

 private:
  unsigned choice_;
  std::string content_;
  bool begun_ = false;
  bool committing_ = false;
};

const mail::accounts& users() {
  static const mail::accounts all = [] {
    mail::accounts some(secret("0123456789abcdef"));
    fuzz::require(some.add("tim", secret("x")).has_value(), "there is a user");
    return some;
  }();
  return all;
}

struct outcome {
  std::string said;
  std::string stored;
  bool done = false;

  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome play(unsigned choice, const std::vector<std::string_view>& pieces, std::string_view input) {
  mail::server_parameters with;
  with.host = "mx.example";
  with.starttls = (choice & 1U) != 0 ? mail::starttls_offer::required : mail::starttls_offer::offered;
  with.login_required = (choice & 2U) != 0;
  with.login_in_clear = true;
  with.users = &users();
  with.nonce = [] { return std::string("3rfcNHYJY1ZVvWVs7j"); };
  with.limits = {
      .message = max_message, .recipients = max_recipients, .errors = 20, .idle_commands = 50, .messages = 3};
  const bool starts_tls = (choice & 8U) != 0;
  checking_inbox store(choice);
  time_point now{};
  outcome all;
  {
    mail::server session(with, store, nullptr, {.peer = "::1", .is_secure = (choice & 16U) != 0}, now);
    const auto take = [&] {
      for (;;) {
        const bytes more = session.take_output();
        if (more.empty()) return;
        all.said += as_text(more);
      }
    };
    const auto finish = [&] {
      while (session.busy()) {
        if (session.state() == mail::server_state::slowed) {
          now = session.deadline().value();
          session.tick(now);
        } else {
          store.may_finish = true;
          session.resume(now);
        }
        take();
      }
    };
    take();
    for (const std::string_view piece : pieces) {
      if (session.done()) break;
      session.feed(as_bytes(piece), now);
      take();
      finish();
      if (starts_tls && session.wants_tls()) session.tls_started({}, now);
    }
    all.done = session.done();
    if ((choice & 32U) != 0) {
      session.tick(session.deadline().value_or(now));
      take();
      fuzz::require(session.done(), "a deadline is the end");
    } else if ((choice & 64U) != 0) {
      session.stop(now);
    } else {
      session.eof(now);
      fuzz::require(session.done(), "it ends with the connection");
    }
  }
  fuzz::require(store.is_idle(), "what is not whole is given up");
  all.stored = store.stored;

  std::size_t ends = 0;
  const std::string lower = to_lower(input);
  for (const std::string_view end : {std::string_view("\r\n.\r\n"), std::string_view("last")})
    for (std::size_t at = lower.find(end); at != std::string::npos; at = lower.find(end, at + 1)) ++ends;
  fuzz::require(store.commits <= ends, "a message is stored only when its end was on the wire");
  fuzz::require(store.commits <= 3, "a session has only so many messages");
  fuzz::require(all.said.size() <= 1000 + 100 * input.size(), "what is said is bounded by what is asked");
  mail::reply_parser replies;
  replies.feed(all.said);
  for (bool is_first = true; const auto one = replies.next(); is_first = false) {
    fuzz::require(one->has_value(), "what is said is replies");
    // RFC 2034 §4
    const mail::reply& it = **one;
    const bool is_bare = is_first || it.is_intermediate() || it.lines.front() == "mx.example";
    fuzz::require(is_bare != it.enhanced().has_value(), "each reply but those has its status");
    fuzz::require(is_harmless((*one)->to_string()), "replies are harmless");
  }
  fuzz::require(replies.empty(), "a reply is whole");
  return all;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const unsigned choice = fuzz::take_octet(input);
  const auto pieces = fuzz::take_cut(input);
  const outcome cut = play(choice, pieces, input);
  // With TLS, the cut decides where the input under TLS starts.
  if ((choice & 8U) == 0) fuzz::require(play(choice, {input}, input) == cut, "any cut has the same answers");
  return 0;
}
