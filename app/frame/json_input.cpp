// SPDX-License-Identifier: MIT
#include "frame/json_input.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/scan.hpp"
#include "base/text.hpp"

namespace netlab::app {
namespace {

using nlohmann::json;

// Reads common JSON only. It gives up on anything else, valid or not, and leaves errors to nlohmann::json.
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

  // Skips a character of the grammar and the space around it.
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
      if (!read_text(key) || !skip(':') || object.contains(key) || !read_value(object[std::move(key)])) return false;
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

  // Reads a string from quote to quote; copies runs of plain characters at once.
  bool read_text(std::string& out) {
    if (!left_.starts_with('"')) return false;
    left_.remove_prefix(1);
    // Characters that a JSON string cannot contain unescaped (RFC 8259 §7).
    const auto is_special = [](auto octet) { return (octet < 0x20) | (octet == '"') | (octet == '\\'); };
    for (;;) {
      const std::size_t length = length_before(left_, is_special);
      out.append(left_, 0, length);
      left_.remove_prefix(length);
      if (left_.size() < 2 || left_.front() != '\\') break;
      const auto plain = unescaped(left_[1]);
      if (!plain) return false;
      out += *plain;
      left_.remove_prefix(2);
    }
    if (!left_.starts_with('"') || !is_utf8(out)) return false;
    left_.remove_prefix(1);
    return true;
  }

  // Returns nothing for \u and for errors.
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

result<json> parse_json(std::string_view text) {
  if (auto usual = plain_reader(text).read()) return std::move(*usual);
  std::vector<std::set<std::string>> keys;  // of each open object
  std::optional<std::string> repeated;
  const auto watch = [&](int, json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      repeated = parsed.get<std::string>();
    return true;
  };
  json all = json::parse(text.begin(), text.end(), watch, false);
  if (all.is_discarded()) return fail(errc::bad_data, "not valid JSON");
  if (repeated) return fail(errc::bad_data, fmt::format("duplicate key '{}'", escape(*repeated, 60)));
  return all;
}

}  // namespace netlab::app
