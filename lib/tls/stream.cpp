// SPDX-License-Identifier: MIT
#include "tls/stream.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/domain.hpp"
#include "base/text.hpp"
#include "net/endpoint.hpp"
#include "net/expiry.hpp"
#include "tls/socket_bio.hpp"
#include "tls/state.hpp"

namespace netlab::tls {
namespace {

constexpr std::size_t max_encrypted_at_once = 64 * 1024;  // octets per write: four records (RFC 8446 §5.1)

// A name as in certificates and SNI (RFC 9525 §6.3). A name without such a form could not have been resolved.
std::string in_a_labels(std::string name) {
  if (is_ascii(name)) return name;
  return to_ascii_domain(name).value_or(name);
}

}  // namespace

stream::stream(net::tcp::socket socket, const tls::context& settings, tls::peer peer)
    : socket_(std::move(socket)), state_(std::make_unique<state>()) {
  state& its = *state_;
  its.context = settings.state_;
  its.peer = std::move(peer);
  its.fd = socket_.native_handle();
  std::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  its.ssl.reset(SSL_new(settings.native()));
  if (!its.ssl) throw std::bad_alloc();
  SSL* ssl = its.ssl.get();
  if (SSL_set_ex_data(ssl, state::index(), &its) != 1) throw std::bad_alloc();
  BIO* bio = socket_bio::make({&its.fd, &its.out, &its.io_error, &its.ended});
  SSL_set_bio(ssl, bio, bio);
  if (its.context->is_server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  std::string host = in_a_labels(its.peer.host);
  if (host.ends_with('.')) host.pop_back();  // the root's dot, which certificates do not have
  const auto address = net::parse_address(host);
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  // RFC 9525 §2, §6.3: only the subjectAltName counts, and a wildcard is a whole label.
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (address) {
    // Without the scope, which has a meaning on this machine only.
    auto v6 = address->is_v6() ? address->to_v6() : asio::ip::address_v6();
    v6.scope_id(0);
    const std::string figures = address->is_v6() ? v6.to_string() : address->to_string();
    X509_VERIFY_PARAM_set1_ip_asc(rules, figures.c_str());
  } else if (!host.empty()) {
    X509_VERIFY_PARAM_set1_host(rules, host.data(), host.size());
  }
  std::string named = in_a_labels(its.peer.sni);
  if (named.empty() && !address) named = host;
  if (!named.empty()) SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, named.data());
  const auto known = its.context->sessions.find(its.peer.host);
  if (known != its.context->sessions.end()) SSL_set_session(ssl, known->second.get());
}

stream::~stream() { *self_ = nullptr; }

SSL* stream::native() const noexcept { return state_->ssl.get(); }
bool stream::was_truncated() const noexcept { return state_->truncated; }
const failure& stream::trouble() const noexcept { return state_->trouble; }
const tls::verification& stream::verification() const noexcept { return state_->verified; }
std::string_view stream::version() const { return SSL_get_version(native()); }
bool stream::was_resumed() const { return SSL_session_reused(native()) == 1; }

std::string_view stream::cipher() const {
  const SSL_CIPHER* used = SSL_get_current_cipher(native());
  const char* name = used == nullptr ? nullptr : SSL_CIPHER_standard_name(used);
  return name == nullptr ? "none" : name;
}

bytes stream::exported(std::string_view label, std::size_t size) const {
  bytes material(size);
  const int done = SSL_export_keying_material(native(), reinterpret_cast<unsigned char*>(material.data()), size,
                                              label.data(), label.size(), nullptr, 0, 0);
  if (done != 1) material.clear();
  return material;
}

tls_facts stream::facts() const {
  tls_facts its{.binding = {}, .version = std::string(version()), .cipher = std::string(cipher())};
  if (its.version == "TLSv1.3") {  // RFC 9266
    its.binding = channel_binding{"tls-exporter", exported("EXPORTER-Channel-Binding", 32)};
  } else if (SSL_get_extms_support(native()) == 1) {  // safe only with the extended master secret (RFC 7627)
    // RFC 5929 §3: the first Finished message; the client sends it unless the session was resumed.
    bytes finished(64);
    const bool is_own = was_resumed() == state_->context->is_server;
    const std::size_t size = is_own ? SSL_get_finished(native(), finished.data(), finished.size())
                                    : SSL_get_peer_finished(native(), finished.data(), finished.size());
    finished.resize(std::min(size, finished.size()));
    its.binding = channel_binding{"tls-unique", std::move(finished)};
  }
  return its;
}

void stream::note_trouble(int ssl_error) {
  state& its = *state_;
  if (its.trouble.code) return;
  if (ssl_error != SSL_ERROR_SSL) return;
  const unsigned long code = ERR_peek_error();
  const char* reason = ERR_reason_error_string(code);
  const std::string words = reason == nullptr ? "unknown error" : reason;
  const auto note = [&](errc error, std::string detail, std::string cure = {}) {
    its.trouble = {make_error_code(error), {}, std::move(detail), std::move(cure)};
  };
  if (lacks_memory()) {
    its.trouble = {std::make_error_code(std::errc::not_enough_memory), {}, {}, {}};
    return;
  }
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
      if (!its.established) return note(errc::peer_protocol, "the peer does not speak TLS on this port");
      break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return note(errc::peer_protocol, "the peer does not support TLS 1.2 or later");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return note(errc::not_permitted, "the server requires a client certificate", "--cert FILE, --key FILE");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return note(errc::not_permitted, "the client sent no certificate");
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return note(errc::not_permitted, fmt::format("the peer refused the TLS connection: {}", words));
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
      return note(errc::peer_protocol, fmt::format("no TLS parameters in common: {}", words));
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      if (its.established) return;  // reported as the end of input
      return note(errc::closed_by_peer, "the connection was closed in the middle of the TLS handshake");
    case SSL_R_UNEXPECTED_MESSAGE:
      // No server starts with a ClientHello: if a client receives one, it is its own.
      if (!its.established && SSL_is_server(native()) == 0)
        return note(errc::peer_protocol, "an echo service sent our own hello back");
      break;
    default: break;
  }
  note(errc::peer_protocol, fmt::format("TLS error: {}", words));
}

std::error_code stream::why(int ssl_error) {
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

stream::step stream::try_flush(std::error_code& error) {
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

stream::step stream::try_read(std::byte* to, std::size_t size, outcome& became) {
  became = {};
  if (size == 0) return step::finished;
  ERR_clear_error();
  const int done = SSL_read_ex(native(), to, size, &became.size);
  // An answer to a key update is sent with the next write at the latest.
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

stream::step stream::try_write(const std::byte* from, std::size_t size, outcome& became) {
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

stream::step stream::try_handshake(std::error_code& error) {
  ERR_clear_error();
  const int done = SSL_do_handshake(native());
  const int ssl_error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(native(), done);
  // This also sends an alert, which tells the peer the reason.
  std::error_code flush_error;
  const step flushed = try_flush(flush_error);
  if (done == 1) {
    error = flush_error;
    return flushed;
  }
  if (ssl_error == SSL_ERROR_WANT_READ) {
    // A peer that has reset the connection may have sent an alert before.
    return flushed == step::wants_output ? flushed : step::wants_input;
  }
  error = why(ssl_error);
  return step::finished;
}

failure stream::handshake_failure(std::error_code error) {
  state& its = *state_;
  failure trouble = its.trouble.code ? its.trouble : failure{error, {}, {}, {}};
  if (error == asio::error::eof)
    trouble = {
        make_error_code(errc::closed_by_peer), {}, "the connection was closed in the middle of the TLS handshake", {}};
  trouble.context = its.peer.host.empty() ? "TLS" : fmt::format("TLS with {}", escape(its.peer.host, 200));
  return trouble;
}

asio::awaitable<result<void>> stream::handshake(time_point deadline) {
  const net::expiry limit(socket_, deadline);
  for (;;) {
    std::error_code error;
    const step next = try_handshake(error);
    if (error) co_return unexpected(handshake_failure(error));
    if (next == step::finished) break;
    const auto readiness = next == step::wants_input ? net::tcp::socket::wait_read : net::tcp::socket::wait_write;
    const auto [waited] = co_await socket_.async_wait(readiness, net::use_tuple);
    if (limit.passed() || clock::now() >= deadline)
      co_return unexpected(handshake_failure(make_error_code(errc::timed_out)));
    if (waited) co_return unexpected(handshake_failure(waited));
  }
  state& its = *state_;
  its.established = true;
  // A resumed session keeps the verification result of its first handshake.
  if (const long code = SSL_get_verify_result(native()); code != X509_V_OK && its.verified.code == X509_V_OK) {
    auto [words, cure] =
        problem_in_words(code, SSL_get0_peer_certificate(native()), SSL_get0_peer_certificate(native()), its.peer.host);
    its.verified = {code, std::move(words), std::move(cure)};
  }
  co_return result<void>();
}

void stream::close_notify() {
  ERR_clear_error();
  if (SSL_is_init_finished(native()) == 1) SSL_shutdown(native());
  ERR_clear_error();
  std::error_code ignored;
  static_cast<void>(try_flush(ignored));
  socket_.shutdown(net::tcp::socket::shutdown_send, ignored);
}

}  // namespace netlab::tls
