// SPDX-License-Identifier: MIT
#include "net/icmp.hpp"

#include <cerrno>
#include <system_error>

#include "net/error_queue.hpp"

namespace netlab::net {
namespace {

constexpr int max_tries = 64;  // tries to send one datagram, each of which may fail with an error of an earlier one
constexpr int max_messages = 1024;  // read in one call; new ones may arrive meanwhile

/// The error that a message reports; 0 if it is not from ICMP.
int error_of(const queued_error& message) noexcept {
  if (!message.is_icmp()) return 0;
  const int code = message.system_error;
  // Other errors differ between the families: a firewall's "prohibited" is EACCES in one and EHOSTUNREACH in the other.
  return code == ECONNREFUSED || code == ENETUNREACH || code == EMSGSIZE ? code : EHOSTUNREACH;
}

}  // namespace

void want_icmp_errors(udp::socket& socket) {
  std::error_code ignored;
  want_error_queue(socket.native_handle(), socket.local_endpoint(ignored).address().is_v6());
}

std::error_code take_icmp_error(udp::socket& socket) {
  int pending = 0;
  for (int count = 0; count < max_messages; ++count) {
    const auto message = take_queued_error(socket.native_handle());
    if (!message) break;
    if (const int code = error_of(*message); code != 0 && pending != ECONNREFUSED) pending = code;
  }
  return {pending, std::system_category()};
}

std::error_code send_past_icmp(udp::socket& socket, asio::const_buffer datagram, std::error_code& pending) {
  std::error_code error;
  for (int tried = 0; tried < max_tries; ++tried) {
    socket.send(datagram, 0, error);
    if (!error) break;
    const std::error_code queued = take_icmp_error(socket);
    if (!queued) break;
    pending = queued;
  }
  return error;
}

}  // namespace netlab::net
