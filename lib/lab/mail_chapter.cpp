// SPDX-License-Identifier: MIT
#include "lab/mail_chapter.hpp"

#include <array>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "lab/classroom.hpp"
#include "lab/mail_receiver.hpp"
#include "mail/send.hpp"

namespace netlab::lab {
namespace {

/// The value of a field, or nothing.
std::string field(std::string_view text, std::string_view name) {
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.empty()) break;
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return std::string(trim(line.substr(name.size() + 1)));
  }
  return {};
}

class post_office {
 public:
  explicit post_office(narrator& to) : tell(to) {}

  result<void> open() {
    auto service = local_service::start(receiver_, {});
    if (!service) return unexpected(service.error());
    service_ = std::move(*service);
    return {};
  }

  narrator& tell;

  struct letter {
    std::string envelope_from;
    std::string from;
    std::string to;
    std::string bcc = {};
    std::string subject;
    std::string text;
  };

  struct outcome {
    result<void> done;
    result<mail::reply> answer = fail(errc::internal, "not sent");
    std::vector<std::string> lines;
    received_mail arrived = {};
  };

  [[nodiscard]] mail::send_options how() const {
    mail::send_options how;
    how.host = "127.0.0.1";
    how.port = service_->port();
    how.tls = mail::tls_mode::none;
    how.helo = "client.example";
    how.timeout = patience;
    how.end_timeout = patience;
    return how;
  }

  [[nodiscard]] static letter ann_to_ben(std::string subject, std::string text) {
    return {.envelope_from = "ann@client.example",
            .from = "ann@client.example",
            .to = "ben@lab.example",
            .subject = std::move(subject),
            .text = std::move(text)};
  }

  /// Shows the command for it and sends it, in clear: both ends are in this process. What the receiver then has is in
  /// `arrived`.
  asio::awaitable<result<outcome>> deliver(letter one) {
    show_command(one);
    outcome became = co_await send(std::move(one), how());
    if (!became.done) co_return unexpected(became.done.error());
    if (const auto all = receiver_.taken(); !all.empty()) became.arrived = all.back();
    co_return became;
  }

  asio::awaitable<outcome> send(letter one, mail::send_options with) {
    auto what = std::make_shared<mail::draft>();
    what->from = *mail::parse_mailbox(one.from);
    what->to = *mail::parse_mailbox_list(one.to);
    what->subject = one.subject;
    what->text = one.text;
    what->date = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    what->message_id = fmt::format("lab-{}@client.example", ++sent_);
    mail::submission made;
    made.sender = *mail::parse_address(one.envelope_from);
    for (const mail::mailbox& each : what->to) made.recipients.push_back(each.address);
    if (!one.bcc.empty()) made.recipients.push_back(*mail::parse_address(one.bcc));
    made.compose = [what](mail::server_abilities server) { return mail::compose(*what, server); };
    mail::single_submission source(std::move(made));
    outcome became;
    mail::send_observer observer;
    observer.delivered = [&became](const mail::delivery& each) { became.answer = each.outcome; };
    observer.line = [&became](char who, std::string_view line) {
      became.lines.push_back(fmt::format("{}: {}", who, escape(line)));
    };
    became.done = co_await mail::send(std::move(with), source, std::move(observer));
    co_return became;
  }

  void show_command(const letter& one) {
    std::string line = fmt::format("$ netlab mail send --server 127.0.0.1:{} --tls none --from {} --to {}",
                                   service_->port(), one.from, one.to);
    if (one.envelope_from != one.from) line += " --envelope-from " + one.envelope_from;
    if (!one.bcc.empty()) line += " --bcc " + one.bcc;
    tell.show(line);
  }

  step_result dialogue() {
    tell.say(
        "SMTP (RFC 5321) is lines of text that end in CRLF. The client speaks in words of four letters, the server "
        "answers with three figures: 2 is yes, 3 go on, 4 not now, 5 no. MAIL and RCPT are the envelope; what follows "
        "DATA is the letter, up to a line with nothing but a dot.");
    const letter one = ann_to_ben("First", "Hello Ben.");
    const auto became = co_await deliver(one);
    if (!became) co_return unexpected(became.error());
    for (const std::string& line : became->lines) tell.show(line);
    tell.check("the server took the message: 250", became->answer && became->answer->code == 250);
    co_return result<void>();
  }

  step_result two_senders() {
    tell.say(
        "The address in MAIL FROM is where a bounce goes; the From: line is what a reader sees. Nothing in SMTP makes "
        "them agree, as nothing makes the sender on an envelope agree with the letter's head. Here they differ, and "
        "neither is true.");
    const letter one{.envelope_from = "mallory@elsewhere.example",
                     .from = "rector@university.example",
                     .to = "ben@lab.example",
                     .subject = "Marks",
                     .text = "You have passed."};
    const auto became = co_await deliver(one);
    if (!became) co_return unexpected(became.error());
    const received_mail& got = became->arrived;
    for (const std::string_view name : {"Return-Path", "Received", "From", "Subject"})
      tell.show(fmt::format("{}: {}", name, escape(field(got.text, name))));
    tell.check("the server took it; the envelope says mallory, the letter says rector",
               became->answer.has_value() && got.sender == one.envelope_from &&
                   field(got.text, "From").find(one.from) != std::string::npos);
    tell.say(
        "What a receiver can tell: Return-Path repeats the envelope, and Received: holds the name that the client gave "
        "itself and the address that the connection came from. The address alone is not the client's to choose. That "
        "is what SPF checks against the envelope's domain; DKIM signs the letter, and DMARC asks that one of them fits "
        "the From: line. How easily this goes is the lesson; to do it to others is forgery.");
    tell.check("of all the names in it, only the connection's address was not the client's to choose",
               got.from_address == "127.0.0.1" && got.helo == "client.example");
    co_return result<void>();
  }

  step_result hidden() {
    tell.say("Each recipient has a RCPT of its own. A Bcc: is one that the letter does not mention.");
    const letter one{.envelope_from = "ann@client.example",
                     .from = "ann@client.example",
                     .to = "ben@lab.example",
                     .bcc = "eve@lab.example",
                     .subject = "Party",
                     .text = "On Friday."};
    const auto became = co_await deliver(one);
    if (!became) co_return unexpected(became.error());
    const received_mail& got = became->arrived;
    for (const std::string& each : got.recipients) tell.show(fmt::format("RCPT TO:<{}>", escape(each)));
    tell.show(fmt::format("To: {}", escape(field(got.text, "To"))));
    tell.check("eve is in the envelope and nowhere in the letter",
               got.recipients.size() == 2 && got.text.find("eve") == std::string::npos);
    co_return result<void>();
  }

  step_result dots() {
    tell.say(
        "A line with nothing but a dot ends the letter, so the client puts another dot before each line that begins "
        "with one, and the server takes it away (RFC 5321 section 4.5.2). A program that forgets it loses the rest of "
        "the letter.");
    const letter one = ann_to_ben("Dots", "before\n.\n.netrc\nafter");
    const auto became = co_await deliver(one);
    if (!became) co_return unexpected(became.error());
    const received_mail& got = became->arrived;
    const auto head = got.text.find("\r\n\r\n");
    const std::string body = head == std::string::npos ? "" : got.text.substr(head + 4);
    for (const std::string_view line : split(body, '\n'))
      if (!trim(line).empty()) tell.show(escape(trim(line)));
    tell.check("the letter arrived as it was written, the line with the dot too",
               body.find("before\r\n.\r\n.netrc\r\nafter\r\n") != std::string::npos);
    co_return result<void>();
  }

  step_result login() {
    tell.say(
        "AUTH LOGIN asks for the name and for the password, in Base64 both ways. Base64 is a way to write octets in "
        "letters, and no secret to anybody: without TLS below it, the password can be read on the way.");
    const std::array<std::string_view, 4> words{"Username:", "student", "Password:", "geheim"};
    bool held = true;
    for (std::size_t at = 0; at < words.size(); ++at) {
      const std::string encoded = encode_base64(as_bytes(words[at]));
      const auto back = decode_base64(encoded);
      held = held && back && as_text(*back) == words[at];
      tell.show(fmt::format("{}{:<16} {}", at % 2 == 0 ? "S: 334 " : "C:     ", encoded, words[at]));
    }
    tell.check("whoever sees Base64 can read it", held);
    co_return result<void>();
  }

  step_result safety() {
    tell.say(
        "STARTTLS is a line of text like the others, so whoever sits on the way can strike it from the server's list "
        "and wait for the password. A client must not go on then. netlab asks for TLS unless told otherwise; this "
        "server offers none.");
    const letter one = ann_to_ben("Secret", "For your eyes only.");
    tell.show(
        fmt::format("$ netlab mail send --server 127.0.0.1:{} --from {} --to {}", service_->port(), one.from, one.to));
    auto with = how();
    with.tls = mail::tls_mode::starttls;
    const std::size_t before = receiver_.taken().size();
    const outcome became = co_await send(one, std::move(with));
    tell.show(became.done ? "sent" : describe(became.done.error()));
    tell.check("nothing was sent in clear",
               !became.done && became.done.error().code == errc::not_permitted && receiver_.taken().size() == before);
    service_->begin_stop(co_await asio::this_coro::executor);
    if (!co_await service_->stopped(clock::now() + patience))
      co_return fail(errc::timed_out, "the lab's mail server does not stop");
    co_return result<void>();
  }

  mail_receiver receiver_;
  std::unique_ptr<local_service> service_;
  int sent_ = 0;
};

constexpr std::array<step<post_office>, 6> steps{{
    {"The dialogue", [](post_office& in) { return in.dialogue(); }},
    {"Other addresses in MAIL FROM and in From: what does one notice?",
     [](post_office& in) { return in.two_senders(); }},
    {"A recipient that is not in the letter", [](post_office& in) { return in.hidden(); }},
    {"A dot at the start of a line", [](post_office& in) { return in.dots(); }},
    {"The login", [](post_office& in) { return in.login(); }},
    {"No TLS, no mail", [](post_office& in) { return in.safety(); }},
}};

}  // namespace

std::vector<std::string_view> mail_titles() { return titles_of(steps); }

step_result tell_mail(narrator& tell) {
  post_office room(tell);
  if (auto opened = room.open(); !opened) co_return opened;
  co_return co_await play(room, steps);
}

}  // namespace netlab::lab
