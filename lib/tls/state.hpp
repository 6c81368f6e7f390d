// SPDX-License-Identifier: MIT
// The state of a context and of a stream, for context.cpp and stream.cpp only.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "net/fd.hpp"
#include "tls/certificate.hpp"
#include "tls/openssl_ptr.hpp"
#include "tls/stream.hpp"

namespace netlab::tls {

using ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, freed_by<SSL_SESSION_free>>;

/// The text of OpenSSL's latest error, which stays in its queue.
[[nodiscard]] std::string last_ssl_reason();

/// True if OpenSSL's latest error is a lack of memory.
[[nodiscard]] inline bool lacks_memory() noexcept {
  return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

struct context::state {
  ctx_ptr ctx;
  bool is_server = false;
  bool insecure = false;
  std::vector<unsigned char> alpn;
  net::unique_fd keylog;
  std::map<std::string, session_ptr, std::less<>> sessions;  // sessions to resume, by host name

  [[nodiscard]] static int index() {
    static const int its = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return its;
  }
  [[nodiscard]] static state& of(const SSL* ssl) {
    return *static_cast<state*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
  }
};

struct stream::state {
  std::shared_ptr<tls::context::state> context;
  ssl_ptr ssl;
  tls::peer peer;
  int fd = -1;
  bytes out;             // encrypted, not yet sent
  std::size_t sent = 0;  // octets of `out` already sent
  std::size_t taken = 0; // octets of the current write already encrypted
  std::error_code io_error;
  bool ended = false;  // the socket reached its end
  bool truncated = false;
  bool established = false;  // unlike SSL_is_init_finished(), stays true after an error
  tls::verification verified;
  failure trouble;

  [[nodiscard]] static int index() {
    static const int its = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return its;
  }
  [[nodiscard]] static state& of(const SSL* ssl) { return *static_cast<state*>(SSL_get_ex_data(ssl, index())); }

  static int verify(int good, X509_STORE_CTX* store) {
    auto& self = of(static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())));
    if (good == 1) return 1;
    if (self.verified.code == X509_V_OK) {
      const int code = X509_STORE_CTX_get_error(store);
      try {
        auto [words, cure] = problem_in_words(code, X509_STORE_CTX_get0_cert(store),
                                              X509_STORE_CTX_get_current_cert(store), self.peer.host);
        self.verified = {code, std::move(words), std::move(cure)};
      } catch (const std::bad_alloc&) {  // no exception may pass through OpenSSL
        return 0;
      }
    }
    return self.context->insecure ? 1 : 0;
  }
};

}  // namespace netlab::tls
