// SPDX-License-Identifier: MIT
#include "mail/domain.hpp"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <limits>
#include <ranges>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

// RFC 3492 §5
constexpr std::uint32_t base = 36;
constexpr std::uint32_t t_min = 1;
constexpr std::uint32_t t_max = 26;
constexpr std::uint32_t skew = 38;
constexpr std::uint32_t damp = 700;
constexpr std::uint32_t initial_bias = 72;
constexpr std::uint32_t initial_n = 128;

constexpr std::uint32_t greatest = std::numeric_limits<std::uint32_t>::max();

// RFC 3492 §6.1
constexpr std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first) noexcept {
  delta = first ? delta / damp : delta / 2;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > (base - t_min) * t_max / 2; k += base) delta /= base - t_min;
  return k + (base - t_min + 1) * delta / (delta + skew);
}

constexpr std::uint32_t threshold(std::uint32_t k, std::uint32_t bias) noexcept {
  if (k <= bias + t_min) return t_min;
  return k >= bias + t_max ? t_max : k - bias;
}

constexpr char to_digit(std::uint32_t value) noexcept {
  return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26));
}

constexpr std::uint32_t from_digit(char c) noexcept {
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a');
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0') + 26;
  return base;
}

// The C library's table, in a locale that needs no name of the system's; where there is none letters stay as they are.
// Opened for the first letter that needs it: it is a file of 350 KiB.
char32_t lower_case(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  static const locale_t everywhere = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (everywhere == nullptr) return c;
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), everywhere));
}

constexpr bool is_dot(char32_t c) noexcept { return c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61; }

// What a reader doesn't see, or sees where it isn't; and marks that with their letter are another letter.
constexpr bool is_hidden(char32_t c) noexcept {
  return c == 0xa0 || c == 0xad || c == 0x3000 || (c >= 0x2000 && c <= 0x206f) || (c >= 0xfff0 && c <= 0xffff) ||
         (c >= 0xe0000 && c <= 0xe0fff) || (c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000;
}
constexpr bool is_combining(char32_t c) noexcept { return c >= 0x300 && c <= 0x36f; }

unexpected<failure> refuse_domain(std::string_view domain, std::string_view why, std::string hint = {}) {
  return fail(errc::bad_data, fmt::format("domain '{}' {}", escape(domain, 100), why), std::move(hint));
}

result<void> append_label(std::string& to, const std::vector<char32_t>& label, std::string_view domain) {
  if (label.empty()) return refuse_domain(domain, "has nothing between two dots");
  std::string ascii;
  if (std::ranges::all_of(label, [](char32_t c) { return c < 0x80; })) {
    for (const char32_t c : label) ascii += static_cast<char>(c);
  } else {
    const auto encoded = encode_punycode(label);
    if (!encoded) return refuse_domain(domain, "cannot be written in Punycode");
    ascii = "xn--" + *encoded;
  }
  for (const char c : ascii)
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
      return refuse_domain(domain, fmt::format("has '{}' in it", escape({&c, 1})));
  if (ascii.starts_with('-') || ascii.ends_with('-'))
    return refuse_domain(domain, "has a hyphen beside a dot or at an end");
  if (ascii.size() > max_label)
    return refuse_domain(domain,
                         fmt::format("has {} characters between two dots; {} are possible", ascii.size(), max_label));
  to += ascii;
  return {};
}

}  // namespace

std::optional<std::string> encode_punycode(const std::vector<char32_t>& label) {
  std::string out;
  for (const char32_t c : label)
    if (c < 0x80) out += static_cast<char>(c);
  auto handled = static_cast<std::uint32_t>(out.size());
  const std::uint32_t basic = handled;
  if (basic > 0) out += '-';
  std::uint32_t n = initial_n;
  std::uint32_t delta = 0;
  std::uint32_t bias = initial_bias;
  while (handled < label.size()) {
    std::uint32_t next = greatest;
    for (const char32_t c : label)
      if (c >= n) next = std::min(next, static_cast<std::uint32_t>(c));
    if (next - n > (greatest - delta) / (handled + 1)) return std::nullopt;
    delta += (next - n) * (handled + 1);
    n = next;
    for (const char32_t c : label) {
      if (c < n && ++delta == 0) return std::nullopt;
      if (c != n) continue;
      std::uint32_t q = delta;
      for (std::uint32_t k = base;; k += base) {
        const std::uint32_t t = threshold(k, bias);
        if (q < t) break;
        out += to_digit(t + (q - t) % (base - t));
        q = (q - t) / (base - t);
      }
      out += to_digit(q);
      bias = adapt(delta, handled + 1, handled == basic);
      delta = 0;
      ++handled;
    }
    ++delta;
    ++n;
  }
  return out;
}

std::optional<std::vector<char32_t>> decode_punycode(std::string_view label) {
  std::vector<char32_t> out;
  const std::size_t last = label.rfind('-');
  std::size_t at = 0;
  if (last != std::string_view::npos) {
    for (const char c : label.substr(0, last)) {
      if (static_cast<unsigned char>(c) >= 0x80) return std::nullopt;
      out.push_back(static_cast<unsigned char>(c));
    }
    at = last + 1;
  }
  std::uint32_t n = initial_n;
  std::uint32_t i = 0;
  std::uint32_t bias = initial_bias;
  while (at < label.size()) {
    const std::uint32_t before = i;
    std::uint32_t weight = 1;
    for (std::uint32_t k = base;; k += base) {
      if (at == label.size()) return std::nullopt;
      const std::uint32_t digit = from_digit(label[at++]);
      if (digit >= base || digit > (greatest - i) / weight) return std::nullopt;
      i += digit * weight;
      const std::uint32_t t = threshold(k, bias);
      if (digit < t) break;
      if (weight > greatest / (base - t)) return std::nullopt;
      weight *= base - t;
    }
    const auto points = static_cast<std::uint32_t>(out.size()) + 1;
    bias = adapt(i - before, points, before == 0);
    if (i / points > greatest - n) return std::nullopt;
    n += i / points;
    i %= points;
    if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff)) return std::nullopt;
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(i++), static_cast<char32_t>(n));
  }
  return out;
}

result<std::string> to_ascii_domain(std::string_view domain) {
  if (domain.empty()) return fail(errc::bad_data, "the domain is empty");
  std::string ascii;
  std::vector<char32_t> label;
  for (std::string_view left = domain; !left.empty();) {
    const utf8_sequence next = decode_utf8(left);
    if (next.length == 0) return refuse_domain(domain, "is not UTF-8");
    left.remove_prefix(next.length);
    const auto c = static_cast<char32_t>(next.code_point);
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || is_hidden(c)) return refuse_domain(domain, "has a character that hides");
    if (is_combining(c))
      return refuse_domain(domain, "has a combining mark", "write the composed letter, or the xn-- form of the name");
    if (!is_dot(c)) {
      label.push_back(lower_case(c));
      if (label.size() > max_label) return refuse_domain(domain, "has too much between two dots");
      continue;
    }
    if (const auto done = append_label(ascii, label, domain); !done) return unexpected(done.error());
    label.clear();
    if (!left.empty()) ascii += '.';
  }
  if (!label.empty())
    if (const auto done = append_label(ascii, label, domain); !done) return unexpected(done.error());
  if (ascii.size() > max_domain)
    return refuse_domain(domain, fmt::format("has {} characters; {} are possible", ascii.size(), max_domain));
  return ascii;
}

}  // namespace netlab::mail
