// SPDX-License-Identifier: MIT
#include "lab/web/mail_view.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mail/message/criteria.hpp"
#include "mail/message/entity.hpp"
#include "mail/message/html_view.hpp"

namespace netlab::lab {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t most_text = 256 * 1024;  // of one part, in the JSON; the rest can be downloaded
constexpr std::size_t most_headers = 200;
constexpr std::size_t most_parts = 200;

/// A prefix of valid UTF-8 that is valid, too.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

json describe_message(std::string_view content) {
  const mail::entity root = mail::parse_entity(content);
  json headers = json::array();
  for (const mail::header_field& each : root.header)
    if (headers.size() < most_headers) headers.push_back({{"name", each.name}, {"value", each.value}});
  json parts = json::array();
  for (const auto& [number, part] : mail::leaves_of(root)) {
    if (parts.size() >= most_parts) break;
    json described{{"number", number},
                   {"type", part->type},
                   {"charset", part->charset},
                   {"name", part->file_name},
                   {"disposition", part->disposition},
                   {"size", part->body_size}};
    if (part->is_text() && part->disposition != "attachment")
      described["text"] = cut(mail::text_of(*part, content), most_text);
    parts.push_back(std::move(described));
  }
  return {{"headers", std::move(headers)}, {"parts", std::move(parts)}};
}

std::optional<message_part> find_part(std::string_view content, std::string_view number) {
  const mail::entity root = mail::parse_entity(content);
  for (const auto& [each, part] : mail::leaves_of(root)) {
    if (each != number) continue;
    constexpr std::array<std::string_view, 4> images{"image/png", "image/jpeg", "image/gif", "image/webp"};
    message_part found{.type = part->type, .file_name = part->file_name, .is_html = part->type == "text/html"};
    found.is_image = std::ranges::find(images, found.type) != images.end();
    found.octets = mail::content_of(*part, content);
    if (found.is_html) found.text = mail::text_of(*part, content);
    return found;
  }
  return std::nullopt;
}

std::string defused(const message_part& of) { return mail::defused_html(of.text); }

bool matches(const kept_mail& which, std::string_view text) {
  if (text.empty()) return true;
  const auto has = [&](std::string_view in) { return mail::contains_text(in, text); };
  return has(which.sender) || has(which.header_from) || has(which.header_to) || has(which.subject) || has(which.user) ||
         has(which.address) || std::ranges::any_of(which.recipients, has);
}

}  // namespace netlab::lab
