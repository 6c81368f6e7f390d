// SPDX-License-Identifier: MIT
#include "mail/client/io/send.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/random.hpp"
#include "net/drive.hpp"
#include "net/expiry.hpp"

namespace netlab::mail {

using net::tcp;

namespace {

// Messages given to a connection at once: those in the pipeline, and those to follow next.
constexpr std::size_t at_once = client::max_under_way + client::max_under_way / 2 + 1;

std::string fresh_nonce() { return encode_base64(random_octets<24>()); }

/// State shared by the connections.
struct flow {
  flow(send_options its_options, submission_source& its_source, send_observer its_observer,
       const asio::any_io_executor& executor)
      : options(std::move(its_options)), source(its_source), observer(std::move(its_observer)), wake(executor) {}

  [[nodiscard]] std::optional<submission> next() {
    if (!again.empty()) {
      submission first = std::move(again.front());
      again.pop_front();
      return first;
    }
    return source.take();
  }
  [[nodiscard]] bool finished() const { return again.empty() && source.finished(); }
  void changed() {
    for (const auto& [who, react] : listeners) react();
  }
  void fail_one(submission unsent, failure why) {
    delivery one{.tag = unsent.tag, .message_id = {}, .refused = {}, .outcome = unexpected(std::move(why))};
    observer.delivered(std::move(one));
  }

  send_options options;
  submission_source& source;
  send_observer observer;
  std::optional<tls::context> tls;
  net::destination to;
  std::deque<submission> again;  // taken from the source, to be sent on another connection
  std::vector<std::pair<const void*, std::function<void()>>> listeners;
  asio::steady_timer wake;
  unsigned running = 0;
  std::optional<failure> failed;  // why a connection could not be established
  bool stopped = false;
};

/// One worker: connects, sends messages, and reconnects while there are more.
class connection {
 public:
  explicit connection(flow& all) : all_(all) {
    all_.listeners.emplace_back(this, [this] {
      if (changed_) changed_();
    });
  }
  ~connection() {
    std::erase_if(all_.listeners, [this](const auto& each) { return each.first == this; });
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Runs while there is something to send. Fails if a connection could not deliver anything.
  asio::awaitable<result<void>> run() {
    while (!all_.stopped) {
      auto first = all_.next();
      if (!first) {
        if (all_.finished()) break;
        asio::steady_timer wait(co_await asio::this_coro::executor, never);
        changed_ = [&wait] { wait.cancel(); };
        co_await wait.async_wait(net::use_tuple);
        changed_ = {};
        if (net::is_cancelled(co_await asio::this_coro::cancellation_state))
          co_return fail(asio::error::operation_aborted, {});
        continue;
      }
      all_.again.push_front(std::move(*first));
      auto used = co_await use();
      if (!used) co_return used;
    }
    co_return result<void>();
  }

 private:
  asio::awaitable<result<void>> use() {
    const auto& settings = all_.options;
    whole_until_ = clock::now() + settings.max_time;
    auto socket = co_await net::dial_tcp(
        all_.to,
        {.restrict_to = settings.restrict_to, .deadline = std::min(whole_until_, clock::now() + settings.timeout)});
    if (!socket) co_return unexpected(socket.error());

    client_parameters with;
    std::error_code ignored;
    with.helo = settings.helo.empty() ? net::address_literal(socket->local_endpoint(ignored).address()) : settings.helo;
    with.starttls = settings.tls == tls_mode::starttls;
    if (!settings.user.empty())
      with.login = login_parameters{.user = settings.user,
                                    .password = settings.password.copy(),
                                    .mechanisms = settings.mechanisms,
                                    .host = settings.host,
                                    .port = settings.port,
                                    .nonce = fresh_nonce()};
    with.dsn = settings.dsn;
    with.all_or_nothing = settings.all_or_nothing;
    with.timeouts.answer = settings.timeout;
    with.timeouts.message_end = settings.end_timeout;
    reported_ = 0;
    client session(std::move(with), all_.observer.line);
    std::optional<tls::stream> secure;
    std::optional<tls_facts> facts;
    if (settings.tls == tls_mode::implicit) {
      auto begun = co_await secure_it(secure, std::move(*socket));
      if (!begun) co_return unexpected(begun.error());
      facts = secure->facts();
    }
    session.start(facts, clock::now());
    fill(session);
    if (!secure) {
      co_await drive(*socket, session);
      if (session.wants_tls()) {
        auto begun = co_await secure_it(secure, std::move(*socket));
        if (!begun) co_return give_back(session, begun.error());
        session.tls_started(secure->facts(), clock::now());
      }
    }
    if (secure && !session.done()) {
      co_await drive(*secure, session);
      secure->close_notify();
    }
    report_deliveries(session);
    if (net::is_cancelled(co_await asio::this_coro::cancellation_state) || all_.stopped) {
      give_back_all(session);
      co_return fail(asio::error::operation_aborted, {});
    }
    if (session.session()) {
      give_back_all(session);
      co_return result<void>();
    }
    co_return give_back(session, session.session().error());
  }

  /// Returns the unsent messages for another connection; fails if this connection never reached that point.
  result<void> give_back(client& session, failure why) {
    const bool was_ready = ready_;
    give_back_all(session);
    if (reported_ > 0) return {};
    why = net::with_context(std::move(why), all_.options.host, all_.options.port);
    if (!was_ready || all_.again.empty()) return unexpected(std::move(why));
    // The server accepted the session, but it ended on this message: fail the message, and try the next one.
    submission first = std::move(all_.again.front());
    all_.again.pop_front();
    all_.fail_one(std::move(first), std::move(why));
    return {};
  }
  void give_back_all(client& session) {
    ready_ = false;
    auto left = session.take_unsent();
    for (auto each = left.rbegin(); each != left.rend(); ++each) all_.again.push_front(std::move(*each));
    all_.changed();
  }

  asio::awaitable<result<void>> secure_it(std::optional<tls::stream>& secure, tcp::socket socket) {
    secure.emplace(std::move(socket), *all_.tls, tls::peer{.host = all_.options.host, .sni = {}});
    auto begun = co_await secure->handshake(std::min(whole_until_, clock::now() + all_.options.timeout));
    if (begun && all_.observer.secured) all_.observer.secured(*secure);
    co_return begun;
  }

  /// Runs the session over this stream to its end.
  template <class Stream>
  asio::awaitable<void> drive(Stream& stream, client& session) {
    net::driver<Stream> driver(stream, session,
                               {.flush_time = std::chrono::seconds(2), .wipe = true, .quick_acks = true});
    net::expiry limit(driver, whole_until_);
    changed_ = [this, &driver, &session] {
      fill(session);
      driver.poke();
    };
    while (!driver.has_ended()) {
      if (report_deliveries(session)) {
        limit.prolong(whole_until_);
        fill(session);
      }
      co_await driver.turn();
    }
    changed_ = {};
    const std::error_code error = driver.error();
    const bool by_signal = net::is_cancelled(error) && !limit.passed();
    if (by_signal) all_.stopped = true;
    if (!error || session.done()) co_return;
    failure why{error, {}, {}, {}};
    if constexpr (requires { stream.trouble(); }) {
      if (stream.trouble().code) why = stream.trouble();
    }
    if (limit.passed())
      why = {make_error_code(errc::timed_out),
             {},
             fmt::format("not done within {}", to_string(all_.options.max_time)),
             {}};
    else if (by_signal)
      why.detail = "sending was interrupted";
    else
      co_await hear_out(stream, session);  // a server that stopped reading may have sent a reason
    if (!session.done()) session.lost(std::move(why), clock::now());
  }

  template <class Stream>
  asio::awaitable<void> hear_out(Stream& stream, client& session) {
    const net::expiry limit(stream.lowest_layer(), clock::now() + std::chrono::milliseconds(100));
    std::array<std::byte, 4096> piece{};
    while (!session.done()) {
      const auto [error, size] = co_await stream.async_read_some(asio::buffer(piece), net::use_tuple);
      if (size > 0) session.feed(bytes_view(piece).first(size), clock::now());
      if (error) break;
    }
  }

  void fill(client& session) {
    ready_ = ready_ || session.state() == client_state::mail;
    while (session.outstanding() < at_once) {
      auto one = all_.next();
      if (!one) break;
      session.submit(std::move(*one), clock::now());
    }
    if (all_.finished()) session.close(clock::now());
  }

  /// Reports the new results. Returns false if there are none.
  bool report_deliveries(client& session) {
    std::vector<delivery> deliveries = session.take_deliveries();
    if (deliveries.empty()) return false;
    reported_ += deliveries.size();
    ready_ = true;
    whole_until_ = clock::now() + all_.options.max_time;
    for (delivery& each : deliveries) all_.observer.delivered(std::move(each));
    return true;
  }

  flow& all_;
  time_point whole_until_ = never;
  std::function<void()> changed_;
  std::size_t reported_ = 0;
  bool ready_ = false;  // the server accepted the session
};

asio::awaitable<void> run_one(flow& all) {
  const auto executor = co_await asio::this_coro::executor;
  {
    connection one(all);
    auto done = co_await one.run();
    if (!done && (!all.failed || net::is_cancelled(all.failed->code))) all.failed = done.error();
  }
  all.changed();  // the others take over its unsent messages

  --all.running;
  all.wake.expires_at(clock::now());
}

}  // namespace

asio::awaitable<result<void>> send(send_options options, submission_source& source, send_observer observer) {
  const auto executor = co_await asio::this_coro::executor;
  flow all(std::move(options), source, std::move(observer), executor);
  const auto& settings = all.options;
  if (settings.tls != tls_mode::none) {
    auto context = tls::context::client(settings.trust);
    if (!context) co_return unexpected(context.error());
    all.tls = std::move(*context);
  }
  auto to = co_await net::find(settings.host, settings.port,
                               {.restrict_to = settings.restrict_to, .deadline = clock::now() + settings.timeout});
  if (!to) co_return unexpected(to.error());
  all.to = std::move(*to);
  source.on_change([&all] { all.changed(); });
  if (settings.parallel <= 1) {
    connection one(all);
    auto done = co_await one.run();
    source.on_change({});
    co_return done;
  }

  asio::cancellation_signal stop;
  all.running = settings.parallel;
  std::deque<asio::cancellation_signal> stops(settings.parallel);
  for (unsigned each = 0; each < settings.parallel; ++each) {
    const auto task = [](flow& its) -> asio::awaitable<void> {
      co_await asio::this_coro::throw_if_cancelled(false);
      co_await run_one(its);
    };
    asio::co_spawn(executor, task(all), asio::bind_cancellation_slot(stops[each].slot(), net::rethrow));
  }
  while (all.running > 0) {
    all.wake.expires_at(never);
    co_await all.wake.async_wait(net::use_tuple);
    if (!all.stopped && net::is_cancelled(co_await asio::this_coro::cancellation_state)) {
      all.stopped = true;
      co_await asio::this_coro::reset_cancellation_state();
      for (auto& each : stops) each.emit(asio::cancellation_type::terminal);
    }
  }
  source.on_change({});
  if (all.stopped) co_return fail(asio::error::operation_aborted, {});
  // The messages of a failed connection may have been sent by others.
  if (all.failed && !all.finished()) co_return unexpected(std::move(*all.failed));
  co_return result<void>();
}

}  // namespace netlab::mail
