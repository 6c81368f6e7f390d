// SPDX-License-Identifier: MIT
#include "mail/server/address_pattern.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {

result<address_pattern> address_pattern::parse(std::string_view text) {
  address_pattern found;
  if (text == "*") return found;
  if (text == "<>") {
    found.kind_ = kind::empty;
    return found;
  }
  if (text.starts_with('@')) {
    auto domain = parse_address(fmt::format("x{}", text));
    if (!domain) return fail(errc::usage, fmt::format("'{}' is not a domain after an @", escape(text, 100)));
    found.kind_ = kind::domain;
    found.domain_ = to_lower(domain->ascii_domain);
    return found;
  }
  auto one = parse_address(text);
  if (!one) return fail(errc::usage, one.error().detail, "write user@example.org, @example.org, or * for all");
  found.kind_ = kind::one;
  found.local_ = to_lower(one->local);
  found.domain_ = to_lower(one->ascii_domain);
  return found;
}

bool address_pattern::matches(const address* of) const noexcept {
  if (kind_ == kind::all) return true;
  if (of == nullptr || kind_ == kind::empty) return of == nullptr && kind_ == kind::empty;
  if (!equal_in_any_case(of->ascii_domain, domain_)) return false;
  return kind_ == kind::domain || equal_in_any_case(of->local, local_);
}

}  // namespace netlab::mail
