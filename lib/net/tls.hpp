// SPDX-License-Identifier: MIT
// TLS over our sockets: what to trust and what to show (a context), and one connection (a stream).
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/compose.hpp>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/tls_facts.hpp"
#include "net/asio.hpp"

namespace netlab::net {

struct tls_client_options {
  std::string ca_file;            ///< PEM; trusted instead of the system's certificates; empty: the system's
  bool insecure = false;          ///< accepts any certificate; what is wrong with it can still be read
  std::string certificate_file;   ///< PEM, with its chain; for a server that asks for one
  std::string key_file;           ///< PEM, not encrypted; empty: it stands in certificate_file
  std::vector<std::string> alpn;  ///< protocol names (RFC 7301), each 1 to 255 octets
  std::string keylog_file;        ///< secrets for Wireshark are appended to it; made with mode 0600
                            ///< empty: to the file that SSLKEYLOGFILE names, if there is one
  bool ask_for_ocsp = false;  ///< the server may staple the state of its certificate (RFC 6066 §8)
};

struct tls_server_options {
  std::string certificates;  ///< PEM: the server's own, then those that signed it
  std::string key;  ///< PEM
  std::string client_ca_file;  ///< asks for a client certificate that these have signed; empty: for none
  std::vector<std::string> alpn;  ///< what it speaks, best first
  int least_version = TLS1_2_VERSION;
  int greatest_version = 0;  ///< 0: the newest there is
};

/// Certificates, keys and rules for many connections; each tls_stream keeps what it needs of it alive. For use in one
/// thread. TLS 1.2 is the oldest version (RFC 8996), there is no compression and no renegotiation.
class tls_context {
 public:
  /// The failure names the file: errc::no_input (cannot be read), errc::bad_data (no certificate in it, a key that does
  /// not fit), errc::cannot_create (keylog).
  [[nodiscard]] static result<tls_context> client(const tls_client_options& options);
  [[nodiscard]] static result<tls_context> server(const tls_server_options& options);

  [[nodiscard]] SSL_CTX* native() const noexcept;

 private:
  friend class tls_stream;
  struct state;
  explicit tls_context(std::shared_ptr<state> its) : state_(std::move(its)) {}
  std::shared_ptr<state> state_;
};

/// What became of the peer's certificate.
struct tls_verification {
  long code = X509_V_OK;  ///< X509_V_ERR_…: the first thing that is wrong; X509_V_OK
  std::string words = "verified";  ///< or what is wrong, as the failure of handshake() says it
  std::string cure;  ///< what can be done; may be empty
};

/// Whom a client means.
struct tls_peer {
  std::string host;  ///< name or address: what the certificate's subjectAltName has to say (RFC 9525)
  std::string sni;  ///< sent instead of the host; empty: the host, if it is a name (RFC 6066 §3)
};

/// A stream over one connected socket, for driver<tls_stream> and for Asio's algorithms. Reads and writes may go on at
/// the same time, one of each. What one write call is given (up to 64 KiB of it) leaves in one system call.
class tls_stream {
 public:
  using executor_type = tcp::socket::executor_type;
  using lowest_layer_type = tcp::socket::lowest_layer_type;

  /// Of a client, or of a server where the context is a server's.
  tls_stream(tcp::socket socket, const tls_context& context, tls_peer peer = {});
  ~tls_stream();
  tls_stream(const tls_stream&) = delete;
  tls_stream& operator=(const tls_stream&) = delete;

  /// Before all else, once. The failure's context is `TLS with HOST`. What is wrong with the peer's certificate is
  /// errc::not_permitted; a peer that speaks no TLS, or none from version 1.2 on, is errc::peer_protocol; further:
  /// errc::timed_out, errc::closed_by_peer, a system's error.
  [[nodiscard]] asio::awaitable<result<void>> handshake(time_point deadline);

  /// Sends close_notify (RFC 8446 §6.1), as far as it can be sent at once, and ends our side. The socket stays open.
  void close_notify();

  /// The peer ended the connection without close_notify: what was read may not be all that it wrote.
  [[nodiscard]] bool was_truncated() const noexcept;

  /// What ended the stream, where a read or a write has failed: the error code alone cannot say `the server wants a
  /// certificate`. No code in it while all is well.
  [[nodiscard]] const failure& trouble() const noexcept;

  [[nodiscard]] const tls_verification& verification() const noexcept;
  /// After the handshake: `TLSv1.3`; the cipher's name as the RFCs have it.
  [[nodiscard]] std::string_view version() const;
  [[nodiscard]] std::string_view cipher() const;
  [[nodiscard]] bool was_resumed() const;
  /// The same for a protocol, with a channel binding where the connection has one that is safe.
  [[nodiscard]] tls_facts facts() const;
  /// Keying material for channel bindings and the like (RFC 5705, RFC 8446 §7.5), without a context value.
  [[nodiscard]] bytes exported(std::string_view label, std::size_t size) const;

  [[nodiscard]] SSL* native() const noexcept;
  [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() noexcept { return socket_.lowest_layer(); }
  [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }

  /// As tcp::socket's. The end is asio::error::eof, with or without close_notify.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    const asio::mutable_buffer to = first_of<asio::mutable_buffer>(buffers);
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(
        operation(*this, false, static_cast<std::byte*>(to.data()), to.size()), token, socket_);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    const asio::const_buffer from = first_of<asio::const_buffer>(buffers);
    // Not written to; one operation serves both directions.
    auto* octets = static_cast<std::byte*>(const_cast<void*>(from.data()));
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(operation(*this, true, octets, from.size()),
                                                                          token, socket_);
  }

 private:
  friend class tls_context;
  struct state;
  enum class step : std::uint8_t { finished, wants_input, wants_output };
  struct outcome {
    std::error_code error;
    std::size_t size = 0;
  };

  [[nodiscard]] step try_read(std::byte* to, std::size_t size, outcome& became);
  /// Called again after wants_output it goes on with what it has taken: became.size says how much.
  [[nodiscard]] step try_write(const std::byte* from, std::size_t size, outcome& became);
  [[nodiscard]] step try_handshake(std::error_code& error);
  [[nodiscard]] step try_flush(std::error_code& error);
  void note_trouble(int ssl_error);
  [[nodiscard]] std::error_code why(int ssl_error);
  [[nodiscard]] failure handshake_failure(std::error_code error);

  template <class Buffer, class Buffers>
  [[nodiscard]] static Buffer first_of(const Buffers& buffers) {
    const auto end = asio::buffer_sequence_end(buffers);
    for (auto each = asio::buffer_sequence_begin(buffers); each != end; ++each)
      if (const Buffer one(*each); one.size() > 0) return one;
    return Buffer();
  }

  struct operation {
    operation(tls_stream& its_stream, bool its_writing, std::byte* its_octets, std::size_t its_size)
        : stream(its_stream), octets(its_octets), size(its_size), writing(its_writing) {}

    template <class Self>
    void operator()(Self& self, std::error_code error = {}) {
      if (started && became_final) return self.complete(became.error, became.size);
      const bool first = !std::exchange(started, true);
      if (error) return self.complete(error, 0);
      const step next = writing ? stream.try_write(octets, size, became) : stream.try_read(octets, size, became);
      if (next == step::finished) {
        became_final = true;
        // No handler runs within the call that was given it.
        if (first) return asio::post(stream.get_executor(), std::move(self));
        return self.complete(became.error, became.size);
      }
      const auto what = next == step::wants_input ? tcp::socket::wait_read : tcp::socket::wait_write;
      try {
        stream.socket_.async_wait(what, std::move(self));  // which has not been moved from where this throws
      } catch (const std::bad_alloc&) {
        if (first) throw;
        self.complete(std::make_error_code(std::errc::not_enough_memory), 0);
      }
    }

    tls_stream& stream;
    std::byte* octets;
    std::size_t size;
    outcome became;
    bool writing;
    bool started = false;
    bool became_final = false;
  };

  tcp::socket socket_;
  std::unique_ptr<state> state_;
};

}  // namespace netlab::net
