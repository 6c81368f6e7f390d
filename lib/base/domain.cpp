// SPDX-License-Identifier: MIT
#include "base/domain.hpp"

#include <idn2.h>

#include <cstdint>
#include <memory>
#include <new>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab {
namespace {

// Characters that are invisible or reorder the text around them. UTS 46 mapping would silently drop some of them.
constexpr bool is_hidden(std::uint32_t c) noexcept {
  return c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x34f || (c >= 0x180b && c <= 0x180f) ||
         (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
         (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) ||
         c >= 0xe0000;
}

// Letters, digits, hyphens (RFC 1123 §2.1), and the underscore of names such as _dmarc.example.
constexpr bool is_host_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

unexpected<failure> refuse_domain(std::string_view domain, std::string_view why) {
  return fail(errc::bad_data, fmt::format("domain '{}' {}", escape(domain, 100), why));
}

result<void> check_characters(std::string_view domain) {
  for (std::string_view left = domain; !left.empty();) {
    const utf8_sequence next = decode_utf8(left);
    if (next.length == 0) return refuse_domain(domain, "is not UTF-8");
    if (is_hidden(next.code_point)) return refuse_domain(domain, "contains an invisible character");
    const char c = left.front();
    if (next.length == 1 && c != '.' && !is_host_character(c))
      return refuse_domain(domain, fmt::format("contains '{}'", escape({&c, 1})));
    left.remove_prefix(next.length);
  }
  return {};
}

// The part that libidn2 does: mapping and Punycode.
result<std::string> to_a_labels(std::string_view domain) {
  const std::string text(domain);
  std::uint8_t* found = nullptr;
  const int error = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(text.c_str()), &found,
                                   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<std::uint8_t, decltype(&idn2_free)> owner(found, &idn2_free);
  if (error == IDN2_MALLOC) throw std::bad_alloc();
  if (error != IDN2_OK)
    return refuse_domain(domain, fmt::format("is not a domain name (IDNA 2008): {}", idn2_strerror(error)));
  return std::string(reinterpret_cast<const char*>(found));
}

result<void> check_label(std::string_view label, std::string_view domain) {
  if (label.empty()) return refuse_domain(domain, "has an empty label between two dots");
  for (const char c : label)
    if (!is_host_character(c)) return refuse_domain(domain, fmt::format("contains '{}'", escape({&c, 1})));
  if (label.starts_with('-') || label.ends_with('-'))
    return refuse_domain(domain, "has a label that begins or ends with a hyphen");
  if (label.size() > max_label)
    return refuse_domain(domain,
                         fmt::format("has a label of {} characters; at most {} are allowed", label.size(), max_label));
  return {};
}

}  // namespace

result<std::string> to_ascii_domain(std::string_view domain) {
  if (domain.empty()) return fail(errc::bad_data, "the domain is empty");
  if (const auto good = check_characters(domain); !good) return unexpected(good.error());
  result<std::string> ascii = to_lower(domain);
  if (!is_ascii(domain)) ascii = to_a_labels(domain);
  if (!ascii) return ascii;
  if (ascii->ends_with('.')) ascii->pop_back();
  for (const std::string_view label : split(*ascii, '.'))
    if (const auto good = check_label(label, domain); !good) return unexpected(good.error());
  if (ascii->size() > max_domain)
    return refuse_domain(domain, fmt::format("has {} characters; at most {} are allowed", ascii->size(), max_domain));
  return ascii;
}

}  // namespace netlab
