// SPDX-License-Identifier: MIT
#include "simple/io/serve.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/text.hpp"
#include "simple/chargen.hpp"

namespace netlab::simple {
namespace {

// For each address: enough for 20 clients that share one by NAT and ask once a second.
constexpr double replies_per_second = 20;
constexpr double reply_burst = 50;

wall_time system_time() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

}  // namespace

server::server(const service& which, server_parameters parameters, serve::visitor_log::line_function write)
    : service_(which),
      parameters_(std::move(parameters)),
      log_(std::move(write), parameters_.detail, parameters_.log_name) {
  if (!parameters_.wall_clock) parameters_.wall_clock = system_time;
  if (service_.limits_replies) limit_.emplace(replies_per_second, reply_burst, random_number(), clock::now());
}

serve::limits server::limits() const {
  serve::limits limits{.max_clients = parameters_.max_clients,
                       .max_datagram = service_.max_datagram,
                       .drive = net::serving_for(parameters_.idle_timeout)};
  // The session always has more to send. One repetition being sent and one waiting are enough to keep a reader busy.
  if (service_.sends_without_end) limits.drive.max_unsent = chargen_pattern().size() + 1;
  return limits;
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
  std::string line =
      fmt::format("{} {}: {}", service_.verb, count_of(all.octets, "octet"), count_of(all.connections, "connection"));
  if (service_.over_udp) line += fmt::format(", {}", count_of(all.datagrams, "datagram"));
  if (service_.reply != nullptr)
    line += fmt::format("; ignored {}{}", all.ignored, service_.limits_replies ? "" : " from services' ports");
  return line + fmt::format(", {} turned away", all.turned_away);
}

std::string server::log_text(std::uint64_t octets) const {
  return count_of(octets, "octet").append(service_.log_suffix);
}

std::unique_ptr<machine> server::open(const serve::visitor& who) {
  log_.arrived(who.peer, who.local);
  return service_.open(parameters_.idle_timeout, who.now, parameters_.wall_clock);
}

void server::closed(machine& ended, const net::tcp::endpoint& peer, const result<void>& outcome) {
  const visit& session = static_cast<visit&>(ended);
  octets_.fetch_add(session.octets(), std::memory_order_relaxed);
  const bool is_usual_end =
      !outcome && service_.sends_without_end &&
      (outcome.error().code == std::errc::broken_pipe || outcome.error().code == std::errc::connection_reset);
  log_.left(peer, is_usual_end ? result<void>() : outcome, log_text(session.octets()), session.since());
}

bytes server::full(const net::tcp::endpoint& peer, const serve::client_bound& reached) {
  log_.turned_away(peer, reached);
  return {};  // none of these protocols has a message for it
}

bool server::answer(const serve::datagram& request, bytes& reply) {
  const bool is_answered = service_.reply != nullptr;
  if (!service_.over_udp || (is_answered && !may_answer(request))) return false;
  if (is_answered) service_.reply(reply, request.octets, parameters_.wall_clock);
  const std::size_t octets = is_answered ? reply.size() : request.length;
  datagrams_.fetch_add(1, std::memory_order_relaxed);
  octets_.fetch_add(octets, std::memory_order_relaxed);
  log_.visited(request, [&] { return log_text(octets); });
  return is_answered;
}

bool server::may_answer(const serve::datagram& request) {
  if (serve::is_from_service(request)) {
    log_.refused(request, [] { return "its source port is that of a service"; });
    return false;
  }
  if (!limit_) return true;
  const std::uint64_t source = serve::source_number(request.peer.address());
  const bool is_below_limit = [&] {
    const std::lock_guard lock(limit_mutex_);
    return limit_->take(source, request.arrived);
  }();
  if (!is_below_limit)
    log_.refused(request, [] { return fmt::format("more than {} a second from one address", replies_per_second); });
  return is_below_limit;
}

void server::trouble(const std::string& line) { log_.trouble(line); }

}  // namespace netlab::simple
