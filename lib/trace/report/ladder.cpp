// SPDX-License-Identifier: MIT
// The ladder diagram: one self-contained HTML file. Text from programs and packets is embedded as data, never as
// markup.
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "trace/ladder_page.hpp"
#include "trace/report/reports.hpp"
#include "trace/report/words.hpp"
#include "trace/tcp_states.hpp"

namespace netlab::trace {
namespace {

using json = nlohmann::ordered_json;

/// In a script element only `</script` and `<!--` have a meaning: escape `<`.
std::string make_inert(const json& details) {
  std::string text;
  for (const char each : details.dump(-1, ' ', true, json::error_handler_t::replace)) {
    if (each == '<')
      text += "\\u003c";
    else
      text += each;
  }
  return text;
}

std::string escape_markup(std::string_view text) {
  std::string escaped;
  for (const char each : text) {
    if (each == '&')
      escaped += "&amp;";
    else if (each == '<')
      escaped += "&lt;";
    else
      escaped += each;
  }
  return escaped;
}

double microseconds_since(wall_time start, wall_time time) {
  return std::chrono::duration<double, std::micro>(time - start).count();
}

std::string without_port(const std::string& place) { return place.substr(0, place.rfind(':')); }

class ladder_report final : public report {
 public:
  ladder_report(std::string title, report_sink sink) : title_(std::move(title)), sink_(std::move(sink)) {}

  void begin_call(const linked_call& call, bool is_alone, const timeline& in) override {
    if (is_full()) return;
    order_.push_back({"begins", call.details.id});
    json& made = calls_[call.details.id];
    made = {{"id", call.details.id},
            {"program", find_program(in.names().name_of(call.details.process))},
            {"lane", find_lane(call.details.process, call.details.thread)},
            {"thread", call.details.thread},
            {"name", call.details.name},
            {"text", describe(call.details)},
            {"line", to_string(source_of(call.details))},
            {"source", escape(source_of(call.details).text, 120)},
            {"t0", microseconds_since(in.start(), call.details.entered)},
            {"t1", nullptr},
            {"alone", is_alone},
            {"result", ""},
            {"completion", ""},
            {"waited", false},
            {"by", 0},
            {"sent", json::array()},
            {"received", json::array()}};
  }

  void end_call(const linked_call& call, bool, const timeline& in) override {
    const auto found = calls_.find(call.details.id);
    if (found == calls_.end()) return;
    order_.push_back({"ends", call.details.id});
    json& made = found->second;
    made["t1"] = microseconds_since(in.start(), *call.details.returned);
    made["result"] = describe_result(call.details);
    made["completion"] = describe_completion(call, in);
    made["waited"] = call.completion == completion::by_packet || call.completion == completion::timed_out;
    made["by"] = in.number_of(call.completed_by);
    for (const packet_id each : call.received)
      if (const std::uint64_t number = in.number_of(each); number != 0) made["received"].push_back(number);
  }

  void add_packet(const linked_packet& packet, const timeline& in) override {
    if (is_full()) return;
    order_.push_back({"packet", packet.number});
    const auto states = packet.details.protocol == protocol::tcp ? states_.see(packet.details) : packet_states{};
    const bool is_by_kernel = packet.role != packet_role::sent_by_call;
    json made{{"n", packet.number},
              {"t0", microseconds_since(in.start(), packet.details.time)},
              {"from", find_end(packet.sender, packet.details.source, in)},
              {"to", find_end(packet.receiver, packet.details.destination, in)},
              {"src", to_string(packet.details.source)},
              {"dst", to_string(packet.details.destination)},
              {"what", describe(packet.details)},
              {"cause", describe_cause(packet, in)},
              {"effect", describe_effect(packet, in)},
              {"numbers", numbers_of(packet)},
              {"kernel", is_by_kernel},
              {"bad",
               packet.is_retransmission || packet.role == packet_role::reset || packet.role == packet_role::icmp_error},
              {"states",
               {states.sender_changed ? name_of(states.sender) : "",
                states.receiver_changed ? name_of(states.receiver) : ""}},
              {"calls", packet.calls},
              {"completes", packet.completes},
              {"delivered", packet.delivered_to}};
    for (const call_id each : packet.calls)
      if (const auto call = calls_.find(each); call != calls_.end() && call->second["sent"].size() < max_linked_packets)
        call->second["sent"].push_back(packet.number);
    packets_.push_back(std::move(made));
  }

  void finish(const trace_summary& summary, const timeline&) override {
    json calls = json::array();
    for (auto& [id, each] : calls_) calls.push_back(std::move(each));
    const json all{{"programs", programs_},
                   {"calls", std::move(calls)},
                   {"packets", std::move(packets_)},
                   {"order", std::move(order_)}};
    std::string text = fmt::format("{}, {}", count_of(summary.calls, "call"), count_of(summary.packets, "packet"));
    if (summary.dropped > 0) text += fmt::format(", {} lost", count_of(summary.dropped, "packet"));
    if (is_full_) text += fmt::format("; the first {} events are shown", max_events);
    write_page(text, all);
  }

 private:
  // As many as a browser can handle; more than 5,000 packets with their calls.
  static constexpr std::size_t max_events = 60'000;

  bool is_full() {
    is_full_ = is_full_ || order_.size() >= max_events;
    return is_full_;
  }

  std::size_t find_program(const std::string& name) {
    for (std::size_t at = 0; at < programs_.size(); ++at)
      if (programs_[at] == name) return at;
    programs_.push_back(name);
    return programs_.size() - 1;
  }

  std::size_t find_end(socket_id socket, const address& where, const timeline& in) {
    const std::string user = in.user_of(socket);
    return find_program(user.empty() ? without_port(to_string(where)) : user);
  }

  std::size_t find_lane(process_id process, process_id thread) {
    auto& lanes = lanes_[process];
    return lanes.try_emplace(thread, lanes.size()).first->second;
  }

  static std::string numbers_of(const linked_packet& packet) {
    if (packet.details.protocol != protocol::tcp)
      return packet.details.protocol == protocol::udp ? count_of(packet.details.payload, "octet") : "";
    std::string text = fmt::format("seq {} ack {} window {}", packet.details.sequence, packet.details.acknowledged,
                                   packet.details.window);
    if (packet.details.payload > 0)
      text += fmt::format(", octets {} to {} of the stream", packet.offset, packet.offset + packet.details.payload - 1);
    return text;
  }

  void write_page(std::string_view summary, const json& all) {
    sink_(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n");
    sink_(
        fmt::format("<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n", escape_markup(title_), ladder_style));
    sink_(fmt::format("<header><h1>{}</h1><span>{}</span>\n", escape_markup(title_), escape_markup(summary)));
    sink_(
        "<input type=\"search\" id=\"search\" placeholder=\"search ( / )\" aria-label=\"search\">\n"
        "<label><input type=\"checkbox\" id=\"kernel\" checked> the kernel's packets</label>\n"
        "<label><input type=\"checkbox\" id=\"calls\" checked> calls</label>\n"
        "<span id=\"count\" role=\"status\"></span></header>\n"
        "<main id=\"ladder\" tabindex=\"0\" aria-label=\"ladder diagram: arrow keys select an event\">"
        "<div id=\"heads\"></div><svg id=\"drawing\" xmlns=\"http://www.w3.org/2000/svg\"></svg></main>\n"
        "<aside id=\"details\" aria-live=\"polite\"><p>Click an event, or go from one to the next with <kbd>↓</kbd> "
        "and "
        "<kbd>↑</kbd>. <kbd>/</kbd> searches, <kbd>Esc</kbd> clears the search.</p><p>Solid arrows are packets that a "
        "call sent; dashed arrows are packets that the kernel sent on its own. While a call waits, its bar has another "
        "colour.</p></aside>\n");
    sink_(fmt::format(
        "<script type=\"application/json\" id=\"trace\">{}</script>\n<script>\n{}</script>\n</body>\n</html>\n",
        make_inert(all), ladder_script));
  }

  std::string title_;
  report_sink sink_;
  std::vector<std::string> programs_;
  std::map<process_id, std::map<process_id, std::size_t>> lanes_;
  std::map<call_id, json> calls_;
  json packets_ = json::array();
  json order_ = json::array();
  tcp_state_tracker states_;
  bool is_full_ = false;
};

}  // namespace

std::unique_ptr<report> make_ladder_report(std::string title, report_sink sink) {
  return std::make_unique<ladder_report>(std::move(title), std::move(sink));
}

}  // namespace netlab::trace
