// SPDX-License-Identifier: MIT
#include "serving.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/fd.hpp"
#include "net/run.hpp"
#include "options.hpp"

namespace netlab::app {
namespace {

constexpr std::uint64_t most_threads = 1024;
constexpr std::uint64_t most_clients = 10'000'000;

void announce(const net::bound& socket, console& out) {
  if (out.wants_json())
    out.json({{"event", "listening"},
              {"proto", net::name_of(socket.protocol)},
              {"address", socket.address.to_string()},
              {"port", socket.port}});
  else
    out.line(
        fmt::format("listening {} {}", net::name_of(socket.protocol), net::to_string(socket.address, socket.port)));
  out.flush();
}

}  // namespace

serving serving::read(arguments& args) {
  serving how;
  args.prefer_typed("tcp", "udp");
  how.listen.tcp = args.flag("tcp");
  how.listen.udp = args.flag("udp");
  if (!how.listen.tcp && !how.listen.udp) how.listen.tcp = how.listen.udp = true;
  how.listen.restrict_to = shared_options::read_family(args);
  how.listen.port = args.as("port", net::parse_port);
  for (const auto& addresses : args.list_as("bind", net::parse_bind))
    how.listen.addresses.insert(how.listen.addresses.end(), addresses.begin(), addresses.end());
  if (args.has("threads")) how.threads = static_cast<unsigned>(args.number("threads", 1, most_threads));
  how.grace = args.duration("grace");
  how.max_clients = args.number("max-clients", 1, most_clients);
  how.idle_timeout = args.duration("idle-timeout");
  return how;
}

result<void> serve(const serving& how, net::service_handler& handler, net::service_limits limits, console& out) {
  net::raise_descriptor_limit();
  asio::io_context main_loop{1};
  net::workers threads(how.threads);
  net::listen_options listen = how.listen;
  listen.sockets_each = threads.size();
  auto sockets = net::listen(listen);
  if (!sockets) return unexpected(sockets.error());

  net::service service(threads, handler, limits);
  asio::steady_timer grace(main_loop);
  bool drained = false;
  // Before the ready lines: who reads one may send a signal at once.
  net::stop_signals signals(main_loop, [&](int) {
    service.stop([&] {
      asio::post(main_loop, [&] {
        drained = true;
        grace.cancel();
        signals.cancel();
      });
    });
    grace.expires_after(how.grace);
    grace.async_wait([&](std::error_code error) {
      if (!error && !drained) service.abort();
    });
  });
  // A thread that the system refuses is told before anyone is told that it listens.
  threads.start([&] { main_loop.stop(); });
  for (const net::bound& socket : *sockets) announce(socket, out);
  // Who started it cannot know its ports. One that went away after reading them is no reason to end.
  if (const auto lost = out.output_error(); lost && lost != std::errc::broken_pipe)
    return fail(lost, "write to stdout");
  service.start(std::move(*sockets));
  main_loop.run();
  threads.join();
  return {};
}

}  // namespace netlab::app
