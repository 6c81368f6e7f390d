// SPDX-License-Identifier: MIT
#include "lab/tour/recording.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/time.hpp"

namespace netlab::lab {
namespace {

using nlohmann::json;

/// The member of that name; 0, empty or false if it is missing or of another type.
template <class Value>
Value value_of(const json& object, const char* name) {
  const auto found = object.find(name);
  const Value* const value = found == object.end() ? nullptr : found->template get_ptr<const Value*>();
  return value == nullptr ? Value() : *value;
}

std::string text_of(const json& object, const char* name) { return value_of<json::string_t>(object, name); }
std::int64_t number_of(const json& object, const char* name) { return value_of<json::number_integer_t>(object, name); }
std::uint64_t count_in(const json& object, const char* name) { return value_of<json::number_unsigned_t>(object, name); }
bool is_set(const json& object, const char* name) { return value_of<json::boolean_t>(object, name); }

std::vector<std::uint64_t> numbers_of(const json& object, const char* name) {
  std::vector<std::uint64_t> numbers;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return numbers;
  for (const json& each : *found)
    if (each.is_number_unsigned()) numbers.push_back(each.get<std::uint64_t>());
  return numbers;
}

recorded_call to_call(const json& object) {
  return {.id = count_in(object, "call"),
          .program = text_of(object, "program"),
          .kind = text_of(object, "kind"),
          .name = text_of(object, "name"),
          .arguments = text_of(object, "arguments"),
          .outcome = text_of(object, "outcome"),
          .value = number_of(object, "result"),
          .error = text_of(object, "error"),
          .completion = text_of(object, "completion"),
          .completed_by = count_in(object, "completed_by"),
          .received = numbers_of(object, "received"),
          .took_ns = number_of(object, "returned_ns") - number_of(object, "entered_ns")};
}

recorded_packet to_packet(const json& object) {
  return {.number = count_in(object, "packet"),
          .protocol = text_of(object, "proto"),
          .what = text_of(object, "what"),
          .octets = count_in(object, "octets"),
          .sender = text_of(object, "sender"),
          .receiver = text_of(object, "receiver"),
          .role = text_of(object, "role"),
          .reason = text_of(object, "reason"),
          .is_retransmission = is_set(object, "retransmission"),
          .calls = numbers_of(object, "calls")};
}

bool is_whole(const json& summary, const recording& made) {
  const auto packets = summary.find("packets");
  return packets != summary.end() && packets->is_number_unsigned() &&
         packets->get<std::uint64_t>() == made.packets.size() && !made.packets.empty() &&
         count_in(summary, "dropped") == 0;
}

/// The function's name as in the program's source: the system call recvfrom may be a recv().
std::string_view word_for(const recorded_call& call) {
  if (call.kind == "receive") return call.outcome.empty() ? "recv" : "recvfrom";
  if (call.kind == "send") return call.arguments.contains(':') ? "sendto" : "send";
  if (call.kind == "accept") return "accept";
  return call.name;
}

std::string cause_of(const recorded_packet& packet, const recording& in) {
  const recorded_call* const by = packet.calls.empty() ? nullptr : in.find_call(packet.calls.front());
  const std::string_view sender = in.role_of(packet.sender);
  if (packet.role == "call") return by == nullptr ? "sent by a call" : fmt::format("{}", name_of_call(*by, in));
  if (packet.role == "handshake" && by != nullptr && by->kind == "listen")
    return fmt::format("the {}'s system, since listen()", sender);
  if (packet.role == "handshake") return fmt::format("the {}'s system ends the handshake", sender);
  if (packet.role == "acknowledgement") return fmt::format("the {}'s system acknowledges", sender);
  if (packet.role == "icmp-error") return "the system: nobody has the port";
  if (packet.role == "reset") return fmt::format("the system: {}", packet.reason.empty() ? "reset" : packet.reason);
  return fmt::format("the {}'s system: {}", sender, packet.role);
}

bool is_sent_by(const recorded_packet& packet, std::string_view kind, const recording& in) {
  return !packet.calls.empty() && std::ranges::all_of(packet.calls, [&](std::uint64_t id) {
    const recorded_call* const call = in.find_call(id);
    return call != nullptr && (call->kind == kind || (kind == "close" && call->kind == "shutdown"));
  });
}

}  // namespace

const recorded_call* recording::find_call(std::uint64_t id) const {
  const auto found = std::ranges::find(calls, id, &recorded_call::id);
  return found == calls.end() ? nullptr : &*found;
}

const recorded_packet* recording::find_packet(std::uint64_t number) const {
  const auto found = std::ranges::find(packets, number, &recorded_packet::number);
  return found == packets.end() ? nullptr : &*found;
}

const recorded_call* recording::find_call(std::string_view role, std::string_view kind) const {
  const auto found = std::ranges::find_if(
      calls, [&](const recorded_call& each) { return each.kind == kind && role_of(each.program) == role; });
  return found == calls.end() ? nullptr : &*found;
}

std::string_view recording::role_of(const std::string& program) const {
  if (program.empty()) return "closed port";
  const bool accepts = std::ranges::any_of(
      calls, [&](const recorded_call& each) { return each.kind == "accept" && each.program == program; });
  return accepts ? "server" : "client";
}

const recorded_packet* recording::packet_for(const recorded_call& call) const {
  if (call.completed_by != 0) return find_packet(call.completed_by);
  return call.received.empty() ? nullptr : find_packet(call.received.back());
}

std::optional<recording> parse_recording(std::string_view lines) {
  recording made;
  for (const std::string_view line : split(lines, '\n')) {
    const json object = json::parse(line, nullptr, false);
    if (!object.is_object()) continue;
    if (object.contains("call"))
      made.calls.push_back(to_call(object));
    else if (object.contains("packet"))
      made.packets.push_back(to_packet(object));
    else if (const auto summary = object.find("summary"); summary != object.end())
      return summary->is_object() && is_whole(*summary, made) ? std::optional(std::move(made)) : std::nullopt;
  }
  return std::nullopt;
}

std::string name_of_call(const recorded_call& call, const recording& in) {
  return fmt::format("{}'s {}()", in.role_of(call.program), word_for(call));
}

std::string packet_row(const recorded_packet& packet, const recording& in) {
  const bool has_closed_port = std::ranges::any_of(in.packets, &std::string::empty, &recorded_packet::sender);
  const std::size_t width = std::string_view(has_closed_port ? "closed port" : "client").size();
  return fmt::format("{:>2}  {:<{}} > {:<{}}  {:<21}  {}{}", packet.number, in.role_of(packet.sender), width,
                     in.role_of(packet.receiver), width, packet.what, packet.is_retransmission ? "again, " : "",
                     cause_of(packet, in));
}

std::string call_row(const recorded_call& call, const recording& in) {
  std::string text = name_of_call(call, in);
  if (!call.error.empty())
    text += fmt::format(" {}", call.error);
  else if (call.kind == "receive")
    text += fmt::format(" = {}", call.value);
  const recorded_packet* const packet = in.packet_for(call);
  const std::string which = packet == nullptr ? std::string("a packet that was not seen")
                                              : fmt::format("packet {}, {}", packet->number, packet->what);
  if (call.completion == "timed-out")
    return fmt::format("{:<32}  waited {:<8} in vain", text, netlab::to_string(duration(call.took_ns)));
  if (call.completion == "packet")
    return fmt::format("{:<32}  waited {:<8} for {}", text, netlab::to_string(duration(call.took_ns)), which);
  if (call.completion == "at-once") return fmt::format("{:<32}  at once: {} had come", text, which);
  return fmt::format("{:<32}  {}", text, call.completion);
}

bool is_blocking(const recorded_call& call) { return !call.completion.empty() && call.completion != "none"; }

bool explains_every_packet(const recording& in) {
  return std::ranges::all_of(in.packets, [&](const recorded_packet& each) {
    if (each.role == "unknown" || each.role.empty()) return false;
    if (each.octets > 0) return is_sent_by(each, "send", in);
    if (each.what == "SYN") return is_sent_by(each, "connect", in);
    if (each.what.starts_with("FIN")) return is_sent_by(each, "close", in);
    return true;
  });
}

bool sends_nothing(std::string_view kind, const recording& in) {
  return std::ranges::none_of(in.packets, [&](const recorded_packet& packet) {
    return std::ranges::any_of(packet.calls, [&](std::uint64_t id) {
      const recorded_call* const call = in.find_call(id);
      return call != nullptr && call->kind == kind;
    });
  });
}

bool has_system_handshake(const recording& in) {
  const auto answer = std::ranges::find(in.packets, "SYN+ACK", &recorded_packet::what);
  if (answer == in.packets.end() || answer->role != "handshake" || !is_sent_by(*answer, "listen", in)) return false;
  return std::ranges::any_of(answer, in.packets.end(), [](const recorded_packet& each) {
    return each.what == "ACK" && each.role == "handshake";
  });
}

}  // namespace netlab::lab
