// SPDX-License-Identifier: MIT
#include "net/tls.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/certificate.hpp"
#include "net/endpoint.hpp"
#include "net/expiry.hpp"
#include "net/fd.hpp"
#include "net/openssl_ptr.hpp"

namespace netlab::net {
namespace {

using ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, freed_by<SSL_SESSION_free>>;
using method_ptr = std::unique_ptr<BIO_METHOD, freed_by<BIO_meth_free>>;

constexpr std::size_t max_encrypted_at_once = 64 * 1024;  // of one write: four records (RFC 8446 §5.1)

std::string last_ssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

// OpenSSL's own one asks on the terminal. What it was asked for is noted.
int no_passphrase(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

result<void> check_readable(const std::string& file, std::string_view what) {
  const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1> one{};
  if (fd && ::read(fd.get(), one.data(), one.size()) >= 0) return {};
  return unexpected(failure{make_error_code(errc::no_input),
                            fmt::format("{} '{}'", what, escape(file, 200)),
                            message_of(last_system_error()),
                            {}});
}

unexpected<failure> no_good(std::string_view what, const std::string& file, std::string detail, std::string cure = {}) {
  return unexpected(failure{make_error_code(errc::bad_data), fmt::format("{} '{}'", what, escape(file, 200)),
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

}  // namespace

// ---- the context ----

struct tls_context::state {
  ctx_ptr ctx;
  bool is_server = false;
  bool insecure = false;
  std::vector<unsigned char> alpn;
  unique_fd keylog;
  std::map<std::string, session_ptr, std::less<>> sessions;  // by the host's name: to be resumed

  [[nodiscard]] static int index() {
    static const int its = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return its;
  }
  [[nodiscard]] static state& of(const SSL* ssl) {
    return *static_cast<state*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
  }
};

// ---- the stream's own part ----

struct tls_stream::state {
  std::shared_ptr<tls_context::state> context;
  ssl_ptr ssl;
  tls_peer peer;
  int fd = -1;
  bytes out;             // encrypted, not sent
  std::size_t sent = 0;  // of it
  std::size_t taken = 0; // of the write under way, encrypted
  std::error_code io_error;
  bool ended = false;  // the socket has
  bool truncated = false;
  bool established = false;  // SSL_is_init_finished() is false again after an error
  tls_verification verified;
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
      auto [words, cure] = problem_in_words(code, X509_STORE_CTX_get0_cert(store),
                                            X509_STORE_CTX_get_current_cert(store), self.peer.host);
      self.verified = {code, std::move(words), std::move(cure)};
    }
    return self.context->insecure ? 1 : 0;
  }
};

namespace {

// A BIO that reads from the socket and writes into the stream's buffer: one system call for all that one call made.
struct socket_bio {
  using stream_state = void;
  int* fd;
  bytes* out;
  std::error_code* error;
  bool* ended;

  static int read(BIO* bio, char* to, int size) {
    auto& self = *static_cast<socket_bio*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    for (;;) {
      const ssize_t got = ::recv(*self.fd, to, static_cast<std::size_t>(size), 0);
      if (got > 0) return static_cast<int>(got);
      if (got == 0) {
        *self.ended = true;
        return 0;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK)
        BIO_set_retry_read(bio);
      else
        *self.error = last_system_error();
      return -1;
    }
  }
  static int write(BIO* bio, const char* from, int size) {
    auto& self = *static_cast<socket_bio*>(BIO_get_data(bio));
    append(*self.out, std::string_view(from, static_cast<std::size_t>(size)));
    return size;
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return *static_cast<socket_bio*>(BIO_get_data(bio))->ended ? 1 : 0;
    return 0;
  }
  static int destroy(BIO* bio) {
    delete static_cast<socket_bio*>(BIO_get_data(bio));
    return 1;
  }

  [[nodiscard]] static BIO* make(socket_bio its) {
    static const method_ptr method = [] {
      method_ptr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "netlab socket"));
      BIO_meth_set_read(made.get(), read);
      BIO_meth_set_write(made.get(), write);
      BIO_meth_set_ctrl(made.get(), control);
      BIO_meth_set_destroy(made.get(), destroy);
      return made;
    }();
    BIO* bio = BIO_new(method.get());
    BIO_set_data(bio, new socket_bio(its));
    BIO_set_init(bio, 1);
    return bio;
  }
};

result<void> trust(SSL_CTX* ctx, const std::string& ca_file) {
  if (ca_file.empty()) {
    // Debian's is a directory of which only what is needed is read.
    SSL_CTX_set_default_verify_paths(ctx);
    return {};
  }
  if (auto readable = check_readable(ca_file, "CA file"); !readable) return readable;
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(ctx, ca_file.c_str()) != 1)
    return no_good("CA file", ca_file, "there is no certificate in PEM format in it");
  // Whoever names one certificate trusts that one, be it no root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

result<void> use_certificate(SSL_CTX* ctx, const std::string& certificate_file, const std::string& key_file) {
  if (auto readable = check_readable(certificate_file, "certificate"); !readable) return readable;
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1)
    return no_good("certificate", certificate_file, "there is no certificate in PEM format in it");
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
    return no_good("key", key, fmt::format("it is not the key of the certificate '{}'", escape(certificate_file, 200)));
  ERR_clear_error();
  if (is_encrypted) return no_good("key", key, "it is encrypted", "`openssl pkey -in FILE -out PLAIN` decrypts it");
  return no_good("key", key, "there is no key in PEM format in it", key_file.empty() ? "--key FILE names another" : "");
}

result<unique_fd> open_keylog(const std::string& file) {
  unique_fd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
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
  SSL_CTX_set_read_ahead(ctx.get(), 1);  // one recv(2) a record, not two
  SSL_CTX_set_default_passwd_cb(ctx.get(), no_passphrase);
  return ctx;
}

unexpected<failure> no_context() {
  return unexpected(failure{make_error_code(errc::internal), "TLS", last_ssl_reason(), {}});
}

}  // namespace

SSL_CTX* tls_context::native() const noexcept { return state_->ctx.get(); }

result<tls_context> tls_context::client(const tls_client_options& options) {
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
  SSL_CTX_set_ex_data(ctx, state::index(), its.get());
  if (!options.keylog_file.empty()) {
    auto opened = open_keylog(options.keylog_file);
    if (!opened) return unexpected(opened.error());
    its->keylog = std::move(*opened);
    SSL_CTX_set_keylog_callback(ctx, [](const SSL* ssl, const char* text) {
      const std::string line = std::string(text) + "\n";
      // Best effort: a full disk is no reason to end a session.
      [[maybe_unused]] const ssize_t size = ::write(state::of(ssl).keylog.get(), line.data(), line.size());
    });
  }
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, tls_stream::state::verify);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, [](SSL* ssl, SSL_SESSION* fresh) {
    state::of(ssl).sessions[tls_stream::state::of(ssl).peer.host] = session_ptr(fresh);
    return 1;  // it is ours now
  });
  return tls_context(std::move(its));
}

result<tls_context> tls_context::server(const tls_server_options& options) {
  auto its = std::make_shared<state>();
  its->is_server = true;
  its->ctx = make_ctx(TLS_server_method());
  SSL_CTX* ctx = its->ctx.get();
  if (ctx == nullptr) return no_context();
  SSL_CTX_set_min_proto_version(ctx, options.least_version);
  SSL_CTX_set_max_proto_version(ctx, options.greatest_version);
  if (options.least_version != 0 && options.least_version < TLS1_2_VERSION) {
    SSL_CTX_set_security_level(ctx, 0);  // for tests of what a client refuses
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
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_stream::state::verify);
  }
  static constexpr std::array<unsigned char, 6> id{'n', 'e', 't', 'l', 'a', 'b'};
  SSL_CTX_set_session_id_context(ctx, id.data(), static_cast<unsigned>(id.size()));
  its->alpn = alpn_list(options.alpn);
  SSL_CTX_set_ex_data(ctx, state::index(), its.get());
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
  return tls_context(std::move(its));
}

// ---- the stream ----

tls_stream::tls_stream(tcp::socket socket, const tls_context& context, tls_peer peer)
    : socket_(std::move(socket)), state_(std::make_unique<state>()) {
  state& its = *state_;
  its.context = context.state_;
  its.peer = std::move(peer);
  its.fd = socket_.native_handle();
  std::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  its.ssl.reset(SSL_new(context.native()));
  if (!its.ssl) throw std::bad_alloc();
  SSL* ssl = its.ssl.get();
  SSL_set_ex_data(ssl, state::index(), &its);
  BIO* bio = socket_bio::make({&its.fd, &its.out, &its.io_error, &its.ended});
  SSL_set_bio(ssl, bio, bio);
  if (its.context->is_server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  std::string host = its.peer.host;
  if (host.ends_with('.')) host.pop_back();  // the root's, which no certificate has
  const auto address = parse_address(host);
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  // RFC 9525 §2, §6.3: subjectAltName alone, and a wildcard is a whole label.
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (address) {
    // Without its scope: that is this machine's affair.
    auto v6 = address->is_v6() ? address->to_v6() : asio::ip::address_v6();
    v6.scope_id(0);
    const std::string figures = address->is_v6() ? v6.to_string() : address->to_string();
    X509_VERIFY_PARAM_set1_ip_asc(rules, figures.c_str());
  } else if (!host.empty()) {
    X509_VERIFY_PARAM_set1_host(rules, host.data(), host.size());
  }
  std::string named = its.peer.sni;
  if (named.empty() && !address) named = host;
  if (!named.empty()) SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, named.data());
  const auto known = its.context->sessions.find(its.peer.host);
  if (known != its.context->sessions.end()) SSL_set_session(ssl, known->second.get());
}

tls_stream::~tls_stream() = default;

SSL* tls_stream::native() const noexcept { return state_->ssl.get(); }
bool tls_stream::was_truncated() const noexcept { return state_->truncated; }
const failure& tls_stream::trouble() const noexcept { return state_->trouble; }
const tls_verification& tls_stream::verification() const noexcept { return state_->verified; }
std::string_view tls_stream::version() const { return SSL_get_version(native()); }
bool tls_stream::was_resumed() const { return SSL_session_reused(native()) == 1; }

std::string_view tls_stream::cipher() const {
  const SSL_CIPHER* used = SSL_get_current_cipher(native());
  const char* name = used == nullptr ? nullptr : SSL_CIPHER_standard_name(used);
  return name == nullptr ? "none" : name;
}

bytes tls_stream::exported(std::string_view label, std::size_t size) const {
  bytes material(size);
  const int done = SSL_export_keying_material(native(), reinterpret_cast<unsigned char*>(material.data()), size,
                                              label.data(), label.size(), nullptr, 0, 0);
  if (done != 1) material.clear();
  return material;
}

void tls_stream::note_trouble(int ssl_error) {
  state& its = *state_;
  if (its.trouble.code) return;
  if (ssl_error != SSL_ERROR_SSL) return;
  const unsigned long code = ERR_peek_error();
  const char* reason = ERR_reason_error_string(code);
  const std::string words = reason == nullptr ? "unknown error" : reason;
  const auto note = [&](errc what, std::string detail, std::string cure = {}) {
    its.trouble = {make_error_code(what), {}, std::move(detail), std::move(cure)};
  };
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return note(errc::peer_protocol, fmt::format("TLS error: {}", words));
  switch (ERR_GET_REASON(code)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED: {
      if (its.verified.code == X509_V_OK) its.verified = {SSL_get_verify_result(native()), words, {}};
      return note(errc::not_permitted, its.verified.words, its.verified.cure);
    }
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      if (!its.established) return note(errc::peer_protocol, "the peer does not speak TLS there");
      break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return note(errc::peer_protocol, "the peer speaks no TLS from version 1.2 on");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return note(errc::not_permitted, "the server wants a certificate of the client", "--cert FILE, --key FILE");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return note(errc::not_permitted, "the client has shown no certificate");
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return note(errc::not_permitted, fmt::format("the peer refused our side of TLS: {}", words));
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
      return note(errc::peer_protocol, fmt::format("no parameters that both sides accept: {}", words));
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      if (its.established) return;  // told as the end of input
      return note(errc::closed_by_peer, "the connection was closed in the middle of the TLS handshake");
    default: break;
  }
  note(errc::peer_protocol, fmt::format("TLS error: {}", words));
}

std::error_code tls_stream::why(int ssl_error) {
  state& its = *state_;
  note_trouble(ssl_error);
  ERR_clear_error();
  if (its.io_error) {
    if (!its.trouble.code) its.trouble = {its.io_error, {}, {}, {}};
    return its.io_error;
  }
  if (its.trouble.code) return its.trouble.code;
  if (its.ended || ssl_error == SSL_ERROR_ZERO_RETURN) {
    its.truncated = ssl_error != SSL_ERROR_ZERO_RETURN;
    return asio::error::eof;
  }
  return make_error_code(errc::peer_protocol);
}

tls_stream::step tls_stream::try_flush(std::error_code& error) {
  state& its = *state_;
  while (its.sent < its.out.size()) {
    const ssize_t size = ::send(its.fd, its.out.data() + its.sent, its.out.size() - its.sent, MSG_NOSIGNAL);
    if (size >= 0) {
      its.sent += static_cast<std::size_t>(size);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return step::wants_output;
    } else if (errno != EINTR) {
      error = last_system_error();
      return step::finished;
    }
  }
  its.out.clear();
  its.sent = 0;
  return step::finished;
}

tls_stream::step tls_stream::try_read(std::byte* to, std::size_t size, outcome& became) {
  became = {};
  if (size == 0) return step::finished;
  ERR_clear_error();
  const int done = SSL_read_ex(native(), to, size, &became.size);
  // An answer to a key update goes with what is written next, at the latest.
  std::error_code ignored;
  static_cast<void>(try_flush(ignored));
  if (done == 1) return step::finished;
  became.size = 0;
  const int error = SSL_get_error(native(), done);
  if (error == SSL_ERROR_WANT_READ) return step::wants_input;
  if (error == SSL_ERROR_WANT_WRITE) return step::wants_output;
  became.error = why(error);
  return step::finished;
}

tls_stream::step tls_stream::try_write(const std::byte* from, std::size_t size, outcome& became) {
  state& its = *state_;
  if (its.taken == 0 && size > 0) {
    ERR_clear_error();
    const int done = SSL_write_ex(native(), from, std::min(size, max_encrypted_at_once), &its.taken);
    if (done != 1) {
      its.taken = 0;
      const int error = SSL_get_error(native(), done);
      if (error == SSL_ERROR_WANT_READ) return step::wants_input;
      became.error = why(error);
      if (became.error == asio::error::eof) became.error = asio::error::broken_pipe;
      return step::finished;
    }
  }
  if (try_flush(became.error) == step::wants_output) return step::wants_output;
  const std::size_t written = std::exchange(its.taken, 0);
  became.size = became.error ? 0 : written;
  return step::finished;
}

tls_stream::step tls_stream::try_handshake(std::error_code& error) {
  ERR_clear_error();
  const int done = SSL_do_handshake(native());
  const int ssl_error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(native(), done);
  // Also an alert: the peer shall know why.
  std::error_code flush_error;
  const step flushed = try_flush(flush_error);
  if (done == 1) {
    error = flush_error;
    return flushed;
  }
  if (ssl_error == SSL_ERROR_WANT_READ) {
    // A peer that has reset the connection may have said why before.
    return flushed == step::wants_output ? flushed : step::wants_input;
  }
  error = why(ssl_error);
  return step::finished;
}

failure tls_stream::handshake_failure(std::error_code error) {
  state& its = *state_;
  failure told = its.trouble.code ? its.trouble : failure{error, {}, {}, {}};
  if (error == asio::error::eof)
    told = {
        make_error_code(errc::closed_by_peer), {}, "the connection was closed in the middle of the TLS handshake", {}};
  told.context = its.peer.host.empty() ? "TLS" : fmt::format("TLS with {}", escape(its.peer.host, 200));
  return told;
}

asio::awaitable<result<void>> tls_stream::handshake(time_point deadline) {
  const expiry limit(socket_, deadline);
  for (;;) {
    std::error_code error;
    const step next = try_handshake(error);
    if (error) co_return unexpected(handshake_failure(error));
    if (next == step::finished) break;
    const auto what = next == step::wants_input ? tcp::socket::wait_read : tcp::socket::wait_write;
    const auto [waited] = co_await socket_.async_wait(what, use_tuple);
    if (limit.passed() || clock::now() >= deadline)
      co_return unexpected(handshake_failure(make_error_code(errc::timed_out)));
    if (waited) co_return unexpected(handshake_failure(waited));
  }
  state& its = *state_;
  its.established = true;
  // A session that is resumed brings the verdict of its first handshake along.
  if (const long code = SSL_get_verify_result(native()); code != X509_V_OK && its.verified.code == X509_V_OK) {
    auto [words, cure] =
        problem_in_words(code, SSL_get0_peer_certificate(native()), SSL_get0_peer_certificate(native()), its.peer.host);
    its.verified = {code, std::move(words), std::move(cure)};
  }
  co_return result<void>();
}

void tls_stream::close_notify() {
  ERR_clear_error();
  if (SSL_is_init_finished(native()) == 1) SSL_shutdown(native());
  ERR_clear_error();
  std::error_code ignored;
  static_cast<void>(try_flush(ignored));
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace netlab::net
