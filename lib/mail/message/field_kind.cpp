// SPDX-License-Identifier: MIT
#include "mail/message/field_kind.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

// From IANA's registry of mail header fields (https://www.iana.org/assignments/message-headers/), and other usual
// ones.
constexpr auto address_fields = std::to_array<std::string_view>({
    "apparently-to",
    "disposition-notification-to",
    "errors-to",
    "mail-followup-to",
    "mail-reply-to",
    "reply-to",
    "resent-cc",
    "resent-from",
    "resent-reply-to",
    "resent-sender",
    "resent-to",
    "sender",
});
constexpr auto structured_fields = std::to_array<std::string_view>({
    "accept-language",
    "archived-at",
    "authentication-results",
    "auto-submitted",
    "autocrypt",
    "autocrypt-gossip",
    "autoforwarded",
    "autosubmitted",
    "bimi-selector",
    "conversion",
    "date",
    "deferred-delivery",
    "delivered-to",
    "delivery-date",
    "disposition-notification-options",
    "dkim-signature",
    "domainkey-signature",
    "encoding",
    "encrypted",
    "expires",
    "expiry-date",
    "feedback-id",
    "followup-to",
    "importance",
    "in-reply-to",
    "injection-date",
    "injection-info",
    "language",
    "latest-delivery-time",
    "message-context",
    "message-id",
    "newsgroups",
    "obsoletes",
    "original-message-id",
    "original-recipient",
    "path",
    "precedence",
    "priority",
    "received",
    "received-spf",
    "references",
    "reply-by",
    "require-recipient-valid-since",
    "return-path",
    "sensitivity",
    "solicitation",
    "supersedes",
    "tls-report-domain",
    "tls-report-submitter",
    "tls-required",
    "vbr-info",
    "x-priority",
});
// Families: RFC 2369, 2919 and 8058; RFC 8617; RFC 5322 §3.6.6 but for its addresses.
constexpr auto structured_families = std::to_array<std::string_view>({"arc-", "list-", "resent-"});
static_assert(std::ranges::is_sorted(address_fields) && std::ranges::is_sorted(structured_fields));

}  // namespace

field_kind kind_of(std::string_view name) {
  const std::string lower = to_lower(name);
  if (lower == "keywords") return field_kind::phrases;
  if (lower == "list-id") return field_kind::list_id;
  if (std::ranges::binary_search(address_fields, lower)) return field_kind::addresses;
  const auto begins_name = [&](std::string_view family) { return lower.starts_with(family); };
  if (std::ranges::binary_search(structured_fields, lower) || std::ranges::any_of(structured_families, begins_name))
    return field_kind::structured;
  return field_kind::unstructured;
}

}  // namespace netlab::mail
