// SPDX-License-Identifier: MIT
#include "mail/login/sasl_server.hpp"

#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "mail/login/scram_server.hpp"

namespace netlab::mail {
namespace {

using kind = sasl_step::kind;

/// RFC 4616: authorization identity, NUL, user, NUL, password.
class plain_server final : public sasl_server {
 public:
  explicit plain_server(const accounts& known) : known_(known) {}
  sasl_step take(std::optional<std::string_view> response) override {
    if (!response) return {kind::challenge, {}};
    const std::size_t first = response->find('\0');
    const std::size_t second = first == std::string_view::npos ? first : response->find('\0', first + 1);
    if (second == std::string_view::npos || response->find('\0', second + 1) != std::string_view::npos)
      return {kind::malformed, "PLAIN must be: nothing, NUL, user, NUL, password"};
    user_ = response->substr(first + 1, second - first - 1);
    const std::string_view acts_for = response->substr(0, first);
    const bool is_right = known_.check(user_, response->substr(second + 1));
    // Nobody may act on behalf of another user.
    return {is_right && (acts_for.empty() || acts_for == user_) ? kind::accepted : kind::refused, {}};
  }

 private:
  const accounts& known_;
};

/// draft-murchison-sasl-login; clients look for these prompts.
class login_server final : public sasl_server {
 public:
  explicit login_server(const accounts& known) : known_(known) {}
  sasl_step take(std::optional<std::string_view> response) override {
    if (!response) return {kind::challenge, "Username:"};
    if (!has_user_) {
      has_user_ = true;
      user_ = *response;
      return {kind::challenge, "Password:"};
    }
    return {known_.check(user_, *response) ? kind::accepted : kind::refused, {}};
  }

 private:
  const accounts& known_;
  bool has_user_ = false;
};

/// RFC 2195: the challenge looks like a Message-ID; the answer is the user, a space and the HMAC.
class cram_md5_server final : public sasl_server {
 public:
  cram_md5_server(const accounts& known, std::string challenge) : known_(known), challenge_(std::move(challenge)) {}
  sasl_step take(std::optional<std::string_view> response) override {
    if (!response) return {kind::challenge, challenge_};
    const std::size_t space = response->rfind(' ');  // the last one: user names may have spaces
    if (space == std::string_view::npos) return {kind::malformed, "CRAM-MD5 must be: user, space, 32 hex digits"};
    user_ = response->substr(0, space);
    const bool is_right = known_.check_cram_md5(user_, challenge_, response->substr(space + 1));
    return {is_right ? kind::accepted : kind::refused, {}};
  }

 private:
  const accounts& known_;
  std::string challenge_;
};

}  // namespace

std::unique_ptr<sasl_server> make_sasl_server(mechanism which, const accounts& known, sasl_server_parameters with) {
  switch (which) {
    case mechanism::plain: return std::make_unique<plain_server>(known);
    case mechanism::login: return std::make_unique<login_server>(known);
    case mechanism::cram_md5:
      return std::make_unique<cram_md5_server>(known, fmt::format("<{}@{}>", with.nonce, with.host));
    case mechanism::scram_sha_256: return std::make_unique<scram_server>(known, std::move(with), false);
    case mechanism::scram_sha_256_plus:
      if (!with.binding) return nullptr;
      return std::make_unique<scram_server>(known, std::move(with), true);
    case mechanism::xoauth2:
    case mechanism::oauthbearer: break;
  }
  return nullptr;
}

std::vector<mechanism> server_mechanisms() {
  return {mechanism::scram_sha_256_plus, mechanism::scram_sha_256, mechanism::cram_md5, mechanism::plain,
          mechanism::login};
}

std::optional<mechanism> parse_mechanism(std::string_view name) noexcept {
  constexpr std::array all{mechanism::plain,
                           mechanism::login,
                           mechanism::cram_md5,
                           mechanism::scram_sha_256,
                           mechanism::scram_sha_256_plus,
                           mechanism::xoauth2,
                           mechanism::oauthbearer};
  for (const mechanism each : all)
    if (equal_in_any_case(name, name_of(each))) return each;
  return std::nullopt;
}

}  // namespace netlab::mail
