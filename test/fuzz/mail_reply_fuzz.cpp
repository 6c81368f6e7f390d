// SPDX-License-Identifier: MIT
// The replies in a stream do not depend on how it is cut; their size is limited, and their text is harmless.
#include "fuzz.hpp"
#include "mail/client/capabilities.hpp"
#include "mail/reply.hpp"

using namespace netlab;

namespace {

// Each reply as a line, and what ended the stream.
std::string read(const std::vector<std::string_view>& pieces) {
  mail::reply_parser parser;
  std::string out;
  for (const std::string_view piece : pieces) {
    parser.feed(piece);
    while (auto next = parser.next()) {
      if (!*next) {
        const std::string why = describe(next->error());
        fuzz::require(fuzz::is_harmless(why), "an error is harmless");
        out += "! " + why;
        continue;
      }
      const mail::reply& answer = **next;
      fuzz::require(answer.code >= 200 && answer.code <= 599 && !answer.lines.empty(), "a reply has a code and a line");
      std::size_t size = 0;
      for (const std::string& line : answer.lines) size += line.size();
      fuzz::require(size <= mail::max_reply, "a reply has a limit");
      fuzz::require(fuzz::is_harmless(describe(mail::to_failure(answer, "x"))), "what is shown is harmless");
      static_cast<void>(answer.enhanced());
      const mail::capabilities found = mail::parse_capabilities(answer);
      for (const std::string& each : found.auth) fuzz::require(found.offers(each), "what is offered is offered");
      out += answer.to_string() + '\n';
    }
  }
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto pieces = fuzz::take_cut(input);
  fuzz::require(read(pieces) == read({input}), "any cut gives the same");
  return 0;
}
