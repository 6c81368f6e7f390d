// SPDX-License-Identifier: MIT
// What the journal keeps: decoded events with their octets, and mails with their dialogues.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "lab/journal/step.hpp"

namespace netlab::lab {

/// The longest request of calc (1028 octets) and some more, so that surplus octets can be seen.
inline constexpr std::size_t most_kept_octets = 1088;

/// A part of the octets and its meaning.
struct event_field {
  std::string name;  ///< `id`, `operation`, `count`, `z1`, `missing`, `text`
  std::size_t from = 0;
  std::size_t to = 0;  ///< one after its last octet
  std::string value;

  friend bool operator==(const event_field&, const event_field&) = default;
};

enum class verdict : std::uint8_t { ok, wrong, info };
/// `ok`, `wrong`, `info`
[[nodiscard]] std::string_view name_of(verdict which) noexcept;

/// Every text is escaped UTF-8 without control characters.
struct class_event {
  std::uint64_t id = 0;  ///< ascending; given by the journal
  wall_time at{};
  std::string address;  ///< the peer's, without its port: `192.0.2.7`
  std::uint16_t port = 0;  ///< the peer's; 0: several or unknown
  std::string user;     ///< logged in for mail; empty: none
  std::string service;  ///< `calc`, `echo`, `scan`, `mail`, `name`, `daytime`, …
  std::string proto;    ///< `tcp`, `udp`; empty: none
  std::string text;     ///< `SUM 1 2 3 = 6`
  lab::verdict verdict = lab::verdict::info;
  std::string note;     ///< what was wrong
  bytes octets;         ///< as received, at most most_kept_octets
  bool is_truncated = false;  ///< there were more octets
  std::vector<event_field> fields;  ///< ascending, without overlap
  std::vector<step_mark> marks;
};

/// A line of an SMTP session.
struct dialogue_line {
  char by = 'S';  ///< `C` or `S`
  std::string text;  ///< secrets are masked

  friend bool operator==(const dialogue_line&, const dialogue_line&) = default;
};

/// A message that the lab's mail server accepted.
struct kept_mail {
  std::string id;
  wall_time at{};
  std::string address;  ///< the client's, without its port
  std::uint16_t port = 0;
  std::string file;     ///< in the Maildir; empty: not stored
  std::string helo;
  std::string tls;      ///< `TLSv1.3 TLS_AES_256_GCM_SHA384`; empty: in clear text
  std::string user;     ///< logged in; empty: none
  std::string sender;   ///< the envelope's; empty: `<>`
  std::vector<std::string> recipients;  ///< the envelope's, at most some tens
  std::string header_from;
  std::string header_to;
  std::string subject;
  std::uint64_t size = 0;  ///< octets
  bool is_by_hand = false;
  std::vector<dialogue_line> dialogue;  ///< of the session up to the end of this message
};

}  // namespace netlab::lab
