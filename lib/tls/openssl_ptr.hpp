// SPDX-License-Identifier: MIT
// Smart pointers for OpenSSL's objects.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <memory>

namespace netlab::tls {

/// A deleter: std::unique_ptr<SSL, freed_by<SSL_free>>.
template <auto Free>
struct freed_by {
  template <class Thing>
  void operator()(Thing* thing) const noexcept {
    Free(thing);
  }
};

/// A passphrase callback that refuses, so that OpenSSL does not ask on the terminal for the passphrase of an encrypted
/// key. `asked`: null, or a pointer to a bool, which becomes true.
inline int no_passphrase(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;

}  // namespace netlab::tls
