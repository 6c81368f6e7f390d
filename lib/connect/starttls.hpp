// SPDX-License-Identifier: MIT
// The negotiation before TLS: how client and server of each protocol agree to start it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/machine.hpp"
#include "base/result.hpp"

namespace netlab::connect {

enum class starttls_protocol : std::uint8_t { ftp, imap, ldap, lmtp, mysql, nntp, pop3, postgres, sieve, smtp, xmpp };
[[nodiscard]] std::string_view name_of(starttls_protocol which) noexcept;
/// Fails with errc::usage.
[[nodiscard]] result<starttls_protocol> parse_starttls(std::string_view text);

/// `C` is the client. The peer's text is not escaped; binary messages are described.
using starttls_trace = std::function<void(char who, std::string_view line)>;

struct starttls_parameters {
  starttls_protocol protocol = starttls_protocol::smtp;
  std::string host;                             ///< XMPP needs a domain name
  std::string helo = "localhost";               ///< SMTP and LMTP need a name or `[192.0.2.1]`
  duration timeout = std::chrono::seconds(10);  ///< for each answer
  starttls_trace trace = {};
};

/// Done when TLS may start, or cannot. The peer must send nothing after its last answer: octets after it, which would
/// be taken for data received under TLS, are an attack (CVE-2011-0411) and end the session.
class starttls : public machine {
 public:
  starttls(starttls_parameters parameters, time_point now) : parameters_(std::move(parameters)), last_input_(now) {}

  /// Success, or errc::rejected (not offered, or refused), errc::try_later, errc::peer_protocol, errc::closed_by_peer,
  /// errc::timed_out. Call it after done().
  [[nodiscard]] const result<void>& outcome() const { return *outcome_; }

  void feed(bytes_view from_peer, time_point now) final;
  void eof(time_point now) final;
  void tick(time_point now) final;
  bytes take_output() final { return std::exchange(output_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const final;
  [[nodiscard]] bool done() const final { return outcome_.has_value(); }

 protected:
  /// Handles the input that has not been consumed yet. Returns the number of octets consumed; 0: waits for more.
  [[nodiscard]] virtual std::size_t receive(std::string_view input) = 0;

  [[nodiscard]] const starttls_parameters& parameters() const noexcept { return parameters_; }
  void send_line(std::string_view line);
  void send_octets(std::string_view octets, std::string_view called);
  void note(std::string_view line) const;
  void succeed();
  void refuse(errc code, std::string detail);
  /// With the peer's own text.
  void refuse(errc code, std::string_view message, std::string_view peer_text);

 private:
  starttls_parameters parameters_;
  std::string input_;
  bytes output_;
  std::size_t received_ = 0;
  time_point last_input_;
  std::optional<result<void>> outcome_;
};

/// The client's side. take_output() may already have its first message.
[[nodiscard]] std::unique_ptr<starttls> make_starttls(starttls_parameters parameters, time_point now);

/// The failure for octets between the peer's last answer and TLS.
[[nodiscard]] failure injected();

/// The protocols that are not line-based; for make_starttls().
[[nodiscard]] std::unique_ptr<starttls> make_binary_starttls(starttls_parameters parameters, time_point now);

/// How TLS usually starts at a port: the protocol for --starttls, or empty if with the first octet. Nothing for other
/// ports. Ports that netlab's own servers use instead of those below 1024 are included.
[[nodiscard]] std::optional<std::string_view> usual_tls(std::uint16_t port) noexcept;

}  // namespace netlab::connect
