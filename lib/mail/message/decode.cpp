// SPDX-License-Identifier: MIT
#include "mail/message/decode.hpp"

#include <array>
#include <cstdint>
#include <optional>

#include "base/text.hpp"
#include "mail/message/quoted_printable.hpp"
#include "mail/message/to_utf8.hpp"

namespace netlab::mail {
namespace {

constexpr std::uint8_t no_base64_digit = 0xff;

constexpr std::array<std::uint8_t, 256> make_base64_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_base64_digit);
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < digits.size(); ++at)
    values[static_cast<unsigned char>(digits[at])] = static_cast<std::uint8_t>(at);
  return values;
}
constexpr std::array<std::uint8_t, 256> base64_values = make_base64_values();

std::string decode_liberal_base64(std::string_view encoded) {
  std::string octets;
  octets.reserve(encoded.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : encoded) {
    if (c == '=') held = 0;  // what follows is the next group: some programs join encoded texts
    const std::uint8_t value = base64_values[static_cast<unsigned char>(c)];
    if (value == no_base64_digit) continue;
    bits = bits << 6 | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    octets += static_cast<char>(bits >> held & 0xff);
  }
  return octets;
}

/// RFC 2047 §4.2
std::string decode_q(std::string_view encoded) {
  std::string octets;
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    const auto octet = encoded[at] == '=' ? decode_hex_pair(encoded.substr(at + 1)) : std::nullopt;
    octets += octet ? *octet : encoded[at] == '_' ? ' ' : encoded[at];
    if (octet) at += 2;
  }
  return octets;
}

struct encoded_word {
  std::string_view charset;
  std::string octets;
  std::size_t length = 0;  // in the text
};

/// `text` begins with `=?`.
std::optional<encoded_word> parse_encoded_word(std::string_view text) {
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?')
    return std::nullopt;
  // The first '?' ends the word: this also keeps the search linear in a text of many beginnings.
  const std::size_t end = text.find('?', charset_end + 3);
  if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != '=') return std::nullopt;
  const std::size_t length = end + 2;
  const std::string_view encoded = text.substr(charset_end + 3, end - charset_end - 3);
  std::string_view charset = text.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));  // RFC 2231 §5: a language
  if (charset.empty() || charset.find(' ') != std::string_view::npos) return std::nullopt;
  const char encoding = text[charset_end + 1];
  if (encoding == 'B' || encoding == 'b') return encoded_word{charset, decode_liberal_base64(encoded), length};
  if (encoding == 'Q' || encoding == 'q') return encoded_word{charset, decode_q(encoded), length};
  return std::nullopt;
}

}  // namespace

transfer_encoding parse_transfer_encoding(std::string_view name) {
  using enum transfer_encoding;
  for (const transfer_encoding each : {seven_bit, eight_bit, quoted_printable, base64})
    if (equal_in_any_case(trim(name), name_of(each))) return each;
  return binary;
}

std::string decode_body(std::string_view encoded, transfer_encoding encoding) {
  switch (encoding) {
    case transfer_encoding::base64: return decode_liberal_base64(encoded);
    case transfer_encoding::quoted_printable: return decode_quoted_printable(encoded);
    default: return std::string(encoded);
  }
}

std::string decode_words(std::string_view text) {
  std::string decoded;
  // Adjacent words in one character set are converted together: some senders cut within a character.
  std::string octets;
  std::string_view charset;
  const auto end_words = [&] {
    decoded += to_utf8(octets, charset);
    octets.clear();
  };
  bool after_word = false;
  std::size_t plain_from = 0;
  for (std::size_t at = text.find("=?"); at != std::string_view::npos; at = text.find("=?", at)) {
    auto word = parse_encoded_word(text.substr(at));
    if (!word) {
      at += 2;
      continue;
    }
    const std::string_view plain = text.substr(plain_from, at - plain_from);
    const bool is_adjacent = after_word && trim(plain).empty();
    if (!is_adjacent || !equal_in_any_case(charset, word->charset)) end_words();
    if (!is_adjacent) decoded += to_utf8(plain, {});
    octets += word->octets;
    charset = word->charset;
    at += word->length;
    plain_from = at;
    after_word = true;
  }
  end_words();
  decoded += to_utf8(text.substr(plain_from), {});
  return decoded;
}

}  // namespace netlab::mail
