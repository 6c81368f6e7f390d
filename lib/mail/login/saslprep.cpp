// SPDX-License-Identifier: MIT
#include "mail/login/saslprep.hpp"

#ifdef NETLAB_HAS_LIBIDN
#include <stringprep.h>

#include <cstdlib>
#include <cstring>
#include <new>
#endif

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

unexpected<failure> refuse_text(std::string_view why) {
  return fail(errc::bad_data, fmt::format("SASLprep (RFC 4013) does not allow it: {}", why));
}

#ifdef NETLAB_HAS_LIBIDN

result<secret> prepare_unicode(std::string_view text) {
  std::string input(text);
  char* prepared = nullptr;
  const int error =
      ::stringprep_profile(input.c_str(), &prepared, "SASLprep", static_cast<Stringprep_profile_flags>(0));
  wipe(input);
  if (error == STRINGPREP_MALLOC_ERROR) throw std::bad_alloc();
  if (error != STRINGPREP_OK) return refuse_text(::stringprep_strerror(static_cast<Stringprep_rc>(error)));
  secret made{std::string(prepared)};
  OPENSSL_cleanse(prepared, std::strlen(prepared));
  std::free(prepared);  // NOLINT(cppcoreguidelines-no-malloc): allocated by libidn
  return made;
}

#else

result<secret> prepare_unicode(std::string_view) {
  return fail(errc::not_permitted, "netlab was built without libidn, which it needs here for text outside ASCII",
              "--auth plain works without it; or build netlab with libidn (Debian: libidn-dev)");
}

#endif

}  // namespace

result<secret> saslprep(std::string_view text) {
  const auto is_control_character = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(text, is_control_character)) return refuse_text("it contains a control character");
  if (is_ascii(text)) return secret(std::string(text));
  if (!is_utf8(text)) return refuse_text("it is not UTF-8");
  return prepare_unicode(text);
}

}  // namespace netlab::mail
