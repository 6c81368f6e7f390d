// SPDX-License-Identifier: MIT
#include "commands/mail_send.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "mail/message/io/file.hpp"
#include "net/fd.hpp"
#include "net/file_stamp.hpp"
#include "net/run_client.hpp"

namespace netlab::app {
namespace {

result<std::string> read_text(const std::string& file) {
  const bool is_stdin = file == "-";
  const std::string context = fmt::format("read {}", is_stdin ? "stdin" : escape(file, 200));
  const net::unique_fd opened(is_stdin ? -1 : ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const int fd = is_stdin ? STDIN_FILENO : opened.get();
  const auto refuse = [&](std::error_code error) {
    return unexpected(failure{make_error_code(errc::no_input), context, message_of(error), {}});
  };
  if (fd < 0) return refuse(last_system_error());

  struct stat about{};
  const bool is_file = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  const auto before = net::file_stamp::take(fd);
  auto text = read_all(fd);
  if (!text) return refuse(text.error());
  if (is_file && net::file_stamp::take(fd) != before)
    return unexpected(failure(make_error_code(std::errc::io_error), context, "it changed while it was read"));
  return std::string(without_byte_order_mark(*text));
}

std::string bracketed(const std::string& message_id) {
  return message_id.empty() ? "message" : fmt::format("<{}>", escape(message_id));
}

std::vector<std::string> texts_of(const std::vector<mail::address>& from) {
  std::vector<std::string> all;
  for (const mail::address& each : from) all.push_back(each.to_string());
  return all;
}

std::string text_of(const std::optional<mail::address>& sender) { return sender ? sender->to_string() : ""; }

// The extensions that most servers support today.
constexpr mail::server_abilities usual_server{.eight_bit_mime = true, .smtputf8 = true};

exit_status show_submission(const mail::submission& submission, console& out) {
  auto message = submission.compose(usual_server);
  if (!message) return out.refuse(message.error());
  std::string recipients;
  for (const mail::address& each : submission.recipients)
    recipients += fmt::format("{}<{}>", recipients.empty() ? "" : ", ", escape(each.to_string()));
  out.note(fmt::format("envelope: from <{}> to {}; {}", escape(text_of(submission.sender)), recipients,
                       count_of(message->size(), "octet")));
  std::string all;
  std::vector<char> piece(64 * 1024);
  for (;;) {
    const auto size = message->read(piece);
    if (!size) return out.refuse(size.error());
    if (*size == 0) break;
    const std::string_view text(piece.data(), *size);
    if (out.wants_json() || out.on_terminal())
      all += text;
    else
      out.raw(text);
  }
  if (out.wants_json()) {
    out.json({{"message_id", message->message_id()},
              {"from", text_of(submission.sender)},
              {"recipients", texts_of(submission.recipients)},
              {"size", message->size()},
              {"message", all}});
  } else if (!all.empty()) {
    for (std::string_view line : split(std::string_view(all).substr(0, all.size() - 2), '\n'))
      out.line(escape(line.substr(0, line.size() - (line.ends_with('\r') ? 1 : 0))));
  }
  return exit_status::done;
}

/// Gets the password for the login, once.
result<void> ask_password(mail_call& call, console& out) {
  if (call.smtp.user.empty() || std::exchange(call.has_password, true)) return {};
  auto password = get_password(
      call.password, fmt::format("Password of {} at {}: ", escape(call.smtp.user), escape(call.smtp.host)), out);
  if (!password) return unexpected(password.error());
  call.smtp.password = std::move(*password);
  return {};
}

}  // namespace

result<void> load_files(mail_call& call) {
  if (!call.raw_file.empty()) {
    auto opened = mail::open_file(call.raw_file == "-" ? "/dev/stdin" : call.raw_file);
    if (!opened) return unexpected(opened.error());
    call.message.raw = std::move(*opened);
  }
  for (const std::string& each : call.attach) {
    auto opened = open_attachment(each);
    if (!opened) return unexpected(opened.error());
    call.message.attachments.push_back(std::move(*opened));
  }
  if (!call.html_file.empty()) {
    auto text = read_text(call.html_file);
    if (!text) return unexpected(text.error());
    call.message.html = std::move(*text);
  }
  if (!call.body_file.empty()) {
    auto text = read_text(call.body_file);
    if (!text) return unexpected(text.error());
    if (!text->empty() || !call.may_lack_text) call.message.text = std::move(*text);
  }
  return {};
}

result<void> run_sending(mail_call& call, mail::submission_source& source, asio::io_context& loop,
                         mail::delivery_handler delivered, console& out) {
  if (auto asked = ask_password(call, out); !asked) return asked;
  mail::send_observer observer{.delivered = std::move(delivered), .line = {}, .secured = {}};
  if (out.is_verbose())
    observer.line = [&out](char who, std::string_view line) { out.detail(fmt::format("{}: {}", who, escape(line))); };
  observer.secured = [&out, host = call.smtp.host](const tls::stream& stream) {
    const auto& verdict = stream.verification();
    if (verdict.code != X509_V_OK) out.note(fmt::format("TLS with {} is not safe: {}", escape(host), verdict.words));
    out.detail(fmt::format("TLS: {}, {}, {}", stream.version(), stream.cipher(), verdict.words));
  };
  auto done = net::run_client(loop, mail::send(std::move(call.smtp), source, std::move(observer)));
  if (!done && call.is_default_server && done.error().context.starts_with("connect"))
    done.error().hint = "--server HOST names another, or `server = HOST` under [mail send] in ~/.config/netlab/config";
  return done;
}

delivery_words in_words(const mail::delivery& delivery) {
  if (!delivery.outcome)
    return {
        fmt::format("{}: {}", delivery.outcome.error().code == errc::outcome_unknown ? "delivery unknown" : "not sent",
                    describe(delivery.outcome.error())),
        status_of(delivery.outcome.error())};
  return {fmt::format("sent {} to {}: {}", bracketed(delivery.message_id), count_of(delivery.accepted, "recipient"),
                      escape(delivery.outcome->last_line(), 400)),
          delivery.refused.empty() ? exit_status::done : exit_status::partly_done};
}

nlohmann::ordered_json to_json(const mail::delivery& delivery, const std::string& sender,
                               const std::vector<std::string>& recipients) {
  nlohmann::ordered_json refused = nlohmann::ordered_json::array();
  for (const mail::refusal& each : delivery.refused)
    refused.push_back({{"recipient", each.recipient}, {"error", describe(each.why)}});
  std::string status = delivery.refused.empty() ? "sent" : "partly";
  if (!delivery.outcome) {
    status = "failed";
    if (delivery.outcome.error().code == errc::outcome_unknown) status = "unknown";
    if (delivery.outcome.error().code == errc::try_later || delivery.outcome.error().code == errc::timed_out)
      status = "later";
  }
  nlohmann::ordered_json object{{"status", status}, {"message_id", nullptr}, {"from", sender}};
  if (!delivery.message_id.empty()) object["message_id"] = delivery.message_id;
  object["recipients"] = recipients;
  object["refused"] = std::move(refused);
  object["size"] = delivery.size;
  object["reply"] = nullptr;
  object["error"] = nullptr;
  if (delivery.outcome)
    object["reply"] = delivery.outcome->to_string();
  else
    object["error"] = describe(delivery.outcome.error());
  return object;
}

void print_failures(const mail::delivery& delivery, const std::string& where, console& out) {
  const auto print = [&](failure why) {
    if (!where.empty()) why.context = why.context.empty() ? where : fmt::format("{}: {}", where, why.context);
    out.error(why);
  };
  // If the only refusal is the failure itself, report it once.
  const bool is_the_failure = !delivery.outcome && delivery.refused.size() == 1 &&
                              describe(delivery.refused.front().why) == describe(delivery.outcome.error());
  if (!is_the_failure)
    for (const mail::refusal& each : delivery.refused) print(each.why);
  if (!delivery.outcome) print(delivery.outcome.error());
}

exit_status send_single(mail_call& call, console& out) {
  const bool is_typed = (call.body_file == "-" || call.raw_file == "-") && ::isatty(STDIN_FILENO) == 1;
  if (is_typed) {
    // Ask first: a user who expects a password prompt might type the password into the text and mail it.
    if (!call.dry_run)
      if (auto asked = ask_password(call, out); !asked) return out.refuse(asked.error());
    out.note(call.raw_file.empty() ? "text, end with Ctrl-D:" : "message with its header, end with Ctrl-D:");
  }
  if (auto loaded = load_files(call); !loaded) return out.refuse(loaded.error());
  const bool is_raw = call.message.raw != nullptr;
  auto submission = prepare(std::move(call.message));
  if (!submission) return out.refuse(submission.error());
  if (call.dry_run) return show_submission(*submission, out);
  out.has_effects();
  // Report errors in the message before asking for a password or connecting; not in a raw one, which can be read once.
  if (!is_raw) {
    auto composed = submission->compose(usual_server);
    if (!composed) return out.refuse(composed.error());
    submission->ready = std::move(*composed);
  }
  const std::string sender = text_of(submission->sender);
  const std::vector<std::string> recipients = texts_of(submission->recipients);

  asio::io_context loop{1};
  mail::single_submission source(std::move(*submission));
  exit_status status = exit_status::internal;
  bool reported = false;
  const auto delivered = [&](const mail::delivery& delivery) {
    reported = true;
    const auto [line, result] = in_words(delivery);
    status = result;
    if (out.wants_json())
      out.json(to_json(delivery, sender, recipients));
    else if (delivery.outcome)
      out.line(line);
    out.flush();  // before QUIT, which may take time
    print_failures(delivery, {}, out);
  };
  const auto done = run_sending(call, source, loop, delivered, out);
  if (done || (reported && done.error().code != errc::interrupted && done.error().code != errc::terminated))
    return status;
  if (out.wants_json() && !reported)
    out.json(
        to_json({.tag = 0, .message_id = {}, .refused = {}, .outcome = unexpected(done.error())}, sender, recipients));
  return out.refuse(done.error());
}

}  // namespace netlab::app
