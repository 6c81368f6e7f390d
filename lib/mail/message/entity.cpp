// SPDX-License-Identifier: MIT
#include "mail/message/entity.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/message/content_field.hpp"
#include "mail/message/header.hpp"
#include "mail/message/to_utf8.hpp"

namespace netlab::mail {
namespace {

/// A line without its line end.
struct raw_line {
  std::string_view text;
  std::size_t next = 0;  // offset of the line after it
};

raw_line line_at(std::string_view octets, std::size_t at) noexcept {
  const std::size_t lf = octets.find('\n', at);
  std::string_view text = octets.substr(at, lf == std::string_view::npos ? lf : lf - at);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return {text, lf == std::string_view::npos ? octets.size() : lf + 1};
}

/// The name of a field at the start of a line; empty if the line begins no field. Blanks before the colon are obsolete
/// (RFC 5322 §4.5), but some programs write them.
std::string_view field_name_of(std::string_view line) noexcept {
  const std::string_view name = line.substr(0, line.find(':'));
  if (name.size() == line.size()) return {};
  const std::string_view bare = trim(name);
  return !is_blank(line.front()) && is_field_name(bare) ? bare : std::string_view{};
}

/// Reads fields from `at` and moves it to the body.
std::vector<header_field> read_header(std::string_view octets, std::size_t& at) {
  std::vector<header_field> fields;
  // The first line of a message in a file of the mbox format.
  if (octets.substr(at).starts_with("From ")) at = line_at(octets, at).next;
  bool is_kept = false;
  while (at < octets.size()) {
    const raw_line line = line_at(octets, at);
    if (line.text.empty()) {
      at = line.next;
      break;
    }
    if (is_blank(line.text.front()) && (is_kept || !fields.empty())) {
      if (is_kept) fields.back().raw += line.text;
    } else {
      const std::string_view name = field_name_of(line.text);
      if (name.empty()) break;
      is_kept = fields.size() < max_entity_fields;
      if (is_kept)
        fields.push_back(
            {.name = std::string(name), .value = {}, .raw = std::string(line.text.substr(line.text.find(':') + 1))});
    }
    at = line.next;
  }
  for (header_field& each : fields) {
    each.raw = std::string(trim(each.raw));
    each.value = decode_words(each.raw);
  }
  return fields;
}

const header_field* find_field(const std::vector<header_field>& header, std::string_view name) noexcept {
  const auto same = [&](const header_field& each) {
    return each.name.size() == name.size() &&
           std::equal(name.begin(), name.end(), each.name.begin(), [](char one, char other) {
             const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
             return lower(one) == lower(other);
           });
  };
  const auto found = std::ranges::find_if(header, same);
  return found == header.end() ? nullptr : &*found;
}

std::string_view raw_of(const std::vector<header_field>& header, std::string_view name) noexcept {
  const header_field* found = find_field(header, name);
  return found == nullptr ? std::string_view{} : std::string_view(found->raw);
}

class entity_parser {
 public:
  explicit entity_parser(std::string_view message) : message_(message) {}

  /// Parses the octets from `from` to `to`: a part with its header. `default_type`: the type of a part without
  /// Content-Type, which differs in a digest (RFC 2046 §5.1.5).
  entity parse(std::size_t from, std::size_t to, std::string_view default_type, std::size_t depth) {
    entity one;
    std::size_t at = from;
    one.header = read_header(message_.substr(0, to), at);
    one.body_at = at;
    one.body_size = to - at;
    const std::string_view type = raw_of(one.header, "content-type");
    content_field field = parse_content_field(type);
    one.type = is_media_type(field.value) ? field.value : std::string(default_type);
    one.charset = to_lower(field.parameter("charset"));
    const content_field disposition = parse_content_field(raw_of(one.header, "content-disposition"));
    one.disposition = disposition.value;
    one.file_name = disposition.parameter("filename");
    if (one.file_name.empty()) one.file_name = field.parameter("name");
    one.encoding = transfer_encoding::seven_bit;
    if (const std::string_view name = raw_of(one.header, "content-transfer-encoding"); !name.empty())
      one.encoding = parse_transfer_encoding(parse_content_field(name).value);
    std::string_view id = trim(raw_of(one.header, "content-id"));
    if (id.starts_with('<') && id.ends_with('>')) id = id.substr(1, id.size() - 2);
    one.content_id = to_utf8(id, {});
    if (one.is_multipart() && depth < max_entity_depth) {
      const std::string boundary = raw_parameter(type, "boundary");
      if (!boundary.empty()) split(one, boundary, depth);
    }
    return one;
  }

 private:
  enum class delimiter { none, next, last };

  static delimiter match(std::string_view line, std::string_view boundary) noexcept {
    if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return delimiter::none;
    std::string_view rest = line.substr(2 + boundary.size());
    const bool is_last = rest.starts_with("--");
    if (is_last) rest.remove_prefix(2);
    if (!trim(rest).empty()) return delimiter::none;
    return is_last ? delimiter::last : delimiter::next;
  }

  /// RFC 2046 §5.1.1. The line end before a delimiter belongs to the delimiter.
  void split(entity& whole, std::string_view boundary, std::size_t depth) {
    const std::size_t end = whole.body_at + whole.body_size;
    const std::string_view until_end = message_.substr(0, end);
    const std::string_view default_type = whole.type == "multipart/digest" ? "message/rfc822" : "text/plain";
    std::size_t part_at = std::string_view::npos;  // npos: before the first delimiter
    const auto end_part = [&](std::size_t at) {
      if (part_at == std::string_view::npos || count_ >= max_entity_parts) return;
      ++count_;
      if (at > part_at && message_[at - 1] == '\n') --at;
      if (at > part_at && message_[at - 1] == '\r') --at;
      whole.parts.push_back(parse(part_at, at, default_type, depth + 1));
    };
    for (std::size_t at = whole.body_at; at < end;) {
      const raw_line line = line_at(until_end, at);
      const delimiter found = match(line.text, boundary);
      if (found != delimiter::none) {
        end_part(at);
        part_at = line.next;
        if (found == delimiter::last) return;
      }
      at = line.next;
    }
    end_part(end);  // a message that was cut
  }

  std::string_view message_;
  std::size_t count_ = 0;
};

/// `<meta charset=…>` or `<meta … content="text/html; charset=…">` in the first octets.
std::string charset_in_html(std::string_view html) {
  const std::string start = to_lower(html.substr(0, 1024));  // as HTML asks of browsers
  const std::size_t meta = start.find("<meta");
  const std::size_t at = meta == std::string::npos ? meta : start.find("charset=", meta);
  if (at == std::string::npos) return {};
  std::string_view name = std::string_view(start).substr(at + 8);
  while (!name.empty() && (name.front() == '"' || name.front() == '\'')) name.remove_prefix(1);
  return std::string(name.substr(0, name.find_first_of("\"' />;")));
}

void add_leaves(const entity& of, const std::string& number, std::vector<std::pair<std::string, const entity*>>& to) {
  std::size_t count = 0;
  for (const entity& each : of.parts) {
    const std::string own = number.empty() ? std::to_string(++count) : fmt::format("{}.{}", number, ++count);
    if (each.parts.empty())
      to.emplace_back(own, &each);
    else
      add_leaves(each, own, to);
  }
}

}  // namespace

std::string_view entity::value_of(std::string_view name) const noexcept {
  const header_field* found = find_field(header, name);
  return found == nullptr ? std::string_view{} : std::string_view(found->value);
}

entity parse_entity(std::string_view message) {
  return entity_parser(message).parse(0, message.size(), "text/plain", 0);
}

std::size_t find_header_end(std::string_view octets) noexcept {
  for (std::size_t at = 0; at < octets.size();) {
    const std::size_t lf = octets.find('\n', at);
    if (lf == std::string_view::npos) break;
    if (octets.substr(at, lf - at).find_first_not_of('\r') == std::string_view::npos) return lf + 1;
    at = lf + 1;
  }
  return std::string_view::npos;
}

std::vector<header_field> parse_header(std::string_view octets) {
  std::size_t at = 0;
  return read_header(octets, at);
}

std::string content_of(const entity& part, std::string_view message) {
  return decode_body(message.substr(part.body_at, part.body_size), part.encoding);
}

std::string text_of(const entity& part, std::string_view message) {
  const std::string octets = content_of(part, message);
  if (!part.charset.empty() || part.type != "text/html") return to_utf8(octets, part.charset);
  return to_utf8(octets, charset_in_html(octets));
}

std::vector<std::pair<std::string, const entity*>> leaves_of(const entity& root) {
  std::vector<std::pair<std::string, const entity*>> all;
  if (root.parts.empty())
    all.emplace_back("1", &root);
  else
    add_leaves(root, {}, all);
  return all;
}

}  // namespace netlab::mail
