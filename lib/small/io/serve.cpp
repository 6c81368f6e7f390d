// SPDX-License-Identifier: MIT
#include "small/io/serve.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/text.hpp"
#include "base/visit.hpp"
#include "small/chargen.hpp"
#include "small/discard.hpp"

namespace netlab::small {
namespace {

// A client that shows a clock asks once a second; a class behind one NAT address has several such clients.
constexpr double replies_per_second = 20;
constexpr double reply_burst = 50;

wall_time system_time() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

/// `5 octets thrown away`
std::string_view past_of(kind which) noexcept { return which == kind::discard ? "discarded" : "sent"; }

}  // namespace

std::string_view name_of(kind which) noexcept {
  switch (which) {
    case kind::chargen: return "chargen";
    case kind::daytime: return "daytime";
    case kind::discard: return "discard";
    case kind::time: return "time";
  }
  return {};
}

server::server(kind which, server_parameters parameters, serve::visitor_log::line_function write)
    : kind_(which),
      parameters_(std::move(parameters)),
      log_(std::move(write), parameters_.detail, parameters_.log_name),
      limit_(replies_per_second, reply_burst, random_number(), clock::now()) {
  if (!parameters_.wall_clock) parameters_.wall_clock = system_time;
}

serve::limits server::limits() const {
  // The contents of a datagram do not matter to any of these services.
  serve::limits limits{
      .max_clients = parameters_.max_clients, .max_datagram = 1, .drive = net::serving_for(parameters_.idle_timeout)};
  // The session can always send more: one repetition being sent and one waiting are enough to keep a reader busy.
  if (kind_ == kind::chargen) limits.drive.max_unsent = chargen_pattern().size() + 1;
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
  std::string line = fmt::format("{} {}: {}", kind_ == kind::discard ? "discarded" : "sent",
                                 count_of(all.octets, "octet"), count_of(all.connections, "connection"));
  if (kind_ != kind::chargen) line += fmt::format(", {}", count_of(all.datagrams, "datagram"));
  if (kind_ == kind::daytime || kind_ == kind::time) line += fmt::format("; ignored {}", all.ignored);
  return line + fmt::format(", {} turned away", all.turned_away);
}

bytes server::words() const {
  if (kind_ == kind::time) return time_octets(parameters_.wall_clock());
  const std::string line = daytime_line(parameters_.wall_clock());
  const bytes_view octets = as_bytes(line);
  return {octets.begin(), octets.end()};
}

std::unique_ptr<machine> server::open(const serve::visitor& who) {
  log_.arrived(who.peer, who.local);
  if (kind_ == kind::discard) return std::make_unique<discard_session>(parameters_.idle_timeout, who.now);
  if (kind_ == kind::chargen) return std::make_unique<chargen_session>(parameters_.idle_timeout, who.now);
  return std::make_unique<announcement>(words(), who.now);
}

void server::closed(machine& ended, const net::tcp::endpoint& peer, const result<void>& how) {
  const visit& its = static_cast<visit&>(ended);
  octets_.fetch_add(its.octets(), std::memory_order_relaxed);
  // A chargen session always ends like this: the peer closes.
  const bool is_orderly =
      !how && kind_ == kind::chargen &&
      (how.error().code == std::errc::broken_pipe || how.error().code == std::errc::connection_reset);
  log_.left(peer, is_orderly ? result<void>() : how,
            fmt::format("{} {}", count_of(its.octets(), "octet"), past_of(kind_)), its.since());
}

bytes server::full(const net::tcp::endpoint& peer, const serve::client_bound& reached) {
  log_.turned_away(peer, reached);
  return {};  // none of these protocols has a message for it
}

bool server::answer(const serve::datagram& request, bytes& reply) {
  switch (kind_) {
    case kind::chargen: return false;
    case kind::discard:
      datagrams_.fetch_add(1, std::memory_order_relaxed);
      octets_.fetch_add(request.length, std::memory_order_relaxed);
      log_.visited(request, [&] { return fmt::format("{} discarded", count_of(request.length, "octet")); });
      return false;
    case kind::daytime:
    case kind::time: break;
  }
  if (!may_answer(request)) return false;
  const bytes said = words();
  append(reply, bytes_view(said));
  datagrams_.fetch_add(1, std::memory_order_relaxed);
  octets_.fetch_add(said.size(), std::memory_order_relaxed);
  log_.visited(request, [&] { return fmt::format("{} sent", count_of(said.size(), "octet")); });
  return true;
}

bool server::may_answer(const serve::datagram& request) {
  if (serve::is_from_service(request)) {
    log_.refused(request, [] { return "its source port is that of a service"; });
    return false;
  }
  const std::uint64_t source = serve::source_number(request.peer.address());
  const bool is_few = [&] {
    const std::lock_guard lock(limit_mutex_);
    return limit_.take(source, request.arrived);
  }();
  if (!is_few)
    log_.refused(request, [] { return fmt::format("more than {} a second from one address", replies_per_second); });
  return is_few;
}

void server::trouble(const std::string& line) { log_.trouble(line); }

}  // namespace netlab::small
