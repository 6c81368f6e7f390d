// SPDX-License-Identifier: MIT
// Exercise 3 by hand: the lines that a person would type, first in clear text, then over TLS.
#include <array>
#include <memory>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/line_buffer.hpp"
#include "base/text.hpp"
#include "lab/tour/post_office.hpp"
#include "lab/tour/talk.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t max_line = 2048;

std::string in_base64(std::string_view text) { return encode_base64(as_bytes(text)); }

/// Sends a line and shows it, waits for the reply and shows it.
class typist {
 public:
  typist(narrator& tell, net::tcp::socket socket) : tell_(tell), clear_(std::move(socket)) {}

  /// A complete reply with its line ends. Base64 in a 334 reply is also shown decoded.
  asio::awaitable<result<std::string>> read_reply() {
    std::string answer;
    while (true) {
      while (const auto line = lines_.next()) {
        const std::string text(line->text);
        answer += text + "\r\n";
        show('S', text, decoded(text));
        if (text.size() < 4 || text[3] != '-') co_return answer;  // RFC 5321 §4.2.1: the last line
      }
      std::array<std::byte, 4096> piece{};
      const auto size = co_await read(piece);
      if (!size) co_return unexpected(size.error());
      lines_.append(as_text(bytes_view(piece).first(*size)));
    }
  }

  asio::awaitable<result<std::string>> type(std::string line, std::string beside = {}) {
    if (auto sent = co_await put(line, beside); !sent) co_return unexpected(sent.error());
    co_return co_await read_reply();
  }

  /// A line that gets no reply.
  asio::awaitable<result<void>> put(std::string line, std::string beside = {}) {
    show('C', line, beside);
    line += "\r\n";
    const net::expiry limit(socket(), clock::now() + patience);
    std::error_code error;
    if (secure_) {
      const auto [failed, size] = co_await asio::async_write(*secure_, asio::buffer(line), net::use_tuple);
      error = failed;
    } else {
      const auto [failed, size] = co_await asio::async_write(clear_, asio::buffer(line), net::use_tuple);
      error = failed;
    }
    if (error) co_return fail(error, "send a line");
    co_return result<void>();
  }

  asio::awaitable<result<void>> start_tls(const tls::context& with, std::string host) {
    secure_ = std::make_unique<tls::stream>(std::move(clear_), with, tls::peer{.host = std::move(host), .sni = {}});
    co_return co_await secure_->handshake(clock::now() + patience);
  }
  /// Shows nothing while `on` is true.
  void mute(bool on) { mute_ = on; }

  [[nodiscard]] const tls::stream& secure() const { return *secure_; }

 private:
  net::tcp::socket& socket() { return secure_ ? secure_->socket() : clear_; }

  asio::awaitable<result<std::size_t>> read(std::span<std::byte> into) {
    const net::expiry limit(socket(), clock::now() + patience);
    const auto buffer = asio::buffer(into.data(), into.size());
    if (secure_) {
      const auto [error, size] = co_await secure_->async_read_some(buffer, net::use_tuple);
      if (error) co_return fail(error, "read an answer");
      co_return size;
    }
    const auto [error, size] = co_await clear_.async_read_some(buffer, net::use_tuple);
    if (error) co_return fail(error, "read an answer");
    co_return size;
  }

  static std::string decoded(std::string_view answer) {
    if (!answer.starts_with("334 ")) return {};
    const auto octets = decode_base64(trim(answer.substr(4)));
    return octets ? std::string(as_text(*octets)) : std::string();
  }

  void show(char who, std::string_view line, std::string_view beside) {
    if (mute_) return;
    if (line.empty()) return tell_.show(fmt::format("{}:", who));
    if (beside.empty()) return tell_.show(fmt::format("{}: {}", who, escape(line)));
    tell_.show(fmt::format("{}: {:<20} {}", who, escape(line), escape(beside)));
  }

  narrator& tell_;
  net::tcp::socket clear_;
  std::unique_ptr<tls::stream> secure_;
  line_buffer lines_{max_line};
  bool mute_ = false;
};

/// Sends everything up to the login, without showing it.
asio::awaitable<result<void>> log_in(typist& person, const post_office& in) {
  person.mute(true);
  if (const auto greeting = co_await person.read_reply(); !greeting) co_return unexpected(greeting.error());
  for (const std::string_view line : {"EHLO client.example", "STARTTLS"})
    if (const auto answer = co_await person.type(std::string(line)); !answer) co_return unexpected(answer.error());
  const auto trusted = tls::context::client({.ca_file = in.ca_file()});
  if (!trusted) co_return unexpected(trusted.error());
  if (auto secured = co_await person.start_tls(*trusted, "127.0.0.1"); !secured) co_return secured;
  if (const auto answer = co_await person.type("EHLO client.example"); !answer) co_return unexpected(answer.error());
  // RFC 4616: authorization identity, user name and password, with NUL between them.
  const std::string plain = fmt::format("{0}{1}{0}{2}", '\0', lab_user, lab_password);
  const auto answer = co_await person.type("AUTH PLAIN " + in_base64(plain));
  if (!answer) co_return unexpected(answer.error());
  if (!answer->starts_with("235 ")) co_return fail(errc::internal, "the lab's mail server refuses the login");
  person.mute(false);
  co_return result<void>();
}

/// Sends MAIL and RCPT without showing them, then DATA and the empty line that ends an empty header.
asio::awaitable<result<void>> begin_letter(typist& person) {
  person.mute(true);
  for (const std::string_view line : {"MAIL FROM:<ann@client.example>", "RCPT TO:<ben@lab.example>"})
    if (const auto answer = co_await person.type(std::string(line)); !answer) co_return unexpected(answer.error());
  person.mute(false);
  if (const auto answer = co_await person.type("DATA"); !answer) co_return unexpected(answer.error());
  co_return co_await person.put("");
}

bool offers(std::string_view answer, std::string_view extension) {
  for (const std::string_view line : split(answer, '\n'))
    if (trim(line).size() >= 4 && trim(line).substr(4).starts_with(extension)) return true;
  return false;
}

}  // namespace

step_result by_hand(post_office& in) {
  in.tell.say(
      "SMTP (RFC 5321) is lines of text that end in CRLF. The client sends a command, the server answers with a code "
      "of three digits. The first digit means: 2 success, 3 continue, 4 temporary failure, 5 permanent failure. A "
      "hyphen after the code means that another line follows. First without encryption:");
  auto socket = co_await connect_to(in.port());
  if (!socket) co_return unexpected(socket.error());
  typist person(in.tell, std::move(*socket));
  const auto greeting = co_await person.read_reply();
  if (!greeting) co_return unexpected(greeting.error());
  const auto in_clear = co_await person.type("EHLO client.example");
  if (!in_clear) co_return unexpected(in_clear.error());
  const auto too_early = co_await person.type("AUTH LOGIN");
  if (!too_early) co_return unexpected(too_early.error());
  in.tell.check("without TLS the server offers STARTTLS but not AUTH, and refuses a login",
                greeting->starts_with("220 ") && offers(*in_clear, "STARTTLS") && !offers(*in_clear, "AUTH") &&
                    too_early->starts_with("5"));

  in.tell.say("STARTTLS (RFC 3207): after the 220 the same connection continues with TLS.");
  const auto ready = co_await person.type("STARTTLS");
  if (!ready) co_return unexpected(ready.error());
  const auto trusted = tls::context::client({.ca_file = in.ca_file()});
  if (!trusted) co_return unexpected(trusted.error());
  if (auto secured = co_await person.start_tls(*trusted, "127.0.0.1"); !secured) co_return secured;
  in.tell.show(fmt::format("   {}, {}; certificate {} by ca.pem", person.secure().version(), person.secure().cipher(),
                           person.secure().verification().words));
  in.tell.check("TLS is established, and the certificate belongs to this server",
                ready->starts_with("220 ") && person.secure().verification().code == X509_V_OK);

  in.tell.say(
      "Everything that was said before TLS is discarded, so the client sends EHLO again. (openssl s_client -starttls "
      "smtp -crlf -connect HOST:587 does all this by itself. But it treats a line that begins with R or Q, such as "
      "RCPT, as a command of its own. netlab connect --starttls smtp --crlf HOST:587 has no such commands.) Then the "
      "login, in Base64 in both directions, here with the decoded text beside it:");
  const auto over_tls = co_await person.type("EHLO client.example");
  if (!over_tls) co_return unexpected(over_tls.error());
  const auto asks_user = co_await person.type("AUTH LOGIN");
  if (!asks_user) co_return unexpected(asks_user.error());
  const auto asks_password = co_await person.type(in_base64(lab_user), std::string(lab_user));
  if (!asks_password) co_return unexpected(asks_password.error());
  const auto logged_in = co_await person.type(in_base64(lab_password), std::string(lab_password));
  if (!logged_in) co_return unexpected(logged_in.error());
  in.tell.check("now AUTH is offered, and the login was accepted: 235",
                offers(*over_tls, "AUTH") && !offers(*over_tls, "STARTTLS") && asks_user->starts_with("334 ") &&
                    asks_password->starts_with("334 ") && logged_in->starts_with("235 "));
  in.tell.say(
      "Base64 writes octets as letters; it is not encryption. Only TLS protects the password on the way. Last, the "
      "letter: MAIL and RCPT are the envelope, DATA begins the content, and a line with only a dot ends it.");
  const std::size_t before = in.taken().size();
  std::string accepted;
  for (const std::string_view line : {"MAIL FROM:<ann@client.example>", "RCPT TO:<ben@lab.example>", "DATA"}) {
    const auto answer = co_await person.type(std::string(line));
    if (!answer) co_return unexpected(answer.error());
    accepted += answer->front();
  }
  for (const std::string_view line :
       {"From: Ann <ann@client.example>", "To: ben@lab.example", "Subject: By hand", "", "Hello Ben."})
    if (auto sent = co_await person.put(std::string(line)); !sent) co_return sent;
  const auto taken = co_await person.type(".");
  if (!taken) co_return unexpected(taken.error());
  const auto bye = co_await person.type("QUIT");
  if (!bye) co_return unexpected(bye.error());
  const auto all = in.taken();
  in.tell.check("the server accepted the letter (250), and stored it as it was typed",
                accepted == "223" && taken->starts_with("250 ") && bye->starts_with("221 ") &&
                    all.size() == before + 1 && field_of(all.back().text, "Subject") == "By hand" &&
                    body_of(all.back().text) == "Hello Ben.\n");
  co_return result<void>();
}

step_result dots(post_office& in) {
  in.tell.say(
      "A line with only a dot ends the letter. So a client adds a dot to each line that begins with a dot, and the "
      "server removes it (RFC 5321 section 4.5.2). Here a letter has the lines 'before', '.', '.netrc' and 'after'; "
      "login and envelope are not shown.");
  auto socket = co_await connect_to(in.port());
  if (!socket) co_return unexpected(socket.error());
  typist person(in.tell, std::move(*socket));
  if (auto ready = co_await log_in(person, in); !ready) co_return ready;
  if (auto begun = co_await begin_letter(person); !begun) co_return begun;
  for (const std::string_view line : {"before", "..", "..netrc", "after"})
    if (auto sent = co_await person.put(std::string(line)); !sent) co_return sent;
  const auto whole = co_await person.type(".");
  if (!whole) co_return unexpected(whole.error());
  const auto stuffed = in.taken();
  in.tell.check(
      "the letter arrived as it was written, including the line with the dot",
      whole->starts_with("250 ") && !stuffed.empty() && body_of(stuffed.back().text) == "before\n.\n.netrc\nafter\n");

  in.tell.say("The same without the added dots:");
  if (auto begun = co_await begin_letter(person); !begun) co_return begun;
  if (auto sent = co_await person.put("before"); !sent) co_return sent;
  const auto cut = co_await person.type(".");
  if (!cut) co_return unexpected(cut.error());
  const auto netrc = co_await person.type(".netrc");
  if (!netrc) co_return unexpected(netrc.error());
  const auto after = co_await person.type("after");
  if (!after) co_return unexpected(after.error());
  const auto bare = in.taken();
  in.tell.check("the letter ends at its first dot, and the server treats the rest as commands",
                cut->starts_with("250 ") && bare.size() == stuffed.size() + 1 &&
                    body_of(bare.back().text) == "before\n" && netrc->starts_with("5") && after->starts_with("5"));
  in.tell.say(
      "So a user of a web form that is handled by such a program can send commands to its mail server. With BDAT (RFC "
      "3030), which netlab mail send uses, the length is sent first, and nothing in a letter can look like its end.");
  co_return result<void>();
}

}  // namespace netlab::lab
