// SPDX-License-Identifier: MIT
// Exercise 1: correct and wrong requests and answers of the calculation service.
#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/check.hpp"
#include "calc/evaluate.hpp"
#include "lab/tour/calc_steps.hpp"
#include "lab/tour/talk.hpp"

namespace netlab::lab {
namespace {

bool is(const calc::query_reply& got, std::int32_t value) { return got.answer.value && *got.answer.value == value; }

/// True if the query failed with this code.
template <class Code>
bool failed_with(const calc::query_reply& got, Code code) {
  return !got.answer.value && got.answer.value.error().code == code;
}

void show_field(classroom& in, bytes_view octets, std::string_view name, std::string_view value) {
  in.tell.show(fmt::format("{:<12} {:<8} {}", to_hex(octets, " "), name, value));
}

/// Sends a request unchanged and returns the reply: 8 octets, or fewer if the server closes.
asio::awaitable<result<bytes>> exchange(const classroom& in, const calc::request& asked, byte_order order) {
  bytes sent;
  calc::append_request(sent, asked, order);
  auto socket = co_await connect_to(in.calc_at());
  if (!socket) co_return unexpected(socket.error());
  if (auto done = co_await send_all(*socket, sent); !done) co_return unexpected(done.error());
  co_return co_await receive(*socket, calc::answer_size);
}

}  // namespace

step_result first_query(classroom& in) {
  in.tell.say(
      "The server has called bind(), listen() and accept(), and waits. The client connects, sends one request of 20 "
      "octets and reads the answer of 8. That is the whole exercise; the next steps look at it in detail.");
  const calc::request asked{.id = 1, .op = "SUM", .numbers = {1, 2, 3}};
  const auto got = co_await in.ask(in.over(net::transport::tcp), asked);
  if (!got) co_return unexpected(got.error());
  in.tell.check("the server answered 6", is(*got, 6));
  co_return result<void>();
}

step_result layout(classroom& in) {
  in.tell.say(
      "Numbers travel in network byte order, the most significant octet first. In Python: struct.pack('!I3sB3i', 1, "
      "b'PRO', 3, 4, 5, -6).");
  const calc::request asked{.id = 1, .op = "PRO", .numbers = {4, 5, -6}};
  bytes sent;
  calc::append_request(sent, asked, byte_order::big);
  const auto reply = co_await exchange(in, asked, byte_order::big);
  if (!reply) co_return unexpected(reply.error());
  const bytes_view out(sent);
  show_field(in, out.first(4), "ID", "1, comes back as it is");
  show_field(in, out.subspan(4, 3), "OP", "PRO in UTF-8");
  show_field(in, out.subspan(7, 1), "N", "3 numbers follow");
  for (std::size_t at = 0; at < asked.numbers.size(); ++at)
    show_field(in, out.subspan(8 + 4 * at, 4), fmt::format("z{}", at + 1), fmt::format("{}", asked.numbers[at]));
  in.tell.show("answer:");
  const bytes_view back(*reply);
  if (back.size() == calc::answer_size) {
    show_field(in, back.first(4), "ID", "the request's");
    show_field(in, back.subspan(4), "RESULT", fmt::format("{}", calc::decode_answer(back, byte_order::big).value));
  }
  in.tell.check("the answer has 8 octets, with the request's ID and the result -120",
                back.size() == calc::answer_size && calc::check_answer(asked, byte_order::big, back).has_value());
  co_return result<void>();
}

step_result calc_over_udp(classroom& in) {
  in.tell.say(
      "No SYN, no ACK: sendto() sends one datagram, recvfrom() returns the next one. A datagram contains exactly one "
      "request. Delivery is not guaranteed, so the client sends it again if no answer arrives.");
  const calc::request asked{.id = 3, .op = "SUM", .numbers = {1, 2, 3}};
  const auto got = co_await in.ask(in.over(net::transport::udp), asked);
  if (!got) co_return unexpected(got.error());
  in.tell.check("the same server answered 6 over UDP", is(*got, 6));
  co_return result<void>();
}

step_result wrong_order(classroom& in) {
  in.tell.say(
      "struct.pack without '!' uses the PC's native order, the least significant octet first. The server reads the "
      "octets "
      "of 1 as 16777216. It adds these numbers without an error, and the octets of its answer are swapped again on the "
      "way back:");
  const calc::request summing{.id = 4, .op = "SUM", .numbers = {1, 2, 3}};
  bytes sent;
  calc::append_request(sent, summing, byte_order::little);
  const auto reply = co_await exchange(in, summing, byte_order::little);
  if (!reply) co_return unexpected(reply.error());
  const bytes_view out(sent);
  for (std::size_t at = 0; at < summing.numbers.size(); ++at) {
    const bytes_view number = out.subspan(8 + 4 * at, 4);
    show_field(in, number, fmt::format("z{}", at + 1),
               fmt::format("meant {}, read {}", summing.numbers[at], load_u32(number, byte_order::big)));
  }
  const bytes_view back(*reply);
  const bool is_whole = back.size() == calc::answer_size;
  const std::uint32_t meant = is_whole ? load_u32(back.subspan(4), byte_order::big) : 0;
  const std::uint32_t read = is_whole ? load_u32(back.subspan(4), byte_order::little) : 0;
  if (is_whole) show_field(in, back.subspan(4), "RESULT", fmt::format("meant {}, read {}", meant, read));
  in.tell.check("SUM 1 2 3 is right nevertheless: without a carry between octets, the two swaps cancel out",
                is_whole && meant == 6U << 24 && read == 6);
  in.tell.say(
      "So a test with small sums proves nothing. MAX compares the wrong numbers: 256 is read as 65536, 1 as 16777216. "
      "And 2 times 3 no longer fits into 32 bits, so PRO gets no answer at all.");
  auto how = in.over(net::transport::tcp);
  how.order = byte_order::little;
  const calc::request comparing{.id = 5, .op = "MAX", .numbers = {1, 256}};
  const auto greatest = co_await in.ask(how, comparing);
  if (!greatest) co_return unexpected(greatest.error());
  in.tell.check("MAX 1 256 is wrong, and netlab names the cause",
                !greatest->answer.value && describe(greatest->answer.value.error()).contains("--byte-order"));
  const calc::request multiplying{.id = 6, .op = "PRO", .numbers = {2, 3}};
  const auto product = co_await in.ask(how, multiplying);
  if (!product) co_return unexpected(product.error());
  in.tell.check("PRO 2 3 has no answer",
                !product->answer.value && describe(product->answer.value.error()).contains("--byte-order"));
  co_return result<void>();
}

step_result by_telnet(classroom& in) {
  in.tell.say(
      "telnet sends the line that you type unchanged. The server distinguishes the two kinds of client by octets 4 to "
      "6, counted from 0: every binary request has an operation there, and hardly any line of text has.");
  auto socket = co_await connect_to(in.calc_at());
  if (!socket) co_return unexpected(socket.error());
  const std::string typed = "sum 1 2 3\r\n";
  if (auto done = co_await send_all(*socket, as_bytes(typed)); !done) co_return done;
  const auto reply = co_await receive(*socket, 3);
  if (!reply) co_return unexpected(reply.error());
  in.tell.show(fmt::format("> {}", trim(typed)));
  in.tell.show(fmt::format("< {}", escape(trim(as_text(*reply)))));
  in.tell.check("the line was answered by a line", as_text(*reply) == "6\r\n");
  co_return result<void>();
}

step_result calc_against_echo(classroom& in) {
  in.tell.say(
      "It sends the octets back unchanged, because it does not know the protocol. A client that reads the first 8 of "
      "them as an answer finds its own ID, and then S, U, M and the 3 in place of the result: 0x53554d03 is "
      "1398099203. A "
      "matching ID is no proof.");
  for (const net::transport protocol : {net::transport::tcp, net::transport::udp}) {
    auto how = in.over(protocol);
    how.port = in.echo_at();
    const calc::request asked{.id = 7, .op = "SUM", .numbers = {1, 2, 3}};
    const auto got = co_await in.ask(how, asked);
    if (!got) co_return unexpected(got.error());
    in.tell.check(fmt::format("over {} the request came back unchanged, and netlab detects it",
                              protocol == net::transport::tcp ? "TCP" : "UDP"),
                  failed_with(*got, errc::peer_protocol));
  }
  co_return result<void>();
}

step_result no_answer(classroom& in) {
  in.tell.say(
      "The format has no error answer. 2147483647 + 1 does not fit into the 32 bits of the result: over TCP the server "
      "closes the connection cleanly, over UDP it does not answer, and in both cases it counts and logs the request.");
  const auto before = in.totals().refused;
  const calc::request asked{.id = 9, .op = "SUM", .numbers = {2147483647, 1}};
  const auto got = co_await in.ask(in.over(net::transport::tcp), asked);
  if (!got) co_return unexpected(got.error());
  in.tell.check("the connection was closed without an answer, and the server counted it",
                failed_with(*got, errc::closed_by_peer) && in.totals().refused == before + 1);
  co_return result<void>();
}

}  // namespace netlab::lab
