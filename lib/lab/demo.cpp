// SPDX-License-Identifier: MIT
// Blocking calls without an event loop, and no unnecessary ones, so that a trace shows the sequence of a textbook.
#include "lab/demo.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/evaluate.hpp"
#include "calc/wire.hpp"
#include "net/fd.hpp"

namespace netlab::lab {
namespace {

using net::unique_fd;

/// A pause before sending, so that the peer has reached the call that waits for it.
constexpr auto head_start = std::chrono::milliseconds(50);
/// Timeout for the other process; long, because `netlab trace --step` stops both for as long as a person likes.
constexpr auto peer_timeout = std::chrono::minutes(10);
/// Timeout for the answer of a closed port, which a filter may drop.
constexpr auto closed_timeout = std::chrono::seconds(2);

calc::request request_over_tcp() { return {.id = 1, .op = "SUM", .numbers = {1, 2, 3}}; }
calc::request request_over_udp() { return {.id = 2, .op = "PRO", .numbers = {2, 3, 7}}; }
constexpr std::string_view hello = "hello";

void let_peer_wait() { ::usleep(std::chrono::microseconds(head_start).count()); }

template <class Call>
auto retry(Call call) {
  auto value = call();
  while (value < 0 && errno == EINTR) value = call();  // stopped and continued (signal(7))
  return value;
}

result<unique_fd> make_socket(int type, std::chrono::seconds timeout = peer_timeout) {
  unique_fd made(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = timeout.count(), .tv_usec = 0};
  if (!made || ::setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      ::setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
    return fail(last_system_error(), "make a socket");
  return made;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// 0: a free port. Returns the one that it is bound to.
result<std::uint16_t> bind_to(const unique_fd& socket, std::uint16_t port) {
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail(last_system_error(), "bind to a port of 127.0.0.1");
  return ntohs(address.sin_port);
}

/// The errno of connect(), 0 if it succeeded.
int connect_to(const unique_fd& socket, std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

result<void> send_to(const unique_fd& socket, bytes_view octets) {
  const auto sent = retry([&] { return ::send(socket.get(), octets.data(), octets.size(), 0); });
  if (sent != static_cast<ssize_t>(octets.size())) return fail(last_system_error(), "send");
  return {};
}

/// What one recv() returns.
result<bytes> receive(const unique_fd& socket) {
  bytes taken(calc::max_request_size);
  const auto size = retry([&] { return ::recv(socket.get(), taken.data(), taken.size(), 0); });
  if (size < 0) return fail(last_system_error(), "recv");
  taken.resize(static_cast<std::size_t>(size));
  return taken;
}

bytes octets_of(const calc::request& request) {
  bytes octets;
  calc::append_request(octets, request, byte_order::big);
  return octets;
}

/// Treats the octets of one recv() as one request, as students' servers do.
bytes answer_to(bytes_view asked) {
  bytes octets;
  if (asked.size() < calc::header_size) return octets;
  const calc::header head = calc::decode_header(asked, byte_order::big);
  if (asked.size() != head.request_size()) return octets;
  calc::request request{.id = head.id, .op = head.operation_name(), .numbers = {}};
  request.numbers.resize(head.count);
  calc::decode_numbers(asked.subspan(calc::header_size), byte_order::big, request.numbers);
  if (const auto value = calc::evaluate(request))
    calc::append_answer(octets, {.id = request.id, .value = *value}, byte_order::big);
  return octets;
}

std::string in_words(bytes_view answer) {
  if (answer.size() != calc::answer_size) return "no answer";
  return fmt::format("{}", calc::decode_answer(answer, byte_order::big).value);
}

std::string in_words(int number) { return number == 0 ? "succeeds" : message_of({number, std::system_category()}); }

struct server_sockets {
  unique_fd listening;
  unique_fd datagrams;
  unique_fd closed;  ///< bound, but it does not listen
  std::uint16_t open_port = 0;
  std::uint16_t closed_port = 0;
};

result<server_sockets> open_sockets(demo which) {
  constexpr int tries = 20;  // for a number that is free over both transports
  server_sockets made;
  result<std::uint16_t> port = 0;
  for (int count = 0; count < tries; ++count) {
    auto listening = make_socket(SOCK_STREAM);
    auto datagrams = make_socket(SOCK_DGRAM);
    if (!listening) return unexpected(listening.error());
    if (!datagrams) return unexpected(datagrams.error());
    port = bind_to(*listening, 0);
    if (port) port = bind_to(*datagrams, *port);
    if (!port) continue;
    if (::listen(listening->get(), 1) != 0) return fail(last_system_error(), "listen");
    made.listening = *std::move(listening);
    made.datagrams = *std::move(datagrams);
    made.open_port = *port;
    break;
  }
  if (!port) return unexpected(port.error());
  if (which == demo::calculation) return made;
  auto closed = make_socket(SOCK_STREAM);
  if (!closed) return unexpected(closed.error());
  port = bind_to(*closed, 0);
  if (!port) return unexpected(port.error());
  made.closed = *std::move(closed);
  made.closed_port = *port;
  return made;
}

result<unique_fd> accept_one(const unique_fd& listening) {
  unique_fd connection(retry([&] { return ::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC); }));
  if (!connection) return fail(last_system_error(), "accept");
  return connection;
}

/// One datagram and its answer.
template <class Answer>
result<void> answer_datagram(const unique_fd& datagrams, Answer answer) {
  bytes taken(calc::max_request_size);
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  auto* const from = reinterpret_cast<sockaddr*>(&peer);
  const auto length = retry([&] { return ::recvfrom(datagrams.get(), taken.data(), taken.size(), 0, from, &size); });
  if (length < 0) return fail(last_system_error(), "recvfrom");
  const bytes reply = answer(bytes_view(taken).first(static_cast<std::size_t>(length)));
  let_peer_wait();
  if (::sendto(datagrams.get(), reply.data(), reply.size(), 0, from, size) < 0)
    return fail(last_system_error(), "sendto");
  return {};
}

result<void> serve_calculation(const server_sockets& at) {
  auto connection = accept_one(at.listening);
  if (!connection) return unexpected(connection.error());
  const auto asked = receive(*connection);
  if (!asked) return unexpected(asked.error());
  let_peer_wait();
  if (auto sent = send_to(*connection, answer_to(*asked)); !sent) return sent;
  if (const auto end = receive(*connection); !end) return unexpected(end.error());
  *connection = {};
  return answer_datagram(at.datagrams, answer_to);
}

result<void> serve_ports(const server_sockets& at) {
  auto connection = accept_one(at.listening);
  if (!connection) return unexpected(connection.error());
  if (const auto end = receive(*connection); !end) return unexpected(end.error());
  *connection = {};
  return answer_datagram(at.datagrams, [](bytes_view asked) { return bytes(asked.begin(), asked.end()); });
}

using line_sink = std::function<void(const std::string&)>;

result<void> ask_calculation(std::uint16_t port, const line_sink& tell) {
  auto stream = make_socket(SOCK_STREAM);
  if (!stream) return unexpected(stream.error());
  if (const int number = connect_to(*stream, port); number != 0)
    return fail(std::error_code(number, std::system_category()), fmt::format("connect 127.0.0.1:{}", port));
  let_peer_wait();
  if (auto sent = send_to(*stream, octets_of(request_over_tcp())); !sent) return sent;
  auto answer = receive(*stream);
  if (!answer) return unexpected(answer.error());
  tell(fmt::format("SUM 1 2 3 over TCP: {}", in_words(*answer)));
  let_peer_wait();
  *stream = {};
  let_peer_wait();

  auto datagrams = make_socket(SOCK_DGRAM);
  if (!datagrams) return unexpected(datagrams.error());
  const bytes asked = octets_of(request_over_udp());
  const sockaddr_in to = loopback(port);
  if (::sendto(datagrams->get(), asked.data(), asked.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0)
    return fail(last_system_error(), "sendto");
  bytes taken(calc::max_request_size);
  sockaddr_in peer{};
  socklen_t peer_size = sizeof peer;
  const auto size = retry([&] {
    return ::recvfrom(datagrams->get(), taken.data(), taken.size(), 0, reinterpret_cast<sockaddr*>(&peer), &peer_size);
  });
  if (size < 0) return fail(last_system_error(), "recvfrom");
  taken.resize(static_cast<std::size_t>(size));
  tell(fmt::format("PRO 2 3 7 over UDP: {}", in_words(taken)));
  return {};
}

result<void> ask_port_over_tcp(std::uint16_t port, std::chrono::seconds timeout, const line_sink& tell) {
  auto stream = make_socket(SOCK_STREAM, timeout);
  if (!stream) return unexpected(stream.error());
  tell(fmt::format("TCP port {}: connect() {}", port, in_words(connect_to(*stream, port))));
  let_peer_wait();
  *stream = {};
  let_peer_wait();
  return {};
}

result<void> ask_port_over_udp(std::uint16_t port, std::chrono::seconds timeout, const line_sink& tell) {
  auto datagrams = make_socket(SOCK_DGRAM, timeout);
  if (!datagrams) return unexpected(datagrams.error());
  if (const int number = connect_to(*datagrams, port); number != 0)
    return fail(std::error_code(number, std::system_category()), "connect a UDP socket");
  if (auto sent = send_to(*datagrams, as_bytes(hello)); !sent) return sent;
  const auto reply = receive(*datagrams);
  tell(fmt::format("UDP port {}: recv() {}", port,
                   reply ? "returns " + count_of(reply->size(), "octet") : message_of(reply.error().code)));
  return {};
}

result<void> ask_ports(std::uint16_t open, std::uint16_t closed, const line_sink& tell) {
  if (auto done = ask_port_over_tcp(open, peer_timeout, tell); !done) return done;
  if (auto done = ask_port_over_tcp(closed, closed_timeout, tell); !done) return done;
  if (auto done = ask_port_over_udp(open, peer_timeout, tell); !done) return done;
  return ask_port_over_udp(closed, closed_timeout, tell);
}

/// Runs the client in the child; its lines go to the pipe `lines`.
[[noreturn]] void be_client(demo which, std::array<std::uint16_t, 2> ports, int lines, pid_t server) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const line_sink tell = [lines](const std::string& line) {
    const std::string text = line + "\n";
    if (::write(lines, text.data(), text.size()) < 0) ::_exit(1);
  };
  const auto done = which == demo::calculation ? ask_calculation(ports[0], tell) : ask_ports(ports[0], ports[1], tell);
  if (!done) {
    const std::string text = "netlab lab demo: the client: " + describe(done.error()) + "\n";
    const bool is_written = ::write(STDERR_FILENO, text.data(), text.size()) > 0;
    if (::getppid() == server) ::kill(server, SIGTERM);  // it would wait for a client that has ended
    ::_exit(is_written ? 1 : 2);
  }
  ::_exit(0);
}

std::string read_to_end(const unique_fd& from) {
  std::string text;
  std::array<char, 512> piece{};
  while (true) {
    const auto size = retry([&] { return ::read(from.get(), piece.data(), piece.size()); });
    if (size <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

std::string_view name_of(demo which) noexcept { return which == demo::calculation ? "calc" : "scan"; }

std::optional<demo> parse_demo(std::string_view name) noexcept {
  for (const demo each : {demo::calculation, demo::ports})
    if (name_of(each) == name) return each;
  return std::nullopt;
}

result<void> run_demo(demo which, const std::function<void(std::string_view)>& tell) {
  std::array<int, 2> start{};
  std::array<int, 2> lines{};
  if (::pipe2(start.data(), O_CLOEXEC) != 0) return fail(last_system_error(), "make a pipe");
  unique_fd go(start[0]);
  unique_fd ready(start[1]);
  if (::pipe2(lines.data(), O_CLOEXEC) != 0) return fail(last_system_error(), "make a pipe");
  const unique_fd reading(lines[0]);
  unique_fd writing(lines[1]);
  const pid_t server = ::getpid();
  const pid_t client = ::fork();
  if (client < 0) return fail(last_system_error(), "start the client");
  if (client == 0) {
    ready = {};
    std::array<std::uint16_t, 2> ports{};
    if (retry([&] { return ::read(go.get(), ports.data(), sizeof ports); }) != sizeof ports) ::_exit(1);
    be_client(which, ports, writing.get(), server);
  }
  writing = {};
  auto done = result<void>();
  if (const auto at = open_sockets(which); !at) {
    done = unexpected(at.error());
  } else {
    const std::array<std::uint16_t, 2> ports{at->open_port, at->closed_port};
    if (::write(ready.get(), ports.data(), sizeof ports) != sizeof ports)
      done = fail(last_system_error(), "start the client");
    else
      done = which == demo::calculation ? serve_calculation(*at) : serve_ports(*at);
    if (done) {
      const std::string output = read_to_end(reading);
      for (const std::string_view line : split(trim(output), '\n')) tell(line);
    }
  }
  ready = {};  // ends a client that still waits for its ports
  if (!done) ::kill(client, SIGKILL);
  int status = 0;
  retry([&] { return ::waitpid(client, &status, 0); });
  if (done && status != 0) return fail(errc::internal, "the client failed");
  return done;
}

}  // namespace netlab::lab
