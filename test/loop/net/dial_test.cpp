// SPDX-License-Identifier: MIT
#include "net/dial.hpp"

#include <catch2/catch_test_macros.hpp>

#include "net/expiry.hpp"
#include "net/resolve.hpp"
#include "support/failure.hpp"
#include "support/serving.hpp"
#include "support/socket.hpp"

namespace netlab::net::dial_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

destination to(std::uint16_t port, std::initializer_list<const char*> figures) {
  destination where{.host = "peer.test", .port = port, .addresses = {}};
  for (const char* each : figures) where.addresses.push_back(asio::ip::make_address(each));
  return where;
}

/// The endpoint that it connected to, or the failure.
std::string dialled(const destination& where, const dial_options& options = {.deadline = clock::now() + 20s}) {
  asio::io_context loop{1};
  const auto socket = outcome_of(loop, dial_tcp(where, options));
  return socket ? to_string(socket->remote_endpoint()) : why(socket);
}

/// A listening socket whose queue is full: the system ignores further connections (no answer at all).
class deaf {
 public:
  explicit deaf(const char* figures = "127.0.0.1") : socket_(SOCK_STREAM, 0, figures) {
    for (int count = 0; count < 16; ++count) {
      const address where(figures, port());
      queue_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(queue_.back().get(), where.data(), where.length);
      if (!test::is_ready(queue_.back().get(), POLLOUT, 200)) return;  // no answer: the queue is full
    }
    give_up("a queue that is never full");
  }
  [[nodiscard]] std::uint16_t port() const { return socket_.port(); }

 private:
  bound_socket socket_;
  std::vector<unique_fd> queue_;
};

}  // namespace

TEST_CASE("dial: connects to the first address that answers", "[net][loop]") {
  const bound_socket here(SOCK_STREAM);
  const std::string v4 = "127.0.0.1:" + std::to_string(here.port());
  CHECK(dialled(to(here.port(), {"127.0.0.1"})) == v4);
  CHECK(dialled(to(here.port(), {"127.0.0.2", "127.0.0.1"})) == v4);
  if (has_ipv6()) CHECK(dialled(to(here.port(), {"::1", "127.0.0.1"})) == v4);
}

TEST_CASE("dial: where all addresses fail it says so of the host as it was named", "[net][loop]") {
  const std::uint16_t port = closed_port();
  CHECK(dialled(to(port, {"127.0.0.2", "127.0.0.1"})) ==
        "connect peer.test:" + std::to_string(port) + ": connection refused");
}

TEST_CASE("dial: an address that does not answer is passed by soon", "[net][loop]") {
  const deaf silent;
  const bound_socket here(SOCK_STREAM, 16, "127.0.0.2", silent.port());
  const time_point begin = clock::now();
  CHECK(dialled(to(silent.port(), {"127.0.0.1", "127.0.0.2"})) == "127.0.0.2:" + std::to_string(silent.port()));
  CHECK(clock::now() - begin >= 250ms);
}

TEST_CASE("dial: an address that nobody answers at ends at the deadline", "[net][loop]") {
  const deaf silent;
  const time_point begin = clock::now();
  CHECK(dialled(to(silent.port(), {"127.0.0.1"}), {.deadline = begin + 100ms}) ==
        "connect peer.test:" + std::to_string(silent.port()) + ": timed out");
  CHECK(clock::now() - begin >= 100ms);
  CHECK(clock::now() - begin < 10s);
}

TEST_CASE("dial: a deadline that has passed is a timeout at once", "[net][loop]") {
  const deaf silent;
  CHECK(dialled(to(silent.port(), {"127.0.0.1", "127.0.0.2"}), {.deadline = clock::now() - 1s}).ends_with("timed out"));
}

TEST_CASE("dial: the local end is as asked for", "[net][loop]") {
  const bound_socket here(SOCK_STREAM);
  asio::io_context loop{1};
  const dial_options options{.local = parse_local_end("127.0.0.5").value(), .deadline = clock::now() + 20s};
  const auto socket = outcome_of(loop, dial_tcp(to(here.port(), {"127.0.0.1"}), options));
  REQUIRE(socket);
  CHECK(socket->local_endpoint().address().to_string() == "127.0.0.5");
}

TEST_CASE("dial: a local port may be used again at once", "[net][loop]") {
  const bound_socket here(SOCK_STREAM);
  const std::uint16_t port = closed_port();
  // An address that no other program's connections start from, because the system chooses their ports freely.
  const local_end local{.address = asio::ip::make_address("127.0.0.77"), .port = port};
  for (int round = 0; round < 3; ++round) {
    asio::io_context loop{1};
    const auto socket =
        outcome_of(loop, dial_tcp(to(here.port(), {"127.0.0.1"}), {.local = local, .deadline = clock::now() + 20s}));
    INFO(why(socket));
    REQUIRE(socket);
    CHECK(socket->local_endpoint().port() == port);
    peer other = here.accept();
    other.reset();  // no TIME_WAIT for this pair of endpoints
  }
}

TEST_CASE("dial: a local address that is not ours is told as that", "[net][loop]") {
  const bound_socket here(SOCK_STREAM);
  const dial_options options{.local = parse_local_end("192.0.2.1:5000").value(), .deadline = clock::now() + 20s};
  CHECK(dialled(to(here.port(), {"127.0.0.1"}), options) ==
        "bind 192.0.2.1:5000: not an address of this machine (`ip address` lists them)");
}

TEST_CASE("find: an address in figures needs no name service", "[net][loop]") {
  const auto found = outcome_of(find("127.0.0.9", 7, {}));
  REQUIRE(found);
  CHECK(found->host == "127.0.0.9");
  CHECK(found->port == 7);
  CHECK(found->addresses == std::vector{asio::ip::make_address("127.0.0.9")});
}

TEST_CASE("find: no address is left where the local end is of the other family", "[net][loop]") {
  const auto found = outcome_of(find("127.0.0.1", 7, {.local = parse_local_end("::1").value()}));
  CHECK(failed_with(found, errc::usage));
  CHECK(why(found) == "the local address is IPv6, but 127.0.0.1 has no such address");
}

TEST_CASE("resolve: localhost is a loopback address", "[net][loop]") {
  const auto found = outcome_of(resolve("localhost", family::ipv4, clock::now() + 20s));
  INFO(why(found));
  REQUIRE(found);
  CHECK(found->front().is_loopback());
}

TEST_CASE("resolve: -4 and -6 hold for figures too", "[net][loop]") {
  CHECK(failed_with(outcome_of(resolve("127.0.0.1", family::ipv6, never)), errc::no_such_host));
  CHECK(failed_with(outcome_of(resolve("::1", family::ipv4, never)), errc::no_such_host));
  CHECK(outcome_of(resolve("::1", family::ipv6, never)));
}

TEST_CASE("resolve_all: says of each host in their order what is known of it", "[net][loop]") {
  const auto all = [](std::vector<std::string> hosts) {
    return outcome_of(resolve_all(std::move(hosts), family::ipv4, clock::now() + 20s));
  };
  const auto found = all({"127.0.0.9", "::1", "localhost", "127.0.0.8"});
  REQUIRE(found.size() == 4);
  CHECK(found[0]->front().to_string() == "127.0.0.9");
  CHECK(failed_with(found[1], errc::no_such_host));
  CHECK(found[2]->front().is_loopback());
  CHECK(found[3]->front().to_string() == "127.0.0.8");
  CHECK(all({}).empty());
  for (const auto& each : all(std::vector<std::string>(1000, "127.0.0.1"))) CHECK(each);
}

TEST_CASE("resolve: a deadline that has passed is a timeout, whatever the name service does", "[net][loop]") {
  const auto found = outcome_of(resolve("localhost", family::any, clock::now() - 1s));
  CHECK((found || found.error().code == errc::timed_out));
}

TEST_CASE("resolve: a link-local address wants its interface", "[net][loop]") {
  const auto found = outcome_of(find("fe80::1", 7, {}));
  CHECK(failed_with(found, errc::usage));
  CHECK(why(found) == "'fe80::1' is a link-local address and needs an interface (write fe80::1%eth0)");
}

TEST_CASE("dial_udp: an unreachable port comes back as an error of the socket", "[net][loop]") {
  asio::io_context loop{1};
  std::uint16_t port = 0;
  {
    const bound_socket gone(SOCK_DGRAM);
    port = gone.port();
  }
  auto socket = dial_udp(loop.get_executor(), to(port, {"127.0.0.1"}), asio::ip::make_address("127.0.0.1"), {});
  REQUIRE(socket);
  std::error_code error;
  socket->send(asio::buffer("x", 1), 0, error);
  CHECK_FALSE(error);
  REQUIRE(test::is_ready(socket->native_handle(), POLLIN, wait_limit_ms));
  char octet = 0;
  socket->receive(asio::buffer(&octet, 1), 0, error);
  CHECK(error == asio::error::connection_refused);
}

TEST_CASE("expiry: cancels what its object waits for, at the deadline and not before", "[net][loop]") {
  asio::io_context loop{1};
  const bound_socket here(SOCK_DGRAM);
  const auto wait = [&](time_point deadline) -> asio::awaitable<bool> {
    auto socket =
        dial_udp(loop.get_executor(), to(here.port(), {"127.0.0.1"}), asio::ip::make_address("127.0.0.1"), {});
    const expiry limit(*socket, deadline);
    const auto [error] = co_await socket->async_wait(udp::socket::wait_read, use_tuple);
    co_return limit.passed() && net::is_cancelled(error);
  };
  const time_point begin = clock::now();
  CHECK(outcome_of(loop, wait(begin + 50ms)));
  CHECK(clock::now() - begin >= 50ms);
}

TEST_CASE("expiry: what went out of scope cancels nothing", "[net][loop]") {
  asio::io_context loop{1};
  asio::steady_timer object(loop);
  {
    const expiry limit(object, clock::now() - 1s);
    CHECK_FALSE(limit.passed());
  }
  bool finished = false;
  object.expires_after(10ms);
  object.async_wait([&](std::error_code error) { finished = !error; });
  loop.run();
  CHECK(finished);
}

}  // namespace netlab::net::dial_test
