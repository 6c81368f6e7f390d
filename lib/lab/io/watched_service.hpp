// SPDX-License-Identifier: MIT
// Watches a service for the journal: passes everything on, and reports connections, octets and datagrams. Without a
// journal nothing is watched, so that it costs nothing.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "calc/io/traffic_watch.hpp"
#include "lab/io/observation_queue.hpp"
#include "mail/sink/io/sink.hpp"
#include "serve/service.hpp"

namespace netlab::lab {

/// At most this many octets of a connection are reported.
inline constexpr std::size_t most_watched_octets = 64 * 1024;

/// Wraps a service and reports to a queue. All arguments must outlive it; `name` must outlive the journal, too.
class watched_service final : public serve::handler {
 public:
  watched_service(serve::handler& inner, std::string_view name, observation_queue& to)
      : inner_(inner), name_(name), to_(to) {}

  [[nodiscard]] serve::limits limits() const override { return inner_.limits(); }
  [[nodiscard]] std::string conclude() override { return inner_.conclude(); }
  std::unique_ptr<machine> open(const serve::visitor& who) override;
  void closed(machine& session, const net::tcp::endpoint& peer, const result<void>& outcome) override;
  serve::tls_answer begin_tls(machine& session) override;
  bytes full(const net::tcp::endpoint& peer, const serve::client_bound& reached) override;
  bool answer(const serve::datagram& request, bytes& reply) override;
  void trouble(const std::string& line) override { inner_.trouble(line); }

 private:
  serve::handler& inner_;
  std::string_view name_;
  observation_queue& to_;
};

/// Watches the calculation server, which drives its sockets itself. Arguments as for watched_service.
class watched_calc final : public calc::traffic_watch {
 public:
  watched_calc(std::string_view name, observation_queue& to) : name_(name), to_(to) {}

  std::unique_ptr<calc::connection_watch> connected(const net::tcp::endpoint& peer) noexcept override;
  void datagram(const serve::datagram& request, bool is_answered) noexcept override;

 private:
  std::string_view name_;
  observation_queue& to_;
};

/// Watches one session of the mail sink. `service`: as for watched_service.
[[nodiscard]] std::unique_ptr<mail::session_watch> watch_mail(const serve::visitor& who, std::string_view service,
                                                              observation_queue& to);

/// The address without its port; an IPv4 address that arrived over IPv6 as IPv4.
[[nodiscard]] std::string address_text(const asio::ip::address& of);

}  // namespace netlab::lab
