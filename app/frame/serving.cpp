// SPDX-License-Identifier: MIT
#include "frame/serving.hpp"

#include <algorithm>
#include <atomic>
#include <list>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "frame/options.hpp"
#include "frame/out_of_memory.hpp"
#include "net/fd.hpp"
#include "net/signals.hpp"

namespace netlab::app {
namespace {

constexpr std::uint64_t most_threads = 1024;
constexpr std::uint64_t most_clients = 10'000'000;

// The least limit per address, even if --max-clients is small: a class or a test may use a single machine.
constexpr std::size_t few_clients = 100;

/// Half of the service's clients, but less than its share of the descriptors: an address that fills one service, or all
/// of them, must leave room for others.
std::size_t default_per_address(std::size_t max_clients, std::size_t services) {
  const std::size_t share = net::descriptor_limit() / services;
  return std::max<std::size_t>(1, std::min(std::max(max_clients / 2, few_clients), share / 4 * 3));
}

void announce(const serve::bound& socket, const served& which, console& out) {
  const std::string_view protocol =
      which.shown_protocol.empty() ? net::name_of(socket.protocol) : std::string_view(which.shown_protocol);
  if (out.wants_json()) {
    nlohmann::ordered_json ready{
        {"event", "listening"}, {"proto", protocol}, {"address", socket.address.to_string()}, {"port", socket.port}};
    if (!which.name.empty()) ready["service"] = which.name;
    if (!which.tls.empty()) ready["tls"] = which.tls;
    out.json(ready);
  } else {
    std::string line = fmt::format("listening {} {}", protocol, net::to_string(socket.address, socket.port));
    for (const std::string& word : {which.tls, which.name})
      if (!word.empty()) line += " " + word;
    out.line(line);
  }
  out.flush();
}

/// Stops the threads at the end of the scope.
struct stopped_first {
  const std::vector<serve::workers*>& all;
  ~stopped_first() {
    for (serve::workers* each : all) each->stop();
  }
};

/// The failure of listen() for one of several services.
failure explain(failure why, const served& service) {
  if (!service.name.empty())
    why.context = why.context.empty() ? service.name : fmt::format("{}: {}", service.name, why.context);
  if (!service.cure.empty() && why.code == std::errc::address_in_use) why.hint = service.cure;
  if (!service.privilege_cure.empty() && why.code == std::errc::permission_denied) why.hint = service.privilege_cure;
  return why;
}

}  // namespace

serving serving::read(arguments& args) {
  args.prefer_typed("tcp", "udp");
  serving parameters = read_common(args);
  parameters.listen.tcp = args.flag("tcp");
  parameters.listen.udp = args.flag("udp");
  if (!parameters.listen.tcp && !parameters.listen.udp) parameters.listen.tcp = parameters.listen.udp = true;
  parameters.listen.port = args.as("port", net::parse_port);
  return parameters;
}

serving serving::read_common(arguments& args) {
  serving parameters;
  parameters.listen.restrict_to = shared_options::read_family(args);
  for (const auto& addresses : args.list_as("bind", serve::parse_bind))
    parameters.listen.addresses.insert(parameters.listen.addresses.end(), addresses.begin(), addresses.end());
  if (args.has("threads")) parameters.threads = static_cast<unsigned>(args.number("threads", 1, most_threads));
  parameters.grace = args.duration("grace");
  parameters.max_clients = args.number("max-clients", 1, most_clients);
  if (args.has("max-clients-per-address"))
    parameters.max_clients_per_address = args.number("max-clients-per-address", 1, most_clients);
  parameters.idle_timeout = args.duration("idle-timeout");
  return parameters;
}

result<void> serve(const serving& parameters, const std::vector<served>& services, console& out) {
  net::raise_descriptor_limit();
  asio::io_context main_loop{1};
  serve::workers threads(parameters.threads);
  std::list<serve::workers> own_threads;  // of services that share none
  std::vector<std::vector<serve::bound>> sockets;
  std::vector<std::unique_ptr<serve::engine>> running;
  for (const served& each : services) {
    serve::listen_options listen = each.listen;
    serve::workers& on = each.on != nullptr                   ? *each.on
                         : each.handler.sessions() == nullptr ? own_threads.emplace_back(parameters.threads)
                                                              : threads;
    listen.sockets_each = on.size();
    auto opened = serve::listen(listen);
    if (!opened) return unexpected(explain(opened.error(), each));
    sockets.push_back(std::move(*opened));
    serve::limits limits = each.handler.limits();
    limits.max_clients_per_address =
        parameters.max_clients_per_address.value_or(default_per_address(limits.max_clients, services.size()));
    running.push_back(each.handler.run_on(on, limits));
    if (each.identities.empty()) continue;
    if (auto used = running.back()->use_tls(each.identities, each.implicit_tls); !used) return used;
  }

  asio::steady_timer grace(main_loop);
  std::atomic<std::size_t> open = running.size();
  bool drained = false;
  // Before the ready lines, because their reader may send a signal at once.
  net::stop_signals signals(main_loop, [&](int) {
    for (const auto& each : running)
      each->stop([&] {
        if (--open > 0) return;
        asio::post(main_loop, [&] {
          drained = true;
          grace.cancel();
          signals.cancel();
        });
      });
    grace.expires_after(parameters.grace);
    grace.async_wait([&](std::error_code error) {
      if (error || drained) return;
      for (const auto& each : running) each->abort();
    });
  });
  // However this function ends, no thread uses its variables afterwards.
  std::vector<serve::workers*> loops = parameters.more_loops;
  if (own_threads.size() < services.size()) loops.push_back(&threads);
  for (serve::workers& each : own_threads) loops.push_back(&each);
  const stopped_first workers_end{loops};
  // If the system refuses a thread, or the memory to serve with, report that before any ready line.
  for (serve::workers* each : loops) each->create_threads([&] { main_loop.stop(); });
  for (std::size_t at = 0; at < services.size(); ++at) running[at]->start(sockets[at]);
  if (parameters.ready_first) parameters.ready_first();
  for (std::size_t at = 0; at < services.size(); ++at) {
    for (const serve::bound& socket : sockets[at]) announce(socket, services[at], out);
    if (services[at].announced) services[at].announced(sockets[at].front());
  }
  // Without ready lines, the caller does not know the ports. A reader that closed the pipe after reading them is not an
  // error.
  if (const auto lost = out.output_error(); lost && lost != std::errc::broken_pipe)
    return fail(lost, "write to stdout");
  survive_out_of_memory();
  for (serve::workers* each : loops) each->start();
  main_loop.run();
  for (serve::workers* each : loops) each->join();
  return {};
}

result<void> serve(const serving& parameters, serve::servable& handler, console& out) {
  return serve(parameters, {{.listen = parameters.listen, .handler = handler}}, out);
}

}  // namespace netlab::app
