// SPDX-License-Identifier: MIT
// A calculation server in threads of the test, and a request to try it with.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "calc/io/serve.hpp"
#include "support/octets.hpp"
#include "support/serving.hpp"
#include "support/socket.hpp"

namespace netlab::test {

/// A calculation server, over TCP and UDP unless the test wants something else.
struct calculator {
  explicit calculator(calc::server_parameters parameters = {}, serve::listen_options where = {.tcp = true, .udp = true},
                      unsigned threads = 2)
      : server(parameters, std::ref(log)), serving(server, server.limits(), std::move(where), threads) {}
  [[nodiscard]] std::uint16_t port() const { return serving.port(); }

  log_lines log;
  calc::server server;
  running serving;
};

/// 2 + 3, and the reply: 5
inline const std::string sum_request = octets("00000001 'SUM' 02 00000002 00000003");
inline const std::string sum_reply = octets("00000001 00000005");

[[nodiscard]] inline bool answers_sum(peer& from) {
  from.send(sum_request);
  return from.receive(sum_reply.size()) == sum_reply;
}

[[nodiscard]] inline std::string repeat(const std::string& text, std::size_t count) {
  std::string all;
  for (; count > 0; --count) all += text;
  return all;
}

}  // namespace netlab::test
