// SPDX-License-Identifier: MIT
#include "lab/calc_chapter.hpp"

#include <algorithm>
#include <array>
#include <list>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/check.hpp"
#include "calc/evaluate.hpp"
#include "calc/query.hpp"
#include "calc/serve.hpp"
#include "calc/text_line.hpp"
#include "echo/query.hpp"
#include "echo/serve.hpp"
#include "lab/local_service.hpp"
#include "net/expiry.hpp"

namespace netlab::lab {

using net::tcp;
using net::udp;

namespace {

constexpr auto patience = std::chrono::seconds(5);         // for what must come
constexpr auto silence = std::chrono::milliseconds(300);   // for what must not
constexpr std::size_t crowd = 100;                         // clients at once

std::string hex(bytes_view octets) {
  std::string text;
  for (const std::byte octet : octets)
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(octet));
  return text;
}

std::string in_words(const result<std::int32_t>& value) {
  return value ? fmt::format("{}", *value) : describe(value.error());
}

/// The chapter's steps; each observes one thing.
class chapter {
 public:
  explicit chapter(narrator& tell)
      : tell_(tell), calc_({}, [](const std::string&) {}), echo_({}, [](const std::string&) {}) {}

  asio::awaitable<result<void>> run() {
    auto calc = local_service::start(calc_, calc_.limits());
    if (!calc) co_return unexpected(calc.error());
    calc_service_ = std::move(*calc);
    auto echo = local_service::start(echo_, echo_.limits());
    if (!echo) co_return unexpected(echo.error());
    echo_service_ = std::move(*echo);
    const std::array steps{&chapter::first_query,  &chapter::layout,    &chapter::local_end,    &chapter::over_udp,
                           &chapter::order,        &chapter::by_telnet, &chapter::many_clients, &chapter::one_number,
                           &chapter::against_echo, &chapter::timeouts,  &chapter::no_answer,    &chapter::orderly_end};
    for (const auto step : steps)
      if (auto done = co_await (this->*step)(); !done) co_return done;
    co_return result<void>();
  }

 private:
  using step_result = asio::awaitable<result<void>>;

  [[nodiscard]] calc::query_options calc_over(net::transport protocol) const {
    return {.protocol = protocol, .port = calc_service_->port(), .timeout = patience};
  }
  [[nodiscard]] asio::awaitable<result<tcp::socket>> connect() const {
    net::destination to{"127.0.0.1", calc_service_->port(), {asio::ip::address_v4::loopback()}};
    return net::dial_tcp(std::move(to), {.deadline = clock::now() + patience});
  }
  void show_command(std::string_view command) { tell_.show(fmt::format("$ {}", command)); }

  step_result first_query() {
    tell_.step("A request over TCP");
    tell_.say(
        "The server waits in accept(). connect() sends SYN and returns when the server's SYN+ACK has come; the "
        "client's "
        "ACK, when it arrives, completes accept(). One send() is one request, one segment; recv() returns when the "
        "segment with the answer has come.");
    const calc::request asked{.id = 1, .op = "SUM", .numbers = {1, 2, 3}};
    show_command(fmt::format("netlab calc query --tcp --port {} sum 1 2 3", calc_service_->port()));
    const auto got = co_await calc::query_one(calc_over(net::transport::tcp), asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(in_words(got->what.value));
    tell_.check("the server answered 6", got->what.value && *got->what.value == 6);
    co_return result<void>();
  }

  step_result layout() {
    tell_.step("The octets of a request and of its answer");
    tell_.say(
        "Numbers travel in network byte order, the most significant octet first. In Python: struct.pack('!I3sB3i', 1, "
        "b'PRO', 3, 4, 5, -6).");
    const calc::request asked{.id = 1, .op = "PRO", .numbers = {4, 5, -6}};
    bytes sent;
    calc::append_request(sent, asked, byte_order::big);
    auto socket = co_await connect();
    if (!socket) co_return unexpected(socket.error());
    const net::expiry limit(*socket, clock::now() + patience);
    co_await asio::async_write(*socket, asio::buffer(sent), net::use_tuple);
    bytes reply(calc::answer_size + 1);
    std::size_t size = 0;
    while (size < calc::answer_size) {
      const auto [error, part] = co_await socket->async_read_some(asio::buffer(reply) + size, net::use_tuple);
      if (error) break;
      size += part;
    }
    reply.resize(size);
    const auto field = [&](bytes_view octets, std::string_view name, std::string_view value) {
      tell_.show(fmt::format("{:<12} {:<8} {}", hex(octets), name, value));
    };
    const bytes_view out(sent);
    field(out.first(4), "ID", "1, comes back as it is");
    field(out.subspan(4, 3), "OP", "PRO in UTF-8");
    field(out.subspan(7, 1), "N", "3 numbers follow");
    for (std::size_t at = 0; at < asked.numbers.size(); ++at)
      field(out.subspan(8 + 4 * at, 4), fmt::format("z{}", at + 1), fmt::format("{}", asked.numbers[at]));
    tell_.show("answer:");
    if (size >= calc::answer_size) {
      field(bytes_view(reply).first(4), "ID", "the request's");
      field(bytes_view(reply).subspan(4, 4), "RESULT",
            fmt::format("{}", calc::decode_answer(reply, byte_order::big).value));
    }
    tell_.check("the answer has exactly 8 octets, ID 1 and the result -120",
                size == calc::answer_size && calc::check_answer(asked, byte_order::big, reply).has_value());
    co_return result<void>();
  }

  step_result local_end() {
    tell_.step("The client's own address and port");
    tell_.say(
        "getsockname() tells them. Before connect() a TCP socket has none; connect() makes the system choose: the "
        "address of the interface "
        "that the route leads out of, and a free port. bind() before connect() sets them.");
    tcp::socket socket(co_await asio::this_coro::executor, tcp::v4());
    std::error_code error;
    const auto before = socket.local_endpoint(error);
    const net::expiry limit(socket, clock::now() + patience);
    const auto [failed] =
        co_await socket.async_connect({asio::ip::address_v4::loopback(), calc_service_->port()}, net::use_tuple);
    if (failed) co_return fail(failed, "connect");
    const auto after = socket.local_endpoint(error);
    tell_.show(fmt::format("before connect()  {}", net::to_string(before)));
    tell_.show(fmt::format("after connect()   {}", net::to_string(after)));
    tell_.check("no port before, an address and a port after",
                before.port() == 0 && after.port() != 0 && after.address().is_loopback());

    auto how = calc_over(net::transport::tcp);
    how.local = net::local_end{asio::ip::make_address("127.0.0.2"), 0};
    show_command(fmt::format("netlab calc query --bind 127.0.0.2 -v --port {} max 7 -7", how.port));
    const calc::request asked{.id = 2, .op = "MAX", .numbers = {7, -7}};
    const auto got = co_await calc::query_one(how, asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(fmt::format("tcp {} -> {}", got->where.local, got->where.remote));
    tell_.show(in_words(got->what.value));
    tell_.check("the request came from 127.0.0.2, as bind() asked",
                got->what.value && got->where.local.starts_with("127.0.0.2:"));
    co_return result<void>();
  }

  step_result over_udp() {
    tell_.step("The same request over UDP, to the same port number");
    tell_.say(
        "No SYN, no ACK: sendto() is one datagram, recvfrom() returns with the next. The datagram keeps the request "
        "whole; nothing says "
        "that it arrives, so the client sends it again when no answer comes.");
    show_command(fmt::format("netlab calc query --udp --port {} sum 1 2 3", calc_service_->port()));
    const calc::request asked{.id = 3, .op = "SUM", .numbers = {1, 2, 3}};
    const auto got = co_await calc::query_one(calc_over(net::transport::udp), asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(in_words(got->what.value));
    tell_.check("the same server answered 6 over UDP", got->what.value && *got->what.value == 6);
    co_return result<void>();
  }

  step_result order() {
    tell_.step("The wrong byte order");
    tell_.say(
        "struct.pack without '!' writes a PC's own order, the least significant octet first. The server then reads 1 "
        "as 16777216. SUM 1 2 3 "
        "still comes out right, for the sum is turned round again on its way back; PRO 2 3 does not even fit 32 bits, "
        "and has no answer.");
    auto how = calc_over(net::transport::tcp);
    how.order = byte_order::little;
    show_command(fmt::format("netlab calc query --byte-order little --port {} sum 1 2 3", how.port));
    const calc::request summing{.id = 4, .op = "SUM", .numbers = {1, 2, 3}};
    const auto sum = co_await calc::query_one(how, summing);
    if (!sum) co_return unexpected(sum.error());
    tell_.show(in_words(sum->what.value));
    show_command(fmt::format("netlab calc query --byte-order little --port {} pro 2 3", how.port));
    const calc::request multiplying{.id = 5, .op = "PRO", .numbers = {2, 3}};
    const auto product = co_await calc::query_one(how, multiplying);
    if (!product) co_return unexpected(product.error());
    tell_.show(in_words(product->what.value));
    tell_.check("SUM is right by luck, PRO gets no answer, and netlab names the cause",
                sum->what.value && *sum->what.value == 6 && !product->what.value &&
                    describe(product->what.value.error()).find("--byte-order") != std::string::npos);
    co_return result<void>();
  }

  step_result by_telnet() {
    tell_.step("By hand, as with telnet");
    tell_.say(
        "telnet sends the line that you type as it is. The server tells the two kinds of client apart by octets 4 to "
        "6: an operation stands "
        "there in every binary request, and in hardly any line of text.");
    auto socket = co_await connect();
    if (!socket) co_return unexpected(socket.error());
    const net::expiry limit(*socket, clock::now() + patience);
    const std::string typed = "sum 1 2 3\r\n";
    co_await asio::async_write(*socket, asio::buffer(typed), net::use_tuple);
    std::string reply;
    std::array<char, 256> piece{};
    while (reply.find('\n') == std::string::npos) {
      const auto [error, size] = co_await socket->async_read_some(asio::buffer(piece), net::use_tuple);
      if (error) break;
      reply.append(piece.data(), size);
    }
    tell_.show(fmt::format("> {}", trim(typed)));
    tell_.show(fmt::format("< {}", escape(trim(reply))));
    tell_.check("the line was answered by a line", reply == "6\r\n");
    co_return result<void>();
  }

  step_result many_clients() {
    tell_.step(fmt::format("{} clients at once", crowd));
    tell_.say(
        "Each accept() gives the server a new socket with the same local port; the four numbers (both addresses, both "
        "ports) keep the "
        "connections apart. A server that reads one socket at a time would let the others wait.");
    std::list<tcp::socket> sockets;
    for (std::size_t index = 0; index < crowd; ++index) {
      auto socket = co_await connect();
      if (!socket) co_return unexpected(socket.error());
      sockets.push_back(std::move(*socket));
    }
    // All are connected; now each asks, the last one first.
    std::size_t right = 0;
    std::uint32_t id = crowd;
    for (auto socket = sockets.rbegin(); socket != sockets.rend(); ++socket, --id) {
      const calc::request asked{.id = id, .op = "PRO", .numbers = {static_cast<std::int32_t>(id), 3}};
      bytes sent;
      calc::append_request(sent, asked, byte_order::big);
      const net::expiry limit(*socket, clock::now() + patience);
      co_await asio::async_write(*socket, asio::buffer(sent), net::use_tuple);
    }
    id = 1;
    for (tcp::socket& socket : sockets) {
      const calc::request asked{.id = id, .op = "PRO", .numbers = {static_cast<std::int32_t>(id), 3}};
      ++id;
      bytes reply(calc::answer_size);
      const net::expiry limit(socket, clock::now() + patience);
      std::size_t size = 0;
      while (size < reply.size()) {
        const auto [error, part] = co_await socket.async_read_some(asio::buffer(reply) + size, net::use_tuple);
        if (error) break;
        size += part;
      }
      if (size == reply.size() && calc::check_answer(asked, byte_order::big, reply)) ++right;
    }
    tell_.show(fmt::format("{} connected, {} right answers", sockets.size(), right));
    tell_.check("each got its own answer", right == crowd);
    co_return result<void>();
  }

  step_result one_number() {
    tell_.step("One port number, two services?");
    tell_.say(
        "A port number belongs to a transport: TCP's and UDP's are counted apart. So one echo service can stand on the "
        "same number over both.");
    for (const net::transport protocol : {net::transport::tcp, net::transport::udp}) {
      show_command(
          fmt::format("netlab echo query --{} --port {} hello", net::name_of(protocol), echo_service_->port()));
      const std::string hello = "hello";
      const bytes_view octets = as_bytes(hello);
      const echo::query_options how{.protocol = protocol, .port = echo_service_->port(), .timeout = patience};
      bytes message(octets.begin(), octets.end());
      const auto reply = co_await echo::query(how, std::move(message));
      if (!reply) co_return unexpected(reply.error());
      tell_.show(escape(as_text(reply->octets)));
      tell_.check(
          fmt::format("port {} echoes over {}", echo_service_->port(), protocol == net::transport::tcp ? "TCP" : "UDP"),
          as_text(reply->octets) == hello);
    }
    co_return result<void>();
  }

  step_result against_echo() {
    tell_.step("The client against the echo service");
    tell_.say(
        "The echo service knows nothing of requests: the first 8 octets that come back are ID, operation and N. A "
        "client that does not "
        "look takes SUM and 3 for a result: 0x53554d03 is 1398099203.");
    auto how = calc_over(net::transport::tcp);
    how.port = echo_service_->port();
    show_command(fmt::format("netlab calc query --port {} sum 1 2 3", how.port));
    const calc::request asked{.id = 6, .op = "SUM", .numbers = {1, 2, 3}};
    const auto got = co_await calc::query_one(how, asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(in_words(got->what.value));
    tell_.check("netlab sees that the request came back",
                !got->what.value && got->what.value.error().code == errc::peer_protocol);
    co_return result<void>();
  }

  step_result timeouts() {
    tell_.step("Why timeouts");
    tell_.say(
        "A UDP peer that says nothing, a host that is switched off, a server that hangs: recv() waits for ever unless "
        "it "
        "is told not to. In Python, socket.setdefaulttimeout(5) sets a timeout for all new sockets. When it passes, "
        "recv() "
        "raises TimeoutError; catch it with try and except, and the program goes on.");
    udp::socket mute(co_await asio::this_coro::executor, {asio::ip::address_v4::loopback(), 0});
    auto how = calc_over(net::transport::udp);
    how.port = mute.local_endpoint().port();
    how.timeout = silence;
    show_command(fmt::format("netlab calc query --udp --timeout {}ms --port {} sum 1 2 3", silence.count(), how.port));
    const time_point begin = clock::now();
    const calc::request asked{.id = 7, .op = "SUM", .numbers = {1, 2, 3}};
    const auto got = co_await calc::query_one(how, asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(in_words(got->what.value));
    tell_.check("a silent port ends in a timeout, not in waiting",
                !got->what.value && got->what.value.error().code == errc::timed_out && clock::now() - begin >= silence);

    tell_.say(
        "A UDP port that nobody has is not silent: its system answers with ICMP type 3, code 3. On a connected socket, "
        "as "
        "here, the next call then fails (ECONNREFUSED; on Windows 10054); an unconnected one on Linux never hears of "
        "it.");
    std::error_code ignored;
    mute.close(ignored);
    const calc::request again{.id = 8, .op = "SUM", .numbers = {1, 2, 3}};
    const auto closed = co_await calc::query_one(how, again);
    if (!closed) co_return unexpected(closed.error());
    tell_.show(in_words(closed->what.value));
    tell_.check("a closed port is refused at once",
                !closed->what.value && closed->what.value.error().code == std::errc::connection_refused);
    co_return result<void>();
  }

  step_result no_answer() {
    tell_.step("Requests that have no answer");
    tell_.say(
        "The format has no word for an error. 2147483647 + 1 does not fit the result's 32 bits: over TCP the server "
        "closes the connection "
        "in order, over UDP it stays silent, and in both cases it counts and logs the request.");
    const auto before = calc_.totals().refused;
    const calc::request asked{.id = 9, .op = "SUM", .numbers = {2147483647, 1}};
    const auto got = co_await calc::query_one(calc_over(net::transport::tcp), asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(in_words(got->what.value));
    tell_.check("the connection was closed without an answer, and the server counted it",
                !got->what.value && got->what.value.error().code == errc::closed_by_peer &&
                    calc_.totals().refused == before + 1);
    co_return result<void>();
  }

  step_result orderly_end() {
    tell_.step("Stopping a server");
    tell_.say(
        "On Ctrl-C the server closes its listening socket, answers what has come, and closes every connection with "
        "FIN. Whoever connects "
        "now is refused: the system answers SYN with RST.");
    const std::uint16_t port = calc_service_->port();
    const bool stopped = co_await calc_service_->stop(clock::now() + patience);
    const calc::request asked{.id = 10, .op = "SUM", .numbers = {1}};
    const auto refused = co_await calc::query_one(calc_over(net::transport::tcp), asked);
    tell_.show(refused ? in_words(refused->what.value) : describe(refused.error()));
    tell_.check(fmt::format("port {} is closed now", port),
                stopped && !refused && refused.error().code == std::errc::connection_refused);
    const calc::server_totals totals = calc_.totals();
    tell_.show(fmt::format("answered {}, refused {}, {}", count_of(totals.answered, "request"), totals.refused,
                           count_of(totals.connections, "connection")));
    co_return result<void>();
  }

  narrator& tell_;
  calc::server calc_;
  echo::server echo_;
  std::unique_ptr<local_service> calc_service_;
  std::unique_ptr<local_service> echo_service_;
};

}  // namespace

asio::awaitable<result<void>> calc_chapter(narrator& tell) {
  chapter one(tell);
  co_return co_await one.run();
}

}  // namespace netlab::lab
