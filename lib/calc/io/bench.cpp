// SPDX-License-Identifier: MIT
#include "calc/io/bench.hpp"

#include <atomic>
#include <list>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "base/random.hpp"
#include "calc/datagram_client.hpp"
#include "net/drive.hpp"
#include "net/expiry.hpp"
#include "net/fd.hpp"
#include "serve/workers.hpp"

namespace netlab::calc {

using net::tcp;
using net::udp;

namespace {

constexpr auto reconnect_pause = std::chrono::milliseconds(100);

/// Random requests of every operation, whose results all fit in 32 bits.
class generator {
 public:
  generator(std::size_t numbers, std::uint32_t seed) : numbers_(numbers), random_(seed) {}

  [[nodiscard]] request next() {
    ++id_;
    // MIN and MAX of no numbers have no answer.
    const auto op = static_cast<operation>(numbers_ == 0 ? id_ % 2 : id_ % 4);
    request made{.id = id_, .op = std::string(name_of(op)), .numbers = std::vector<std::int32_t>(numbers_)};
    // A product of 255 numbers ±1 and a sum of 255 numbers below 2^20 fit in 32 bits.
    for (std::int32_t& number : made.numbers) {
      const auto bits = static_cast<std::int32_t>(random_());
      number = op == operation::product ? ((bits & 1) != 0 ? 1 : -1) : (bits & 0xfffff) - 0x80000;
    }
    return made;
  }

 private:
  std::size_t numbers_;
  std::minstd_rand random_;
  std::uint32_t id_ = 0;
};

/// The connections of one thread and their measurements.
class bench_worker {
 public:
  bench_worker(asio::io_context& on, const bench_options& options, const net::destination& to, time_point end)
      : context_(on), options_(options), to_(to), end_(end) {}

  void start(std::size_t connections, std::uint32_t seed, std::function<void()> finished) {
    finished_ = std::move(finished);
    running_ = connections;
    for (std::size_t index = 0; index < connections; ++index)
      asio::co_spawn(
          context_,
          options_.server.protocol == net::transport::tcp
              ? run_tcp(generator(options_.numbers, seed + static_cast<std::uint32_t>(index)))
              : run_udp(generator(options_.numbers, seed + static_cast<std::uint32_t>(index))),
          asio::bind_cancellation_slot(cancel_.emplace_back().slot(), [this](const std::exception_ptr& error) {
            net::rethrow(error);
            if (--running_ == 0) finished_();
          }));
  }

  /// Call it in the worker's thread: sends no more requests and waits for no more answers. Requests in flight do not
  /// count as lost, because their time was cut short.
  void stop() {
    end_ = clock::now();
    stopped_ = true;
    for (const auto& each : under_way_) each();
    for (auto& each : cancel_) each.emit(asio::cancellation_type::terminal);
  }

  [[nodiscard]] bool reached() const noexcept { return reached_; }
  [[nodiscard]] const bench_report& report() const noexcept { return report_; }

 private:
  [[nodiscard]] bool over() const { return clock::now() >= end_; }

  void record(const outcome& one) {
    if (one.value) {
      ++report_.answers;
      report_.latencies.record(one.elapsed);
      return;
    }
    ++(one.value.error().code == errc::peer_protocol ? report_.wrong : report_.lost);
    note(one.value.error());
  }

  /// Records that the server, which accepted connections before, now refuses them.
  void note_end(const std::error_code& why) {
    report_.server_ended = true;
    report_.first_failure = failure{why, {}, fmt::format("{}: the server has stopped", message_of(why)), {}};
  }

  void note(const failure& why) {
    if (!report_.first_failure) report_.first_failure = why;
  }

  [[nodiscard]] net::dial_options dial() const {
    return {.local = options_.server.local,
            .restrict_to = options_.server.restrict_to,
            .deadline = clock::now() + options_.server.timeout};
  }

  asio::awaitable<void> pause() {
    asio::steady_timer timer(context_, reconnect_pause);
    co_await timer.async_wait(net::use_tuple);
  }

  asio::awaitable<void> run_tcp(generator requests) {
    // After a cancellation, return what was measured instead of being destroyed.
    co_await asio::this_coro::throw_if_cancelled(false);
    // For a connection that the server closed after answers: its unanswered requests and the number of its answers.
    std::vector<client::unanswered> again;
    std::uint64_t answers_before = 0;
    do {
      auto socket = co_await net::dial_tcp(to_, dial());
      if (stopped_) co_return;
      if (!socket) {
        report_.lost += std::max<std::size_t>(again.size(), 1);
        again.clear();
        if (reached_ && socket.error().code == std::errc::connection_refused) {
          note_end(socket.error().code);
          co_return;
        }
        note(socket.error());
        if (!reached_) co_return;
        co_await pause();
        continue;
      }
      reached_ = true;
      if (!again.empty()) {
        ++report_.closed;
        report_.answers_before_close += answers_before;
      }
      client* running = nullptr;
      bool failed = false;
      client session(options_.server.order, options_.server.timeout, [&](const outcome& one) {
        record(one);
        failed = failed || !one.value;
        if (over())
          running->close();
        else
          running->submit(0, requests.next(), clock::now());
      });
      running = &session;
      for (client::unanswered& each : std::exchange(again, {})) session.submit(0, std::move(each.asked), clock::now());
      while (session.outstanding() < options_.pipeline) session.submit(0, requests.next(), clock::now());
      net::driver<tcp::socket> drive(*socket, session, {});
      const auto stopper = under_way_.insert(under_way_.end(), [&drive] { drive.abort(); });
      const std::error_code error = co_await drive.run();
      under_way_.erase(stopper);
      if (stopped_) co_return;
      auto unanswered = session.take_unanswered();
      if (session.answers() > 0 && !failed && !unanswered.empty()) {
        again = std::move(unanswered);
        answers_before = session.answers();
        continue;
      }
      report_.lost += unanswered.size();
      if (!unanswered.empty()) note({error ? error : make_error_code(errc::closed_by_peer), {}, {}, {}});
      if (!over()) co_await pause();
    } while (!over());
  }

  asio::awaitable<void> run_udp(generator requests) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto socket = net::dial_udp(context_.get_executor(), to_, to_.addresses.front(), dial());
    if (!socket) {
      note(socket.error());
      co_return;
    }
    reached_ = true;
    datagram_client session(options_.server.order, options_.server.timeout, 0,
                            [&](const outcome& one) { record(one); });
    std::error_code error;
    socket->non_blocking(true, error);
    bytes buffer(64 * 1024);
    while (!stopped_) {
      const bool finishing = over();
      while (!finishing && session.outstanding() < options_.pipeline) session.submit(0, requests.next(), clock::now());
      bool refused = false;  // an ICMP error, which any following call may report
      for (const bytes& datagram : session.take_output()) {
        socket->send(asio::buffer(datagram), 0, error);
        refused = refused || error == asio::error::connection_refused;
      }
      if (session.outstanding() == 0) break;
      if (!refused) {
        const net::expiry limit(*socket, earlier(never, session.deadline()));
        co_await socket->async_wait(udp::socket::wait_read, net::use_tuple);
      }
      for (;;) {
        const std::size_t size = socket->receive(asio::buffer(buffer), 0, error);
        if (error) break;
        session.receive(bytes_view(buffer).first(size), clock::now());
      }
      if (refused || error == asio::error::connection_refused) {
        session.fail_all({asio::error::connection_refused, {}, {}, {}}, clock::now());
        if (report_.answers > 0) note_end(asio::error::connection_refused);
        break;
      }
      session.tick(clock::now());
    }
  }

  asio::io_context& context_;
  const bench_options& options_;
  const net::destination& to_;
  time_point end_;
  bench_report report_;
  std::function<void()> finished_;
  std::list<std::function<void()>> under_way_;  // callbacks that end the sessions in stop()
  std::list<asio::cancellation_signal> cancel_;  // wakes the coroutines in stop(), one per connection
  bool stopped_ = false;
  std::size_t running_ = 0;
  bool reached_ = false;
};

}  // namespace

asio::awaitable<result<bench_report>> bench(bench_options options) {
  const net::dial_options dial{.local = options.server.local,
                               .restrict_to = options.server.restrict_to,
                               .deadline = clock::now() + options.server.timeout};
  const auto to = co_await net::find(options.server.host, options.server.port, dial);
  if (!to) co_return unexpected(to.error());

  net::raise_descriptor_limit();
  serve::workers threads(static_cast<unsigned>(std::min<std::size_t>(options.threads, options.connections)));
  const time_point begin = clock::now();
  std::vector<std::unique_ptr<bench_worker>> all;
  // Shared with the handlers that workers post, which may run after this function has returned.
  const auto finished = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, never);
  const auto wake = [finished] { asio::post(finished->get_executor(), [finished] { finished->cancel(); }); };
  std::atomic<unsigned> running{threads.size()};
  std::atomic<bool> failed{false};
  for (unsigned index = 0; index < threads.size(); ++index) {
    const std::size_t share =
        options.connections / threads.size() + (index < options.connections % threads.size() ? 1 : 0);
    all.push_back(std::make_unique<bench_worker>(threads.context(index), options, *to, begin + options.length));
    all.back()->start(share, static_cast<std::uint32_t>(random_number()), [&running, wake] {
      if (--running == 0) wake();
    });
  }
  threads.start([&failed, wake] {
    failed = true;
    wake();
  });
  bench_report total;
  while (running > 0 && !failed) {
    co_await finished->async_wait(net::use_tuple);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none || total.stopped) continue;
    total.stopped = true;
    for (unsigned index = 0; index < threads.size(); ++index)
      asio::post(threads.context(index), [one = all[index].get()] { one->stop(); });
  }
  total.elapsed = clock::now() - begin;
  threads.join();

  bool reached = false;
  for (const auto& one : all) {
    const bench_report& part = one->report();
    reached = reached || one->reached();
    total.latencies.merge(part.latencies);
    total.answers += part.answers;
    total.wrong += part.wrong;
    total.lost += part.lost;
    total.closed += part.closed;
    total.answers_before_close += part.answers_before_close;
    if (part.server_ended && !std::exchange(total.server_ended, true)) total.first_failure = part.first_failure;
    if (!total.first_failure) total.first_failure = part.first_failure;
  }
  if (total.stopped) co_return total;
  const std::string server = net::to_string(to->host, to->port);
  if (!reached ||
      (total.answers == 0 && total.first_failure && total.first_failure->code == std::errc::connection_refused)) {
    failure why = total.first_failure.value_or(failure{make_error_code(errc::timed_out), {}, {}, {}});
    if (why.context.empty()) why.context = "connect " + server;
    co_return unexpected(std::move(why));
  }
  if (total.first_failure && total.first_failure->context.empty()) total.first_failure->context = server;
  co_return total;
}

}  // namespace netlab::calc
