// SPDX-License-Identifier: MIT
// A valid address cannot end a line or a path, and parses to the same address when it is formatted.
#include "base/domain.hpp"
#include "base/text.hpp"
#include "fuzz.hpp"
#include "mail/message/address.hpp"
#include "mail/message/header.hpp"

using namespace netlab;

namespace {

void check(const mail::address& one) {
  const std::string wire = one.to_ascii_domain();
  fuzz::require(fuzz::is_harmless(wire), "no controls on the wire");
  fuzz::require(wire.size() <= mail::max_address && one.local.size() <= mail::max_local_part, "lengths are the RFC's");
  const auto again = mail::parse_address('<' + wire + '>');
  fuzz::require(again && *again == one && again->to_ascii_domain() == wire, "an address reads back");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  if (const auto one = mail::parse_address(input)) check(*one);
  if (const auto list = mail::parse_mailbox_list(input)) {
    std::string field;
    for (const mail::mailbox& one : *list) {
      check(one.address);
      fuzz::require(mail::check_header_text(one.name, "name").has_value(), "a name fits into a header");
    }
    mail::append_mailboxes(field, "To", *list);
    // After unfolding, the list is the same, except for names, which may be encoded.
    std::string unfolded;
    for (const char c : std::string_view(field).substr(3))
      if (c != '\r' && c != '\n') unfolded += c;
    const auto again = mail::parse_mailbox_list(unfolded);
    fuzz::require(again && again->size() == list->size(), "a header has as many mailboxes");
    for (std::size_t at = 0; at < list->size(); ++at)
      fuzz::require((*again)[at].address == (*list)[at].address, "a header has the same addresses");
  }
  if (const auto ascii = to_ascii_domain(input)) {
    fuzz::require(is_ascii(*ascii) && ascii->size() <= max_domain, "a domain is ASCII, and fits");
    fuzz::require(to_ascii_domain(*ascii) == *ascii, "a domain in A-labels stays as it is");
  }
  return 0;
}
