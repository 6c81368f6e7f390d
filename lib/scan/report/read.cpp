// SPDX-License-Identifier: MIT
#include "scan/report/read.hpp"

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"

namespace netlab::scan {
namespace {

using nlohmann::json;

auto not_a_line(std::string_view why) { return fail(errc::bad_data, std::string(why)); }

constexpr std::int64_t longest_us = std::numeric_limits<std::int64_t>::max() / 1000;  // fits in nanoseconds

/// Members of one object. A member that is missing or null leaves its place as it is; one of another type is
/// remembered as an error.
class members {
 public:
  explicit members(const json& object) : object_(object) {}

  void text(const char* name, std::string& to) {
    if (const json* found = find(name)) {
      if (found->is_string())
        to = found->get_ref<const std::string&>();
      else
        is_good_ = false;
    }
  }
  template <class Number>
  void number(const char* name, Number& to, std::uint64_t most = std::numeric_limits<Number>::max()) {
    if (const json* found = find(name)) {
      if (found->is_number_unsigned() && found->get<std::uint64_t>() <= most)
        to = static_cast<Number>(found->get<std::uint64_t>());
      else
        is_good_ = false;
    }
  }
  void flag(const char* name, bool& to) {
    if (const json* found = find(name)) {
      if (found->is_boolean())
        to = found->get<bool>();
      else
        is_good_ = false;
    }
  }
  void time(const char* name, std::optional<duration>& to) {
    std::uint64_t count = 0;
    if (find(name) == nullptr) return;
    number(name, count, longest_us);
    to = std::chrono::microseconds(count);
  }
  void texts(const char* name, std::vector<std::string>& to) {
    const json* found = find(name);
    if (found == nullptr) return;
    if (!found->is_array()) {
      is_good_ = false;
      return;
    }
    for (const json& each : *found) {
      if (each.is_string())
        to.push_back(each.get<std::string>());
      else
        is_good_ = false;
    }
  }
  void hosts(const char* name, std::vector<scanned_host>& to) {
    const json* found = find(name);
    if (found == nullptr) return;
    if (!found->is_array()) {
      is_good_ = false;
      return;
    }
    for (const json& each : *found) {
      members of(each);
      scanned_host& made = to.emplace_back();
      if (each.is_object()) {
        of.text("host", made.host);
        of.text("address", made.address);
        of.texts("other_names", made.other_names);
      }
      is_good_ = is_good_ && of.is_good_ && !made.address.empty();
    }
  }
  /// As text or, if there is such a member, in Base64.
  void octets(const char* name, std::string& to) {
    text(name, to);
    std::string encoded;
    text((std::string(name) + "_base64").c_str(), encoded);
    if (encoded.empty()) return;
    if (const auto decoded = decode_base64(encoded))
      to = as_text(*decoded);
    else
      is_good_ = false;
  }
  /// One of the words of name_of().
  template <class Word, std::size_t Size>
  void word(const char* name, Word& to, const std::array<Word, Size>& words) {
    std::string text_of;
    text(name, text_of);
    for (const Word each : words)
      if (name_of(each) == text_of) {
        to = each;
        return;
      }
    is_good_ = false;
  }
  [[nodiscard]] bool has(const char* name) const { return find(name) != nullptr; }
  [[nodiscard]] bool are_good() const noexcept { return is_good_; }

 private:
  [[nodiscard]] const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  const json& object_;
  bool is_good_ = true;
};

constexpr std::array transports{transport::tcp, transport::udp};
constexpr std::array states{port_state::open, port_state::closed, port_state::filtered, port_state::open_filtered,
                            port_state::unknown};
constexpr std::array reasons{reason::syn_ack,
                             reason::reset,
                             reason::no_response,
                             reason::port_unreachable,
                             reason::admin_prohibited,
                             reason::host_unreachable,
                             reason::net_unreachable,
                             reason::proto_unreachable,
                             reason::reply,
                             reason::rate_limited,
                             reason::not_finished,
                             reason::local_error};

result<report_line> read_finding(const json& object) {
  members of(object);
  finding made;
  of.text("host", made.host);
  of.text("address", made.address);
  of.word("proto", made.protocol, transports);
  of.number("port", made.port);
  of.word("state", made.state, states);
  of.word("reason", made.why, reasons);
  of.text("service", made.service);
  of.time("rtt_us", made.rtt);
  of.number("errno", made.system_error, 4095);  // the kernel's MAX_ERRNO
  of.text("origin", made.origin);
  of.octets("banner", made.banner);
  of.flag("banner_cut", made.banner_cut);
  of.octets("reply", made.reply);
  of.flag("reply_cut", made.reply_cut);
  of.flag("echo", made.is_echo);
  of.texts("other_names", made.other_names);
  if (!of.are_good() || made.address.empty()) return not_a_line("it is not a line of a scan report");
  return made;
}

result<report_line> read_summary(const json& object) {
  members of(object);
  scan_summary made;
  of.number("targets", made.targets);
  of.number("tcp_ports", made.tcp_ports);
  of.number("udp_ports", made.udp_ports);
  for (const port_state each : states)
    of.number(std::string(name_of(each)).c_str(), made.by_state[static_cast<std::size_t>(each)]);
  std::optional<duration> elapsed;
  of.time("elapsed_us", elapsed);
  made.elapsed = elapsed.value_or(duration(0));
  of.flag("complete", made.complete);
  of.flag("syn", made.is_syn);
  of.flag("stateless_udp", made.is_stateless_udp);
  of.hosts("hosts", made.hosts);
  of.text("because", made.incomplete_because);
  of.text("scan", made.scan);
  std::string seed = "0";
  of.text("seed", seed);
  std::string part = "1/1";
  of.text("shard", part);
  of.text("tcp_range", made.tcp_range);
  of.text("udp_range", made.udp_range);
  std::uint64_t started = 0;
  of.number("started", started, std::numeric_limits<std::int64_t>::max());
  made.started = static_cast<std::int64_t>(started);
  const auto number = parse_integer<std::uint64_t>(seed);
  const auto shard_of_scan = parse_shard(part);
  if (!of.are_good() || !of.has("complete") || !number || !shard_of_scan)
    return not_a_line("it is not the summary of a scan report");
  made.seed = *number;
  made.part = *shard_of_scan;
  return made;
}

}  // namespace

result<report_line> parse_report_line(std::string_view line) {
  const json object = json::parse(line, nullptr, false);
  if (object.is_discarded()) return not_a_line("it is not JSON");
  if (!object.is_object()) return not_a_line("it is not a JSON object");
  if (const auto summary = object.find("summary"); summary != object.end()) {
    if (!summary->is_object()) return not_a_line("it is not the summary of a scan report");
    return read_summary(*summary);
  }
  return read_finding(object);
}

}  // namespace netlab::scan
