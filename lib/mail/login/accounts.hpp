// SPDX-License-Identifier: MIT
// User names and passwords, and checks that do not reveal whether the name or the password was wrong.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "mail/login/scram_digest.hpp"

namespace netlab::mail {

inline constexpr std::size_t max_user = 255;      // octets; an address has at most 254
inline constexpr std::size_t max_password = 1024; // octets; tokens can be long

/// SCRAM-SHA-256 keys derived from a password (RFC 5802 §3).
struct scram_keys {
  std::string salt;
  unsigned iterations = 0;
  scram_digest stored{};
  scram_digest server{};
};

/// Filled once, then read by all sessions concurrently. Names and passwords are compared in their SASLprep form, so
/// `ü` matches however it was typed. A server without accounts does not offer AUTH.
class accounts {
 public:
  static constexpr unsigned iterations = 4096;  // RFC 7677 §4; a login costs a client about 2 ms

  /// `seed`: 16 or more secret octets. Salts are derived from it, also for unknown users, so that their salts look
  /// like all others. The same seed gives the same salts.
  explicit accounts(secret seed);
  ~accounts();
  accounts(accounts&&) noexcept;
  accounts& operator=(accounts&&) noexcept;

  /// Fails with errc::usage if the name or password is empty, too long, not UTF-8 or has a control character, or if
  /// the name exists already.
  [[nodiscard]] result<void> add(std::string user, secret password);

  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

  /// Compares in constant time.
  [[nodiscard]] bool check(std::string_view user, std::string_view password) const;
  /// CRAM-MD5 (RFC 2195): `digest` is the HMAC in hexadecimal. False where MD5 is not allowed on this machine.
  [[nodiscard]] bool check_cram_md5(std::string_view user, std::string_view challenge, std::string_view digest) const;
  /// For an unknown user: keys that match no password, the same on each call.
  [[nodiscard]] scram_keys keys_of(std::string_view user) const;

 private:
  struct account;
  [[nodiscard]] std::string salt_of(std::string_view user) const;

  secret seed_;
  std::map<std::string, account, std::less<>> all_;
  std::unique_ptr<account> nobody_;  // checked instead of an unknown user
};

}  // namespace netlab::mail
