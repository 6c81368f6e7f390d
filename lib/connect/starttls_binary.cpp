// SPDX-License-Identifier: MIT
// STARTTLS in the protocols that are not line-based.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connect/starttls.hpp"

namespace netlab::connect {
namespace {

using namespace std::string_view_literals;

std::uint8_t octet(std::string_view from, std::size_t at) { return static_cast<std::uint8_t>(from[at]); }

/// PostgreSQL's "SSL Session Encryption": a request of 8 octets, an answer of one.
class postgres_negotiation final : public starttls {
 public:
  postgres_negotiation(starttls_parameters parameters, time_point now) : starttls(std::move(parameters), now) {
    send_octets("\x00\x00\x00\x08\x04\xd2\x16\x2f"sv, "(SSLRequest)");
  }

 private:
  [[nodiscard]] std::size_t receive(std::string_view input) override {
    note(input.substr(0, 1));
    if (input[0] == 'S')
      succeed();
    else if (input[0] == 'N')
      refuse(errc::rejected, "the server does not offer TLS");
    else if (input[0] == 'E')
      refuse(errc::rejected, "the server answers with an error", input.substr(1));
    else
      refuse(errc::peer_protocol, "the server's answer is invalid", input);
    return 1;
  }
};

/// MySQL and MariaDB: the server's greeting has its capabilities, the client sends a shortened response, and TLS
/// starts.
class mysql_negotiation final : public starttls {
 public:
  using starttls::starttls;

 private:
  static constexpr std::size_t header = 4;  // length (3, little-endian), number
  static constexpr unsigned client_ssl = 0x0800;  // CLIENT_SSL
  static constexpr std::size_t max_greeting = 1024;

  [[nodiscard]] std::size_t receive(std::string_view input) override {
    if (input.size() < header) return 0;
    const std::size_t length = octet(input, 0) + octet(input, 1) * 256U + octet(input, 2) * 65536U;
    if (length == 0 || length > max_greeting) {
      refuse(errc::peer_protocol, "the server's greeting is not a MySQL greeting");
      return 0;
    }
    if (input.size() < header + length) return 0;
    greet(input.substr(header, length));
    return header + length;
  }

  void greet(std::string_view greeting) {
    if (octet(greeting, 0) == 0xff)  // an error: a number of 2 octets, then a text
      return refuse(errc::rejected, "the server refuses the session",
                    greeting.substr(std::min<std::size_t>(3, greeting.size())));
    const auto end = greeting.find('\0', 1);
    // After the version: thread ID (4), salt (8), 0, capabilities (2).
    if (octet(greeting, 0) != 10 || end == std::string_view::npos || greeting.size() < end + 16)
      return refuse(errc::peer_protocol, "the server's greeting is not a MySQL greeting");
    note(fmt::format("(greeting of version {})", greeting.substr(1, end - 1)));
    const unsigned capabilities = octet(greeting, end + 14) + octet(greeting, end + 15) * 256U;
    if ((capabilities & client_ssl) == 0) return refuse(errc::rejected, "the server does not offer TLS");
    // PROTOCOL_41, SSL, SECURE_CONNECTION; packets up to 16 MiB; UTF-8.
    std::string request("\x20\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x00\x01\x21"sv);
    request.append(23, '\0');
    send_octets(request, "(SSLRequest)");
    succeed();
  }
};

/// RFC 4511 §4.14: an ExtendedRequest and its response (X.690, definite lengths).
class ldap_negotiation final : public starttls {
 public:
  ldap_negotiation(starttls_parameters parameters, time_point now) : starttls(std::move(parameters), now) {
    send_octets(
        "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
        "1.3.6.1.4.1.1466.20037"sv,
        "(StartTLS request)");
  }

 private:
  static constexpr std::size_t max_message = 16 * 1024;

  struct element {
    std::uint8_t tag = 0;
    std::string_view value;
    std::size_t size = 0;  // including tag and length
  };
  enum class progress : std::uint8_t { good, too_short, wrong };

  static progress read_element(std::string_view from, element& out) {
    if (from.size() < 2) return progress::too_short;
    std::size_t length = octet(from, 1);
    std::size_t head = 2;
    if (length >= 0x80) {
      const std::size_t octets = length & 0x7f;
      if (octets == 0 || octets > 4) return progress::wrong;
      if (from.size() < 2 + octets) return progress::too_short;
      length = 0;
      for (std::size_t at = 0; at < octets; ++at) length = length << 8 | octet(from, 2 + at);
      head += octets;
    }
    if (length > max_message) return progress::wrong;
    if (from.size() < head + length) return progress::too_short;
    out = {octet(from, 0), from.substr(head, length), head + length};
    return progress::good;
  }

  [[nodiscard]] std::size_t receive(std::string_view input) override {
    element message;
    if (octet(input, 0) != 0x30) return wrong();
    switch (read_element(input, message)) {
      case progress::too_short: return 0;
      case progress::wrong: return wrong();
      case progress::good: break;
    }
    element id;
    element response;
    element code;
    element matched;
    element words;
    if (read_element(message.value, id) != progress::good || id.tag != 0x02 ||
        read_element(message.value.substr(id.size), response) != progress::good ||
        (response.tag & 0xe0) != 0x60 ||  // [APPLICATION n], constructed
        read_element(response.value, code) != progress::good || code.tag != 0x0a || code.value.size() != 1)
      return wrong();
    if (read_element(response.value.substr(code.size), matched) == progress::good)
      static_cast<void>(read_element(response.value.substr(code.size + matched.size), words));
    const unsigned number = octet(code.value, 0);
    note(fmt::format("(response {})", number));
    if (response.tag == 0x78 && number == 0)
      succeed();
    else if (number == 51 || number == 52)  // busy, unavailable
      refuse(errc::try_later, fmt::format("the server refuses for now (LDAP result {})", number), words.value);
    else
      refuse(errc::rejected, fmt::format("the server refuses StartTLS (LDAP result {})", number), words.value);
    return message.size;
  }

  std::size_t wrong() {
    refuse(errc::peer_protocol, "the server's answer is not an LDAP message");
    return 0;
  }
};

/// RFC 6120 §5: the client opens a stream, the server's features offer starttls, the client requests it.
class xmpp_negotiation final : public starttls {
 public:
  xmpp_negotiation(starttls_parameters parameters, time_point now) : starttls(std::move(parameters), now) {
    std::string domain;
    for (const char each : this->parameters().host) {
      if (each == '&' || each == '<' || each == '\'') continue;  // not allowed in a domain
      domain += each;
    }
    const std::string opening = fmt::format(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        "to='{}' version='1.0'>",
        domain);
    send_octets(opening, opening);
  }

 private:
  static constexpr std::string_view name_space = "urn:ietf:params:xml:ns:xmpp-tls";

  /// The end of the element that starts with `<NAME`, or nothing if it has not arrived.
  static std::optional<std::size_t> end_of(std::string_view input, std::string_view name) {
    const auto begin = input.find(fmt::format("<{}", name));
    if (begin == std::string_view::npos) return std::nullopt;
    const auto bracket = input.find('>', begin);
    if (bracket == std::string_view::npos) return std::nullopt;
    if (input[bracket - 1] == '/') return bracket + 1;
    const std::string closing = fmt::format("</{}>", name);
    const auto end = input.find(closing, bracket);
    if (end == std::string_view::npos) return std::nullopt;
    return end + closing.size();
  }

  [[nodiscard]] std::size_t receive(std::string_view input) override {
    // The element that ends first decides, so that the result does not depend on how the input is cut.
    constexpr std::string_view closing = "</stream:stream>";
    constexpr auto nowhere = std::string_view::npos;
    const std::size_t answered = end_of(input, asked_ ? "proceed" : "stream:features").value_or(nowhere);
    const std::size_t closed_at = input.find(closing);
    const std::size_t closed = closed_at == nowhere ? nowhere : closed_at + closing.size();
    for (const std::string_view trouble : {"stream:error", "failure"})
      if (const auto end = end_of(input, trouble); end && *end < std::min(answered, closed)) {
        note(input.substr(0, *end));
        refuse(errc::rejected, "the server refuses", input.substr(input.find(fmt::format("<{}", trouble))));
        return *end;
      }
    if (closed < answered) {
      refuse(errc::closed_by_peer, "the server closed the stream");
      return closed;
    }
    if (answered == nowhere) return 0;
    const std::string_view element = input.substr(0, answered);
    note(element);
    if (asked_) {
      succeed();
    } else if (element.find("<starttls") == std::string_view::npos ||
               element.find(name_space) == std::string_view::npos) {
      refuse(errc::rejected, "the server does not offer STARTTLS");
    } else {
      asked_ = true;
      const std::string request = fmt::format("<starttls xmlns='{}'/>", name_space);
      send_octets(request, request);
    }
    return answered;
  }

  bool asked_ = false;
};

}  // namespace

std::unique_ptr<starttls> make_binary_starttls(starttls_parameters parameters, time_point now) {
  switch (parameters.protocol) {
    case starttls_protocol::ldap: return std::make_unique<ldap_negotiation>(std::move(parameters), now);
    case starttls_protocol::mysql: return std::make_unique<mysql_negotiation>(std::move(parameters), now);
    case starttls_protocol::xmpp: return std::make_unique<xmpp_negotiation>(std::move(parameters), now);
    default: return std::make_unique<postgres_negotiation>(std::move(parameters), now);
  }
}

}  // namespace netlab::connect
