// SPDX-License-Identifier: MIT
#include "simulated/network.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace netlab::test {
namespace {

struct icmp_code {
  std::uint8_t type;
  std::uint8_t code;
};

// RFC 792, RFC 1812 §5.2.7.1; RFC 4443 §3.
icmp_code icmp_of(answer_kind kind, bool is_v6) {
  switch (kind) {
    case answer_kind::port_unreachable: return is_v6 ? icmp_code{1, 4} : icmp_code{3, 3};
    case answer_kind::admin_prohibited: return is_v6 ? icmp_code{1, 1} : icmp_code{3, 13};
    case answer_kind::net_unreachable: return is_v6 ? icmp_code{1, 0} : icmp_code{3, 0};
    case answer_kind::proto_unreachable: return is_v6 ? icmp_code{4, 1} : icmp_code{3, 2};
    default: return is_v6 ? icmp_code{1, 3} : icmp_code{3, 1};
  }
}

/// The initial sequence number of a connection, a function of its endpoints, so that no state is needed.
std::uint32_t first_sequence(const segment& asked) {
  std::uint64_t mixed = asked.from.host.low ^ asked.to.host.low << 7;
  mixed ^= std::uint64_t{asked.from.port} << 40 ^ std::uint64_t{asked.to.port} << 20;
  return static_cast<std::uint32_t>(mixed * 0x9e3779b97f4a7c15 >> 32);
}

std::uint32_t length_of(const segment& asked) {
  const bool takes_one = (asked.flags & (tcp_flag::syn | tcp_flag::fin)) != 0;
  return static_cast<std::uint32_t>(asked.payload.size()) + (takes_one ? 1 : 0);
}

/// The answer of a host, computed from each segment alone.
std::optional<std::pair<answer_kind, segment>> answer_tcp(const port_rule& rule, const segment& asked) {
  segment made{.is_tcp = true, .from = asked.to, .to = asked.from};
  made.acknowledgement = asked.sequence + length_of(asked);
  made.sequence = asked.acknowledgement;
  if ((asked.flags & tcp_flag::rst) != 0) return std::nullopt;
  if ((asked.flags & tcp_flag::syn) != 0) {
    if (rule.first == answer_kind::syn_ack) {
      made.sequence = first_sequence(asked);
      made.flags = tcp_flag::syn | tcp_flag::ack;
    } else {
      made.sequence = 0;
      made.flags = tcp_flag::rst | tcp_flag::ack;
    }
    return std::pair(rule.first, made);
  }
  if (rule.first == answer_kind::reset) {
    made.flags = tcp_flag::rst;
    return std::pair(answer_kind::reset, made);
  }
  if (rule.first != answer_kind::syn_ack) return std::nullopt;
  made.flags = tcp_flag::ack;
  if ((asked.flags & tcp_flag::fin) != 0) {
    made.flags |= tcp_flag::fin;
  } else if (!asked.payload.empty()) {
    if (rule.echo) made.payload = asked.payload;
  } else if (asked.acknowledgement == first_sequence(asked) + 1 && !rule.text.empty()) {
    made.payload = rule.text;
  } else {
    return std::nullopt;
  }
  if (!made.payload.empty()) made.flags |= tcp_flag::psh;
  return std::pair(answer_kind::reply, made);
}

segment answer_udp(const port_rule& rule, const segment& asked) {
  segment made{.is_tcp = false, .from = asked.to, .to = asked.from};
  if (rule.by) made.from.host = *rule.by;
  if (rule.from_port != 0) made.from.port = rule.from_port;
  made.payload = rule.echo ? asked.payload : std::string_view(rule.text);
  return made;
}

}  // namespace

const host_rule* network::find(const scan::address& host) {
  const auto [at, is_new] = found_.try_emplace(host, nullptr);
  if (is_new)
    for (const host_rule& each : hosts_)
      if (std::ranges::any_of(each.where, [&](const scan::address_range& range) { return range.contains(host); }))
        at->second = &each;
  return at->second;
}

bool network::passes_limits(const scan::address& host, answer_kind kind, const scan::address& peer, time_point now) {
  const host_rule* rules = find(host);
  if (rules == nullptr) return true;
  for (const limit_rule& limit : rules->limits) {
    if (!limit.covers(kind)) continue;
    const bucket_key key{&limit, host, limit.for_each_peer ? peer : scan::address{}};
    if (!buckets_.try_emplace(key, limit.per_second, limit.burst, now).first->second.take(now)) return false;
  }
  return true;
}

duration network::delay_of(const delay_range& range) {
  if (range.least == range.most) return range.least;
  return duration(std::uniform_int_distribution(range.least.count(), range.most.count())(random_));
}

std::vector<network::delivery> network::answer(const segment& asked, std::string_view octets, time_point now) {
  const host_rule* host = find(asked.to.host);
  if (host == nullptr || is_lost(*host)) return {};
  const port_rule& rule = host->rule_of(asked.is_tcp, asked.to.port);
  const time_point due = now + delay_of(rule.delay.value_or(host->delay));
  std::vector<delivery> answers;
  const auto send = [&](answer_kind kind, const scan::address& from, packet made) {
    if (passes_limits(from, kind, asked.from.host, now) && !is_lost(*host)) answers.push_back({due, std::move(made)});
  };
  const bool begins = !asked.is_tcp || (asked.flags & (tcp_flag::syn | tcp_flag::ack)) == tcp_flag::syn;
  if (begins && rule.first >= answer_kind::port_unreachable) {
    const icmp_code what = icmp_of(rule.first, asked.to.host.is_v6);
    const scan::address from = rule.by.value_or(asked.to.host);
    send(rule.first, from, make_icmp_error(from, what.type, what.code, octets));
  } else if (begins && rule.first == answer_kind::none) {
    return answers;
  } else if (asked.is_tcp) {
    if (auto made = answer_tcp(rule, asked)) {
      if (rule.by) made->second.from.host = *rule.by;
      send(made->first, made->second.from.host, make_packet(made->second));
    }
  } else {
    const segment made = answer_udp(rule, asked);
    send(answer_kind::reply, made.from.host, make_packet(made));
  }
  return answers;
}

}  // namespace netlab::test
