// SPDX-License-Identifier: MIT
// The calculation server: TCP and UDP on one port number; binary and text requests.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "calc/io/traffic_watch.hpp"
#include "calc/session.hpp"
#include "serve/service.hpp"
#include "serve/visitor_log.hpp"

namespace netlab::calc {

struct server_parameters {
  session_parameters session;
  std::size_t max_clients = 10'000;
  serve::log_detail detail = serve::log_detail::refusals;
  std::string_view log_name = {};  ///< starts each log line
  traffic_watch* watch = nullptr;  ///< null: nobody watches; else it must outlive the server
};

struct server_totals {
  std::uint64_t connections = 0;
  std::uint64_t answered = 0;      ///< requests over TCP and UDP
  std::uint64_t refused = 0;       ///< requests without an answer
  std::uint64_t turned_away = 0;   ///< connections beyond max_clients
};

class shard;

/// The calculation service. Requests without an answer are counted, and logged with the peer and the reason,
/// rate-limited. It drives its sockets itself, with one shard for each worker.
class server final : public serve::servable {
 public:
  server(server_parameters parameters, serve::visitor_log::line_function write);
  ~server() override;

  [[nodiscard]] server_totals totals() const;

  [[nodiscard]] serve::limits limits() const override;
  [[nodiscard]] std::string conclude() override;
  /// The shards live as long as the server, because they have the totals.
  [[nodiscard]] std::unique_ptr<serve::engine> run_on(serve::workers& on, const serve::limits& limits) override;

 private:
  class sharded_engine;

  server_parameters parameters_;
  serve::visitor_log log_;
  std::deque<serve::client_counts> clients_;  // of each engine
  std::vector<std::unique_ptr<shard>> shards_;
};

}  // namespace netlab::calc
