// SPDX-License-Identifier: MIT
// One TLS connection over a socket.
#pragma once

#include <openssl/ssl.h>

#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <asio/compose.hpp>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/tls_facts.hpp"
#include "net/asio.hpp"
#include "tls/context.hpp"

namespace netlab::tls {

/// The result of verifying the peer's certificate.
struct verification {
  long code = X509_V_OK;  ///< X509_V_OK, or the first problem (X509_V_ERR_…)
  std::string words = "verified";  ///< or the problem, as in the failure of handshake()
  std::string cure;  ///< how to fix it; may be empty
};

/// The server that a client wants to reach.
struct peer {
  std::string host;  ///< name or address that the certificate's subjectAltName must contain (RFC 9525)
  std::string sni;  ///< sent instead of the host; empty: the host, if it is a name (RFC 6066 §3)
};

/// A stream over one connected socket, for net::driver<stream> and for Asio's algorithms. One read and one write may
/// run at the same time; those that are pending when it is destroyed fail with operation_aborted. The octets of one
/// write call (up to 64 KiB) are sent in one system call.
class stream {
 public:
  using executor_type = net::tcp::socket::executor_type;
  using lowest_layer_type = net::tcp::socket::lowest_layer_type;

  /// The context decides whether this is the client's or the server's end.
  stream(net::tcp::socket socket, const context& settings, tls::peer peer = {});
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// Call it first, once. The failure's context is `TLS with HOST`. Fails with errc::not_permitted if the peer's
  /// certificate is not accepted, with errc::peer_protocol if the peer does not speak TLS 1.2 or newer, and with
  /// errc::timed_out, errc::closed_by_peer or a system error.
  [[nodiscard]] asio::awaitable<result<void>> handshake(time_point deadline);

  /// Closes our side: sends close_notify (RFC 8446 §6.1) as far as that does not block. The socket stays open.
  void close_notify();

  /// True if the peer closed the connection without close_notify: the input may be incomplete.
  [[nodiscard]] bool was_truncated() const noexcept;

  /// The reason why a read or a write has failed, such as `the server wants a certificate`, which the error code cannot
  /// say. Without a code if nothing has failed.
  [[nodiscard]] const failure& trouble() const noexcept;

  [[nodiscard]] const tls::verification& verification() const noexcept;
  /// After the handshake: `TLSv1.3`; the cipher's name as in the RFCs.
  [[nodiscard]] std::string_view version() const;
  [[nodiscard]] std::string_view cipher() const;
  [[nodiscard]] bool was_resumed() const;
  /// The same for a protocol, with a channel binding if the connection has a safe one.
  [[nodiscard]] tls_facts facts() const;
  /// Keying material, for channel bindings for example (RFC 5705, RFC 8446 §7.5), without a context value.
  [[nodiscard]] bytes exported(std::string_view label, std::size_t size) const;

  [[nodiscard]] SSL* native() const noexcept;
  [[nodiscard]] net::tcp::socket& socket() noexcept { return socket_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() noexcept { return socket_.lowest_layer(); }
  [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }

  /// As net::tcp::socket's. The input ends with asio::error::eof, with or without close_notify.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    const asio::mutable_buffer to = first_of<asio::mutable_buffer>(buffers);
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(
        operation(*this, false, static_cast<std::byte*>(to.data()), to.size()), token, socket_);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    const asio::const_buffer from = first_of<asio::const_buffer>(buffers);
    // The octets are not written to; the cast is needed because one operation serves both directions.
    auto* octets = static_cast<std::byte*>(const_cast<void*>(from.data()));
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(operation(*this, true, octets, from.size()),
                                                                          token, socket_);
  }

 private:
  friend class context;
  struct state;
  enum class step : std::uint8_t { finished, wants_input, wants_output };
  struct outcome {
    std::error_code error;
    std::size_t size = 0;
  };

  [[nodiscard]] step try_read(std::byte* to, std::size_t size, outcome& became);
  /// After wants_output, call it again with the same octets. became.size is the number of octets taken.
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
    operation(tls::stream& its_owner, bool its_writing, std::byte* its_octets, std::size_t its_size)
        : owner(its_owner.self_), octets(its_octets), size(its_size), writing(its_writing) {}

    template <class Self>
    void operator()(Self& self, std::error_code error = {}) {
      if (started && became_final) return self.complete(became.error, became.size);
      const bool first = !std::exchange(started, true);
      if (*owner == nullptr) error = asio::error::operation_aborted;
      if (error) return self.complete(error, 0);
      tls::stream& from = **owner;
      const step next = writing ? from.try_write(octets, size, became) : from.try_read(octets, size, became);
      if (next == step::finished) {
        became_final = true;
        // A handler must not run within the call that it was passed to.
        if (first) return asio::post(from.get_executor(), std::move(self));
        return self.complete(became.error, became.size);
      }
      const auto readiness = next == step::wants_input ? net::tcp::socket::wait_read : net::tcp::socket::wait_write;
      try {
        from.socket_.async_wait(readiness, std::move(self));  // not moved from if this throws
      } catch (const std::bad_alloc&) {
        if (first) throw;
        self.complete(std::make_error_code(std::errc::not_enough_memory), 0);
      }
    }

    std::shared_ptr<tls::stream*> owner;  // *owner is null after the stream has been destroyed
    std::byte* octets;
    std::size_t size;
    outcome became;
    bool writing;
    bool started = false;
    bool became_final = false;
  };

  net::tcp::socket socket_;
  std::unique_ptr<state> state_;
  const std::shared_ptr<stream*> self_ = std::make_shared<stream*>(this);  // *self_ is null after ~stream()
};

}  // namespace netlab::tls
