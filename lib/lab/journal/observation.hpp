// SPDX-License-Identifier: MIT
// What the lab's services report: connections, received octets, and the outcome of each mail. Nothing is decoded, so
// that a service spends no time on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "lab/journal/step.hpp"

namespace netlab::lab {

enum class observed : std::uint8_t {
  connected,
  received,       ///< octets on a TCP connection
  closed,
  datagram,
  tls_started,    ///< on a mail connection
  line,           ///< of a mail session's dialogue
  logged_in,
  login_failed,
  mail_accepted,
  mail_refused,   ///< a sender, recipient or message
};

/// The envelope and the header of an accepted message.
struct observed_mail {
  std::string id;
  std::string file;
  std::string helo;
  std::string tls;
  std::string user;
  std::string sender;
  std::vector<std::string> recipients;
  std::uint64_t size = 0;
  std::string header;  ///< the first octets of the message, at least its header if that is not too long
};

struct observation {
  observed kind = observed::connected;
  wall_time at{};
  std::uint64_t connection = 0;  ///< identifies a connection; 0: a datagram
  std::string address;           ///< the peer's, without its port
  std::uint16_t port = 0;        ///< the peer's
  std::string_view service;      ///< `calc`, `echo`, `submission`; it must outlive the journal
  bytes octets;                  ///< received over TCP, or those of a datagram
  std::uint64_t length = 0;      ///< of the datagram; `octets` may be only its start
  bool is_answered = false;      ///< the datagram
  char by = 'C';                 ///< of a line: `C` or `S`
  bool is_implicit_tls = false;  ///< tls_started: TLS came before the first line
  std::string text;              ///< a line, a user's name, a reply, or the TLS version and cipher
  std::string detail;            ///< of a login: its mechanism
  observed_mail mail;
};

}  // namespace netlab::lab
