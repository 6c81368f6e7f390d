// SPDX-License-Identifier: MIT
// Whatever a draft contains, the message has complete lines of allowed length and the required fields.
#include <algorithm>

#include "base/text.hpp"
#include "fuzz.hpp"
#include "mail/message/header.hpp"
#include "mail/message/message.hpp"

using namespace netlab;

namespace {

std::string read_all(mail::composed& message, std::size_t at_once) {
  std::string octets;
  std::vector<char> buffer(at_once);
  for (;;) {
    const auto length = message.read(buffer);
    fuzz::require(length.has_value(), "memory can be read");
    if (*length == 0) return octets;
    octets.append(buffer.data(), *length);
  }
}

}  // namespace

// The first octets choose options; the rest is subject, name, a field, a text, HTML, a file name and an attachment,
// separated by NULs.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const unsigned choice = fuzz::take_octet(input);
  const std::size_t at_once = fuzz::take_octet(input) + 1U;
  std::vector<std::string_view> parts = split(input, '\0');
  parts.resize(std::max<std::size_t>(parts.size(), 7));
  mail::draft what;
  what.from = mail::parse_mailbox("a@example.org").value();
  what.to = {{std::string(parts[1]), what.from.address}};
  what.subject = parts[0];
  what.message_id = "1@example.org";
  if ((choice & 1U) != 0) what.headers.emplace_back("X-Field", parts[2]);
  if ((choice & 2U) != 0) what.text = parts[3];
  if ((choice & 4U) != 0) what.html = parts[4];
  if ((choice & 8U) != 0)
    what.attachments.push_back(
        {std::string(parts[5]), "", std::make_shared<mail::memory_source>(std::string(parts[6]))});
  auto made = mail::compose(what, {.eight_bit_mime = (choice & 16U) != 0});
  if (!made) return 0;
  const std::string message = read_all(*made, at_once);
  fuzz::require(message.size() == made->size(), "the size was foretold");
  fuzz::require(message.ends_with("\r\n"), "the last line ends");
  fuzz::require(made->needs_8bitmime() || std::ranges::all_of(message, [](char c) { return c >= 0; }),
                "8 bits are announced");
  std::size_t fields = 0;
  bool in_header = true;
  for (std::string_view line : split(std::string_view(message).substr(0, message.size() - 1), '\n')) {
    fuzz::require(line.ends_with('\r'), "no lone LF");
    line.remove_suffix(1);
    fuzz::require(line.find('\r') == std::string_view::npos, "no lone CR");
    fuzz::require(line.find('\0') == std::string_view::npos, "no NUL");
    fuzz::require(line.size() <= mail::max_line, "no line is too long");
    if (line.empty()) in_header = false;
    if (!in_header) continue;
    fuzz::require(line.find_first_not_of(" \t") != std::string_view::npos, "no line of blanks in the header");
    fields += line.front() != ' ' && line.front() != '\t' ? 1U : 0U;
  }
  const std::size_t expected = 7U + (parts[0].empty() ? 0U : 1U) + (what.headers.empty() ? 0U : 1U);
  fuzz::require(fields == expected, "no field but those of the draft");
  made->rewind();
  fuzz::require(read_all(*made, 65536) == message, "it can be read again");
  return 0;
}
