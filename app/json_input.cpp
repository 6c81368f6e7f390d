// SPDX-License-Identifier: MIT
#include "json_input.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/text.hpp"

namespace netlab::app {
namespace {

using nlohmann::json;

// An octet below 0x20, which a JSON text has to escape (RFC 8259 §7).
bool has_control(std::string_view text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, text.data(), sizeof octets);
    if (((octets - ones * 0x20) & ~octets & highs) != 0) return true;
    text.remove_prefix(sizeof octets);
  }
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20) return true;
  return false;
}

// Reads what is usual. Where it meets anything else, wrong or only rare, it gives up: it never decides what is an
// error.
class plain_reader {
 public:
  explicit plain_reader(std::string_view text) : left_(text) {}

  std::optional<json> read() {
    json object = json::object();
    const bool whole = read_object(object, [this](json& value) { return read_member(value); });
    skip_space();
    if (!whole || !left_.empty()) return std::nullopt;
    return object;
  }

 private:
  void skip_space() noexcept {
    while (!left_.empty() &&
           (left_.front() == ' ' || left_.front() == '\t' || left_.front() == '\n' || left_.front() == '\r'))
      left_.remove_prefix(1);
  }

  // A character of the grammar, and the space around it.
  bool skip(char expected) noexcept {
    skip_space();
    if (!left_.starts_with(expected)) return false;
    left_.remove_prefix(1);
    skip_space();
    return true;
  }

  template <class Read>
  bool read_object(json& object, Read read_value) {
    if (!skip('{')) return false;
    if (skip('}')) return true;
    do {
      std::string key;
      if (!read_text(key) || !skip(':') || !read_value(object[std::move(key)])) return false;
    } while (skip(','));
    return skip('}');
  }

  bool read_text_value(json& value) {
    std::string text;
    if (!read_text(text)) return false;
    value = std::move(text);
    return true;
  }

  bool read_member(json& value) {
    if (left_.starts_with('"')) return read_text_value(value);
    if (left_.starts_with('{')) {
      value = json::object();
      return read_object(value, [this](json& inner) { return read_text_value(inner); });
    }
    if (!skip('[')) return false;
    value = json::array();
    if (skip(']')) return true;
    do {
      value.push_back(json());
      if (!read_text_value(value.back())) return false;
    } while (skip(','));
    return skip(']');
  }

  // From quote to quote; plain runs are copied whole.
  bool read_text(std::string& out) {
    if (!left_.starts_with('"')) return false;
    std::size_t at = 1;
    std::size_t quote = left_.find('"', at);
    while (quote != std::string_view::npos) {
      const std::size_t backslash = left_.substr(0, quote).find('\\', at);
      out.append(left_.substr(at, std::min(quote, backslash) - at));
      if (backslash == std::string_view::npos) break;
      const auto plain = unescaped(left_[backslash + 1]);
      if (!plain) return false;
      out += *plain;
      at = backslash + 2;
      if (backslash + 1 == quote) quote = left_.find('"', at);  // it was that one which was escaped
    }
    if (quote == std::string_view::npos) return false;
    const std::string_view text = left_.substr(1, quote - 1);
    if (has_control(text) || !is_utf8(text)) return false;
    left_.remove_prefix(quote + 1);
    return true;
  }

  // Nothing for \u, and for an error.
  static std::optional<char> unescaped(char escaped) noexcept {
    switch (escaped) {
      case '"':
      case '\\':
      case '/': return escaped;
      case 'b': return '\b';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      default: return std::nullopt;
    }
  }

  std::string_view left_;
};

}  // namespace

json parse_json(std::string_view text) {
  if (auto usual = plain_reader(text).read()) return std::move(*usual);
  return json::parse(text.begin(), text.end(), nullptr, false);
}

}  // namespace netlab::app
