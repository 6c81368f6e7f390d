// SPDX-License-Identifier: MIT
#include "connect/starttls.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::connect {
namespace {

// The negotiation is short: an EHLO reply has about 20 lines, XMPP's features a few kilobytes.
constexpr std::size_t max_received = 64 * 1024;
constexpr std::size_t max_line = 8 * 1024;  // RFC 9051 §7.2.2 has the longest lines; RFC 5321's have 512
constexpr std::size_t shown = 120;          // octets of the peer's text in a message

constexpr std::array<std::string_view, 11> names{"ftp",  "imap",     "ldap",  "lmtp", "mysql", "nntp",
                                                 "pop3", "postgres", "sieve", "smtp", "xmpp"};

bool has_word(std::string_view text, std::string_view wanted) {
  const auto all = words(text);
  return std::any_of(all.begin(), all.end(), [&](std::string_view each) { return equal_in_any_case(each, wanted); });
}

/// A protocol with lines that end in LF or CR LF.
class line_negotiation : public starttls {
 public:
  using starttls::starttls;

 protected:
  virtual void on_line(std::string_view line) = 0;

 private:
  [[nodiscard]] std::size_t receive(std::string_view input) final {
    const auto end = input.find('\n');
    if (end == std::string_view::npos) {
      if (input.size() > max_line) refuse(errc::peer_protocol, "the peer's line is too long");
      return 0;
    }
    std::string_view line = input.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    note(line);
    on_line(line);
    return end + 1;
  }
};

/// Three-digit replies of one or more lines: SMTP (RFC 5321 §4.2), LMTP, FTP (RFC 959 §4.2), NNTP.
class reply_code_negotiation : public line_negotiation {
 public:
  using line_negotiation::line_negotiation;

 protected:
  /// Called at the end of a reply with its last line, after on_text() has received the text of each line.
  virtual void on_reply(unsigned code, std::string_view last) = 0;
  virtual void on_text(std::string_view) {}

 private:
  void on_line(std::string_view line) final {
    const auto code = parse_integer<unsigned>(line.substr(0, 3));
    const bool is_reply = code && *code >= 100 && *code <= 599 && line.size() >= 3;
    const bool is_last = is_reply && (line.size() == 3 || line[3] == ' ');
    const bool is_more = is_reply && line.size() > 3 && line[3] == '-';
    // Between the first and the last line of an FTP reply, any text is allowed.
    if (!is_last && !is_more && !open_)
      return refuse(errc::peer_protocol, "the peer sent something that is not a reply", line);
    if (is_reply && line.size() > 4) on_text(line.substr(4));
    open_ = !is_last || (open_code_ != 0 && *code != open_code_);
    open_code_ = open_ ? (open_code_ != 0 ? open_code_ : code.value_or(0)) : 0;
    if (!open_) on_reply(*code, line);
  }

  bool open_ = false;
  unsigned open_code_ = 0;
};

class smtp_negotiation final : public reply_code_negotiation {
 public:
  using reply_code_negotiation::reply_code_negotiation;

 private:
  enum class state : std::uint8_t { greeting, hello, starttls };

  void on_text(std::string_view text) override {
    if (state_ == state::hello && equal_in_any_case(trim(text), "STARTTLS")) offered_ = true;
  }
  void on_reply(unsigned code, std::string_view last) override {
    const auto kind = code / 100;
    if (kind == 4) return refuse(errc::try_later, "the server refuses for now", last);
    switch (state_) {
      case state::greeting:
        if (code != 220) return refuse(errc::rejected, "the server refuses the session", last);
        state_ = state::hello;
        return send_line(fmt::format("{} {}", parameters().protocol == starttls_protocol::lmtp ? "LHLO" : "EHLO",
                                     parameters().helo));
      case state::hello:
        if (kind == 5) return refuse(errc::rejected, "the server supports no extensions, so no STARTTLS", last);
        if (kind != 2)
          return refuse(errc::peer_protocol, "the server answers the greeting with an invalid reply", last);
        if (!offered_) return refuse(errc::rejected, "the server does not offer STARTTLS");
        state_ = state::starttls;
        return send_line("STARTTLS");
      case state::starttls:
        // RFC 3207 §4: only 220 accepts; after TLS, the session starts again with EHLO.
        if (code == 220) return succeed();
        return refuse(kind == 5 ? errc::rejected : errc::peer_protocol, "the server refuses STARTTLS", last);
    }
  }

  state state_ = state::greeting;
  bool offered_ = false;
};

/// RFC 4217 (FTP), RFC 4642 (NNTP): a greeting, a command, a reply.
class one_command_negotiation final : public reply_code_negotiation {
 public:
  using reply_code_negotiation::reply_code_negotiation;

 private:
  void on_reply(unsigned code, std::string_view last) override {
    const bool is_ftp = parameters().protocol == starttls_protocol::ftp;
    if (is_ftp && code == 120 && !asked_) return;  // the service will be ready in some minutes
    if (code / 100 == 4) return refuse(errc::try_later, "the server refuses for now", last);
    if (code >= 500)
      return refuse(errc::rejected, asked_ ? "the server refuses TLS" : "the server refuses the session", last);
    if (!std::exchange(asked_, true)) {
      if (code / 100 != 2) return refuse(errc::peer_protocol, "the server's greeting is invalid", last);
      return send_line(is_ftp ? "AUTH TLS" : "STARTTLS");
    }
    if (code == (is_ftp ? 234U : 382U)) return succeed();
    refuse(errc::peer_protocol, "the server's answer is invalid", last);
  }

  bool asked_ = false;
};

/// RFC 2595 §4.
class pop3_negotiation final : public line_negotiation {
 public:
  using line_negotiation::line_negotiation;

 private:
  void on_line(std::string_view line) override {
    if (line.starts_with("-ERR"))
      return refuse(errc::rejected, asked_ ? "the server refuses STLS" : "the server refuses the session", line);
    if (!line.starts_with("+OK")) return refuse(errc::peer_protocol, "the server's answer is invalid", line);
    if (std::exchange(asked_, true)) return succeed();
    send_line("STLS");
  }

  bool asked_ = false;
};

/// RFC 9051 §6.2.1.
class imap_negotiation final : public line_negotiation {
 public:
  using line_negotiation::line_negotiation;

 private:
  enum class state : std::uint8_t { greeting, capabilities, starttls };

  void on_line(std::string_view line) override {
    const std::string upper = to_upper(line);
    if (upper.starts_with("* BYE")) return refuse(errc::rejected, "the server closes the session (BYE)", line);
    if (state_ == state::greeting) {
      if (upper.starts_with("* PREAUTH"))
        return refuse(errc::rejected, "the session is already authenticated (PREAUTH), which rules out STARTTLS", line);
      if (!upper.starts_with("* OK")) return refuse(errc::peer_protocol, "the server's greeting is invalid", line);
      state_ = state::capabilities;
      return send_line("a1 CAPABILITY");
    }
    if (upper.starts_with("* ")) {
      if (upper.starts_with("* CAPABILITY") && has_word(upper, "STARTTLS")) offered_ = true;
      return;
    }
    const std::string_view tag = state_ == state::capabilities ? "A1 " : "A2 ";
    if (!upper.starts_with(tag)) return refuse(errc::peer_protocol, "the server's answer is invalid", line);
    if (!upper.substr(3).starts_with("OK")) return refuse(errc::rejected, "the server refuses", line);
    if (state_ == state::starttls) return succeed();
    if (!offered_) return refuse(errc::rejected, "the server does not offer STARTTLS");
    state_ = state::starttls;
    send_line("a2 STARTTLS");
  }

  state state_ = state::greeting;
  bool offered_ = false;
};

/// ManageSieve, RFC 5804 §2.2.
class sieve_negotiation final : public line_negotiation {
 public:
  using line_negotiation::line_negotiation;

 private:
  void on_line(std::string_view line) override {
    const std::string upper = to_upper(line);
    if (upper.starts_with('"')) {
      if (upper.starts_with("\"STARTTLS\"")) offered_ = true;
      return;
    }
    if (upper.starts_with("NO") || upper.starts_with("BYE"))
      return refuse(errc::rejected, asked_ ? "the server refuses STARTTLS" : "the server refuses the session", line);
    if (!upper.starts_with("OK")) return refuse(errc::peer_protocol, "the server's answer is invalid", line);
    if (asked_) return succeed();
    if (!offered_) return refuse(errc::rejected, "the server does not offer STARTTLS");
    asked_ = true;
    send_line("STARTTLS");
  }

  bool offered_ = false;
  bool asked_ = false;
};

}  // namespace

std::string_view name_of(starttls_protocol which) noexcept { return names[static_cast<std::size_t>(which)]; }

result<starttls_protocol> parse_starttls(std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return static_cast<starttls_protocol>(found - names.begin());
  const std::string_view near = nearest(text, names);
  return fail(errc::usage, fmt::format("unknown STARTTLS protocol '{}'", escape(text, 60)),
              near.empty() ? std::string("ftp, imap, ldap, lmtp, mysql, nntp, pop3, postgres, sieve, smtp, xmpp")
                           : fmt::format("did you mean '{}'?", near));
}

failure injected() {
  return {make_error_code(errc::peer_protocol),
          {},
          "unencrypted octets arrived between the answer to STARTTLS and TLS: an attacker may have injected them",
          {}};
}

void starttls::feed(bytes_view from_peer, time_point now) {
  if (outcome_) {
    if (*outcome_ && !from_peer.empty()) outcome_ = unexpected(injected());
    return;
  }
  last_input_ = now;
  received_ += from_peer.size();
  input_ += as_text(from_peer);
  std::size_t used = 0;
  while (!outcome_ && used < input_.size()) {
    const std::size_t more = receive(std::string_view(input_).substr(used));
    if (more == 0) break;
    used += more;
  }
  input_.erase(0, used);
  if (!outcome_) {
    if (received_ > max_received) refuse(errc::peer_protocol, "more than 64 KiB received before TLS");
  } else if (*outcome_ && !input_.empty()) {
    outcome_ = unexpected(injected());
  }
}

void starttls::eof(time_point) {
  if (!outcome_) refuse(errc::closed_by_peer, "the connection was closed before TLS began");
}

void starttls::tick(time_point now) {
  if (deadline() && *deadline() <= now)
    refuse(errc::timed_out, fmt::format("no answer within {}", to_string(parameters_.timeout)));
}

std::optional<time_point> starttls::deadline() const {
  if (outcome_) return std::nullopt;
  return last_input_ + parameters_.timeout;
}

void starttls::send_line(std::string_view line) {
  append(output_, line);
  append(output_, std::string_view("\r\n"));
  if (parameters_.trace) parameters_.trace('C', line);
}

void starttls::send_octets(std::string_view octets, std::string_view called) {
  append(output_, octets);
  if (parameters_.trace) parameters_.trace('C', called);
}

void starttls::note(std::string_view line) const {
  if (parameters_.trace) parameters_.trace('S', line);
}

void starttls::succeed() { outcome_.emplace(); }

void starttls::refuse(errc code, std::string detail) {
  outcome_ = unexpected(failure{make_error_code(code), {}, std::move(detail), {}});
}

void starttls::refuse(errc code, std::string_view message, std::string_view peer_text) {
  refuse(code, fmt::format("{}: {}", message, escape(peer_text, shown)));
}

std::unique_ptr<starttls> make_starttls(starttls_parameters parameters, time_point now) {
  switch (parameters.protocol) {
    case starttls_protocol::smtp:
    case starttls_protocol::lmtp: return std::make_unique<smtp_negotiation>(std::move(parameters), now);
    case starttls_protocol::ftp:
    case starttls_protocol::nntp: return std::make_unique<one_command_negotiation>(std::move(parameters), now);
    case starttls_protocol::pop3: return std::make_unique<pop3_negotiation>(std::move(parameters), now);
    case starttls_protocol::imap: return std::make_unique<imap_negotiation>(std::move(parameters), now);
    case starttls_protocol::sieve: return std::make_unique<sieve_negotiation>(std::move(parameters), now);
    case starttls_protocol::ldap:
    case starttls_protocol::mysql:
    case starttls_protocol::postgres:
    case starttls_protocol::xmpp: break;
  }
  return make_binary_starttls(std::move(parameters), now);
}

namespace {

struct usual_port {
  std::uint16_t port;
  std::string_view starttls;
};
constexpr std::array usual_ports = std::to_array<usual_port>({
    {21, "ftp"},     {24, "lmtp"},   {25, "smtp"}, {110, "pop3"},  {119, "nntp"},      {143, "imap"},
    {389, "ldap"},   {443, {}},      {465, {}},    {563, {}},      {587, "smtp"},      {636, {}},
    {990, {}},       {993, {}},      {995, {}},    {2465, {}},     {2525, "smtp"},     {3306, "mysql"},
    {4190, "sieve"}, {5222, "xmpp"}, {5223, {}},   {5269, "xmpp"}, {5432, "postgres"}, {8443, {}},
});
constexpr std::uint16_t unprivileged_offset = 10'000;  // of lab serve

}  // namespace

std::optional<std::string_view> usual_tls(std::uint16_t port) noexcept {
  for (const usual_port& each : usual_ports)
    if (each.port == port || (each.port < 1024 && each.port + unprivileged_offset == port)) return each.starttls;
  return std::nullopt;
}

}  // namespace netlab::connect
