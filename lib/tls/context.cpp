// SPDX-License-Identifier: MIT
// Settings shared by the connections of one side: trusted CAs, own identity, versions.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.hpp"
#include "tls/state.hpp"

namespace netlab::tls {
namespace {

using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;

result<void> check_readable(const std::string& file, std::string_view kind) {
  const net::unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1> one{};
  if (fd && ::read(fd.get(), one.data(), one.size()) >= 0) return {};
  return unexpected(failure{make_error_code(errc::no_input),
                            fmt::format("{} '{}'", kind, escape(file, 200)),
                            message_of(last_system_error()),
                            {}});
}

unexpected<failure> bad_file(std::string_view kind, const std::string& file, std::string detail,
                             std::string cure = {}) {
  return unexpected(failure{make_error_code(errc::bad_data), fmt::format("{} '{}'", kind, escape(file, 200)),
                            std::move(detail), std::move(cure)});
}

std::vector<unsigned char> alpn_list(const std::vector<std::string>& names) {
  std::vector<unsigned char> list;
  for (const std::string& each : names) {
    list.push_back(static_cast<unsigned char>(each.size()));
    list.insert(list.end(), each.begin(), each.end());
  }
  return list;
}

result<void> trust(SSL_CTX* ctx, const std::string& ca_file) {
  if (ca_file.empty()) {
    // Debian's is a directory; only the certificates that are needed are read.
    SSL_CTX_set_default_verify_paths(ctx);
    return {};
  }
  if (auto readable = check_readable(ca_file, "CA file"); !readable) return readable;
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(ctx, ca_file.c_str()) != 1)
    return bad_file("CA file", ca_file, "it contains no certificate in PEM format");
  // A certificate that the user names is trusted even if it is not a root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

result<void> use_certificate(SSL_CTX* ctx, const std::string& certificate_file, const std::string& key_file) {
  if (auto readable = check_readable(certificate_file, "certificate"); !readable) return readable;
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1)
    return bad_file("certificate", certificate_file, "it contains no certificate in PEM format");
  const std::string& key = key_file.empty() ? certificate_file : key_file;
  if (auto readable = check_readable(key, "key"); !readable) return readable;
  ERR_clear_error();
  bool is_encrypted = false;
  SSL_CTX_set_default_passwd_cb_userdata(ctx, &is_encrypted);
  const bool used = SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(ctx, nullptr);
  if (used) return {};
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH)
    return bad_file("key", key,
                    fmt::format("it is not the key of the certificate '{}'", escape(certificate_file, 200)));
  ERR_clear_error();
  if (is_encrypted) return bad_file("key", key, "it is encrypted", "`openssl pkey -in FILE -out PLAIN` decrypts it");
  return bad_file("key", key, "it contains no key in PEM format", key_file.empty() ? "--key FILE names another" : "");
}

result<net::unique_fd> open_keylog(const std::string& file) {
  net::unique_fd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!fd)
    return unexpected(failure{make_error_code(errc::cannot_create),
                              fmt::format("key log '{}'", escape(file, 200)),
                              message_of(last_system_error()),
                              {}});
  return fd;
}

ctx_ptr make_ctx(const SSL_METHOD* method) {
  ctx_ptr ctx(SSL_CTX_new(method));
  if (!ctx) return ctx;
  SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION);  // RFC 8996
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx.get(), 1);  // one recv(2) per record instead of two
  SSL_CTX_set_default_passwd_cb(ctx.get(), no_passphrase);
  return ctx;
}

unexpected<failure> no_context() {
  if (lacks_memory()) return unexpected(failure{std::make_error_code(std::errc::not_enough_memory), "TLS", {}, {}});
  return unexpected(failure{make_error_code(errc::internal), "TLS", last_ssl_reason(), {}});
}

}  // namespace

std::string last_ssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

SSL_CTX* context::native() const noexcept { return state_->ctx.get(); }

result<context> context::client(const client_options& options) {
  auto its = std::make_shared<state>();
  its->ctx = make_ctx(TLS_client_method());
  SSL_CTX* ctx = its->ctx.get();
  if (ctx == nullptr) return no_context();
  its->insecure = options.insecure;
  if (auto trusted = trust(ctx, options.ca_file); !trusted) return unexpected(trusted.error());
  if (!options.certificate_file.empty())
    if (auto used = use_certificate(ctx, options.certificate_file, options.key_file); !used)
      return unexpected(used.error());
  its->alpn = alpn_list(options.alpn);
  if (!its->alpn.empty()) SSL_CTX_set_alpn_protos(ctx, its->alpn.data(), static_cast<unsigned>(its->alpn.size()));
  if (options.ask_for_ocsp) SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
  if (SSL_CTX_set_ex_data(ctx, state::index(), its.get()) != 1) throw std::bad_alloc();
  if (!options.keylog_file.empty()) {
    auto opened = open_keylog(options.keylog_file);
    if (!opened) return unexpected(opened.error());
    its->keylog = std::move(*opened);
  } else if (const char* shared = std::getenv("SSLKEYLOGFILE"); shared != nullptr && *shared != 0) {
    // As curl, Python and browsers do. Errors are ignored, because the user did not ask for it in this command.
    if (auto opened = open_keylog(shared)) its->keylog = std::move(*opened);
  }
  if (its->keylog) {
    SSL_CTX_set_keylog_callback(ctx, [](const SSL* ssl, const char* text) {
      const std::string line = std::string(text) + "\n";
      // Best effort: a full disk must not end a session.
      [[maybe_unused]] const ssize_t size = ::write(state::of(ssl).keylog.get(), line.data(), line.size());
    });
  }
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, stream::state::verify);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, [](SSL* ssl, SSL_SESSION* fresh) {
    state::of(ssl).sessions[stream::state::of(ssl).peer.host] = session_ptr(fresh);
    return 1;  // takes ownership
  });
  return context(std::move(its));
}

result<context> context::server(const server_options& options) {
  auto its = std::make_shared<state>();
  its->is_server = true;
  its->ctx = make_ctx(TLS_server_method());
  SSL_CTX* ctx = its->ctx.get();
  if (ctx == nullptr) return no_context();
  SSL_CTX_set_min_proto_version(ctx, options.least_version);
  SSL_CTX_set_max_proto_version(ctx, options.greatest_version);
  if (options.least_version != 0 && options.least_version < TLS1_2_VERSION) {
    SSL_CTX_set_security_level(ctx, 0);  // for tests of a client's refusal
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
  }

  const bio_ptr certificates(
      BIO_new_mem_buf(options.certificates.data(), static_cast<int>(options.certificates.size())));
  for (bool first = true;; first = false) {
    x509_ptr each(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
    if (!each && first) return fail(errc::bad_data, "TLS: there is no certificate in PEM format");
    if (!each) break;
    if (first && SSL_CTX_use_certificate(ctx, each.get()) != 1)
      return fail(errc::bad_data, fmt::format("TLS certificate: {}", last_ssl_reason()));
    if (!first) SSL_CTX_add_extra_chain_cert(ctx, each.release());
  }
  const bio_ptr key_text(BIO_new_mem_buf(options.key.data(), static_cast<int>(options.key.size())));
  const key_ptr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(errc::bad_data, "TLS: there is no key in PEM format");
  if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1)
    return fail(errc::bad_data, fmt::format("TLS key: {}", last_ssl_reason()));
  ERR_clear_error();

  if (!options.client_ca_file.empty()) {
    if (auto trusted = trust(ctx, options.client_ca_file); !trusted) return unexpected(trusted.error());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, stream::state::verify);
  }
  static constexpr std::array<unsigned char, 6> id{'n', 'e', 't', 'l', 'a', 'b'};
  SSL_CTX_set_session_id_context(ctx, id.data(), static_cast<unsigned>(id.size()));
  its->alpn = alpn_list(options.alpn);
  if (SSL_CTX_set_ex_data(ctx, state::index(), its.get()) != 1) throw std::bad_alloc();
  SSL_CTX_set_alpn_select_cb(
      ctx,
      [](SSL* ssl, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned length,
         void*) {
        const auto& ours = state::of(ssl).alpn;
        if (ours.empty()) return SSL_TLSEXT_ERR_NOACK;
        unsigned char* found = nullptr;
        if (SSL_select_next_proto(&found, size, ours.data(), static_cast<unsigned>(ours.size()), offered, length) !=
            OPENSSL_NPN_NEGOTIATED)
          return SSL_TLSEXT_ERR_ALERT_FATAL;
        *chosen = found;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  return context(std::move(its));
}

}  // namespace netlab::tls
