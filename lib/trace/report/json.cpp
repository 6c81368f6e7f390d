// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "trace/report/reports.hpp"
#include "trace/report/words.hpp"

namespace netlab::trace {
namespace {

using json = nlohmann::ordered_json;

json to_json(const source_line& where) {
  if (where.file.empty() && where.function.empty()) return nullptr;
  return {{"file", where.file}, {"line", where.line}, {"function", where.function}, {"text", where.text}};
}

json numbers_of(const std::vector<packet_id>& packets, const timeline& in) {
  json numbers = json::array();
  for (const packet_id each : packets)
    if (const std::uint64_t number = in.number_of(each); number != 0) numbers.push_back(number);
  return numbers;
}

json list_of_flags(std::uint8_t flags) {
  json names = json::array();
  if ((flags & tcp_flag::fin) != 0) names.push_back("FIN");
  if ((flags & tcp_flag::syn) != 0) names.push_back("SYN");
  if ((flags & tcp_flag::rst) != 0) names.push_back("RST");
  if ((flags & tcp_flag::psh) != 0) names.push_back("PSH");
  if ((flags & tcp_flag::ack) != 0) names.push_back("ACK");
  return names;
}

class json_report final : public report {
 public:
  explicit json_report(report_sink sink) : sink_(std::move(sink)) {}

  void add_process(const process_facts& of, const timeline& in) override {
    write({{"process", of.process},
           {"parent", of.parent == 0 ? json(nullptr) : json(of.parent)},
           {"program", in.names().name_of(of.process)},
           {"command", of.words}});
  }

  void begin_call(const linked_call&, bool, const timeline&) override {}
  void end_call(const linked_call& call, bool, const timeline& in) override { write_call(call, in); }
  void leave_open(const linked_call& call, const timeline& in) override { write_call(call, in); }

  void add_packet(const linked_packet& packet, const timeline& in) override {
    json object{{"packet", packet.number},
                {"time_ns", packet.details.time.count()},
                {"interface", packet.details.interface},
                {"proto", name_of(packet.details.protocol)},
                {"source", to_string(packet.details.source)},
                {"destination", to_string(packet.details.destination)}};
    if (packet.details.protocol == protocol::tcp) {
      object["flags"] = list_of_flags(packet.details.flags);
      object["sequence"] = packet.details.sequence;
      object["acknowledged"] = packet.details.acknowledged;
      object["offset"] = packet.offset;
    }
    object["octets"] = packet.details.payload;
    object["what"] = describe(packet.details);
    object["sender"] = in.user_of(packet.sender);
    object["receiver"] = in.user_of(packet.receiver);
    object["role"] = name_of(packet.role);
    object["reason"] = packet.reason.empty() ? json(nullptr) : json(packet.reason);
    object["retransmission"] = packet.is_retransmission;
    object["calls"] = packet.calls;
    object["completes"] = packet.completes;
    object["delivered_to"] = packet.delivered_to;
    write(object);
  }

  void finish(const trace_summary& summary, const timeline&) override {
    write({{"summary",
            {{"calls", summary.calls},
             {"packets", summary.has_packets ? json(summary.packets) : json(nullptr)},
             {"dropped", summary.dropped}}}});
  }

 private:
  void write_call(const linked_call& call, const timeline& in) {
    const trace::call& details = call.details;
    json object{{"call", details.id},
                {"process", details.process},
                {"thread", details.thread},
                {"program", in.names().name_of(details.process)},
                {"name", details.name},
                {"kind", name_of(details.kind)},
                {"fd", details.fd < 0 ? json(nullptr) : json(details.fd)},
                {"socket", details.socket == 0 ? json(nullptr) : json(details.socket)},
                {"arguments", details.arguments},
                {"line", to_json(source_of(details))},
                {"entered_ns", details.entered.count()},
                {"returned_ns", details.returned ? json(details.returned->count()) : json(nullptr)},
                {"result", details.returned ? json(details.value < 0 ? -1 : details.value) : json(nullptr)},
                {"error", details.has_failed() ? json(name_of_errno(static_cast<int>(-details.value))) : json(nullptr)},
                {"outcome", details.outcome.empty() ? json(nullptr) : json(details.outcome)},
                {"completion", name_of(call.completion)}};
    const std::uint64_t by = in.number_of(call.completed_by);
    object["completed_by"] = by == 0 ? json(nullptr) : json(by);
    object["received"] = numbers_of(call.received, in);
    object["sent"] = numbers_of(call.sent, in);
    write(object);
  }

  void write(const json& object) { sink_(object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"); }

  report_sink sink_;
};

}  // namespace

std::unique_ptr<report> make_json_report(report_sink sink) { return std::make_unique<json_report>(std::move(sink)); }

}  // namespace netlab::trace
