// SPDX-License-Identifier: MIT
// Exercise 1: handling a peer that does not answer.
#include <netinet/in.h>

#include <cerrno>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "lab/tour/calc_steps.hpp"
#include "lab/tour/odd_ports.hpp"
#include "lab/tour/talk.hpp"

namespace netlab::lab {

using net::tcp;
using net::udp;

namespace {

constexpr auto silence_time = std::chrono::milliseconds(200);  // the wait for something that must not arrive

/// Limits how long SYNs are retransmitted (tcp(7)), as far as the system allows.
std::error_code set_connect_timeout(int socket, std::chrono::milliseconds limit) {
  const auto user_timeout = static_cast<unsigned>(limit.count());
  const int repeats = 1;  // before 5.0, Linux applies the user timeout only after the handshake
  const bool done = ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout) == 0 &&
                    ::setsockopt(socket, IPPROTO_TCP, TCP_SYNCNT, &repeats, sizeof repeats) == 0;
  return done ? std::error_code() : last_system_error();
}

std::error_code set_receive_timeout(int socket, std::chrono::milliseconds limit) {
  const timeval value{.tv_sec = limit.count() / 1000, .tv_usec = limit.count() % 1000 * 1000};
  return ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) == 0 ? std::error_code()
                                                                                  : last_system_error();
}

/// 0: no limit.
std::chrono::milliseconds receive_timeout_of(int socket) {
  timeval value{};
  socklen_t size = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &value, &size) != 0) return std::chrono::milliseconds(-1);
  return std::chrono::milliseconds(value.tv_sec * 1000 + value.tv_usec / 1000);
}

std::string in_words(std::chrono::milliseconds limit) {
  return limit.count() == 0 ? "0: waits for ever" : fmt::format("{} ms", limit.count());
}

/// A blocking recv() on this socket: 0 or its errno.
int receive_blocking(int socket) {
  char octet{};
  return ::recv(socket, &octet, 1, 0) < 0 ? errno : 0;
}

}  // namespace

step_result timeout_errors(classroom& in) {
  in.tell.say(
      "A datagram is lost, a host is switched off, a server hangs: nothing tells the client, and recv() waits for "
      "ever. "
      "With a timeout it fails with an error: EAGAIN in C (on Windows WSAETIMEDOUT, 10060), TimeoutError in Python. "
      "The program should expect this error: catch it, then ask again or give up.");
  udp::socket mute(co_await asio::this_coro::executor, {asio::ip::address_v4::loopback(), 0});
  udp::socket asking(co_await asio::this_coro::executor, udp::v4());
  std::error_code error;
  asking.connect(mute.local_endpoint(error), error);
  if (!error) error = set_receive_timeout(asking.native_handle(), silence_time);
  if (error) co_return fail(error, "prepare a socket");
  const time_point begin = clock::now();
  const int number = receive_blocking(asking.native_handle());
  in.tell.show(fmt::format("recv() with SO_RCVTIMEO of {} ms: {} (EAGAIN, {})", silence_time.count(),
                           message_of({number, std::system_category()}), number));
  in.tell.check("a recv() that waited in vain returned with an error",
                number == EAGAIN && clock::now() - begin >= silence_time / 2);

  auto options = in.over(net::transport::udp);
  options.port = mute.local_endpoint(error).port();
  options.timeout = silence_time;
  const calc::request asked{.id = 11, .op = "SUM", .numbers = {1, 2, 3}};
  const auto got = co_await in.ask(options, asked);
  if (!got) co_return unexpected(got.error());
  in.tell.check("netlab's client asked again, then gave up",
                !got->answer.value && got->answer.value.error().code == errc::timed_out);

  in.tell.say(
      "connect() has a timeout of its own: the system repeats the SYN after a second, then at growing intervals, and "
      "gives up after one or two minutes. Here it is told to give up earlier (TCP_USER_TIMEOUT), on a port that drops "
      "every SYN:");
  auto silent = co_await silent_port::make();
  if (!silent) co_return unexpected(silent.error());
  tcp::socket calling(co_await asio::this_coro::executor, tcp::v4());
  error = set_connect_timeout(calling.native_handle(), silence_time);
  if (error) co_return fail(error, "set a socket's options");
  const auto late = co_await connect_on(calling, {asio::ip::address_v4::loopback(), silent->number()});
  if (!late) co_return unexpected(late.error());
  in.tell.show(fmt::format("connect() to port {}: {} ({})", silent->number(), message_of(*late), late->value()));
  in.tell.check("the error is ETIMEDOUT, 110; on Windows WSAETIMEDOUT, 10060",
                late->category() == std::system_category() && late->value() == ETIMEDOUT);

  in.tell.say(
      "A closed UDP port is not silent: its system answers with ICMP type 3, code 3, port unreachable. On a "
      "connected socket the next call then fails (ECONNREFUSED; on Windows 10054), and no timeout is needed.");
  mute.close(error);
  options.timeout = patience;
  const calc::request again{.id = 12, .op = "SUM", .numbers = {1, 2, 3}};
  const auto closed = co_await in.ask(options, again);
  if (!closed) co_return unexpected(closed.error());
  in.tell.check("a closed port is refused, without a timeout",
                !closed->answer.value && closed->answer.value.error().code == std::errc::connection_refused);
  co_return result<void>();
}

step_result timeout_settings(classroom& in) {
  in.tell.say(
      "For one socket: in Python sock.settimeout(5). In C the option SO_RCVTIMEO, or poll() with a limit before each "
      "recv(). netlab starts a timer with each wait; when it expires, the wait is cancelled.");
  auto listening = listen_here(co_await asio::this_coro::executor);
  if (!listening) co_return unexpected(listening.error());
  constexpr auto limit = std::chrono::milliseconds(5000);
  const auto before = receive_timeout_of(listening->native_handle());
  if (const auto error = set_receive_timeout(listening->native_handle(), limit))
    co_return fail(error, "set SO_RCVTIMEO");
  const auto after = receive_timeout_of(listening->native_handle());
  in.tell.show(fmt::format("a new socket            SO_RCVTIMEO {}", in_words(before)));
  in.tell.show(fmt::format("after setsockopt()      SO_RCVTIMEO {}", in_words(after)));

  auto client = co_await connect_to(listening->local_endpoint().port());
  if (!client) co_return unexpected(client.error());
  const net::expiry patient(*listening, clock::now() + patience);
  auto [error, server] = co_await listening->async_accept(net::use_tuple);
  if (error) co_return fail(error, "accept");
  const auto other = receive_timeout_of(client->native_handle());
  const auto inherited = receive_timeout_of(server.native_handle());
  in.tell.show(fmt::format("another socket          SO_RCVTIMEO {}", in_words(other)));
  in.tell.show(fmt::format("one that accept() made  SO_RCVTIMEO {}", in_words(inherited)));
  pollfd question{.fd = server.native_handle(), .events = POLLIN, .revents = 0};
  const int ready = ::poll(&question, 1, 10);
  in.tell.show(fmt::format("poll() for 10 ms        {}", ready == 0 ? "returns 0: nothing came" : "returns"));
  in.tell.check("a timeout belongs to its socket, and a new socket waits for ever",
                before.count() == 0 && after == limit && other.count() == 0 && ready == 0);
  in.tell.say(
      "For all: Python has socket.setdefaulttimeout(5), for every socket made after it. This is a feature of Python, "
      "not of the system; C has nothing like it, so each socket needs its own setting. Only a server can save work: on "
      "Linux, a socket that accept() returns inherits the options of the listening socket. Python's settimeout() is "
      "not such an option: there each socket that accept() returns has to be set again.");
  in.tell.check("accept() returned a socket with the timeout of the listening socket", inherited == limit);
  co_return result<void>();
}

}  // namespace netlab::lab
