// SPDX-License-Identifier: MIT
#include "sockets/entry.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace netlab::sockets {
namespace {

void append_number(std::string& text, unsigned number, unsigned base) {
  std::array<char, 8> digits{};
  std::size_t at = digits.size();
  do {
    digits[--at] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number != 0);
  text.append(digits.data() + at, digits.size() - at);
}

void append_v4(std::string& text, const std::uint8_t* octets) {
  for (int at = 0; at < 4; ++at) {
    if (at > 0) text += '.';
    append_number(text, octets[at], 10);
  }
}

// RFC 5952 §4.2: the longest run of two or more zero fields becomes `::`; of equally long runs, the first.
void append_v6(std::string& text, const std::array<std::uint8_t, 16>& octets) {
  std::array<unsigned, 8> fields{};
  for (std::size_t at = 0; at < 8; ++at) fields[at] = octets[2 * at] * 256U + octets[2 * at + 1];
  std::size_t run_at = 8;
  std::size_t run_size = 1;
  for (std::size_t at = 0; at < 8; ++at) {
    std::size_t end = at;
    while (end < 8 && fields[end] == 0) ++end;
    if (end - at > run_size) {
      run_at = at;
      run_size = end - at;
    }
    at = std::max(at, end == at ? at : end - 1);
  }
  const bool is_mapped = run_at == 0 && run_size == 5 && fields[5] == 0xffff;  // §5
  for (std::size_t at = 0; at < 8; ++at) {
    if (at == run_at) {
      text += "::";
      at += run_size - 1;
      continue;
    }
    if (at > 0 && text.back() != ':') text += ':';
    if (is_mapped && at == 6) return append_v4(text, octets.data() + 12);
    append_number(text, fields[at], 16);
  }
}

}  // namespace

std::string_view name_of(transport which) noexcept { return which == transport::tcp ? "tcp" : "udp"; }

std::string_view name_of(transport over, state which) noexcept {
  if (over == transport::udp) {
    if (which == state::established) return "connected";
    if (which == state::closed) return "unconnected";
  }
  switch (which) {
    case state::established: return "established";
    case state::syn_sent: return "syn-sent";
    case state::syn_received:
    case state::new_syn_received: return "syn-received";
    case state::fin_wait_1: return "fin-wait-1";
    case state::fin_wait_2: return "fin-wait-2";
    case state::time_wait: return "time-wait";
    case state::closed: return "closed";
    case state::close_wait: return "close-wait";
    case state::last_ack: return "last-ack";
    case state::listen: return "listen";
    case state::closing: return "closing";
  }
  return "unknown";
}

std::string_view name_of(timer_kind which) noexcept {
  switch (which) {
    case timer_kind::none: return "none";
    case timer_kind::retransmit: return "retransmit";
    case timer_kind::keepalive: return "keepalive";
    case timer_kind::time_wait: return "time-wait";
    case timer_kind::probe: return "probe";
    case timer_kind::delayed_ack: return "delayed-ack";
  }
  return "unknown";
}

std::string to_string(const endpoint& of, std::string_view interface) {
  std::string text;
  text.reserve(48);
  if (of.is_v6) {
    text += '[';
    append_v6(text, of.address);
  } else {
    append_v4(text, of.address.data());
  }
  if (!interface.empty()) text.append("%").append(interface);
  if (of.is_v6) text += ']';
  text += ':';
  append_number(text, of.port, 10);
  return text;
}

}  // namespace netlab::sockets
