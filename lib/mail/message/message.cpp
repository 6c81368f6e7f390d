// SPDX-License-Identifier: MIT
#include "mail/message/message.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/message/field_kind.hpp"
#include "mail/message/header.hpp"
#include "mail/message/mime.hpp"
#include "mail/message/piece.hpp"
#include "mail/message/quoted_printable.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t max_message_id = 900;  // must fit on one line: it cannot be folded

bool is_message_id(std::string_view id) noexcept {
  const auto is_good = [](char c) { return c > 0x20 && c < 0x7f && c != '<' && c != '>'; };
  return id.size() <= max_message_id && std::ranges::all_of(id, is_good) && std::ranges::count(id, '@') == 1 &&
         !id.starts_with('@') && !id.ends_with('@');
}

bool is_among(std::string_view word, std::span<const std::string_view> list) noexcept {
  return std::ranges::find(list, word) != list.end();
}

// RFC 5322 §3.6: fields that may occur at most once.
constexpr std::array<std::string_view, 6> unique_fields{"date",       "in-reply-to", "message-id",
                                                        "references", "reply-to",    "sender"};
// Fields made from the draft's other members.
constexpr std::array<std::string_view, 5> own_fields{"cc", "from", "mime-version", "subject", "to"};

// Makes one message of one draft.
class composer {
 public:
  composer(const draft& of, server_abilities server) : draft_(of), server_(server) {}

  result<composed> make() {
    for (const auto& step : {&composer::check, &composer::add_headers, &composer::add_body})
      if (const auto done = (this->*step)(); !done) return unexpected(done.error());
    flush();
    return composed(std::move(message_id_), needs_, std::move(pieces_));
  }

 private:
  struct body {
    std::string_view type;
    std::string octets;  // encoded
    transfer_encoding encoding = transfer_encoding::seven_bit;
    bool is_ascii = true;
  };

  // Checks everything that can be refused, before anything is composed.
  result<void> check() {
    message_id_ = draft_.message_id;
    if (const auto good = check_header_text(draft_.subject, "subject"); !good) return good;
    for (const auto& [name, value] : draft_.headers)
      if (const auto good = check_field(name, value); !good) return good;
    if (!is_message_id(message_id_))
      return fail(errc::bad_data, fmt::format("Message-ID '{}' is not like <left@right>", escape(message_id_, 100)));
    for (const auto* list : {&draft_.to, &draft_.cc})
      for (const mailbox& one : *list)
        if (const auto good = check_mailbox(one); !good) return good;
    if (const auto good = check_mailbox(draft_.from); !good) return good;
    for (const attachment& one : draft_.attachments)
      if (const auto good = check_attachment(one); !good) return good;
    if (draft_.text)
      if (const auto good = add_text("text/plain", *draft_.text, "the text"); !good) return good;
    if (draft_.html)
      if (const auto good = add_text("text/html", *draft_.html, "the HTML"); !good) return good;
    if (texts_.empty() && draft_.attachments.empty()) return add_text("text/plain", {}, "the text");
    return {};
  }

  result<void> check_field(const std::string& name, const std::string& value) {
    if (!is_field_name(name) || name.size() > 76)
      return fail(errc::bad_data, fmt::format("'{}' is not the name of a header field", escape(name, 80)));
    const std::string lower = to_lower(name);
    if (lower == "bcc" || lower == "resent-bcc")
      return fail(errc::bad_data, fmt::format("a header field {} would show its addresses to all recipients", name));
    if (is_among(lower, own_fields) || lower.starts_with("content-"))
      return fail(errc::bad_data, fmt::format("the header field {} is generated from the message", name));
    if (const auto good = check_header_text(value, name); !good) return good;
    if (trim(value).empty()) return fail(errc::bad_data, fmt::format("the header field {} is empty", name));
    if (is_among(lower, unique_fields)) {
      if (is_among(lower, seen_)) return fail(errc::bad_data, fmt::format("the header field {} occurs twice", name));
      seen_.push_back(*std::ranges::find(unique_fields, lower));
    }
    if (lower == "message-id") {
      const std::string_view id = trim(value);
      message_id_ = id.starts_with('<') && id.ends_with('>') ? id.substr(1, id.size() - 2) : id;
    }
    if (kind_of(name) == field_kind::addresses) {
      auto list = parse_mailbox_list(value);
      if (!list) return unexpected(failure(list.error().code, name, list.error().detail, list.error().hint));
      for (const mailbox& one : *list)
        if (const auto good = check_mailbox(one); !good) return good;
    }
    return {};
  }

  result<void> check_mailbox(const mailbox& one) {
    if (const auto good = check_header_text(one.name, "name"); !good) return good;
    if (one.address.is_ascii()) return {};
    needs_.smtputf8 = true;
    needs_.eight_bit_mime = true;  // RFC 6531 §3.6: UTF-8 in a header is 8-bit content
    if (server_.smtputf8) return {};
    return fail(errc::rejected, fmt::format("address '{}' needs SMTPUTF8, which the server does not offer",
                                            escape(one.address.to_string())));
  }

  static result<void> check_attachment(const attachment& one) {
    if (const auto good = check_header_text(one.name, "file name"); !good) return good;
    if (one.name.empty() || one.name.find('/') != std::string::npos)
      return fail(errc::bad_data, fmt::format("'{}' is not a file name without a directory", escape(one.name)));
    if (!one.type.empty() && !is_media_type(one.type))
      return fail(errc::bad_data, fmt::format("'{}' is not a media type", escape(one.type, 80)), "write image/png");
    return {};
  }

  result<void> add_text(std::string_view type, std::string_view text, std::string_view name) {
    if (!is_utf8(text)) return fail(errc::bad_data, fmt::format("{} is not UTF-8", name), "attach it instead");
    body part{.type = type, .octets = to_crlf(text)};
    part.encoding = encoding_for(part.octets, server_.eight_bit_mime);
    part.is_ascii = part.encoding == transfer_encoding::seven_bit ||
                    (part.encoding != transfer_encoding::eight_bit &&
                     std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    if (part.encoding == transfer_encoding::quoted_printable) {
      part.octets = encode_quoted_printable(part.octets);
    } else if (part.encoding == transfer_encoding::base64) {
      std::string encoded(size_in_base64(part.octets.size()), '\0');
      encode_base64_lines(part.octets, encoded);
      part.octets = std::move(encoded);
    } else if (part.encoding == transfer_encoding::eight_bit) {
      needs_.eight_bit_mime = true;
    }
    texts_.push_back(std::move(part));
    return {};
  }

  result<void> add_headers() {
    const auto given = [&](std::string_view name) { return is_among(name, seen_); };
    if (!given("date")) out_ += "Date: " + to_date(draft_.date, draft_.utc_offset) + "\r\n";
    append_mailboxes(out_, "From", {&draft_.from, 1});
    if (!draft_.to.empty()) append_mailboxes(out_, "To", draft_.to);
    if (!draft_.cc.empty()) append_mailboxes(out_, "Cc", draft_.cc);
    if (!draft_.subject.empty()) append_unstructured(out_, "Subject", draft_.subject);
    out_ += "Message-ID: <" + message_id_ + ">\r\n";
    for (const auto& [name, value] : draft_.headers) {
      if (equal_in_any_case(name, "message-id")) continue;
      if (const auto done = append_field(name, trim(value)); !done) return done;
    }
    out_ += "MIME-Version: 1.0\r\n";
    return {};
  }

  result<void> append_field(std::string_view name, std::string_view value) {
    switch (kind_of(name)) {
      case field_kind::addresses: append_mailboxes(out_, name, *parse_mailbox_list(value)); break;
      case field_kind::list_id: return append_list_id(out_, name, value);
      case field_kind::phrases: return append_phrases(out_, name, value);
      case field_kind::structured: return append_structured(out_, name, value);
      case field_kind::unstructured: append_unstructured(out_, name, value); break;
    }
    return {};
  }

  // RFC 2046 §5.1: texts are alternatives to each other, attachments follow them.
  result<void> add_body() {
    if (!draft_.attachments.empty()) {
      const std::string boundary = begin_multipart("mixed", 'm');
      if (!texts_.empty()) {
        out_ += "--" + boundary + "\r\n";
        add_texts();
        end_part(texts_.size() == 1 ? texts_.front().encoding : transfer_encoding::base64);
      }
      for (const attachment& one : draft_.attachments) {
        out_ += "--" + boundary + "\r\n";
        add_attachment(one);
      }
      out_ += "--" + boundary + "--\r\n";
      return {};
    }
    add_texts();
    return {};
  }

  void add_texts() {
    if (texts_.size() == 1) {
      add_part(texts_.front());
      return;
    }
    const std::string boundary = begin_multipart("alternative", 'a');
    for (const body& part : texts_) {
      out_ += "--" + boundary + "\r\n";
      add_part(part);
      end_part(part.encoding);
    }
    out_ += "--" + boundary + "--\r\n";
  }

  void add_part(const body& part) {
    fmt::format_to(std::back_inserter(out_), "Content-Type: {}; charset={}\r\nContent-Transfer-Encoding: {}\r\n\r\n",
                   part.type, part.is_ascii ? "us-ascii" : "utf-8", name_of(part.encoding));
    out_ += part.octets;
  }

  // The line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1), so a text gets one more. Base64 needs
  // none, and an inner multipart ends with one already.
  void end_part(transfer_encoding encoding) {
    if (encoding != transfer_encoding::base64) out_ += "\r\n";
  }

  void add_attachment(const attachment& one) {
    const std::string type = one.type.empty() ? std::string(type_of(one.name)) : one.type;
    fmt::format_to(std::back_inserter(out_), "Content-Type: {}{}{}\r\nContent-Transfer-Encoding: {}\r\n", type,
                   one.charset.empty() ? "" : "; charset=", one.charset, name_of(attachment_encoding()));
    constexpr std::string_view disposition = "Content-Disposition: attachment";
    out_ += disposition;
    std::size_t column = disposition.size();
    append_parameter(out_, column, "filename", one.name);
    out_ += "\r\n\r\n";
    flush();
    needs_.less_by_binary_mime = !server_.binary_mime;
    pieces_.push_back(make_piece(one.content, attachment_encoding()));
    end_part(attachment_encoding());
  }

  [[nodiscard]] transfer_encoding attachment_encoding() const noexcept {
    return server_.binary_mime ? transfer_encoding::binary : transfer_encoding::base64;
  }

  std::string begin_multipart(std::string_view subtype, char letter) {
    const bool has_8bit =
        std::ranges::any_of(texts_, [](const body& one) { return one.encoding == transfer_encoding::eight_bit; });
    std::string boundary = make_boundary() + letter;
    // RFC 2045 §6.4: a multipart with 8-bit or binary parts is itself 8-bit or binary.
    const bool has_binary = letter == 'm' && server_.binary_mime;
    if (has_binary) needs_.binary_mime = true;
    fmt::format_to(std::back_inserter(out_),
                   "Content-Type: multipart/{};\r\n boundary=\"{}\"\r\nContent-Transfer-Encoding: {}\r\n\r\n", subtype,
                   boundary,
                   has_binary ? "binary"
                   : has_8bit ? "8bit"
                              : "7bit");
    return boundary;
  }

  // A boundary that occurs in no text. Base64 and quoted-printable never have "=_" (RFC 2045 §6.7). A file attached
  // unencoded cannot have it on purpose: it is derived from the draft's random Message-ID.
  [[nodiscard]] std::string make_boundary() const {
    std::size_t seed = std::hash<std::string>{}(draft_.message_id);
    for (;; ++seed) {
      std::string boundary = fmt::format("=_{:016x}", seed);
      if (std::ranges::none_of(texts_, [&](const body& one) { return one.octets.contains(boundary); })) return boundary;
    }
  }

  void flush() {
    if (out_.empty()) return;
    pieces_.push_back(make_piece(std::move(out_)));
    out_.clear();
  }

  const draft& draft_;
  server_abilities server_;
  composed::needs needs_;
  std::string message_id_;
  std::vector<std::string_view> seen_;  // of unique_fields
  std::vector<body> texts_;
  std::string out_;
  std::vector<std::unique_ptr<composed::piece>> pieces_;
};

}  // namespace

std::string make_message_id(std::chrono::sys_seconds now, bytes_view random, std::string_view domain) {
  std::string id = fmt::format("{:x}.", now.time_since_epoch().count());
  id += to_hex(random);
  id += '@';
  id += domain;
  return id;
}

composed::composed(std::string message_id, needs required, std::vector<std::unique_ptr<piece>> pieces)
    : message_id_(std::move(message_id)), needs_(required), pieces_(std::move(pieces)) {
  for (const auto& one : pieces_) size_ += one->size();
}

bool composed::suits(const server_abilities& server) const noexcept {
  if (needs_.eight_bit_mime && !server.eight_bit_mime) return false;
  if (needs_.smtputf8 && !server.smtputf8) return false;
  return server.binary_mime ? !needs_.less_by_binary_mime : !needs_.binary_mime;
}

result<std::size_t> composed::read(std::span<char> to) {
  std::size_t written = 0;
  while (written < to.size() && at_ < pieces_.size()) {
    const auto length = pieces_[at_]->read(to.subspan(written));
    if (!length) return length;
    if (*length == 0) ++at_;
    written += *length;
  }
  return written;
}

void composed::rewind() {
  for (const auto& one : pieces_) one->rewind();
  at_ = 0;
}

result<composed> compose(const draft& of, server_abilities server) { return composer(of, server).make(); }

}  // namespace netlab::mail
