// SPDX-License-Identifier: MIT
#include "trace/report/pcapng.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "trace/report/words.hpp"

namespace netlab::trace {
namespace pcapng {
namespace {

constexpr std::uint32_t type_section = 0x0a0d0d0a;
constexpr std::uint32_t type_interface = 1;
constexpr std::uint32_t type_statistics = 5;
constexpr std::uint32_t type_packet = 6;
constexpr std::uint32_t type_secrets = 10;

constexpr std::uint16_t option_end = 0;
constexpr std::uint16_t option_comment = 1;
constexpr std::uint16_t option_application = 4;  // in a section block
constexpr std::uint16_t option_name = 2;         // in an interface block
constexpr std::uint16_t option_resolution = 9;   // in an interface block
constexpr std::uint16_t option_flags = 2;        // in a packet block
constexpr std::uint16_t option_process = 8;      // in a packet block: process and thread
constexpr std::uint16_t option_received = 4;     // in a statistics block
constexpr std::uint16_t option_dropped = 5;      // in a statistics block

constexpr std::uint16_t link_type_raw = 101;           // LINKTYPE_RAW: begins with an IPv4 or IPv6 header
constexpr std::uint32_t secrets_of_tls = 0x544c534b;   // TLS Key Log
constexpr std::uint32_t direction_inbound = 1;
constexpr std::uint32_t direction_outbound = 2;
constexpr std::size_t max_option = 0xffff;

template <class Integer>
void append_number(bytes& to, Integer value) {
  append(to, std::as_bytes(std::span(&value, 1)));
}

void pad(bytes& to) { to.resize((to.size() + 3) / 4 * 4); }

void append_option(bytes& to, std::uint16_t code, bytes_view value) {
  value = value.first(std::min(value.size(), max_option));
  append_number(to, code);
  append_number(to, static_cast<std::uint16_t>(value.size()));
  append(to, value);
  pad(to);
}

void append_option(bytes& to, std::uint16_t code, std::string_view value) { append_option(to, code, as_bytes(value)); }

template <class Integer>
void append_number_option(bytes& to, std::uint16_t code, Integer value) {
  append_option(to, code, std::as_bytes(std::span(&value, 1)));
}

void end_options(bytes& to) { append_number(to, std::uint32_t{option_end}); }

/// A block has its length at both ends, so that a reader can go backwards.
bytes make_block(std::uint32_t type, const bytes& body) {
  bytes block;
  const auto length = static_cast<std::uint32_t>(body.size() + 12);
  append_number(block, type);
  append_number(block, length);
  append(block, body);
  append_number(block, length);
  return block;
}

void append_time(bytes& to, wall_time time) {
  const auto count = static_cast<std::uint64_t>(time.count());
  append_number(to, static_cast<std::uint32_t>(count >> 32));
  append_number(to, static_cast<std::uint32_t>(count));
}

}  // namespace

bytes make_section(std::string_view application) {
  bytes body;
  append_number(body, std::uint32_t{0x1a2b3c4d});  // the byte-order magic
  append_number(body, std::uint16_t{1});
  append_number(body, std::uint16_t{0});
  append_number(body, std::int64_t{-1});  // the length of the section is unknown
  append_option(body, option_application, application);
  end_options(body);
  return make_block(type_section, body);
}

bytes make_interface(const interface& of) {
  bytes body;
  append_number(body, link_type_raw);
  append_number(body, std::uint16_t{0});
  append_number(body, std::uint32_t{0});  // no limit on the packet length
  append_option(body, option_name, of.name);
  append_number_option(body, option_resolution, std::uint8_t{9});  // 10^-9 s
  end_options(body);
  return make_block(type_interface, body);
}

bytes make_packet(const enhanced_packet& of) {
  bytes body;
  append_number(body, of.interface);
  append_time(body, of.time);
  append_number(body, static_cast<std::uint32_t>(of.octets.size()));
  append_number(body, of.length);
  append(body, of.octets);
  pad(body);
  if (!of.comment.empty()) append_option(body, option_comment, of.comment);
  append_number_option(body, option_flags, of.is_outgoing ? direction_outbound : direction_inbound);
  if (of.process != 0) {
    bytes both;
    append_number(both, static_cast<std::uint32_t>(of.process));
    append_number(both, static_cast<std::uint32_t>(of.thread));
    append_option(body, option_process, both);
  }
  end_options(body);
  return make_block(type_packet, body);
}

bytes make_secrets(std::string_view key_log) {
  bytes body;
  append_number(body, secrets_of_tls);
  append_number(body, static_cast<std::uint32_t>(key_log.size()));
  append(body, key_log);
  pad(body);
  return make_block(type_secrets, body);
}

bytes make_statistics(std::uint32_t interface, wall_time time, std::uint64_t received, std::uint64_t dropped) {
  bytes body;
  append_number(body, interface);
  append_time(body, time);
  append_number_option(body, option_received, received);
  append_number_option(body, option_dropped, dropped);
  end_options(body);
  return make_block(type_statistics, body);
}

}  // namespace pcapng

namespace {

class pcapng_report final : public report {
 public:
  pcapng_report(pcapng_options options, report_sink sink) : options_(std::move(options)), sink_(std::move(sink)) {
    write(pcapng::make_section(options_.application));
  }

  void begin_call(const linked_call&, bool, const timeline&) override {}
  void end_call(const linked_call&, bool, const timeline&) override {}

  void add_packet(const linked_packet& packet, const timeline& in) override {
    // A reader decrypts only packets that come after the secrets in the file.
    if (const std::string secrets = options_.take_secrets(); !secrets.empty()) write(pcapng::make_secrets(secrets));
    const linked_call* sender = packet.calls.empty() ? nullptr : in.links().find_call(packet.calls.front());
    const bool is_by_call = packet.role == packet_role::sent_by_call && sender != nullptr;
    const std::string comment = make_comment(packet, in);
    last_ = packet.details.time;
    write(pcapng::make_packet({.interface = find_interface(packet.details.interface),
                               .time = packet.details.time,
                               .octets = packet.details.octets,
                               .length = packet.details.length,
                               .comment = comment,
                               .is_outgoing = packet.details.is_outgoing,
                               .process = is_by_call ? sender->details.process : 0,
                               .thread = is_by_call ? sender->details.thread : 0}));
  }

  void finish(const trace_summary& summary, const timeline&) override {
    for (const auto& [index, number] : interfaces_)
      if (number == 0)
        write(pcapng::make_statistics(number, last_, summary.packets + summary.dropped, summary.dropped));
  }

 private:
  void write(const bytes& block) { sink_(as_text(block)); }

  std::uint32_t find_interface(std::uint32_t index) {
    const auto [at, is_new] = interfaces_.try_emplace(index, static_cast<std::uint32_t>(interfaces_.size()));
    if (is_new) write(pcapng::make_interface({options_.name_of_interface(index)}));
    return at->second;
  }

  static std::string make_comment(const linked_packet& packet, const timeline& in) {
    std::string text = describe_cause(packet, in);
    for (const call_id id : packet.calls) text += "\n" + describe_call_line(id, in);
    if (!packet.completes.empty()) text += "\n" + describe_effect(packet, in);
    for (const call_id id : packet.completes) text += "\n" + describe_call_line(id, in);
    return text;
  }

  pcapng_options options_;
  report_sink sink_;
  std::unordered_map<std::uint32_t, std::uint32_t> interfaces_;
  wall_time last_{};
};

}  // namespace

std::unique_ptr<report> make_pcapng_report(pcapng_options options, report_sink sink) {
  return std::make_unique<pcapng_report>(std::move(options), std::move(sink));
}

}  // namespace netlab::trace
