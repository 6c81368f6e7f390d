// SPDX-License-Identifier: MIT
// MAIL and RCPT with their parameters: RFC 5321 §4.1.1.2, 1870 (SIZE), 6152 (BODY), 6531 (SMTPUTF8), 3461 (DSN),
// 4954 §5 (AUTH).
#include "mail/server/server.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {

struct server::parameter {
  std::string_view keyword;
  std::string_view value;
  bool has_value = false;

  [[nodiscard]] bool is(std::string_view name) const noexcept { return equal_in_any_case(keyword, name); }
};

/// `FROM:<path> parameters`
struct server::command_line {
  std::string_view path;  // without its brackets
  std::vector<parameter> parameters;
};

namespace {

constexpr std::size_t max_envid = 100;  // RFC 3461 §4.4
constexpr std::size_t max_orcpt = 500;  // RFC 3461 §4.2

// RFC 3461 §4: visible ASCII without + and =, but for `+` with two capital hexadecimal digits. RFC 6533 §3 also
// allows UTF-8 with SMTPUTF8.
bool is_xtext(std::string_view text, bool utf8) noexcept {
  const auto is_capital_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '+') {
      if (at + 2 >= text.size() || !is_capital_hex(text[at + 1]) || !is_capital_hex(text[at + 2])) return false;
      at += 2;
    } else if (c <= ' ' || c == '=' || c == 0x7f || (c >= 0x80 && !utf8)) {
      return false;
    }
  }
  return !utf8 || is_utf8(text);
}

// RFC 3461 §4.1: NEVER alone, or a list without repetition; in capitals.
std::optional<std::string> parse_notify(std::string_view value) {
  std::string all = to_upper(value);
  if (all == "NEVER") return all;
  unsigned seen = 0;
  for (const std::string_view each : split(all, ',')) {
    const unsigned bit = each == "SUCCESS" ? 1 : each == "FAILURE" ? 2 : each == "DELAY" ? 4 : 0;
    if (bit == 0 || (seen & bit) != 0) return std::nullopt;
    seen |= bit;
  }
  return all;
}

// `rfc822;joe@example.org`
bool is_orcpt(std::string_view value, bool utf8) noexcept {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0 || semicolon + 1 == value.size()) return false;
  const std::string_view type = value.substr(0, semicolon);
  return value.size() <= max_orcpt &&
         std::ranges::all_of(type,
                             [](char c) {
                               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                      c == '-';
                             }) &&
         is_xtext(value.substr(semicolon + 1), utf8);
}

// The length of `<path>` at the start of the text, or 0; a > in quotes does not end it.
std::size_t length_of_path(std::string_view text) noexcept {
  bool quoted = false;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (quoted && text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      quoted = !quoted;
    else if (text[at] == '>' && !quoted)
      return at + 1;
  }
  return 0;
}

}  // namespace

void server::refuse_envelope(std::string_view reply, const address* whom) {
  if (watch_ != nullptr) watch_->refused(envelope_, whom, reply);
  say(reply);
}

void server::forget_transaction() {
  if (is_receiving_) inbox_.abandon();
  is_receiving_ = false;
  in_transaction_ = false;
  tried_recipients_ = false;
  trouble_.reset();
  after_commit_ = nullptr;
  loses_ = false;
  envelope_.sender.reset();
  envelope_.recipients.clear();
  envelope_.body = body_type::seven_bit;
  envelope_.smtputf8 = false;
  envelope_.ret.clear();
  envelope_.envid.clear();
  envelope_.declared_size = 0;
}

std::optional<server::command_line> server::take_command_line(std::string_view arguments, std::string_view word) {
  if (arguments.size() < word.size() || !equal_in_any_case(arguments.substr(0, word.size()), word)) {
    say_error(fmt::format("501 5.5.4 Write {}<user@example.org>", word));
    return std::nullopt;
  }
  arguments.remove_prefix(word.size());
  // Many clients send a blank here, which the RFC does not allow.
  while (arguments.starts_with(' ')) arguments.remove_prefix(1);
  const std::size_t length = arguments.starts_with('<') ? length_of_path(arguments) : 0;
  if (length == 0 || (length < arguments.size() && arguments[length] != ' ')) {
    say_error(fmt::format("501 5.5.4 Write {}<user@example.org>, with the brackets", word));
    return std::nullopt;
  }
  command_line all;
  all.path = arguments.substr(1, length - 2);
  if (length == arguments.size()) return all;
  for (const std::string_view each : words(arguments.substr(length))) {
    const std::size_t equals = each.find('=');
    parameter one{each.substr(0, equals), {}, equals != std::string_view::npos};
    if (one.has_value) one.value = each.substr(equals + 1);
    // RFC 5321 §4.1.2: esmtp-keyword and esmtp-value.
    const bool is_keyword =
        !one.keyword.empty() && one.keyword.front() != '-' && std::ranges::all_of(one.keyword, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        });
    const bool is_value = std::ranges::all_of(
        one.value, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '=' && c != 0x7f; });
    if (!is_keyword || !is_value || (one.has_value && one.value.empty())) {
      say_error("501 5.5.4 A parameter is KEYWORD or KEYWORD=VALUE");
      return std::nullopt;
    }
    const auto same = [&](const parameter& other) { return equal_in_any_case(one.keyword, other.keyword); };
    if (std::ranges::any_of(all.parameters, same)) {
      say_error("501 5.5.4 A parameter occurs twice");
      return std::nullopt;
    }
    if (!envelope_.is_extended || lies_) {
      say_error("555 5.5.4 Parameters are not accepted here");
      return std::nullopt;
    }
    all.parameters.push_back(one);
  }
  return all;
}

std::optional<address> server::take_address(std::string_view path, bool of_sender) {
  const std::string_view status = of_sender ? "553 5.1.7" : "553 5.1.3";
  if (!envelope_.smtputf8 && !is_ascii(path)) {
    refuse_envelope("553 5.6.7 An address outside ASCII needs SMTPUTF8");
    return std::nullopt;
  }
  // RFC 5321 §4.1.1.3, appendix C: a source route is accepted and ignored.
  if (path.starts_with('@')) {
    const std::size_t colon = path.find(':');
    if (colon != std::string_view::npos) path.remove_prefix(colon + 1);
  }
  if (path != trim(path) || path.starts_with('<')) {
    refuse_envelope(fmt::format("{} The brackets contain more than an address", status));
    return std::nullopt;
  }
  // RFC 5321 §4.5.1: postmaster is valid without a domain, in any case.
  if (!of_sender && equal_in_any_case(path, "postmaster"))
    return address{.local = std::string(path), .domain = with_.host, .ascii_domain = with_.host};
  auto parsed = parse_address(path);
  if (!parsed) {
    std::string why = parsed.error().detail;
    if (why.starts_with("an ")) why.erase(0, 3);
    // Replies must be ASCII unless the client has asked for UTF-8.
    constexpr std::string_view cut = "…";
    if (const auto at = why.find(cut); at != std::string::npos) why.replace(at, cut.size(), "...");
    refuse_envelope(fmt::format("{} The {}", status, why));
    return std::nullopt;
  }
  return std::move(*parsed);
}

std::string_view server::mail_refusal() const noexcept {
  if (!is_greeted_) return "503 5.5.1 Send EHLO first";
  if (in_transaction_) return "503 5.5.1 A mail transaction is in progress: complete it, or send RSET";
  if (with_.login_required && envelope_.user.empty()) return "530 5.7.0 Log in first";
  return {};
}

bool server::set_mail_parameter(const parameter& one) {
  constexpr std::string_view bad_value = "501 5.5.4 A parameter has an invalid value";
  const auto refuse = [this](std::string_view reply) {
    say_error(reply);
    return false;
  };
  if (one.is("SIZE")) {
    // RFC 1870 §5: up to 20 digits, which may exceed 64 bits.
    if (one.value.empty() || one.value.size() > 20 || !std::ranges::all_of(one.value, is_digit))
      return refuse(bad_value);
    envelope_.declared_size = parse_integer<std::uint64_t>(one.value).value_or(UINT64_MAX);
    return true;
  }
  if (one.is("BODY")) {
    const std::string value = to_upper(one.value);
    if (value == "BINARYMIME" && offers_chunking()) {
      envelope_.body = body_type::binary_mime;
      return true;
    }
    if (value != "7BIT" && value != "8BITMIME") return refuse("555 5.5.4 BODY must be 7BIT, 8BITMIME or BINARYMIME");
    envelope_.body = value == "7BIT" ? body_type::seven_bit : body_type::eight_bit_mime;
    return true;
  }
  if (one.is("SMTPUTF8")) {
    if (one.has_value) return refuse(bad_value);
    envelope_.smtputf8 = true;
    return true;
  }
  if (one.is("RET")) {
    envelope_.ret = to_upper(one.value);
    return envelope_.ret == "FULL" || envelope_.ret == "HDRS" || refuse(bad_value);
  }
  if (one.is("ENVID")) {
    envelope_.envid = one.value;
    return (one.has_value && one.value.size() <= max_envid && is_xtext(one.value, false)) || refuse(bad_value);
  }
  if (one.is("AUTH") && knows_auth())  // RFC 4954 §5: accepted and ignored, as no client is trusted to state it
    return (one.has_value && is_xtext(one.value, false)) || refuse(bad_value);
  return refuse("555 5.5.4 Unknown MAIL parameter");
}

void server::on_mail(std::string_view arguments) {
  if (const std::string_view refusal = mail_refusal(); !refusal.empty()) return say_error(refusal);
  if (with_.limits.messages != 0 && counts_.accepted >= with_.limits.messages) {
    say("421 4.7.0 Too many messages in one session");
    return close("too many messages");
  }
  const auto line = take_command_line(arguments, "FROM:");
  if (!line) return;
  for (const parameter& one : line->parameters)
    if (!set_mail_parameter(one)) return forget_transaction();
  if (!line->path.empty()) {
    envelope_.sender = take_address(line->path, true);
    if (!envelope_.sender) return forget_transaction();
  }
  if (const std::uint64_t limit = size_limit(); limit != 0 && envelope_.declared_size > limit) {
    refuse_envelope(fmt::format("552 5.3.4 A message may have at most {} octets", limit));
    return forget_transaction();
  }
  if (inject_fault(fault_stage::mail)) return forget_transaction();
  if (with_.rate != nullptr && !with_.rate->take(envelope_.peer, now_)) {
    refuse_envelope(fmt::format("421 4.7.0 Too much mail from {}, try again later", envelope_.peer));
    return close("rate limit");
  }
  in_transaction_ = true;
  say("250 2.1.0 Sender ok");
}

bool server::set_rcpt_parameter(const parameter& one, recipient& to) {
  const auto refuse = [this](std::string_view reply) {
    say_error(reply);
    return false;
  };
  if (one.is("NOTIFY")) {
    auto notify = parse_notify(one.value);
    if (!notify) return refuse("501 5.5.4 NOTIFY must be NEVER, or a list of SUCCESS,FAILURE,DELAY");
    to.notify = std::move(*notify);
    return true;
  }
  if (one.is("ORCPT")) {
    to.orcpt = one.value;
    return is_orcpt(one.value, envelope_.smtputf8) || refuse("501 5.5.4 ORCPT must be TYPE;ADDRESS, in xtext");
  }
  return refuse("555 5.5.4 Unknown RCPT parameter");
}

void server::on_rcpt(std::string_view arguments) {
  take_recipient(arguments);
  if (state_ != server_state::command) return;
  if (counts_.refused_recipients - refused_before_ < with_.limits.refused_recipients) return;
  say("421 4.7.0 Too many refused recipients");
  close("too many refused recipients");
}

void server::take_recipient(std::string_view arguments) {
  if (!in_transaction_) return say_error("503 5.5.1 Send MAIL first");
  if (is_receiving_) return say_error("503 5.5.1 The message has already begun");
  const auto line = take_command_line(arguments, "TO:");
  if (!line) return;
  tried_recipients_ = true;
  recipient to;
  for (const parameter& one : line->parameters)
    if (!set_rcpt_parameter(one, to)) return;
  ++counts_.refused_recipients;  // decremented again when it is accepted
  auto address = take_address(line->path, false);
  if (!address) return;
  to.address = std::move(*address);
  if (inject_fault(fault_stage::rcpt, &to.address)) return;
  const auto matches = [&](const address_pattern& one) {
    if (!one.matches(&to.address)) return false;
    idle_commands_ = 0;  // asking for a recipient that is configured to be refused is not idling
    return true;
  };
  if (std::ranges::any_of(with_.reject, matches))
    return refuse_envelope("550 5.1.1 There is no such user", &to.address);
  if (std::ranges::any_of(with_.tempfail, matches))
    return refuse_envelope("451 4.2.1 This mailbox accepts no mail for now", &to.address);
  if (envelope_.recipients.size() >= with_.limits.recipients)
    return refuse_envelope("452 4.5.3 Too many recipients: send the message to these first, then to the rest",
                           &to.address);
  --counts_.refused_recipients;
  envelope_.recipients.push_back(std::move(to));
  say("250 2.1.5 Recipient ok");
}

}  // namespace netlab::mail
