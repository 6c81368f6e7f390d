// SPDX-License-Identifier: MIT
#include "calc/check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/evaluate.hpp"
#include "calc/text_line.hpp"

namespace netlab::calc {
namespace {

constexpr std::size_t shown_text = 60;  // octets of a peer's text in a diagnosis

std::string_view other_name(byte_order order) noexcept { return order == byte_order::big ? "little" : "network"; }

std::string other_order_hint(byte_order order) { return fmt::format("try --byte-order {}", other_name(order)); }

request swapped(const request& asked) {
  request other = asked;
  for (std::int32_t& number : other.numbers)
    number = static_cast<std::int32_t>(swap_octets(static_cast<std::uint32_t>(number)));
  return other;
}

// The result of a program that ignores overflow, as most do.
std::uint32_t wrapped_sum(const request& asked) {
  std::uint32_t sum = 0;
  for (const std::int32_t number : asked.numbers) sum += static_cast<std::uint32_t>(number);
  return sum;
}

// True if the value is the result of a server that uses the other byte order for input and output. False for values
// without evidence: a value that is the same in both orders, such as 0, and a product that overflowed, nearly all of
// whose octets are 0 in either order.
bool is_other_order(const request& asked, std::int32_t arrived) {
  const request other = swapped(asked);
  const std::uint32_t received = swap_octets(static_cast<std::uint32_t>(arrived));
  if (received == static_cast<std::uint32_t>(arrived)) return false;
  if (const auto value = evaluate(other)) return static_cast<std::uint32_t>(*value) == received;
  return asked.op == name_of(operation::sum) && wrapped_sum(other) == received;
}

bool is_echo(const request& asked, byte_order order, bytes_view reply) {
  bytes sent;
  append_request(sent, asked, order);
  const std::size_t length = std::min(sent.size(), reply.size());
  return length >= answer_size &&
         std::equal(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(length), sent.begin());
}

bool is_text(bytes_view reply) {
  const std::string_view text = as_text(reply.first(std::min<std::size_t>(reply.size(), answer_size)));
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\r' || c == '\n' || c == '\t'; });
}

}  // namespace

bool is_foreign(const request& asked, byte_order order, bytes_view reply) {
  const answer got = decode_answer(reply, order);
  return got.id != asked.id ? is_text(reply) : is_echo(asked, order, reply);
}

result<std::int32_t> check_answer(const request& asked, byte_order order, bytes_view reply) {
  const answer got = decode_answer(reply, order);
  const auto expected = evaluate(asked);
  if (got.id == asked.id && expected && got.value == *expected) return got.value;
  if (is_echo(asked, order, reply))
    return fail(errc::peer_protocol,
                "the request came back unchanged: this is an echo service, not a calculation server");
  if (got.id != asked.id) {
    if (is_text(reply)) {
      const std::string_view text = as_text(reply);
      const std::string line = escape(trim(text.substr(0, text.find('\n'))), shown_text);
      if (text.starts_with("error: too many clients"))
        return fail(errc::try_later, fmt::format("the server says: {}", line));
      return fail(errc::peer_protocol, fmt::format("the peer speaks another protocol: '{}'", line));
    }
    if (got.id == swap_octets(asked.id))
      return fail(errc::peer_protocol,
                  fmt::format("the answer has ID {}, which is {} with its octets in the other order", got.id, asked.id),
                  "the server must return the ID unchanged");
    return fail(errc::peer_protocol, fmt::format("the answer has ID {}, the request had {}", got.id, asked.id));
  }
  if (!expected)
    return fail(errc::peer_protocol, fmt::format("answered {}, but {} has no result: {}", got.value, to_line(asked),
                                                 reason(expected.error())));
  if (is_other_order(asked, got.value) ||
      swap_octets(static_cast<std::uint32_t>(got.value)) == static_cast<std::uint32_t>(*expected))
    return fail(errc::peer_protocol,
                fmt::format("answered {}, which is the right value in the other byte order", got.value),
                other_order_hint(order));
  return fail(errc::peer_protocol, fmt::format("answered {}, but {} is {}", got.value, to_line(asked), *expected));
}

result<std::int32_t> check_datagram(const request& asked, byte_order order, bytes_view reply) {
  if (reply.size() == answer_size || (reply.size() > answer_size && is_foreign(asked, order, reply)))
    return check_answer(asked, order, reply);
  return fail(errc::peer_protocol,
              fmt::format("the answer has {}, not {}", count_of(reply.size(), "octet"), answer_size));
}

std::string silence_hint(const request& asked, byte_order order) {
  if (!evaluate(asked)) return "the request has no result, so the server need not answer";
  const request other = swapped(asked);
  if (!evaluate(other)) return fmt::format("the server may use the other byte order: {}", other_order_hint(order));
  return {};
}

}  // namespace netlab::calc
