// SPDX-License-Identifier: MIT
#pragma once

#include <openssl/bio.h>

#include <system_error>

#include "base/bytes.hpp"

namespace netlab::net {

/// Where OpenSSL reads and writes: it reads from the socket, and writes into a buffer, so that all that one call made
/// is one system call. What they point to must outlive the BIO.
struct socket_bio {
  int* fd;                 ///< non-blocking
  bytes* out;              ///< what is to be sent
  std::error_code* error;  ///< the socket's, if that is why a call failed
  bool* ended;             ///< the peer has
  bool is_drained = false;  ///< the last read took all that was there: the next one is not worth asking for

  /// Its owner is the caller, or SSL_set_bio(3).
  [[nodiscard]] static BIO* make(socket_bio its);
};

}  // namespace netlab::net
