// SPDX-License-Identifier: MIT
#include "net/drive.hpp"

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <new>
#include <string>
#include <vector>

#include "support/serving.hpp"
#include "support/socket.hpp"

namespace netlab::net::drive_test {

using namespace test;

namespace {

/// Reports each octet as an event, and sends what its owner asks for. It is done after three octets.
class listener final : public machine {
 public:
  void feed(bytes_view from_peer, time_point) override {
    for (const char each : as_text(from_peer)) events_.emplace_back(1, each);
    received_ += from_peer.size();
  }
  void eof(time_point) override {}
  void tick(time_point) override {}
  bytes take_output() override { return std::exchange(output_, {}); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return clock::now() + std::chrono::hours(1); }
  [[nodiscard]] bool done() const override { return received_ == 3; }

  [[nodiscard]] std::vector<std::string> take_events() { return std::exchange(events_, {}); }
  void say(std::string_view text) { append(output_, as_bytes(text)); }

 private:
  std::vector<std::string> events_;
  bytes output_;
  std::size_t received_ = 0;
};

/// Runs the machine against the peer at this port, until it is done.
std::error_code run(listener& session, std::uint16_t port, const std::function<void()>& each_turn) {
  const auto task = [&]() -> asio::awaitable<std::error_code> {
    net::tcp::socket socket(co_await asio::this_coro::executor);
    socket.connect({asio::ip::address_v4::loopback(), port});
    net::driver<net::tcp::socket> drive(socket, session, {});
    while (!drive.has_ended()) {
      each_turn();
      co_await drive.turn();
    }
    co_return drive.error();
  };
  return outcome_of(task());
}

}  // namespace

TEST_CASE("drive: the owner takes the events of each turn, and its answer is sent at once", "[net][loop]") {
  scripted peer_side(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    if (one.receive(5) != "hello") give_up("no greeting");
    for (const std::string each : {"a", "b", "c"}) {  // the next only after the answer to the one before
      one.send(each);
      if (one.receive(1) != each) give_up("another answer");
    }
  });
  listener session;
  session.say("hello");
  std::vector<std::string> events;
  const std::error_code error = run(session, peer_side.port(), [&] {
    for (std::string& each : session.take_events()) {
      session.say(each);
      events.push_back(std::move(each));
    }
  });
  CHECK_FALSE(error);
  CHECK(events == std::vector<std::string>{"a", "b", "c"});
  CHECK(peer_side.trouble().empty());
}

TEST_CASE("drive: an exception of the owner leaves the loop, and pending operations are cancelled", "[net][loop]") {
  scripted peer_side(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    one.send("a");
    static_cast<void>(one.receive_all());
  });
  listener session;
  CHECK_THROWS_AS(run(session, peer_side.port(),
                      [&] {
                        if (!session.take_events().empty()) throw std::bad_alloc();
                      }),
                  std::bad_alloc);
}

TEST_CASE("drive: an exception of the machine ends the session and is rethrown by the last turn", "[net][loop]") {
  class throwing_machine final : public machine {
   public:
    void feed(bytes_view, time_point) override { throw std::bad_alloc(); }
    void eof(time_point) override {}
    void tick(time_point) override {}
    bytes take_output() override { return {}; }
    [[nodiscard]] std::optional<time_point> deadline() const override { return std::nullopt; }
    [[nodiscard]] bool done() const override { return false; }
  };
  scripted peer_side(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    one.send("a");
    static_cast<void>(one.receive_all());
  });
  const auto task = [&]() -> asio::awaitable<bool> {
    net::tcp::socket socket(co_await asio::this_coro::executor);
    socket.connect({asio::ip::address_v4::loopback(), peer_side.port()});
    throwing_machine session;
    net::driver<net::tcp::socket> drive(socket, session, {});
    try {
      co_await drive.run();
    } catch (const std::bad_alloc&) {
      co_return drive.has_ended() && drive.error() == std::errc::not_enough_memory;
    }
    co_return false;
  };
  CHECK(outcome_of(task()));
}

TEST_CASE("drive: a cancellation after the end of the session is not lost", "[net][loop]") {
  scripted peer_side(SOCK_STREAM, [](bound_socket& socket) {
    peer one = socket.accept();
    one.send("abc");
    static_cast<void>(one.receive_all());
  });
  asio::io_context loop{1};
  asio::cancellation_signal cancel;
  std::optional<std::error_code> error;
  const auto task = [&]() -> asio::awaitable<void> {
    co_await asio::this_coro::throw_if_cancelled(false);
    net::tcp::socket socket(loop);
    socket.connect({asio::ip::address_v4::loopback(), peer_side.port()});
    listener session;
    net::driver<net::tcp::socket> drive(socket, session, {});
    while (!drive.has_ended()) {
      // The last turn ends the session, and then waits for its timer, which it has cancelled.
      if (session.done()) asio::post(loop, [&] { cancel.emit(asio::cancellation_type::terminal); });
      co_await drive.turn();
    }
    error = drive.error();
  };
  asio::co_spawn(loop, task(), asio::bind_cancellation_slot(cancel.slot(), net::rethrow));
  loop.run();
  CHECK(error == asio::error::operation_aborted);
}

TEST_CASE("drive: an open session is destroyed with its event loop", "[net][loop]") {
  const bound_socket silent(SOCK_STREAM);
  const auto held = std::make_shared<listener>();
  {
    asio::io_context loop{1};
    const auto task = [](std::shared_ptr<listener> session, std::uint16_t port) -> asio::awaitable<void> {
      net::tcp::socket socket(co_await asio::this_coro::executor);
      socket.connect({asio::ip::address_v4::loopback(), port});
      net::driver<net::tcp::socket> drive(socket, *session, {});
      co_await drive.run();
    };
    asio::co_spawn(loop, task(held, silent.port()), net::rethrow);
    loop.poll();
    CHECK(held.use_count() > 1);
  }
  CHECK(held.use_count() == 1);
}

}  // namespace netlab::net::drive_test
