// SPDX-License-Identifier: MIT
#include "mail/client/capabilities.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

void add_mechanism(std::vector<std::string>& to, std::string_view name) {
  std::string upper = to_upper(name);
  if (!upper.empty() && std::find(to.begin(), to.end(), upper) == to.end()) to.push_back(std::move(upper));
}

}  // namespace

bool capabilities::offers(std::string_view mechanism) const noexcept {
  return std::find(auth.begin(), auth.end(), mechanism) != auth.end();
}

capabilities parse_capabilities(const reply& to_ehlo) {
  capabilities all;
  for (std::size_t at = 1; at < to_ehlo.lines.size(); ++at) {  // the first line is the server's name
    const auto parts = words(to_ehlo.lines[at]);
    if (parts.empty()) continue;
    const std::string keyword = to_upper(parts.front());
    if (keyword == "STARTTLS") all.starttls = true;
    if (keyword == "PIPELINING") all.pipelining = true;
    if (keyword == "CHUNKING") all.chunking = true;
    if (keyword == "BINARYMIME") all.binary_mime = true;
    if (keyword == "8BITMIME") all.eight_bit_mime = true;
    if (keyword == "SMTPUTF8") all.smtputf8 = true;
    if (keyword == "DSN") all.dsn = true;
    if (keyword == "SIZE") {
      all.size = true;
      if (parts.size() > 1) all.max_size = parse_integer<std::uint64_t>(parts[1]).value_or(0);
    }
    // Servers older than RFC 2554 send `AUTH=LOGIN`, as its draft had it.
    if (keyword == "AUTH" || keyword.starts_with("AUTH=")) {
      if (keyword.size() > 5) add_mechanism(all.auth, std::string_view(keyword).substr(5));
      for (std::size_t each = 1; each < parts.size(); ++each) add_mechanism(all.auth, parts[each]);
    }
  }
  return all;
}

}  // namespace netlab::mail
