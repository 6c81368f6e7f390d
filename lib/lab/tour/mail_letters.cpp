// SPDX-License-Identifier: MIT
// Exercise 3 by program: envelope, message header, and which parts can be trusted.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "lab/tour/classroom.hpp"
#include "lab/tour/post_office.hpp"

namespace netlab::lab {
namespace {

void show_text(narrator& tell, std::string_view text) {
  for (std::string_view line : split(trim(text), '\n')) {
    while (line.ends_with('\r')) line.remove_suffix(1);
    std::string shown;
    for (; line.starts_with('\t'); line.remove_prefix(1)) shown += "    ";
    tell.show(shown + escape(line));
  }
}

/// Shows only the last line of each multi-line reply.
void show_dialogue(narrator& tell, const std::vector<std::string>& dialogue) {
  std::size_t left_out = 0;
  for (const std::string& line : dialogue) {
    const bool is_continued = line.size() > 6 && line.starts_with("S: ") && line[6] == '-';
    left_out = is_continued ? left_out + 1 : left_out;
    if (is_continued) continue;
    if (left_out > 0) tell.show(fmt::format("S: ({} before the last)", count_of(std::exchange(left_out, 0), "line")));
    tell.show(line);
  }
}

/// A header field with its continuation lines, unchanged.
std::string_view whole_field(std::string_view text, std::string_view name) {
  const auto begin = text.find(name);
  if (begin == std::string_view::npos) return {};
  auto end = text.find('\n', begin);
  while (end != std::string_view::npos && end + 1 < text.size() && (text[end + 1] == '\t' || text[end + 1] == ' '))
    end = text.find('\n', end + 1);
  return text.substr(begin, end - begin);
}

}  // namespace

step_result by_program(post_office& in) {
  in.tell.say(
      "The same with a program that uses plain sockets. AUTH PLAIN has name and password in one line of Base64, which "
      "netlab does not show. The client sends several commands together if it need not wait for their answers "
      "(PIPELINING, RFC 2920).");
  letter one;
  one.subject = "By program";
  one.text = "Hello Ben.";
  const auto sent = co_await in.deliver(std::move(one), in.usual());
  if (!sent) co_return unexpected(sent.error());
  if (!sent->done) co_return unexpected(sent->done.error());
  show_dialogue(in.tell, sent->dialogue);
  in.tell.check("the server accepted the message: 250", sent->answer && sent->answer->code == 250);
  if (!sent->arrived) co_return fail(errc::internal, "the server accepted a message, but it is not in the Maildir");
  in.tell.say("The message in the server's Maildir:");
  show_text(in.tell, sent->arrived->text);
  in.tell.check("it came over TLS from a client that had logged in: ESMTPSA, S for TLS, A for AUTH",
                sent->arrived->envelope.is_secure && sent->arrived->envelope.user == lab_user &&
                    field_of(sent->arrived->text, "Received").contains("with ESMTPSA"));
  co_return result<void>();
}

step_result trust(post_office& in) {
  in.tell.say(
      "An attacker on the path can speak TLS, too, with a certificate of his own. So a client checks who signed the "
      "certificate, and for which host. The lab's CA is not in any system's list; without its file "
      "(ssl.create_default_context(cafile=…) "
      "in Python, --ca-file here) the client trusts only that list, and stops before it sends the password:");
  letter one;
  one.subject = "Who is there?";
  one.text = "Hello?";
  mail::send_options options = in.usual();
  options.trust.ca_file.clear();
  const auto sent = co_await in.deliver(std::move(one), std::move(options));
  if (!sent) co_return unexpected(sent.error());
  in.tell.show(sent->done ? "sent" : describe(sent->done.error()));
  const bool has_login =
      std::ranges::any_of(sent->dialogue, [](std::string_view line) { return line.starts_with("C: AUTH"); });
  in.tell.check("no login and no letter for a server whose certificate is not trusted",
                !sent->done && sent->done.error().code == errc::not_permitted && !has_login && !sent->arrived);
  co_return result<void>();
}

step_result two_senders(post_office& in) {
  in.tell.say(
      "The address in MAIL FROM is where a bounce goes; the From: line is what a reader sees. SMTP does not require "
      "them to agree, just as the sender on a paper envelope need not agree with the letterhead inside. Here they "
      "differ, and both are false.");
  letter one;
  one.envelope_from = "mallory@elsewhere.example";
  one.from = "rector@university.example";
  one.subject = "Marks";
  one.text = "You have passed.";
  const auto got = co_await in.deliver(std::move(one));
  if (!got) co_return unexpected(got.error());
  for (const std::string_view name : {"Return-Path", "From", "Subject"})
    in.tell.show(fmt::format("{}: {}", name, escape(field_of(got->text, name))));
  in.tell.check("the server accepted it; the envelope says mallory, the letter says rector",
                got->envelope.sender_text() == "mallory@elsewhere.example" &&
                    field_of(got->text, "Return-Path") == "<mallory@elsewhere.example>" &&
                    field_of(got->text, "From") == "rector@university.example");
  in.tell.say("The lesson is how easy this is. Doing it to others is forgery.");
  co_return result<void>();
}

step_result receiver_knows(post_office& in) {
  in.tell.say(
      "A receiver puts two fields on top. Return-Path repeats the envelope. Received has the name that the client "
      "gave, and the address that the connection came from. Of all this, only the address cannot be chosen by the "
      "client.");
  letter one;
  one.envelope_from = "mallory@elsewhere.example";
  one.from = "rector@university.example";
  one.subject = "Once more";
  one.text = "Who am I?";
  mail::send_options options = in.usual();
  options.helo = "mail.university.example";
  const auto sent = co_await in.deliver(std::move(one), std::move(options));
  if (!sent) co_return unexpected(sent.error());
  if (!sent->done) co_return unexpected(sent->done.error());
  if (!sent->arrived) co_return fail(errc::internal, "the server accepted a message, but it is not in the Maildir");
  const taken_letter& got = *sent->arrived;
  const std::string received = field_of(got.text, "Received");
  in.tell.show(fmt::format("Return-Path: {}", escape(field_of(got.text, "Return-Path"))));
  show_text(in.tell, whole_field(got.text, "Received: "));
  in.tell.check("the client invented the name; the address is that of the connection",
                received.starts_with("from mail.university.example ([127.0.0.1])") && got.envelope.peer == "127.0.0.1");
  in.tell.show(fmt::format("the server's log: logged in as {}", escape(got.envelope.user)));
  in.tell.check("the server itself also knows who logged in", got.envelope.user == lab_user);
  in.tell.say(
      "A submission server could refuse senders that do not belong to the user, and many do. Between servers there is "
      "no "
      "login: SPF (RFC 7208) checks the address against the envelope's domain, DKIM (RFC 6376) signs the letter, and "
      "DMARC (RFC 7489) asks that one of them fits the From: line.");
  co_return result<void>();
}

step_result blind_copy(post_office& in) {
  in.tell.say("Each recipient has a RCPT command of its own. A Bcc recipient is one that the letter does not mention.");
  letter one;
  one.bcc = "eve@lab.example";
  one.subject = "Party";
  one.text = "On Friday.";
  const auto got = co_await in.deliver(std::move(one));
  if (!got) co_return unexpected(got.error());
  bool eve_was_named = false;
  for (const mail::recipient& each : got->envelope.recipients) {
    in.tell.show(fmt::format("RCPT TO:<{}>", escape(each.address.to_string())));
    eve_was_named = eve_was_named || each.address.to_string() == "eve@lab.example";
  }
  // Delivered-To is added by the receiver.
  bool is_in_letter = body_of(got->text).contains("eve");
  for (const std::string_view name : {"To", "Cc", "Bcc"}) {
    const std::string value = field_of(got->text, name);
    in.tell.show(fmt::format("{}: {}", name, value.empty() ? "(no such line)" : escape(value)));
    is_in_letter = is_in_letter || value.contains("eve");
  }
  in.tell.check("eve is in the envelope, and not in what the client sent as the letter",
                got->envelope.recipients.size() == 2 && eve_was_named && !is_in_letter);
  co_return result<void>();
}

step_result starttls_removed(post_office& in) {
  in.tell.say(
      "STARTTLS is a line of text like the others. An attacker on the path can remove it from the server's list, and "
      "wait for the password. netlab mail sink --fault no-starttls simulates this. A client must not continue then:");
  post_office without_starttls(in.tell);
  if (auto opened = without_starttls.open({"no-starttls"}); !opened) co_return opened;
  letter one;
  one.subject = "Secret";
  one.text = "For your eyes only.";
  const auto sent = co_await without_starttls.deliver(std::move(one), without_starttls.usual());
  if (!sent) co_return unexpected(sent.error());
  in.tell.show(sent->done ? "sent" : describe(sent->done.error()));
  in.tell.check("nothing was sent without encryption", !sent->done && sent->done.error().code == errc::not_permitted &&
                                                           !sent->arrived && without_starttls.taken().empty());
  if (auto closed = co_await without_starttls.close(); !closed) co_return closed;
  co_return co_await in.close();
}

}  // namespace netlab::lab
