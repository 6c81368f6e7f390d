// SPDX-License-Identifier: MIT
// compose < JSON: writes the message that lib/mail composes from a draft, to be checked by other programs' parsers.
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <nlohmann/json.hpp>

#include "mail/message/io/file.hpp"
#include "mail/message/message.hpp"

using namespace netlab;

namespace {

[[noreturn]] void give_up(const failure& why) {
  std::cerr << describe(why) << '\n';
  std::exit(1);
}

template <class Value>
Value value_of(result<Value> made) {
  if (!made) give_up(made.error());
  return std::move(*made);
}

mail::draft draft_of(const nlohmann::json& json) {
  mail::draft made;
  made.from = value_of(mail::parse_mailbox(json.at("from").get<std::string>()));
  made.to = value_of(mail::parse_mailbox_list(json.value("to", "")));
  made.cc = value_of(mail::parse_mailbox_list(json.value("cc", "")));
  made.bcc = value_of(mail::parse_mailbox_list(json.value("bcc", "")));
  made.subject = json.value("subject", "");
  if (json.contains("text")) made.text = json["text"].get<std::string>();
  if (json.contains("html")) made.html = json["html"].get<std::string>();
  for (const auto& field : json.value("headers", nlohmann::json::array()))
    made.headers.emplace_back(field[0], field[1]);
  for (const std::string path : json.value("attach", nlohmann::json::array()))
    made.attachments.push_back({mail::base_name(path), {}, value_of(mail::open_file(path))});
  made.date = std::chrono::sys_seconds(std::chrono::seconds(json.value("date", 0)));
  made.utc_offset = std::chrono::minutes(json.value("utc_offset", 0));
  made.message_id = json.value("message_id", "1@example.org");
  return made;
}

}  // namespace

int main() {
  const auto json = nlohmann::json::parse(std::cin);
  const mail::server_abilities server{json.value("8bitmime", false), json.value("smtputf8", false)};
  auto message = value_of(json.contains("raw") ? mail::raw(value_of(mail::open_file(json["raw"])), server)
                                               : mail::compose(draft_of(json), server));
  std::uint64_t size = 0;
  char buffer[16384];
  while (const std::size_t length = value_of(message.read(buffer))) {
    size += length;
    if (std::fwrite(buffer, 1, length, stdout) != length) return 1;
  }
  if (size != message.size()) give_up(failure(errc::internal, "size", std::to_string(message.size())));
}
