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

failure about(std::string_view option, const std::string& text, failure why) {
  why.context = fmt::format("{} '{}'", option, escape(text, 120));
  return why;
}

/// Adds the mailboxes of the texts to a header's list, and each new one to the envelope.
result<void> add(std::vector<mail::mailbox>& to, std::vector<mail::address>& recipients,
                 const std::vector<std::string>& texts, std::string_view option) {
  for (const std::string& text : texts) {
    auto list = mail::parse_mailbox_list(text);
    if (!list) return unexpected(about(option, text, std::move(list.error())));
    if (list->empty())
      return unexpected(about(option, text, {make_error_code(errc::bad_data), {}, "it contains no address", {}}));
    for (mail::mailbox& each : *list) {
      if (std::find(recipients.begin(), recipients.end(), each.address) == recipients.end())
        recipients.push_back(each.address);
      to.push_back(std::move(each));
    }
  }
  return {};
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

result<std::optional<mail::address>> parse_envelope_sender(std::string_view text) {
  text = trim(text);
  if (text == "<>") return std::nullopt;
  auto parsed = mail::parse_address(text);
  if (!parsed && text.empty()) parsed.error().hint = "write <> for the null sender";
  return parsed;
}

result<mail::submission> prepare(message_fields fields) {
  auto draft = std::make_shared<mail::draft>();
  mail::submission made;

  const std::string from = fields.from ? *fields.from : default_sender();
  auto sender = mail::parse_mailbox(from);
  if (!sender && !fields.from) {
    sender.error().hint = "--from ADDRESS sets it";
    return unexpected(about("the default sender", from, std::move(sender.error())));
  }
  if (!sender) return unexpected(about("from", from, std::move(sender.error())));
  draft->from = *sender;
  made.sender = sender->address;
  if (fields.envelope_from) {
    auto envelope = parse_envelope_sender(*fields.envelope_from);
    if (!envelope) return unexpected(about("envelope-from", *fields.envelope_from, std::move(envelope.error())));
    made.sender = std::move(*envelope);
  }
  if (auto added = add(draft->to, made.recipients, fields.to, "to"); !added) return unexpected(added.error());
  if (auto added = add(draft->cc, made.recipients, fields.cc, "cc"); !added) return unexpected(added.error());
  if (auto added = add(draft->bcc, made.recipients, fields.bcc, "bcc"); !added) return unexpected(added.error());
  if (made.recipients.empty()) return fail(errc::usage, "there is no recipient", "--to ADDRESS, --cc or --bcc");
  if (fields.raw) {
    made.compose = [message = std::move(fields.raw)](mail::server_abilities server) {
      return mail::raw(message, server);
    };
    return made;
  }
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
