// SPDX-License-Identifier: MIT
#include "calc/io/query.hpp"

#include <deque>

#include "calc/datagram_client.hpp"
#include "net/drive.hpp"
#include "net/expiry.hpp"
#include "net/icmp.hpp"

namespace netlab::calc {

using net::tcp;
using net::udp;

namespace {

constexpr std::size_t reads_a_turn = 1024;  // datagrams and errors handled before other work gets its turn

/// The common part of TCP and UDP.
struct flow {
  flow(const query_options& query, requester& owner, const asio::any_io_executor& executor)
      : options(query), user(owner), wake(executor, never) {}
  ~flow() { user.on_change({}); }
  flow(const flow&) = delete;
  flow& operator=(const flow&) = delete;

  [[nodiscard]] std::optional<requester::item> next() {
    if (!again.empty()) {
      requester::item item = std::move(again.front());
      again.pop_front();
      return item;
    }
    return user.take();
  }
  [[nodiscard]] bool finished() const { return again.empty() && user.finished(); }

  void report(outcome answer) {
    if (!answer.value) answer.value = unexpected(net::with_context(answer.value.error(), options.host, options.port));
    user.report(answer, where);
  }
  void report_failed(requester::item item, const failure& why) {
    report({item.tag, std::move(item.asked), unexpected(why), duration(0)});
  }

  /// Submits requests while there are any and the pipeline has room.
  template <class Client>
  void submit(Client& session) {
    while (session.outstanding() < options.pipeline) {
      auto item = next();
      if (!item) break;
      session.submit(item->tag, std::move(item->asked), clock::now());
    }
  }

  /// Waits until there may be another request, or until it is cancelled.
  [[nodiscard]] asio::awaitable<void> wait() {
    user.on_change([this] { wake.cancel(); });
    co_await wake.async_wait(net::use_tuple);
    user.on_change({});
  }

  const query_options& options;
  requester& user;
  std::deque<requester::item> again;  // sent but unanswered requests, for the next connection
  net::ends where;
  asio::steady_timer wake;  // never expires
};

/// Uses one connection from its first request to its end. Fails when cancelled.
asio::awaitable<result<void>> use_connection(flow& all, tcp::socket socket) {
  all.where = net::ends_of(socket);
  client session(all.options.order, all.options.timeout);
  net::driver<tcp::socket> drive(socket, session, {});
  all.user.on_change([&drive] { drive.poke(); });
  while (!drive.has_ended()) {
    for (outcome& each : session.take_outcomes()) all.report(std::move(each));
    if (!session.done()) all.submit(session);
    if (all.finished()) session.close();
    co_await drive.turn();
  }
  all.user.on_change({});
  const std::error_code error = drive.error();
  if (net::is_cancelled(error) || net::is_cancelled(co_await asio::this_coro::cancellation_state))
    co_return fail(asio::error::operation_aborted, {});
  for (client::unanswered& left : session.take_unanswered()) all.again.push_back({left.tag, std::move(left.asked)});
  if (error && session.answers() == 0 && !all.again.empty()) {
    all.report_failed(std::move(all.again.front()), {error, {}, {}, {}});
    all.again.pop_front();
  }
  co_return result<void>();
}

asio::awaitable<result<void>> query_tcp(flow& all, net::destination to, net::dial_options dial) {
  bool reached = false;
  while (!all.finished()) {
    auto first = all.next();
    if (!first) {  // nothing to send, so do not connect yet
      if (all.finished()) break;
      co_await all.wait();
      if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
        co_return fail(asio::error::operation_aborted, {});
      continue;
    }
    all.again.push_front(std::move(*first));
    dial.deadline = clock::now() + all.options.timeout;
    auto socket = co_await net::dial_tcp(to, dial);
    if (!socket) {
      if (!reached) co_return unexpected(socket.error());
      if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
        co_return fail(asio::error::operation_aborted, {});
      all.report_failed(std::move(all.again.front()), socket.error());
      all.again.pop_front();
      continue;
    }
    reached = true;
    if (auto used = co_await use_connection(all, std::move(*socket)); !used) co_return used;
  }
  co_return result<void>();
}

/// Queries one address. Returns false if nothing listens there (ICMP) and nothing was answered: try the next address.
asio::awaitable<result<bool>> use_datagrams(flow& all, udp::socket socket, bool is_last) {
  all.where = net::ends_of(socket);
  bool answered = false;
  std::optional<failure> gone;
  datagram_client session(all.options.order, all.options.timeout, all.options.retries);
  const auto report_outcomes = [&] {
    for (outcome& each : session.take_outcomes()) {
      const bool nobody_there = gone || (!each.value && classify(each.value.error().code) == error_class::unavailable);
      if (!each.value && nobody_there && !answered && !is_last) {
        if (!gone) gone = each.value.error();
        all.again.push_back({each.tag, std::move(each.asked)});
        continue;
      }
      answered = true;
      all.report(std::move(each));
    }
  };
  std::error_code error;
  socket.non_blocking(true, error);
  bytes buffer(64 * 1024);
  for (;;) {
    if (!gone) all.submit(session);
    const auto check = [&](std::error_code code) {
      if (!code || code == asio::error::would_block || code == asio::error::try_again) return;
      gone = failure{code, {}, {}, {}};
      session.fail_all(*gone, clock::now());
      report_outcomes();
      if (answered || is_last) gone.reset();
    };
    // A refusal comes from the host itself. Other ICMP errors may be temporary; the session decides what to retransmit.
    const auto check_network = [&](std::error_code icmp_error) {
      if (!icmp_error || icmp_error == std::errc::connection_refused) return check(icmp_error);
      session.unreachable({icmp_error, {}, {}, {}}, clock::now());
      report_outcomes();
    };
    for (const bytes& datagram : session.take_output()) {
      std::error_code icmp_error;
      error = net::send_past_icmp(socket, asio::buffer(datagram), icmp_error);
      check_network(icmp_error);
      check(error);
    }
    if (gone) {
      session.fail_all(*gone, clock::now());
      report_outcomes();
      co_return false;
    }
    if (session.outstanding() == 0) {
      if (all.finished()) co_return true;
      co_await all.wait();
    } else {
      const net::expiry limit(socket, earlier(never, session.deadline()));
      // While the pipeline is full, a new request does not cancel the wait for an answer or a deadline.
      all.user.on_change([&] {
        if (session.outstanding() < all.options.pipeline) socket.cancel();
      });
      co_await socket.async_wait(udp::socket::wait_read, net::use_tuple);
      all.user.on_change({});
    }
    if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
      co_return fail(asio::error::operation_aborted, {});
    // Limited, so that a peer that sends without pause does not delay requests and their deadlines.
    for (std::size_t count = 0; count < reads_a_turn; ++count) {
      const std::size_t size = socket.receive(asio::buffer(buffer), 0, error);
      if (!error) {
        session.receive(bytes_view(buffer).first(size), clock::now());
        report_outcomes();
        continue;
      }
      const std::error_code icmp_error = net::take_icmp_error(socket);
      if (!icmp_error) break;
      check_network(icmp_error);
    }
    // The pending error may have arrived just after its copy in the queue.
    if (error != asio::error::would_block && error != asio::error::try_again) check_network(to_standard(error));
    session.tick(clock::now());
    report_outcomes();
  }
}

asio::awaitable<result<void>> query_udp(flow& all, const net::destination& to, const net::dial_options& dial) {
  const auto executor = co_await asio::this_coro::executor;
  std::optional<failure> last;
  for (std::size_t at = 0; at < to.addresses.size(); ++at) {
    auto socket = net::dial_udp(executor, to, to.addresses[at], dial);
    if (!socket) {
      last = socket.error();
      continue;
    }
    net::want_icmp_errors(*socket);
    auto served = co_await use_datagrams(all, std::move(*socket), at + 1 == to.addresses.size());
    if (!served) co_return unexpected(served.error());
    if (*served) co_return result<void>();
    last.reset();
  }
  if (last) co_return unexpected(*last);
  co_return result<void>();
}

}  // namespace

asio::awaitable<result<void>> query(query_options options, requester& user) {
  const auto executor = co_await asio::this_coro::executor;
  const auto dial = net::dial_options::of(options);
  const auto to = co_await net::find(options.host, options.port, dial);
  if (!to) co_return unexpected(to.error());
  flow all(options, user, executor);
  auto asking = options.protocol == net::transport::tcp ? query_tcp(all, *to, dial) : query_udp(all, *to, dial);
  auto asked = co_await std::move(asking);
  if (!asked) asked = unexpected(net::with_context(std::move(asked.error()), options.host, options.port));
  co_return asked;
}

asio::awaitable<result<query_reply>> query_one(query_options options, request asked) {
  class single final : public requester {
   public:
    explicit single(request asked) : item_({0, std::move(asked)}) {}
    std::optional<item> take() override { return std::exchange(item_, std::nullopt); }
    [[nodiscard]] bool finished() const override { return !item_; }
    void on_change(std::function<void()>) override {}
    void report(const outcome& answer, const net::ends& where) override { reply = query_reply{answer, where}; }

    std::optional<query_reply> reply;

   private:
    std::optional<item> item_;
  };
  single user(std::move(asked));
  const auto done = co_await query(std::move(options), user);
  if (!done) co_return unexpected(done.error());
  if (!user.reply) co_return fail(errc::internal, "a request without an outcome");
  co_return std::move(*user.reply);
}

}  // namespace netlab::calc
