// SPDX-License-Identifier: MIT
#include "mail/server/fault.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

using stage = fault_stage;
using does = fault_action;

// Sorted by name: ACTION-STAGE.
constexpr auto table = std::to_array<fault>({
    {"auth-no-initial",
     stage::auth,
     does::refuse_initial,
     {},
     "AUTH with an initial response is answered 501; without one it works"},
    {"auth-odd-challenge", stage::auth, does::odd_challenge, {}, "the challenge of a login is not Base64"},
    {"cert-expired", stage::certificate, does::certificate_expired, {}, "the server's certificate has expired"},
    {"cert-not-yet-valid",
     stage::certificate,
     does::certificate_not_yet_valid,
     {},
     "the server's certificate is not valid before next week"},
    {"cert-self-signed",
     stage::certificate,
     does::certificate_self_signed,
     {},
     "the server's certificate is self-signed"},
    {"cert-unknown-ca",
     stage::certificate,
     does::certificate_unknown_ca,
     {},
     "the server's certificate is signed by an unknown CA"},
    {"cert-wrong-host",
     stage::certificate,
     does::certificate_wrong_host,
     {},
     "the server's certificate is for another host"},
    {"close-auth", stage::auth, does::close, {}, "the connection ends after AUTH"},
    {"close-connect", stage::connect, does::close, {}, "the connection ends before the greeting"},
    {"close-content", stage::data, does::say_and_close, "354 End with CR LF . CR LF\r\n",
     "354, then the connection ends while the message is on its way"},
    {"close-data", stage::data, does::close, {}, "the connection ends after DATA"},
    {"close-ehlo", stage::ehlo, does::close, {}, "the connection ends after EHLO"},
    {"close-end", stage::end, does::close, {}, "the connection ends after the message's end; nothing is stored"},
    {"close-end-stored",
     stage::end,
     does::store_and_close,
     {},
     "the connection ends after the message's end; the message is stored"},
    {"close-handshake", stage::handshake, does::close, {}, "the connection ends when TLS should begin"},
    {"close-mail", stage::mail, does::close, {}, "the connection ends after MAIL"},
    {"close-quit", stage::quit, does::close, {}, "the connection ends after QUIT, without an answer"},
    {"close-rcpt", stage::rcpt, does::close, {}, "the connection ends after RCPT"},
    {"close-starttls", stage::starttls, does::close, {}, "the connection ends after STARTTLS"},
    {"delay-replies", stage::connect, does::delay, {}, "every answer is delayed by a second, or by :delay=DURATION"},
    {"endless-ehlo", stage::ehlo, does::pour, "250-X-ENDLESS and so on\r\n", "an answer to EHLO that has no last line"},
    {"extra-reply", stage::ehlo, does::say_more, "550 5.0.0 Nobody asked for this\r\n", "two answers to one EHLO"},
    {"garbage-auth", stage::auth, does::say, "999 what\r\n", "an invalid answer to AUTH"},
    {"garbage-connect", stage::connect, does::say, "SSH-2.0-netlab\r\n", "an invalid greeting"},
    {"garbage-data", stage::data, does::say, "banana\r\n", "an invalid answer to DATA"},
    {"garbage-ehlo", stage::ehlo, does::say, "250-one\r\n550 other\r\n", "an answer to EHLO with two codes"},
    {"garbage-end", stage::end, does::say, "banana\r\n", "an invalid answer to the message's end; nothing is stored"},
    {"garbage-handshake", stage::handshake, does::babble, {}, "octets that are not TLS, when TLS should begin"},
    {"garbage-mail", stage::mail, does::say, "25 ok\r\n", "an answer to MAIL with a code of two digits"},
    {"garbage-rcpt", stage::rcpt, does::say, "\x1b[2J250x ok\r\n",
     "an invalid answer to RCPT that would clear a terminal"},
    {"garbage-starttls", stage::starttls, does::say, "maybe\r\n", "an invalid answer to STARTTLS"},
    {"hang-auth", stage::auth, does::hang, {}, "no answer to AUTH, nor to anything after it"},
    {"hang-connect", stage::connect, does::hang, {}, "no greeting"},
    {"hang-data", stage::data, does::hang, {}, "no answer to DATA"},
    {"hang-ehlo", stage::ehlo, does::hang, {}, "no answer to EHLO"},
    {"hang-end", stage::end, does::hang, {}, "no answer to the message's end; nothing is stored"},
    {"hang-end-stored", stage::end, does::store_and_hang, {}, "no answer to the message's end; the message is stored"},
    {"hang-handshake", stage::handshake, does::hang, {}, "silence when TLS should begin"},
    {"hang-mail", stage::mail, does::hang, {}, "no answer to MAIL"},
    {"hang-quit", stage::quit, does::hang, {}, "no answer to QUIT"},
    {"hang-rcpt", stage::rcpt, does::hang, {}, "no answer to RCPT"},
    {"hang-starttls", stage::starttls, does::hang, {}, "no answer to STARTTLS"},
    {"inject-starttls", stage::starttls, does::say_more, "250 2.0.0 Injected in clear\r\n",
     "an unencrypted answer follows the one to STARTTLS, as if an attacker had injected it"},
    {"lax",
     stage::connect,
     does::lax,
     {},
     "lines above 998 octets, NUL and 8-bit content without BODY=8BITMIME are accepted"},
    {"lie-ehlo", stage::connect, does::lie, {}, "extensions are offered, and refused when they are used"},
    {"long-line-ehlo", stage::ehlo, does::long_line, "250 \r\n", "an answer to EHLO of one line of 1 MiB"},
    {"long-line-end", stage::end, does::long_line, "250 \r\n",
     "an answer to the message's end of one line of 1 MiB; nothing is stored"},
    {"long-line-rcpt", stage::rcpt, does::long_line, "550 \r\n", "an answer to RCPT of one line of 1 MiB"},
    {"lose-message", stage::end, does::lose, {}, "the message is answered with 250 and is not stored"},
    {"no-starttls",
     stage::connect,
     does::hide_starttls,
     {},
     "STARTTLS is not offered, as if an attacker had removed it"},
    {"reject-auth", stage::auth, does::say, "535 5.7.8 Wrong user or password\r\n", "every login fails"},
    {"reject-connect", stage::connect, does::say_and_close, "554 No mail is accepted here\r\n",
     "the greeting is 554, and the connection ends"},
    {"reject-data", stage::data, does::say, "554 5.5.1 No\r\n", "DATA is answered 554"},
    {"reject-ehlo", stage::ehlo, does::say, "502 5.5.1 EHLO is not implemented\r\n",
     "EHLO is answered 502; HELO works"},
    {"reject-end", stage::end, does::say, "554 5.7.1 The message looks like spam\r\n",
     "the message's end is answered 554"},
    {"reject-mail", stage::mail, does::say, "550 5.7.1 The sender is not accepted\r\n", "MAIL is answered 550"},
    {"reject-rcpt", stage::rcpt, does::say, "550 5.1.1 There is no such user\r\n", "RCPT is answered 550"},
    {"reject-starttls", stage::starttls, does::say, "502 5.5.1 STARTTLS is not implemented\r\n",
     "STARTTLS is offered, and answered 502"},
    {"shutdown-auth", stage::auth, does::say_and_close, "421 4.3.2 The server is shutting down\r\n",
     "421 after AUTH, and the connection ends"},
    {"shutdown-data", stage::data, does::say_and_close, "421 4.3.2 The server is shutting down\r\n",
     "421 after DATA, and the connection ends"},
    {"shutdown-ehlo", stage::ehlo, does::say_and_close, "421 4.3.2 The server is shutting down\r\n",
     "421 after EHLO, and the connection ends"},
    {"shutdown-end", stage::end, does::say_and_close, "421 4.3.2 The server is shutting down\r\n",
     "421 after the message's end, and the connection ends; nothing is stored"},
    {"shutdown-mail", stage::mail, does::say_and_close, "421 4.3.2 The server is shutting down\r\n",
     "421 after MAIL, and the connection ends"},
    {"shutdown-rcpt", stage::rcpt, does::say_and_close, "421 4.3.2 The server is shutting down\r\n",
     "421 after RCPT, and the connection ends"},
    {"shutdown-starttls", stage::starttls, does::say_and_close, "421 4.3.2 The server is shutting down\r\n",
     "421 after STARTTLS, and the connection ends"},
    {"small-size", stage::connect, does::small_size, {}, "SIZE 1000 is offered, and a larger message is refused"},
    {"split-replies", stage::connect, does::split, {}, "answers are sent octet by octet"},
    {"surprise-data", stage::data, does::say, "250 2.0.0 Ok\r\n", "DATA is answered 250"},
    {"surprise-mail", stage::mail, does::say, "354 Go on\r\n", "MAIL is answered 354"},
    {"tempfail-auth", stage::auth, does::say, "454 4.7.0 Temporary authentication failure\r\n", "AUTH is answered 454"},
    {"tempfail-connect", stage::connect, does::say_and_close, "421 4.3.2 Too busy, try again later\r\n",
     "the greeting is 421, and the connection ends"},
    {"tempfail-data", stage::data, does::say, "451 4.3.0 Try again later\r\n", "DATA is answered 451"},
    {"tempfail-end", stage::end, does::say, "451 4.3.0 Try again later\r\n", "the message's end is answered 451"},
    {"tempfail-mail", stage::mail, does::say, "451 4.3.0 Try again later\r\n", "MAIL is answered 451"},
    {"tempfail-rcpt", stage::rcpt, does::say, "451 4.2.1 Greylisted, try again later\r\n", "RCPT is answered 451"},
    {"tempfail-starttls", stage::starttls, does::say, "454 4.7.0 TLS is not available for now\r\n",
     "STARTTLS is answered 454"},
});

static_assert(std::ranges::is_sorted(table, {}, &fault::name));

constexpr unsigned bit(fault_stage at) noexcept { return 1U << static_cast<unsigned>(at); }

const fault* find(std::string_view name) noexcept {
  const auto* const found = std::ranges::lower_bound(table, name, {}, &fault::name);
  return found != table.end() && found->name == name ? found : nullptr;
}

unexpected<failure> refuse_fault(std::string_view text, std::string_view why, std::string hint = {}) {
  return fail(errc::usage, fmt::format("fault '{}' {}", escape(text, 100), why), std::move(hint));
}

// Splits at colons, but not inside the brackets of an address literal.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> all;
  std::size_t from = 0;
  bool in_brackets = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '[') in_brackets = true;
    if (text[at] == ']') in_brackets = false;
    if (text[at] != ':' || in_brackets) continue;
    all.push_back(text.substr(from, at - from));
    from = at + 1;
  }
  all.push_back(text.substr(from));
  return all;
}

}  // namespace

std::string_view name_of(fault_stage at) noexcept {
  switch (at) {
    case stage::connect: return "connect";
    case stage::certificate: return "certificate";
    case stage::handshake: return "handshake";
    case stage::ehlo: return "EHLO";
    case stage::starttls: return "STARTTLS";
    case stage::auth: return "AUTH";
    case stage::mail: return "MAIL";
    case stage::rcpt: return "RCPT";
    case stage::data: return "DATA";
    case stage::end: return "the message's end";
    case stage::quit: return "QUIT";
  }
  return "?";
}

std::span<const fault> all_faults() noexcept { return table; }

result<void> fault_plan::add(std::string_view text) {
  const auto pieces = pieces_of(text);
  const fault* named = find(pieces.front());
  if (named == nullptr) {
    std::vector<std::string_view> names;
    for (const fault& each : table) names.push_back(each.name);
    const std::string_view near = nearest(pieces.front(), names);
    return refuse_fault(pieces.front(), "is not known",
                        near.empty() ? "--fault list names them all" : fmt::format("did you mean {}?", near));
  }
  const bool knows_sender =
      named->at == stage::mail || named->at == stage::rcpt || named->at == stage::data || named->at == stage::end;
  const bool knows_recipient = knows_sender && named->at != stage::mail;
  rule one{.definition = named};
  for (std::size_t at = 1; at < pieces.size(); ++at) {
    const std::string_view piece = pieces[at];
    const std::size_t equals = piece.find('=');
    const std::string_view key = piece.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    if (key == "once" && equals == std::string_view::npos) {
      one.once = true;
    } else if (key == "to" || key == "from") {
      if (!(key == "to" ? knows_recipient : knows_sender))
        return refuse_fault(text, fmt::format("happens at {}, where no {} is known", name_of(named->at),
                                              key == "to" ? "recipient" : "sender"));
      auto pattern = address_pattern::parse(value);
      if (!pattern) return unexpected(pattern.error());
      (key == "to" ? one.to : one.from) = std::move(*pattern);
    } else if (key == "every" || key == "after") {
      const auto number = parse_number(value, key, key == "every" ? 1 : 0, 1'000'000'000);
      if (!number) return unexpected(number.error());
      (key == "every" ? one.every : one.after) = *number;
    } else if (key == "delay" && named->does == does::delay) {
      const auto delay = parse_duration(value);
      if (!delay) return unexpected(delay.error());
      one.delay = *delay;
    } else {
      return refuse_fault(text, fmt::format("has a trigger '{}' that is not known", escape(piece, 50)),
                          "write :to=ADDR, :from=ADDR, :every=N, :after=N or :once");
    }
  }
  entries_.emplace_back(std::move(one));
  stages_ |= bit(named->at);
  return {};
}

bool fault_plan::needs_data() const noexcept {
  return std::ranges::any_of(entries_, [](const entry& one) {
    return one.definition().at == stage::data &&
           (one.definition().words.starts_with('2') || one.definition().words.starts_with('3'));
  });
}

bool fault_plan::entry::is_due(const envelope* of, const address* now_at) noexcept {
  if (rule_.from && (of == nullptr || !rule_.from->matches(of->sender ? &*of->sender : nullptr))) return false;
  if (rule_.to) {
    // At RCPT only its own recipient counts; later, any recipient may match.
    const auto matches = [this](const recipient& one) { return rule_.to->matches(&one.address); };
    const bool is_meant =
        now_at != nullptr ? rule_.to->matches(now_at) : of != nullptr && std::ranges::any_of(of->recipients, matches);
    if (!is_meant) return false;
  }
  const std::uint64_t number = occasions_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (number <= rule_.after || (number - rule_.after) % rule_.every != 0) return false;
  if (!rule_.once) {
    fired_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  std::uint64_t none = 0;
  return fired_.compare_exchange_strong(none, 1, std::memory_order_relaxed);
}

const fault_plan::entry* fault_plan::take_due(fault_stage at, const envelope* of, const address* now_at,
                                              const entry* previous) noexcept {
  if ((stages_ & bit(at)) == 0) return nullptr;
  for (entry& one : entries_) {
    if (previous != nullptr) {
      if (previous == &one) previous = nullptr;
      continue;
    }
    if (one.rule_.definition->at == at && one.is_due(of, now_at)) return &one;
  }
  return nullptr;
}

}  // namespace netlab::mail
