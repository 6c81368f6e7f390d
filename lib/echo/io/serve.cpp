// SPDX-License-Identifier: MIT
#include "echo/io/serve.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "echo/session.hpp"

namespace netlab::echo {
server::server(server_parameters parameters, serve::visitor_log::line_function write)
    : parameters_(parameters), log_(std::move(write), parameters.detail, parameters.log_name) {}

serve::limits server::limits() const {
  return {.max_clients = parameters_.max_clients,
          .max_datagram = 65'536,  // no datagram is truncated
          .drive = net::serving_for(parameters_.idle_timeout)};
}

server_totals server::totals() const {
  const serve::visitor_totals visitors = log_.totals();
  return {.connections = visitors.connections,
          .datagrams = datagrams_.load(),
          .octets = octets_.load(),
          .ignored = visitors.refused,
          .turned_away = visitors.turned_away};
}

std::string server::conclude() {
  log_.finish();
  const server_totals all = totals();
  return fmt::format("echoed {}: {}, {}; ignored {} from services' ports, {} turned away",
                     count_of(all.octets, "octet"), count_of(all.connections, "connection"),
                     count_of(all.datagrams, "datagram"), all.ignored, all.turned_away);
}

std::unique_ptr<machine> server::open(const serve::visitor& who) {
  log_.arrived(who.peer, who.local);
  return std::make_unique<session>(parameters_.idle_timeout, who.now);
}

void server::closed(machine& ended, const net::tcp::endpoint& peer, const result<void>& how) {
  const auto& its = static_cast<session&>(ended);
  octets_.fetch_add(its.octets(), std::memory_order_relaxed);
  log_.left(peer, how, count_of(its.octets(), "octet"), its.since());
}

bytes server::full(const net::tcp::endpoint& peer, const serve::client_bound& reached) {
  log_.turned_away(peer, reached);
  return {};  // an echo service cannot send a message of its own
}

bool server::answer(const serve::datagram& request, bytes& reply) {
  if (serve::is_from_service(request)) {
    log_.refused(request, [] { return "its source port is that of a service"; });
    return false;
  }
  datagrams_.fetch_add(1, std::memory_order_relaxed);
  octets_.fetch_add(request.length, std::memory_order_relaxed);
  append(reply, request.octets);
  log_.visited(request, [&] { return count_of(request.length, "octet"); });
  return true;
}

void server::trouble(const std::string& line) { log_.trouble(line); }

}  // namespace netlab::echo
