// SPDX-License-Identifier: MIT
// OpenSSL's objects as owned things.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <memory>

namespace netlab::net {

/// A deleter: std::unique_ptr<SSL, freed_by<SSL_free>>.
template <auto Free>
struct freed_by {
  template <class Thing>
  void operator()(Thing* thing) const noexcept {
    Free(thing);
  }
};

/// For OpenSSL's readers: an encrypted key is not asked for its passphrase on the terminal. `asked` may be a bool that
/// is told of the wish.
inline int no_passphrase(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;

}  // namespace netlab::net
