// SPDX-License-Identifier: MIT
// Any octets are a message: its parts lie within it, and all text of it is valid UTF-8.
#include "base/text.hpp"
#include "fuzz.hpp"
#include "mail/message/criteria.hpp"
#include "mail/message/entity.hpp"

using namespace netlab;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message = fuzz::text_of(data, size);
  const mail::entity whole = mail::parse_entity(message);
  for (const mail::header_field& each : whole.header) {
    fuzz::require(is_utf8(each.name) && is_utf8(each.value), "a field is valid UTF-8");
    fuzz::require(each.raw.find('\n') == std::string::npos, "a field is one line");
  }
  for (const auto& [number, part] : leaves_of(whole)) {
    fuzz::require(part->body_at + part->body_size <= size, "a part lies within its message");
    fuzz::require(is_utf8(text_of(*part, message)), "a text is valid UTF-8");
    fuzz::require(is_utf8(part->file_name), "a name is valid UTF-8");
  }
  const mail::correspondents who = mail::correspondents_of(whole.header);
  fuzz::require(who.envelope_from.size() <= 1, "an envelope has one sender");
  return 0;
}
