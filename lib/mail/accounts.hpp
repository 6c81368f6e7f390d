// SPDX-License-Identifier: MIT
// Who may log in, and what is needed to check it without telling a wrong name from a wrong password.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "mail/scram_digest.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_user = 255;      // octets; an address has 254
inline constexpr std::size_t max_password = 1024; // octets; a token may be long

/// What SCRAM-SHA-256 keeps of a password (RFC 5802 §3).
struct scram_keys {
  std::string salt;
  unsigned iterations = 0;
  scram_digest stored{};
  scram_digest server{};
};

/// Filled once, then read by every session at once. Names and passwords are compared as SASLprep prepares them, so it
/// does not matter how an `ü` was typed. With nobody in it a server offers no AUTH.
class accounts {
 public:
  static constexpr unsigned iterations = 4096;  // RFC 7677 §4; a login costs a client some 2 ms

  /// `seed`: 16 octets or more that nobody knows; salts are made of it, also those of names that there are not, which
  /// so look like the others. The same seed gives the same salts.
  explicit accounts(secret seed);
  ~accounts();
  accounts(accounts&&) noexcept;
  accounts& operator=(accounts&&) noexcept;

  /// Fails with errc::usage: an empty name or password, one that is too long, a control character or something that is
  /// not UTF-8 in it, a name that is there already.
  [[nodiscard]] result<void> add(std::string user, secret password);

  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

  /// The whole password, in a time that tells nothing of it.
  [[nodiscard]] bool check(std::string_view user, std::string_view password) const;
  /// CRAM-MD5 (RFC 2195): `digest` is the HMAC in hexadecimal figures. No where MD5 is not allowed on this machine.
  [[nodiscard]] bool check_cram_md5(std::string_view user, std::string_view challenge, std::string_view digest) const;
  /// For a name that is not there: keys that no password fits, the same each time.
  [[nodiscard]] scram_keys keys_of(std::string_view user) const;

 private:
  struct account;
  [[nodiscard]] std::string salt_of(std::string_view user) const;

  secret seed_;
  std::map<std::string, account, std::less<>> all_;
  std::unique_ptr<account> nobody_;  // is checked instead of a name that is not there
};

}  // namespace netlab::mail
