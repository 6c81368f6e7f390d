// SPDX-License-Identifier: MIT
#include "commands/mail_message.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <cstdlib>

#include <fmt/format.h>

#include "base/domain.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "mail/message/charset.hpp"
#include "mail/message/io/file.hpp"
#include "mail/message/mime.hpp"

namespace netlab::app {
namespace {

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

/// Adds each new address of a header's list to the envelope.
void add(std::vector<mail::address>& recipients, const std::vector<mail::mailbox>& list) {
  for (const mail::mailbox& each : list)
    if (std::ranges::find(recipients, each.address) == recipients.end()) recipients.push_back(each.address);
}

}  // namespace

std::string default_sender() {
  std::string user;
  if (const char* name = std::getenv("USER"); name != nullptr) user = name;
  if (user.empty())
    if (const passwd* entry = ::getpwuid(::geteuid()); entry != nullptr) user = entry->pw_name;
  if (user.empty()) user = fmt::format("uid{}", ::geteuid());
  return fmt::format("{}@{}", user, host_name());
}

std::optional<std::string> full_host_name() {
  auto name = to_ascii_domain(host_name());
  if (!name || name->find('.') == std::string::npos) return std::nullopt;
  return std::move(*name);
}

result<mail::attachment> open_attachment(const std::string& file) {
  auto opened = mail::open_file(file);
  if (!opened) return unexpected(opened.error());
  mail::attachment made{.name = mail::base_name(file), .type = {}, .content = std::move(*opened), .charset = {}};
  if (mail::type_of(made.name).starts_with("text/")) {
    const auto charset = mail::charset_of(*made.content);
    if (!charset) return unexpected(charset.error());
    made.charset = *charset;
  }
  return made;
}

result<std::pair<std::string, std::string>> parse_header(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return fail(errc::bad_data, fmt::format("'{}' is not a header field", escape(text, 80)), "write 'Name: value'");
  std::pair field{std::string(trim(text.substr(0, colon))), std::string(trim(text.substr(colon + 1)))};
  constexpr std::array options{"bcc", "cc", "from", "subject", "to"};
  if (const auto option = std::ranges::find(options, to_lower(field.first)); option != options.end())
    return fail(errc::bad_data, fmt::format("the header field {} is set by an option of its own", field.first),
                fmt::format("--{}", *option));
  return field;
}

result<envelope_sender> parse_envelope_sender(std::string_view text) {
  text = trim(text);
  if (text == "<>") return std::nullopt;
  auto parsed = mail::parse_address(text);
  if (!parsed && text.empty()) parsed.error().hint = "write <> for the null sender";
  return parsed;
}

result<std::vector<mail::mailbox>> parse_recipients(std::string_view text) {
  auto list = mail::parse_mailbox_list(text);
  if (list && list->empty()) return fail(errc::bad_data, fmt::format("'{}' contains no address", escape(text, 80)));
  return list;
}

failure about(std::string_view name, std::string_view text, failure why) {
  why.context = fmt::format("{} '{}'", name, escape(text, 120));
  return why;
}

result<mail::submission> prepare(message_fields fields) {
  auto draft = std::make_shared<mail::draft>();
  mail::submission made;

  if (fields.from) {
    draft->from = std::move(*fields.from);
  } else {
    const std::string sender = default_sender();
    auto parsed = mail::parse_mailbox(sender);
    if (!parsed) {
      parsed.error().hint = "--from ADDRESS sets it";
      return unexpected(about("the default sender", sender, std::move(parsed.error())));
    }
    draft->from = std::move(*parsed);
  }
  made.sender = fields.envelope_from ? std::move(*fields.envelope_from) : draft->from.address;
  for (const auto* list : {&fields.to, &fields.cc, &fields.bcc}) add(made.recipients, *list);
  if (made.recipients.empty()) return fail(errc::usage, "there is no recipient", "--to ADDRESS, --cc or --bcc");
  if (fields.raw) {
    made.compose = [message = std::move(fields.raw)](mail::server_abilities server) {
      return mail::raw(message, server);
    };
    return made;
  }
  draft->to = std::move(fields.to);
  draft->cc = std::move(fields.cc);
  draft->bcc = std::move(fields.bcc);
  draft->subject = std::move(fields.subject);
  draft->text = std::move(fields.text);
  draft->html = std::move(fields.html);
  draft->attachments = std::move(fields.attachments);
  draft->headers = std::move(fields.headers);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  draft->date = now;
  draft->utc_offset = local_utc_offset(now);
  draft->message_id = mail::make_message_id(now, random_octets<16>(), draft->from.address.ascii_domain);
  made.compose = [draft = std::move(draft)](mail::server_abilities server) { return mail::compose(*draft, server); };
  return made;
}

}  // namespace netlab::app
