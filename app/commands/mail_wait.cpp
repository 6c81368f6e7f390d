// SPDX-License-Identifier: MIT
#include "commands/mail_wait.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "commands/mail_sink.hpp"
#include "mail/message/entity.hpp"
#include "mail/message/to_utf8.hpp"
#include "mail/sink/io/maildir_list.hpp"
#include "mail/sink/io/wait.hpp"
#include "net/run_client.hpp"

namespace netlab::app {
namespace {

constexpr std::size_t max_read_message = 64 * 1024 * 1024;  // for --json, in octets; twice what `mail sink` accepts
constexpr std::size_t max_shown_text = 1024 * 1024;         // of a part, in octets; more is in the file

result<mail::address_pattern> parse_recipient(std::string_view text) {
  if (text == "<>") return fail(errc::usage, "'<>' is a sender, not a recipient");
  return mail::address_pattern::parse(text);
}

result<std::string> parse_subject(std::string_view text) {
  if (!is_utf8(text)) return fail(errc::usage, fmt::format("the subject '{}' is not UTF-8", escape(text, 60)));
  return std::string(text);
}

mail::wait_options parse_wait(arguments& args) {
  mail::wait_options request;
  request.maildir = args.has("maildir") ? args.text("maildir") : default_state() + "/maildir";
  if (request.maildir.empty()) args.refuse({make_error_code(errc::usage), "--maildir", "it is empty", {}});
  while (request.maildir.size() > 1 && request.maildir.ends_with('/')) request.maildir.pop_back();
  request.wanted.to = args.list_as("to", parse_recipient);
  request.wanted.from = args.list_as("from", mail::address_pattern::parse);
  request.wanted.subject = args.list_as("subject", parse_subject);
  request.count = args.number("count", 1, 1'000'000);
  request.timeout = args.duration("timeout");
  args.refuse_positionals();
  return request;
}

nlohmann::ordered_json part_to_json(const std::string& number, const mail::entity& part, std::string_view message) {
  nlohmann::ordered_json object{{"number", number}, {"type", part.type}};
  if (!part.charset.empty()) object["charset"] = part.charset;
  if (!part.disposition.empty()) object["disposition"] = part.disposition;
  if (!part.file_name.empty()) object["name"] = part.file_name;
  if (!part.content_id.empty()) object["content_id"] = part.content_id;
  object["encoding"] = name_of(part.encoding);
  object["size"] = content_of(part, message).size();
  if (part.is_text() && part.disposition != "attachment") {
    std::string text = text_of(part, message);
    if (text.size() > max_shown_text) {
      text = mail::to_utf8(std::string_view(text).substr(0, max_shown_text), {});
      object["is_cut"] = true;
    }
    object["text"] = std::move(text);
  }
  return object;
}

nlohmann::ordered_json message_to_json(const mail::awaited_message& which, std::string_view message, bool is_whole) {
  const mail::entity whole = mail::parse_entity(message);
  const mail::correspondents who = mail::correspondents_of(whole.header);
  nlohmann::ordered_json sender;
  if (!who.envelope_from.empty()) sender = who.envelope_from.front();
  nlohmann::ordered_json header = nlohmann::ordered_json::array();
  for (const mail::header_field& each : whole.header) header.push_back({{"name", each.name}, {"value", each.value}});
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  if (is_whole)
    for (const auto& [number, part] : leaves_of(whole)) parts.push_back(part_to_json(number, *part, message));
  const std::chrono::sys_time<std::chrono::nanoseconds> received(std::chrono::nanoseconds(which.received_ns));
  nlohmann::ordered_json object{{"file", which.path},
                                {"received_at", to_timestamp(std::chrono::floor<std::chrono::milliseconds>(received))},
                                {"size", which.size},
                                {"envelope_from", std::move(sender)},
                                {"envelope_to", who.envelope_to},
                                {"from", who.from},
                                {"to", who.to},
                                {"subject", whole.value_of("subject")},
                                {"message_id", whole.value_of("message-id")},
                                {"header", std::move(header)},
                                {"parts", std::move(parts)}};
  if (!is_whole) object["is_cut"] = true;
  return object;
}

/// Reads the message, or only its header if there are more than max_read_message octets: then `is_whole` is false.
file_text read_up_to_limit(const mail::awaited_message& which, bool& is_whole) {
  is_whole = which.size <= max_read_message;
  if (is_whole) {
    file_text text = read_file(which.path, max_read_message);
    is_whole = text || text.error() != std::errc::file_too_large;  // it may have grown
    if (is_whole) return text;
  }
  auto header = mail::read_header_of(which.path);
  if (!header) return unexpected(header.error().code);
  if (!*header) return unexpected(std::make_error_code(std::errc::no_such_file_or_directory));
  return std::move((*header)->octets);
}

/// Reads a message, also if its reader has moved it to cur/ or has set a flag meanwhile: `which` gets its new path.
file_text read_message(const std::string& maildir, mail::awaited_message& which, bool& is_whole) {
  file_text text = read_up_to_limit(which, is_whole);
  if (text || text.error() != std::errc::no_such_file_or_directory) return text;
  const auto listed = mail::list_maildir(maildir);
  if (!listed) return text;
  const auto found = std::ranges::find(listed->messages, which.unique, &mail::listed_message::unique);
  if (found == listed->messages.end()) return text;
  which.path = found->path;
  return read_up_to_limit(which, is_whole);
}

/// Prints the messages; false if one of them was removed meanwhile.
bool print(const std::string& maildir, std::vector<mail::awaited_message>& found, console& out) {
  bool all_there = true;
  for (mail::awaited_message& each : found) {
    if (!out.wants_json()) {
      out.line(out.on_terminal() ? escape(each.path) : each.path);
      continue;
    }
    bool is_whole = true;
    const file_text text = read_message(maildir, each, is_whole);
    if (text) {
      out.json(message_to_json(each, *text, is_whole));
    } else {
      out.error({text.error(), fmt::format("read '{}'", escape(each.path, 200)), {}, {}});
      all_there = false;
    }
  }
  return all_there;
}

}  // namespace

exit_status wait(arguments& args, console& out) {
  mail::wait_options request = parse_wait(args);
  if (args.error()) return out.refuse(*args.error());
  const std::string maildir = request.maildir;
  request.skipped = [&out](const failure& why) { out.note("skipped: " + describe(why)); };
  mail::wait_outcome outcome;
  asio::io_context loop{1};
  const auto ended = net::run_client(loop, mail::wait_for_messages(loop, std::move(request), outcome));
  const bool all_there = print(maildir, outcome.found, out);
  out.flush();
  if (!ended) return out.refuse(ended.error());
  return all_there ? exit_status::done : exit_status::partly_done;
}

}  // namespace netlab::app
