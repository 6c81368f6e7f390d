// SPDX-License-Identifier: MIT
// A complete message is sent the same for any cut: complete CRLF lines, no Bcc; sending the result again changes
// nothing.
#include <algorithm>

#include "base/text.hpp"
#include "fuzz.hpp"
#include "mail/message/header.hpp"
#include "mail/message/message.hpp"

using namespace netlab;

namespace {

// Returns a limited number of octets per read.
class slow final : public mail::source {
 public:
  slow(std::string octets, std::size_t at_once) : whole_(std::move(octets)), at_once_(at_once) {}
  [[nodiscard]] std::uint64_t size() const override { return whole_.size(); }
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<char> to) const override {
    return whole_.read(offset, to.subspan(0, std::min(at_once_, to.size())));
  }
  [[nodiscard]] std::string label() const override { return "fuzz"; }

 private:
  mail::memory_source whole_;
  std::size_t at_once_;
};

result<std::string> sent(std::string_view message, std::size_t at_once) {
  auto made =
      mail::raw(std::make_shared<slow>(std::string(message), at_once), {.eight_bit_mime = true, .smtputf8 = true});
  if (!made) return unexpected(made.error());
  std::string octets;
  std::vector<char> buffer(at_once);
  for (;;) {
    const auto length = made->read(buffer);
    fuzz::require(length.has_value(), "what was measured can be read");
    if (*length == 0) break;
    octets.append(buffer.data(), *length);
  }
  fuzz::require(octets.size() == made->size(), "the size was foretold");
  return octets;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const std::size_t at_once = fuzz::take_octet(input) + 1U;
  const auto message = sent(input, at_once);
  const auto whole = sent(input, 1U << 16);
  fuzz::require(message.has_value() == whole.has_value() && (!message || *message == *whole), "any cut gives the same");
  if (!message || message->empty()) return 0;  // the whole message was a Bcc field
  fuzz::require(message->ends_with("\r\n"), "the last line ends");
  bool in_header = true;
  for (std::string_view line : split(std::string_view(*message).substr(0, message->size() - 1), '\n')) {
    fuzz::require(line.ends_with('\r'), "no lone LF");
    line.remove_suffix(1);
    fuzz::require(line.find('\r') == std::string_view::npos && line.find('\0') == std::string_view::npos,
                  "no lone CR, no NUL");
    fuzz::require(line.size() <= mail::max_line, "no line is too long");
    if (line.empty()) in_header = false;
    fuzz::require(!in_header || !to_lower(line).starts_with("bcc:"), "no Bcc");
  }
  const auto again = sent(*message, at_once);
  if (again) fuzz::require(*again == *message, "once more changes nothing");
  return 0;
}
