// SPDX-License-Identifier: MIT
#include "lab/tour/post_office.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "lab/tour/classroom.hpp"
#include "mail/message/io/file.hpp"

namespace netlab::lab {
namespace {

constexpr std::string_view usual_helo = "client.example";

}  // namespace

result<void> post_office::open(std::vector<std::string> faults) {
  auto directory = temporary_directory::make();
  if (!directory) return unexpected(directory.error());
  directory_ = std::move(*directory);
  auto authority = tls::authority::open(directory_->path());
  if (!authority) return unexpected(authority.error());
  authority_ = std::move(*authority);

  mail::sink_parameters with;
  with.server.host = "lab.example";
  with.server.starttls = mail::starttls_offer::offered;
  with.server.login_required = true;
  with.users = {std::string(lab_user)};
  with.password = secret(std::string(lab_password));
  with.faults = std::move(faults);
  with.maildir = directory_->path() + "/maildir";
  mail::sink_observer observer;
  observer.log = [](const std::string&) {};
  observer.accepted = [this](const mail::sink_message& message) {
    const std::lock_guard lock(mutex_);
    taken_.push_back({.envelope = message.of, .text = read_file(std::string(message.file)).value_or(std::string())});
  };
  auto sink = mail::sink::open(std::move(with), std::move(observer));
  if (!sink) return unexpected(sink.error());
  sink_ = std::move(*sink);
  auto identities = sink_->identities(*authority_, {"localhost", "127.0.0.1"});
  if (!identities) return unexpected(identities.error());
  auto service = local_service::start(sink_->starttls_side(), {.udp = false, .tls = *identities});
  if (!service) return unexpected(service.error());
  service_ = std::move(*service);
  return {};
}

step_result post_office::close() {
  service_->begin_stop(co_await asio::this_coro::executor);
  const auto stopped = co_await service_->stopped(clock::now() + patience);
  if (!stopped) co_return unexpected(stopped.error());
  if (!*stopped) co_return fail(errc::timed_out, "the lab's mail server does not stop");
  co_return result<void>();
}

std::vector<taken_letter> post_office::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

mail::send_options post_office::usual() const {
  mail::send_options options;
  options.host = "127.0.0.1";
  options.port = port();
  options.tls = mail::tls_mode::starttls;
  options.trust.ca_file = ca_file();
  options.helo = usual_helo;
  options.user = lab_user;
  options.password = secret(std::string(lab_password));
  options.mechanisms = {mail::mechanism::plain};  // what --auth auto selects over verified TLS
  options.timeout = patience;
  options.end_timeout = patience;
  return options;
}

void post_office::show_command(const letter& one, const mail::send_options& options) {
  std::string line = fmt::format("$ netlab mail send --server {}:{}", options.host, options.port);
  if (!options.trust.ca_file.empty()) line += " --ca-file ca.pem";
  if (!options.user.empty()) line += fmt::format(" --user {}", options.user);
  line += fmt::format(" --from {} --to {}", one.from, one.to);
  if (one.envelope_from != one.from) line += " --envelope-from " + one.envelope_from;
  if (options.helo != usual_helo) line += " --helo " + options.helo;
  if (!one.bcc.empty()) line += " --bcc " + one.bcc;
  tell.show(line);
}

asio::awaitable<result<post_office::outcome>> post_office::deliver(letter one, mail::send_options options) {
  show_command(one, options);
  auto draft = std::make_shared<mail::draft>();
  draft->from = *mail::parse_mailbox(one.from);
  draft->to = *mail::parse_mailbox_list(one.to);
  draft->subject = one.subject;
  draft->text = one.text;
  draft->date = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  draft->message_id = fmt::format("lab-{}@client.example", ++sent_);
  mail::submission made;
  made.sender = *mail::parse_address(one.envelope_from);
  for (const mail::mailbox& each : draft->to) made.recipients.push_back(each.address);
  if (!one.bcc.empty()) made.recipients.push_back(*mail::parse_address(one.bcc));
  made.compose = [draft](mail::server_abilities server) { return mail::compose(*draft, server); };
  mail::single_submission source(std::move(made));
  outcome sent;
  mail::send_observer observer;
  observer.delivered = [&sent](const mail::delivery& each) { sent.answer = each.outcome; };
  observer.line = [&sent](char who, std::string_view line) {
    sent.dialogue.push_back(fmt::format("{}: {}", who, escape(line)));
  };
  const std::size_t before = taken().size();
  sent.done = co_await mail::send(std::move(options), source, std::move(observer));
  if (!sent.done && net::is_cancelled(sent.done.error().code)) co_return unexpected(sent.done.error());
  // The server reports a message before it answers its client.
  if (auto all = taken(); all.size() > before) sent.arrived = std::move(all.back());
  co_return sent;
}

asio::awaitable<result<taken_letter>> post_office::deliver(letter one) {
  auto sent = co_await deliver(std::move(one), usual());
  if (!sent) co_return unexpected(sent.error());
  if (!sent->done) co_return unexpected(sent->done.error());
  if (!sent->answer) co_return unexpected(sent->answer.error());
  if (!sent->arrived) co_return fail(errc::internal, "the server accepted a message, but it is not in the Maildir");
  co_return *std::move(sent->arrived);
}

std::string field_of(std::string_view text, std::string_view name) {
  std::string value;
  bool is_within = false;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) break;
    const bool is_continued = line.front() == ' ' || line.front() == '\t';  // RFC 5322 §2.2.3
    if (is_within && !is_continued) break;
    if (is_within) value += ' ';
    if (is_within) value += trim(line);
    if (is_within || is_continued) continue;
    const auto colon = line.find(':');
    is_within = colon != std::string_view::npos && equal_in_any_case(line.substr(0, colon), name);
    if (is_within) value = trim(line.substr(colon + 1));
  }
  return value;
}

std::string_view body_of(std::string_view text) {
  const auto end = text.find("\n\n");
  return end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
}

}  // namespace netlab::lab
