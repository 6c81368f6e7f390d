// SPDX-License-Identifier: MIT
#include "simulated/rules.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "scan/ports.hpp"

namespace netlab::test {
namespace {

constexpr std::size_t all_ports = 65536;

constexpr std::array kind_names{
    std::pair{std::string_view("syn-ack"), answer_kind::syn_ack},
    std::pair{std::string_view("reset"), answer_kind::reset},
    std::pair{std::string_view("reply"), answer_kind::reply},
    std::pair{std::string_view("port-unreachable"), answer_kind::port_unreachable},
    std::pair{std::string_view("admin-prohibited"), answer_kind::admin_prohibited},
    std::pair{std::string_view("host-unreachable"), answer_kind::host_unreachable},
    std::pair{std::string_view("net-unreachable"), answer_kind::net_unreachable},
    std::pair{std::string_view("proto-unreachable"), answer_kind::proto_unreachable},
};

std::optional<answer_kind> kind_of(std::string_view name) {
  for (const auto& [its_name, kind] : kind_names)
    if (its_name == name) return kind;
  return std::nullopt;
}

std::optional<answer_kind> first_answer(bool is_tcp, std::string_view state) {
  if (state == "silent") return answer_kind::none;
  if (state == "open") return is_tcp ? answer_kind::syn_ack : answer_kind::reply;
  if (state == "closed") return is_tcp ? answer_kind::reset : answer_kind::port_unreachable;
  const auto kind = kind_of(state);
  return kind && *kind >= answer_kind::port_unreachable ? kind : std::nullopt;
}

std::optional<delay_range> parse_delay(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto least = parse_duration(text.substr(0, dash));
  const auto most = dash == std::string_view::npos ? least : parse_duration(text.substr(dash + 1));
  if (!least || !most || *most < *least) return std::nullopt;
  return delay_range{*least, *most};
}

/// The number before the unit: `5%`, `200/s`.
std::optional<double> parse_amount(std::string_view text, std::string_view unit) {
  if (!text.ends_with(unit)) return std::nullopt;
  double value = 0;
  const char* const end = text.data() + text.size() - unit.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stopped == end && value >= 0 ? std::optional(value) : std::nullopt;
}

/// Reads the words of one line in order.
class line_reader {
 public:
  explicit line_reader(std::string_view line) : rest_(trim(line.substr(0, line.find('#')))) {}
  [[nodiscard]] std::string_view next() {
    const std::size_t end = rest_.find_first_of(" \t");
    const std::string_view word = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : trim(rest_.substr(end));
    return word;
  }
  [[nodiscard]] std::string_view take_rest() { return std::exchange(rest_, {}); }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<host_rule> parse_host(line_reader& line) {
  host_rule made;
  for (const std::string_view each : split(line.next(), ',')) {
    const auto found = scan::parse_target(each);
    if (!found || !std::holds_alternative<scan::address_range>(*found)) return std::nullopt;
    made.where.push_back(std::get<scan::address_range>(*found));
  }
  made.ports = {{.first = answer_kind::reset}, {.first = answer_kind::port_unreachable}};
  made.tcp.assign(all_ports, 0);
  made.udp.assign(all_ports, 1);
  return made;
}

std::optional<limit_rule> parse_limit(line_reader& line) {
  limit_rule made;
  const std::string_view name = line.next();
  for (const auto& [its_name, kind] : kind_names)
    if (its_name == name || (name == "icmp" && kind >= answer_kind::port_unreachable))
      made.kinds |= 1U << static_cast<unsigned>(kind);
  const auto rate = parse_amount(line.next(), "/s");
  if (made.kinds == 0 || !rate) return std::nullopt;
  made.per_second = *rate;
  while (!line.done()) {
    const std::string_view word = line.next();
    if (word == "each") {
      made.for_each_peer = true;
    } else if (word == "burst") {
      const auto burst = parse_amount(line.next(), "");
      if (!burst) return std::nullopt;
      made.burst = *burst;
    } else {
      return std::nullopt;
    }
  }
  return made;
}

bool parse_port_line(host_rule& host, bool is_tcp, line_reader& line) {
  const auto ports = scan::parse_ports(line.next());
  const auto first = first_answer(is_tcp, line.next());
  if (!ports || !first) return false;
  port_rule made{.first = *first, .echo = *first == answer_kind::reply};
  while (!line.done()) {
    const std::string_view word = line.next();
    if (word == "delay") {
      made.delay = parse_delay(line.next());
      if (!made.delay) return false;
    } else if (word == "by") {
      made.by = parse_ip(line.next());
      if (!made.by) return false;
    } else if (word == "port") {
      const auto port = parse_integer<std::uint16_t>(line.next());
      if (!port) return false;
      made.from_port = *port;
    } else if (word == "echo") {
      made.echo = true;
    } else if (word == "banner" || word == "reply") {
      made.text = line.take_rest();
      if (word == "banner") made.text += "\r\n";
      made.echo = false;
    } else {
      return false;
    }
  }
  const auto index = static_cast<std::uint16_t>(host.ports.size());
  host.ports.push_back(std::move(made));
  for (const std::uint16_t port : *ports) (is_tcp ? host.tcp : host.udp)[port] = index;
  return true;
}

bool parse_line(std::vector<host_rule>& hosts, line_reader& line) {
  const std::string_view name = line.next();
  if (name == "host") {
    auto made = parse_host(line);
    if (made) hosts.push_back(std::move(*made));
    return made && line.done();
  }
  if (hosts.empty()) return false;
  host_rule& host = hosts.back();
  if (name == "tcp" || name == "udp") return parse_port_line(host, name == "tcp", line);
  if (name == "delay") {
    const auto delay = parse_delay(line.next());
    if (delay) host.delay = *delay;
    return delay && line.done();
  }
  if (name == "loss") {
    const auto percent = parse_amount(line.next(), "%");
    if (percent) host.loss = *percent / 100;
    return percent && line.done();
  }
  if (name == "limit") {
    const auto limit = parse_limit(line);
    if (limit) host.limits.push_back(*limit);
    return limit.has_value();
  }
  return false;
}

}  // namespace

result<std::vector<host_rule>> parse_rules(std::string_view text) {
  std::vector<host_rule> hosts;
  unsigned number = 0;
  for (const std::string_view each : split(text, '\n')) {
    ++number;
    line_reader line(each);
    if (!line.done() && !parse_line(hosts, line))
      return fail(errc::bad_data, fmt::format("line {}: '{}'", number, escape(trim(each), 80)));
  }
  return hosts;
}

}  // namespace netlab::test
