// SPDX-License-Identifier: MIT
#include "lab/tour/post_office.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "base/text.hpp"
#include "lab/tour/classroom.hpp"
#include "mail/message/io/file.hpp"

namespace netlab::lab {
namespace {

constexpr std::string_view usual_helo = "client.example";

std::string read_file(std::string_view name) {
  std::ifstream file{std::string(name)};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

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
  mail::sink_observer heard;
  heard.log = [](const std::string&) {};
  heard.accepted = [this](const mail::sink_message& what) {
    const std::lock_guard lock(mutex_);
    taken_.push_back({.envelope = what.of, .text = read_file(what.file)});
  };
  auto sink = mail::sink::open(std::move(with), std::move(heard));
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
  mail::send_options how;
  how.host = "127.0.0.1";
  how.port = port();
  how.tls = mail::tls_mode::starttls;
  how.trust.ca_file = ca_file();
  how.helo = usual_helo;
  how.user = lab_user;
  how.password = secret(std::string(lab_password));
  how.mechanisms = {mail::mechanism::plain};  // what --auth auto selects over verified TLS
  how.timeout = patience;
  how.end_timeout = patience;
  return how;
}

void post_office::show_command(const letter& one, const mail::send_options& how) {
  std::string line = fmt::format("$ netlab mail send --server {}:{}", how.host, how.port);
  if (!how.trust.ca_file.empty()) line += " --ca-file ca.pem";
  if (!how.user.empty()) line += fmt::format(" --user {}", how.user);
  line += fmt::format(" --from {} --to {}", one.from, one.to);
  if (one.envelope_from != one.from) line += " --envelope-from " + one.envelope_from;
  if (how.helo != usual_helo) line += " --helo " + how.helo;
  if (!one.bcc.empty()) line += " --bcc " + one.bcc;
  tell.show(line);
}

asio::awaitable<result<post_office::outcome>> post_office::deliver(letter one, mail::send_options how) {
  show_command(one, how);
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
    became.dialogue.push_back(fmt::format("{}: {}", who, escape(line)));
  };
  const std::size_t before = taken().size();
  became.done = co_await mail::send(std::move(how), source, std::move(observer));
  if (!became.done && net::is_cancelled(became.done.error().code)) co_return unexpected(became.done.error());
  // The server reports a message before it answers its client.
  if (auto all = taken(); all.size() > before) became.arrived = std::move(all.back());
  co_return became;
}

asio::awaitable<result<taken_letter>> post_office::deliver(letter one) {
  auto became = co_await deliver(std::move(one), usual());
  if (!became) co_return unexpected(became.error());
  if (!became->done) co_return unexpected(became->done.error());
  if (!became->answer) co_return unexpected(became->answer.error());
  if (!became->arrived) co_return fail(errc::internal, "the server accepted a message, but it is not in the Maildir");
  co_return *std::move(became->arrived);
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
