// SPDX-License-Identifier: MIT
#include "serve/service.hpp"

#include <array>
#include <new>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "base/line_buffer.hpp"
#include "net/dial.hpp"
#include "support/certificates.hpp"
#include "support/files.hpp"
#include "support/serving.hpp"
#include "support/socket.hpp"

namespace netlab::serve::service_test {

using namespace test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using net::tcp;

namespace {

/// The result of slow work that a session waits for, done by another thread.
struct thought {
  std::function<void()> wake;
  std::atomic<bool> is_there = false;
};
using thinker = std::function<void(std::shared_ptr<thought>)>;

/// Greets, then echoes each line. The line `tls` starts TLS, `think` waits for a thought, `memory` throws
/// std::bad_alloc, `end` ends the session.
class talker final : public machine {
 public:
  talker(const serve::visitor& who, thinker think)
      : think_(std::move(think)), thought_(std::make_shared<thought>(who.wake)), awaits_tls_(who.secure) {
    if (!who.secure) say("hello");
  }
  void feed(bytes_view from_peer, time_point) override {
    if (awaits_tls_) say("in clear");
    if (awaits_tls_) done_ = true;
    lines_.append(as_text(from_peer));
    go_on();
  }
  void eof(time_point) override { done_ = true; }
  void tick(time_point) override {}
  bytes take_output() override { return std::exchange(output_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return std::nullopt; }
  [[nodiscard]] bool done() const override { return done_; }
  void stop(time_point) override {
    say("stopped");
    done_ = true;
  }
  void cut_off(time_point) override {
    if (!thinking_) say("cut off");
    done_ = !thinking_;
  }
  [[nodiscard]] bool wants_tls() const override { return awaits_tls_ && !done_; }
  void tls_started(const tls_facts& facts, time_point) override {
    awaits_tls_ = false;
    say(facts.version);
  }
  [[nodiscard]] bool busy() const override { return thinking_; }
  void resume(time_point) override {
    if (!thinking_ || !thought_->is_there) return;
    thinking_ = false;
    say("a thought");
    go_on();
  }

 private:
  void say(std::string_view words) {
    append(output_, words);
    append(output_, "\n");
  }
  void go_on() {
    while (!done_ && !awaits_tls_ && !thinking_) {
      const auto line = lines_.next();
      if (!line) return;
      if (line->text == "memory") throw std::bad_alloc();
      say(line->text);
      done_ = line->text == "end";
      awaits_tls_ = line->text == "tls";
      thinking_ = line->text == "think";
      if (thinking_) think_(thought_);
    }
    if (awaits_tls_ && !lines_.empty()) done_ = true;
  }

  line_buffer lines_{100};
  thinker think_;
  std::shared_ptr<thought> thought_;
  bytes output_;
  bool awaits_tls_;
  bool thinking_ = false;
  bool done_ = false;
};

class talking final : public serve::handler {
 public:
  explicit talking(thinker think = {}) : think_(std::move(think)) {}
  std::unique_ptr<machine> open(const serve::visitor& who) override { return std::make_unique<talker>(who, think_); }
  void closed(machine&, const tcp::endpoint&, const result<void>& outcome) override {
    ends(outcome ? "well" : describe(outcome.error()));
  }
  bytes full(const tcp::endpoint&, const serve::client_bound& reached) override {
    ends(describe(reached));
    return {};
  }
  bool answer(const serve::datagram&, bytes&) override { return false; }
  void trouble(const std::string&) override {}
  serve::tls_answer begin_tls(machine&) override { return tls; }

  serve::tls_answer tls;
  log_lines ends;

 private:
  thinker think_;
};

tls::server_options shown(const char* names) {
  const identity server({.alternative_names = names}, &lab_ca());
  return {.certificates = server.certificate(), .key = server.key(), .client_ca_file = {}, .alpn = {}};
}

/// A service with TLS that stops before its handler is destroyed.
struct talk {
  explicit talk(serve::handler& handler, bool implicit = false, serve::limits limits = {})
      : threads(2), service(threads, handler, limits) {
    auto sockets = serve::listen({.port = 0, .sockets_each = 2});
    REQUIRE(sockets);
    port = sockets->front().port;
    REQUIRE(service.use_tls({shown("DNS:localhost"), shown("DNS:elsewhere.example")}, implicit));
    service.start(*sockets);
    threads.start();
  }
  ~talk() { threads.join(); }

  serve::workers threads;
  serve::service service;
  std::uint16_t port = 0;
};

template <class Stream>
asio::awaitable<std::string> ask(Stream& stream, std::string_view words, std::string_view until) {
  co_await asio::async_write(stream, asio::buffer(words), net::use_tuple);
  std::string received;
  std::array<char, 1000> piece{};
  while (!received.ends_with(until)) {
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(piece), net::use_tuple);
    if (error) break;
    received.append(piece.data(), size);
  }
  co_return received;
}

asio::awaitable<tcp::socket> connect(std::uint16_t port) {
  net::destination to{.host = "localhost", .port = port, .addresses = {asio::ip::address_v4::loopback()}};
  auto socket = co_await net::dial_tcp(std::move(to), {.deadline = clock::now() + 20s});
  REQUIRE(socket);
  co_return std::move(*socket);
}

tls::context trusting(const scratch_directory& files) {
  auto made = tls::context::client({.ca_file = files.file("ca.pem", lab_ca().certificate())});
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_CASE("service: a session goes on over TLS when it wants to", "[serve][loop]") {
  talking handler;
  talk here(handler);
  const scratch_directory files;
  const auto task = [&]() -> asio::awaitable<bool> {
    auto socket = co_await connect(here.port);
    const std::string heard1 = co_await ask(socket, "one\ntls\n", "tls\n");
    CHECK(heard1 == "hello\none\ntls\n");
    tls::stream stream(std::move(socket), trusting(files), {.host = "localhost", .sni = {}});
    const auto begun = co_await stream.handshake(clock::now() + 20s);
    CHECK(begun);
    const std::string heard2 = co_await ask(stream, "two\nend\n", "end\n");
    CHECK(heard2 == "TLSv1.3\ntwo\nend\n");
    std::array<char, 10> more{};
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(more), net::use_tuple);
    CHECK(error == asio::error::eof);
    CHECK(size == 0);
    CHECK_FALSE(stream.was_truncated());
    co_return true;
  };
  CHECK(outcome_of(task()));
  CHECK(becomes_true([&] { return handler.ends.all() == std::vector<std::string>{"well"}; }));
}

TEST_CASE("service: octets behind the wish for TLS reach the session as what they are", "[serve][loop]") {
  talking handler;
  talk here(handler);
  const auto task = [&]() -> asio::awaitable<bool> {
    auto socket = co_await connect(here.port);
    const std::string received = co_await ask(socket, "tls\ninjected\n", "never");
    CHECK(received == "hello\ntls\n");
    co_return true;
  };
  CHECK(outcome_of(task()));
}

TEST_CASE("service: with implicit TLS nothing is said before it, and the handler chooses the identity",
          "[serve][loop]") {
  talking handler;
  talk here(handler, true);
  const scratch_directory files;
  const auto task = [&](bool fits) -> asio::awaitable<bool> {
    auto socket = co_await connect(here.port);
    tls::stream stream(std::move(socket), trusting(files), {.host = "localhost", .sni = {}});
    const auto begun = co_await stream.handshake(clock::now() + 20s);
    CHECK(begun.has_value() == fits);
    if (fits) {
      const std::string received = co_await ask(stream, "end\n", "end\n");
      CHECK(received == "TLSv1.3\nend\n");
    }
    co_return true;
  };
  CHECK(outcome_of(task(true)));
  CHECK(becomes_true([&] { return handler.ends.all().size() == 1; }));
  handler.tls.identity = 1;
  CHECK(outcome_of(task(false)));
  REQUIRE(becomes_true([&] { return handler.ends.all().size() == 2; }));
  CHECK_THAT(handler.ends.all().back(), ContainsSubstring("the peer refused the TLS connection"));
}

TEST_CASE("service: a TLS handshake has its time, whoever is silent", "[serve][loop]") {
  talking handler;
  if (GENERATE(false, true)) handler.tls.action = serve::tls_answer::kind::silence;
  talk here(handler, true, {.handshake_time = 50ms});
  const auto task = [&]() -> asio::awaitable<bool> {
    auto socket = co_await connect(here.port);
    const std::string received = co_await ask(socket, "", "never");
    CHECK(received.empty());
    co_return true;
  };
  CHECK(outcome_of(task()));
  REQUIRE(becomes_true([&] { return handler.ends.all().size() == 1; }));
  CHECK_THAT(handler.ends.all().front(), ContainsSubstring("timed out"));
}

TEST_CASE("service: a stop ends silence in the handshake, and a session over TLS in order", "[serve][loop]") {
  talking handler;
  talk here(handler, true, {.handshake_time = 1h});
  const scratch_directory files;
  const auto task = [&]() -> asio::awaitable<bool> {
    auto socket = co_await connect(here.port);
    tls::stream stream(std::move(socket), trusting(files), {.host = "localhost", .sni = {}});
    const auto begun = co_await stream.handshake(clock::now() + 20s);
    CHECK(begun);
    const std::string heard3 = co_await ask(stream, "one\n", "one\n");
    CHECK(heard3 == "TLSv1.3\none\n");
    handler.tls.action = serve::tls_answer::kind::silence;
    auto silent = co_await connect(here.port);
    while (here.service.clients() < 2) co_await asio::post(asio::use_awaitable);
    auto drained = std::make_shared<std::promise<void>>();
    here.service.stop([drained] { drained->set_value(); });
    const std::string heard4 = co_await ask(stream, "", "never");
    CHECK(heard4 == "stopped\n");
    const std::string heard5 = co_await ask(silent, "", "never");
    CHECK(heard5 == "");
    stream.close_notify();
    CHECK(is_ready(drained->get_future()));
    co_return true;
  };
  CHECK(outcome_of(task()));
}

TEST_CASE("service: a busy session is fed nothing until another thread wakes it", "[serve][loop]") {
  std::mutex mutex;
  std::vector<std::shared_ptr<thought>> waiting;
  talking handler([&](std::shared_ptr<thought> one) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(one));
  });
  talk here(handler);
  const auto task = [&](bool stays) -> asio::awaitable<bool> {
    auto socket = co_await connect(here.port);
    const std::string heard6 = co_await ask(socket, "think\nafter\n", "think\n");
    CHECK(heard6 == "hello\nthink\n");
    std::shared_ptr<thought> one;
    while (!one) {
      const std::lock_guard lock(mutex);
      if (!waiting.empty()) one = std::move(waiting.back());
      waiting.clear();
    }
    one->wake();  // there is no thought yet
    if (!stays) {
      socket.set_option(tcp::socket::linger(true, 0));
      socket.close();
      co_return true;
    }
    one->is_there = true;
    std::jthread elsewhere([&one] { one->wake(); });
    const std::string heard7 = co_await ask(socket, "end\n", "end\n");
    CHECK(heard7 == "a thought\nafter\nend\n");
    elsewhere.join();
    one->wake();  // the session has ended, or will soon
    co_return true;
  };
  CHECK(outcome_of(task(true)));
  CHECK(outcome_of(task(false)));
  CHECK(becomes_true([&] { return !handler.ends.all().empty(); }));
}

namespace {

/// Always has more to send, and asks for a tick again and again.
class torrent final : public machine {
 public:
  torrent(std::atomic<int>& asked, time_point now) : asked_(asked), next_(now) {}
  void feed(bytes_view, time_point) override {}
  void eof(time_point) override {}
  void tick(time_point now) override { next_ = now + 1ms; }
  bytes take_output() override {
    ++asked_;
    return bytes(piece);
  }
  [[nodiscard]] std::optional<time_point> deadline() const override { return next_; }
  [[nodiscard]] bool done() const override { return false; }

  static constexpr std::size_t piece = net::serving.max_unsent;

 private:
  std::atomic<int>& asked_;
  time_point next_;
};

class pouring final : public serve::handler {
 public:
  std::unique_ptr<machine> open(const serve::visitor& who) override {
    return std::make_unique<torrent>(asked, who.now);
  }
  void closed(machine&, const tcp::endpoint&, const result<void>& outcome) override {
    if (!outcome && outcome.error().code == std::errc::timed_out) ++timed_out;
  }
  bytes full(const tcp::endpoint&, const serve::client_bound&) override { return {}; }
  bool answer(const serve::datagram&, bytes&) override { return false; }
  void trouble(const std::string&) override {}

  std::atomic<int> asked = 0;
  std::atomic<int> timed_out = 0;
};

}  // namespace

TEST_CASE(
    "service: a machine that always has more to say is not asked while its peer has enough to read; the peer goes",
    "[serve][loop]") {
  pouring handler;
  serve::limits limits;
  limits.drive.flush_time = 100ms;
  running here(handler, limits, {.tcp = true, .udp = false});
  const peer never_reads = peer::tcp(here.port());
  REQUIRE(becomes_true([&] { return handler.timed_out == 1; }));
  CHECK(handler.asked < 256);  // 64 MiB: more than the system's buffers and two pieces
}

TEST_CASE("service: a session without memory ends, the others go on", "[serve][loop]") {
  talking handler;
  running here(handler, {}, {.tcp = true, .udp = false}, 1);
  peer other = peer::tcp(here.port());
  peer one = peer::tcp(here.port());
  // Its write is still queued when the machine throws.
  one.send("one\nmemory\n");
  CHECK(becomes_true([&] {
    return handler.ends.all() == std::vector{message_of(std::make_error_code(std::errc::not_enough_memory))};
  }));
  other.send("two\n");
  CHECK(other.receive(10) == "hello\ntwo\n");
  CHECK(here.service().clients() == 1);
}

TEST_CASE("service: whoever is cut off hears the session's last words", "[serve][loop]") {
  talking handler([](const std::shared_ptr<thought>&) {});
  running here(handler, {}, {.tcp = true, .udp = false});
  peer one = peer::tcp(here.port());
  peer thinking = peer::tcp(here.port());
  CHECK(one.receive(6) == "hello\n");
  thinking.send("think\n");
  CHECK(thinking.receive(12) == "hello\nthink\n");
  here.service().abort();
  CHECK(one.receive_all() == "cut off\n");
  CHECK(thinking.receive_all().empty());
}

TEST_CASE("service: one address has only its share of the clients", "[serve][loop]") {
  talking handler;
  running here(handler, {.max_clients = 10, .max_clients_per_address = 2}, {.tcp = true, .udp = false});
  peer first = peer::tcp(here.port());
  peer second = peer::tcp(here.port());
  CHECK(first.receive(6) + second.receive(6) == "hello\nhello\n");
  peer third = peer::tcp(here.port());
  CHECK(third.receive_all().empty());
  CHECK(handler.ends.all() ==
        std::vector<std::string>{"2 clients from this address connected (--max-clients-per-address)"});
  first.end_output();
  CHECK(first.receive_all().empty());
  CHECK(becomes_true([&] { return here.service().clients() == 1; }));
  peer fourth = peer::tcp(here.port());
  CHECK(fourth.receive(6) == "hello\n");
}

TEST_CASE("service: a crowd in the queue is let in within few turns of the loop", "[serve][loop]") {
  talking handler;
  serve::workers threads(1);
  serve::service service(threads, handler, {});
  auto sockets = serve::listen({.addresses = {asio::ip::address_v4::loopback()}});
  REQUIRE(sockets);
  constexpr std::size_t size = 300;
  std::vector<peer> crowd;
  for (std::size_t count = 0; count < size; ++count) crowd.push_back(peer::tcp(sockets->front().port));
  std::atomic<int> turns = 0;
  std::function<void()> turn = [&] {
    if (service.clients() > 0) ++turns;
    if (service.clients() < size) asio::post(threads.context(0), turn);
  };
  service.start(*sockets);
  asio::post(threads.context(0), turn);
  threads.start();
  CHECK(becomes_true([&] { return service.clients() == size; }));
  threads.join();
  CHECK(turns < 150);
}

TEST_CASE("service: a client that has reset its connection before it is accepted is a visitor, too", "[serve][loop]") {
  talking handler;
  serve::workers threads(1);
  serve::service service(threads, handler, {});
  auto sockets = serve::listen({.addresses = {asio::ip::address_v4::loopback()}});
  REQUIRE(sockets);
  peer scanner = peer::tcp(sockets->front().port);
  scanner.reset();
  service.start(*sockets);
  threads.start();
  CHECK(becomes_true([&] { return handler.ends.all().size() == 1; }));
  threads.join();
}

TEST_CASE("service: words instead of TLS end the connection, from the start and behind the wish for it",
          "[serve][loop]") {
  talking handler;
  handler.tls.action = serve::tls_answer::kind::words;
  append(handler.tls.words, "no TLS\n");
  const bool implicit = GENERATE(false, true);
  talk here(handler, implicit);
  const auto task = [&]() -> asio::awaitable<bool> {
    auto socket = co_await connect(here.port);
    const std::string received = co_await ask(socket, implicit ? "" : "tls\n", "never");
    CHECK(received == (implicit ? "no TLS\n" : "hello\ntls\nno TLS\n"));
    co_return true;
  };
  CHECK(outcome_of(task()));
  CHECK(becomes_true([&] { return handler.ends.all() == std::vector<std::string>{"well"}; }));
}

}  // namespace netlab::serve::service_test
