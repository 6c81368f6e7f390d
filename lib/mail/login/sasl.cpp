// SPDX-License-Identifier: MIT
#include "mail/login/sasl.hpp"

#include <fmt/format.h>

#include "mail/login/cram_md5.hpp"
#include "mail/login/scram.hpp"

namespace netlab::mail {
namespace {

unexpected<failure> too_many(mechanism which) {
  return fail(errc::peer_protocol,
              fmt::format("AUTH {}: the server sent more challenges than the mechanism has", name_of(which)));
}

class plain final : public sasl {
 public:
  explicit plain(sasl_parameters with) : with_(std::move(with)) {}
  std::optional<secret> initial() override {
    std::string message;
    message.reserve(2 + with_.user.size() + with_.password.view().size());
    message += '\0';
    message += with_.user;
    message += '\0';
    message += with_.password.view();
    said_ = true;
    return secret(std::move(message));
  }
  result<secret> answer(std::string_view) override {
    if (said_) return too_many(mechanism::plain);
    return std::move(*initial());
  }
  [[nodiscard]] bool ignores_challenges() const noexcept override { return true; }

 private:
  sasl_parameters with_;
  bool said_ = false;
};

class login final : public sasl {
 public:
  explicit login(sasl_parameters with) : with_(std::move(with)) {}
  std::optional<secret> initial() override { return std::nullopt; }
  /// Whatever the prompts say: first the name, then the password.
  result<secret> answer(std::string_view) override {
    if (++answers_ == 1) return secret(std::string(with_.user));
    if (answers_ == 2) return with_.password.copy();
    return too_many(mechanism::login);
  }
  [[nodiscard]] bool ignores_challenges() const noexcept override { return true; }

 private:
  sasl_parameters with_;
  int answers_ = 0;
};

class cram_md5 final : public sasl {
 public:
  explicit cram_md5(sasl_parameters with) : with_(std::move(with)) {}
  std::optional<secret> initial() override { return std::nullopt; }
  result<secret> answer(std::string_view challenge) override {
    if (answered_) return too_many(mechanism::cram_md5);
    answered_ = true;
    const auto digest = cram_md5_digest(with_.password.view(), challenge);
    if (!digest) return fail(errc::not_permitted, "CRAM-MD5: MD5 is not allowed on this machine");
    return secret(with_.user + ' ' + *digest);
  }

 private:
  sasl_parameters with_;
  bool answered_ = false;
};

/// XOAUTH2 and OAUTHBEARER: sends the token; if it is refused, a challenge carries the reason before the final reply.
class bearer final : public sasl {
 public:
  bearer(sasl_parameters with, mechanism which) : with_(std::move(with)), which_(which) {}
  std::optional<secret> initial() override {
    std::string message;
    message.reserve(256 + with_.user.size() + with_.host.size() + with_.password.view().size());
    if (which_ == mechanism::xoauth2)
      message += fmt::format("user={}\x01", with_.user);
    else
      message += fmt::format("n,a={},\x01host={}\x01port={}\x01", to_saslname(with_.user), with_.host, with_.port);
    message += "auth=Bearer ";
    message += with_.password.view();
    message += "\x01\x01";
    said_ = true;
    return secret(std::move(message));
  }
  result<secret> answer(std::string_view challenge) override {
    if (!said_) return std::move(*initial());
    if (!reason_.empty()) return too_many(which_);
    reason_ = challenge.empty() ? "no reason" : challenge;
    return secret(which_ == mechanism::xoauth2 ? std::string() : std::string("\x01"));
  }
  [[nodiscard]] std::string_view reason() const noexcept override { return reason_; }

 private:
  sasl_parameters with_;
  mechanism which_;
  std::string reason_;
  bool said_ = false;
};

}  // namespace

std::string_view name_of(mechanism which) noexcept {
  switch (which) {
    case mechanism::plain: return "PLAIN";
    case mechanism::login: return "LOGIN";
    case mechanism::cram_md5: return "CRAM-MD5";
    case mechanism::scram_sha_256: return "SCRAM-SHA-256";
    case mechanism::scram_sha_256_plus: return "SCRAM-SHA-256-PLUS";
    case mechanism::xoauth2: return "XOAUTH2";
    case mechanism::oauthbearer: return "OAUTHBEARER";
  }
  return "?";
}

std::string to_saslname(std::string_view user) {
  std::string name;
  for (const char each : user) {
    if (each == ',')
      name += "=2C";
    else if (each == '=')
      name += "=3D";
    else
      name += each;
  }
  return name;
}

std::unique_ptr<sasl> make_sasl(mechanism which, sasl_parameters with) {
  switch (which) {
    case mechanism::plain: return std::make_unique<plain>(std::move(with));
    case mechanism::login: return std::make_unique<login>(std::move(with));
    case mechanism::cram_md5: return std::make_unique<cram_md5>(std::move(with));
    case mechanism::scram_sha_256: return std::make_unique<scram>(std::move(with), false);
    case mechanism::scram_sha_256_plus: return std::make_unique<scram>(std::move(with), true);
    case mechanism::xoauth2:
    case mechanism::oauthbearer: return std::make_unique<bearer>(std::move(with), which);
  }
  return nullptr;
}

}  // namespace netlab::mail
