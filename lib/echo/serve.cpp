// SPDX-License-Identifier: MIT
#include "echo/serve.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "echo/session.hpp"

namespace netlab::echo {
namespace {

constexpr std::uint16_t first_client_port = 1024;  // below are services (IANA's system ports, RFC 6335 §6)

}  // namespace

server::server(server_parameters parameters, log_function log) : parameters_(parameters), log_(std::move(log)) {}

net::service_limits server::limits() const {
  return {.max_clients = parameters_.max_clients, .max_datagram = 65'536};  // any datagram, whole
}

server_totals server::totals() const {
  return {.connections = connections_.load(),
          .datagrams = datagrams_.load(),
          .octets = octets_.load(),
          .ignored = ignored_.load(),
          .turned_away = turned_away_.load()};
}

std::unique_ptr<machine> server::open(const net::visitor& who) {
  connections_.fetch_add(1, std::memory_order_relaxed);
  if (parameters_.log_connections)
    log(fmt::format("tcp {} connected to {}", net::to_string(who.peer), net::to_string(who.local)));
  return std::make_unique<session>(parameters_.idle_timeout, who.now);
}

void server::closed(machine& ended, const net::tcp::endpoint& peer, const result<void>& how) {
  const std::uint64_t octets = static_cast<session&>(ended).octets();
  octets_.fetch_add(octets, std::memory_order_relaxed);
  if (!parameters_.log_connections) return;
  log(fmt::format("tcp {} {} after {}", net::to_string(peer), how ? "closed" : describe(how.error()),
                  count_of(octets, "octet")));
}

bytes server::full(const net::tcp::endpoint& peer) {
  turned_away_.fetch_add(1, std::memory_order_relaxed);
  if (parameters_.log_connections) log(fmt::format("tcp {} turned away (--max-clients)", net::to_string(peer)));
  return {};  // an echo service has no words of its own
}

bool server::answer(const net::datagram& request, bytes& reply) {
  if (request.peer.port() < first_client_port || request.peer.port() == request.local_port) {
    ignored_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  datagrams_.fetch_add(1, std::memory_order_relaxed);
  octets_.fetch_add(request.length, std::memory_order_relaxed);
  append(reply, request.octets);
  return true;
}

void server::trouble(const std::string& line) { log(line); }

void server::log(const std::string& line) {
  const std::lock_guard lock(log_mutex_);
  log_(line);
}

}  // namespace netlab::echo
