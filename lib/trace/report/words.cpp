// SPDX-License-Identifier: MIT
#include "trace/report/words.hpp"

#include <fmt/format.h>

namespace netlab::trace {
namespace {

constexpr std::size_t max_shown = 4;  // of a list in the text report

std::string list_of_calls(const std::vector<call_id>& calls, const timeline& in) {
  std::string text;
  for (std::size_t at = 0; at < calls.size(); ++at) {
    if (at == max_shown) return text + fmt::format(" and {} more", calls.size() - at);
    text += fmt::format("{}{}", at == 0 ? "" : ", ", name_of_call(calls[at], in));
  }
  return text;
}

std::string list_of_packets(const std::vector<packet_id>& packets, const timeline& in) {
  std::vector<std::uint64_t> numbers;
  for (const packet_id each : packets)
    if (const std::uint64_t number = in.number_of(each); number != 0) numbers.push_back(number);
  if (numbers.empty()) return {};
  std::string text = numbers.size() == 1 ? "packet " : "packets ";
  for (std::size_t at = 0; at < numbers.size(); ++at) {
    if (at == max_shown) return text + fmt::format(" and {} more", numbers.size() - at);
    text += fmt::format("{}{}", at == 0 ? "" : ", ", numbers[at]);
  }
  return text;
}

}  // namespace

std::string name_of_end(socket_id socket, const address& where, const timeline& in) {
  const std::string user = in.user_of(socket);
  return user.empty() ? to_string(where) : fmt::format("{}:{}", user, where.port);
}

std::string name_of_call(call_id id, const timeline& in) {
  const linked_call* call = in.links().find_call(id);
  return call == nullptr ? fmt::format("#{}", id) : fmt::format("#{} {}", id, call->details.name);
}

std::string describe_call_line(call_id id, const timeline& in) {
  const linked_call* call = in.links().find_call(id);
  if (call == nullptr) return fmt::format("#{}", id);
  std::string text = fmt::format("{} (pid {}) #{} {}", in.names().name_of(call->details.process), call->details.process,
                                 id, describe(call->details));
  if (const std::string result = describe_result(call->details); !result.empty()) text += " " + result;
  if (const std::string where = to_string(source_of(call->details)); !where.empty())
    text += fmt::format(" [{}]", where);
  return text;
}

std::string describe_cause(const linked_packet& packet, const timeline& in) {
  const std::string calls = list_of_calls(packet.calls, in);
  const std::string_view again = packet.is_retransmission ? "retransmission, " : "";
  switch (packet.role) {
    case packet_role::sent_by_call:
      if (calls.empty()) return fmt::format("{}sent by a call that was not seen", again);
      return fmt::format("{}sent by {}", again, calls);
    case packet_role::handshake:
      if (packet.details.has(tcp_flag::syn))
        return fmt::format("{}kernel: the port listens{}", again, calls.empty() ? "" : " since " + calls);
      return fmt::format("{}kernel: ends the handshake", again);
    case packet_role::acknowledgement: return "kernel: acknowledges";
    case packet_role::window_update: return "kernel: window update";
    case packet_role::keep_alive: return "kernel: keep-alive";
    case packet_role::reset:
      return fmt::format("kernel: {}{}", packet.reason.empty() ? "reset" : packet.reason,
                         calls.empty() ? "" : fmt::format(" ({})", calls));
    case packet_role::icmp_error: return "error message";
    case packet_role::unknown: return packet.is_retransmission ? "retransmission from outside" : "from outside";
  }
  return {};
}

std::string describe_effect(const linked_packet& packet, const timeline& in) {
  if (packet.completes.empty()) return {};
  return fmt::format("completes {}", list_of_calls(packet.completes, in));
}

std::string describe_completion(const linked_call& call, const timeline& in) {
  switch (call.completion) {
    case completion::none: return {};
    case completion::by_packet: {
      const std::uint64_t number = in.number_of(call.completed_by);
      return number == 0 ? std::string("completed by a packet") : fmt::format("completed by packet {}", number);
    }
    case completion::at_once: {
      const std::string packets = list_of_packets(call.received, in);
      return packets.empty() ? std::string("at once") : fmt::format("at once, {} had come", packets);
    }
    case completion::timed_out: return "timed out";
    case completion::interrupted: return "interrupted by a signal";
  }
  return {};
}

}  // namespace netlab::trace
