// SPDX-License-Identifier: MIT
#include "calc/io/bench.hpp"

#include <fcntl.h>

#include <atomic>
#include <list>
#include <memory>

#include <fmt/format.h>

#include "base/random.hpp"
#include "calc/io/bench_sockets.hpp"
#include "net/fd.hpp"
#include "serve/workers.hpp"

namespace netlab::calc {
namespace {

/// The sockets of one thread.
struct bench_worker {
  bench_worker(const prepared_requests& requests, const bench_options& options, time_point end)
      : shard{.requests = requests, .pipeline = options.pipeline, .timeout = options.server.timeout, .end = end} {}

  void start() {
    for (bench_stream& each : streams) each.start();
    for (bench_datagrams& each : datagrams) each.start();
  }
  void stop() {
    for (bench_stream& each : streams) each.stop();
    for (bench_datagrams& each : datagrams) each.stop();
  }

  bench_shard shard;
  std::list<bench_stream> streams;
  std::list<bench_datagrams> datagrams;
};

/// A non-blocking descriptor that Asio does not use any more.
template <class Socket>
net::unique_fd released(Socket& socket) {
  std::error_code error;
  socket.non_blocking(true, error);
  return net::unique_fd(socket.release(error));
}

}  // namespace

asio::awaitable<result<bench_report>> bench(bench_options options) {
  const auto dial = net::dial_options::of(options.server);
  const auto to = co_await net::find(options.server.host, options.server.port, dial);
  if (!to) co_return unexpected(to.error());

  net::raise_descriptor_limit();
  bench_report total;
  const bool is_tcp = options.server.protocol == net::transport::tcp;
  const auto executor = co_await asio::this_coro::executor;
  // The first connection shows which address answers, and why none does.
  net::unique_fd first;
  net::tcp::endpoint server;
  if (is_tcp) {
    auto socket = co_await net::dial_tcp(*to, dial);
    total.stopped = net::is_cancelled(co_await asio::this_coro::cancellation_state);
    if (total.stopped) co_return total;
    if (!socket) co_return unexpected(socket.error());
    std::error_code error;
    server = socket->remote_endpoint(error);
    first = released(*socket);
  }

  const prepared_requests requests(options.numbers, options.server.order, static_cast<std::uint32_t>(random_number()));
  const time_point begin = clock::now();
  std::vector<std::unique_ptr<bench_worker>> all;
  while (all.size() < std::min<std::size_t>(options.threads, options.connections))
    all.push_back(std::make_unique<bench_worker>(requests, options, begin + options.length));
  std::size_t open = 0;
  for (; open < options.connections; ++open) {
    bench_worker& one = *all[open % all.size()];
    if (is_tcp) {
      one.streams.emplace_back(one.shard, 1 + open, server, std::exchange(first, {}));
      continue;
    }
    auto socket = net::dial_udp(executor, *to, to->addresses.front(), dial);
    if (!socket) {
      if (open == 0) co_return unexpected(socket.error());
      one.shard.tally.note(socket.error());
      break;
    }
    one.datagrams.emplace_back(one.shard, 1 + open, released(*socket));
  }

  // Shared with the handlers that workers post, which may run after this function has returned.
  const auto finished = std::make_shared<asio::steady_timer>(executor, never);
  const auto wake = [finished] { asio::post(finished->get_executor(), [finished] { finished->cancel(); }); };
  std::atomic<std::size_t> running{open};
  std::atomic<bool> failed{false};
  serve::workers threads(
      static_cast<unsigned>(all.size()));  // declared last: the threads end before the other variables
  for (unsigned index = 0; index < threads.size(); ++index) {
    bench_worker& one = *all[index];
    one.shard.finished = [&running, wake] {
      if (--running == 0) wake();
    };
    one.shard.loop.post([&one] { one.start(); });
    threads.occupy(index, [&one] { one.shard.loop.run(); }, [&one] { one.shard.loop.stop(); });
  }
  threads.create_threads([&failed, wake] {
    failed = true;
    wake();
  });
  threads.start();
  while (running > 0 && !failed) {
    co_await finished->async_wait(net::use_tuple);
    if (!net::is_cancelled(co_await asio::this_coro::cancellation_state) || total.stopped) continue;
    total.stopped = true;
    for (const auto& each : all) each->shard.loop.post([&one = *each] { one.stop(); });
  }
  total.elapsed = clock::now() - begin;
  threads.join();

  for (const auto& each : all) {
    const bench_shard& part = each->shard;
    if (part.server_ended && !std::exchange(total.server_ended, true)) total.first_failure = part.tally.first_failure;
    total.merge(part.tally);
    total.closed += part.closed;
    total.answers_before_close += part.answers_before_close;
  }
  if (total.stopped) co_return total;
  if (total.answers == 0 && total.first_failure && total.first_failure->code == std::errc::connection_refused) {
    failure why = *total.first_failure;
    if (why.context.empty()) why.context = "connect " + net::to_string(to->host, to->port);
    co_return unexpected(std::move(why));
  }
  if (total.first_failure) total.first_failure = net::with_context(std::move(*total.first_failure), to->host, to->port);
  co_return total;
}

}  // namespace netlab::calc
