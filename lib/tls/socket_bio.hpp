// SPDX-License-Identifier: MIT
#pragma once

#include <openssl/bio.h>

#include <system_error>

#include "base/bytes.hpp"

namespace netlab::tls {

/// A BIO for OpenSSL that reads from the socket and writes into a buffer, so that all output of one call needs one
/// system call. The pointers must stay valid while the BIO exists.
struct socket_bio {
  int* fd;                 ///< non-blocking
  bytes* out;              ///< octets to send
  std::error_code* error;  ///< set if a socket error made a call fail
  bool* ended;             ///< set when the peer has closed its side
  bool is_drained = false;  ///< the last read emptied the socket, so the next one is skipped

  /// Owned by the caller, or passed to SSL_set_bio(3).
  [[nodiscard]] static BIO* make(socket_bio its);
};

}  // namespace netlab::tls
