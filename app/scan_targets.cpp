// SPDX-License-Identifier: MIT
#include "scan_targets.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "net/resolve.hpp"
#include "net/run.hpp"

namespace netlab::app {
namespace {

result<target_list> read_target_file(const std::string& name, scan::target_use use) {
  if (name.empty()) return fail(errc::usage, "no file is named", "write @FILE");
  const auto text = read_file(name);
  if (!text) return fail(errc::no_input, fmt::format("{}: {}", escape(name, 200), message_of(text.error())));
  auto found = scan::parse_target_file(*text, escape(name, 200), use, net::interface_number);
  if (!found) {  // where it stands must survive that the option is named
    const failure& why = found.error();
    return unexpected(failure{why.code, {}, fmt::format("{}: {}", why.context, why.detail), why.hint});
  }
  if (found->empty()) return fail(errc::bad_data, fmt::format("{}: no target in it", escape(name, 200)));
  return found;
}

using addresses = std::vector<asio::ip::address>;

/// What this machine sends to all hosts of a network (getifaddrs(3)).
std::vector<ip_address> own_broadcast_addresses() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
  std::vector<ip_address> found;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET || each->ifa_broadaddr == nullptr ||
        (each->ifa_flags & IFF_BROADCAST) == 0)
      continue;
    sockaddr_in broadcast{};
    sockaddr_in own{};
    std::memcpy(&broadcast, each->ifa_broadaddr, sizeof broadcast);
    std::memcpy(&own, each->ifa_addr, sizeof own);
    // An address with a prefix of 32 bits is its own broadcast address.
    if (broadcast.sin_addr.s_addr != own.sin_addr.s_addr)
      found.push_back(ip_address::v4(ntohl(broadcast.sin_addr.s_addr)));
  }
  return found;
}

asio::awaitable<result<std::vector<result<addresses>>>> look_up(std::vector<std::string> names, net::family which,
                                                                time_point deadline) {
  auto found = co_await net::resolve_all(std::move(names), which, deadline);
  for (const result<addresses>& each : found)  // a signal's doing, which ends all
    if (!each && each.error().code == std::errc::operation_canceled) co_return unexpected(each.error());
  co_return found;
}

}  // namespace

result<target_list> parse_targets(std::string_view word, scan::target_use use) {
  if (word.starts_with('@')) return read_target_file(std::string(word.substr(1)), use);
  target_list found;
  for (const std::string_view piece : split(word, ',')) {
    auto one = scan::parse_target(piece, use, net::interface_number);
    if (!one) return unexpected(one.error());
    found.push_back(std::move(*one));
  }
  return found;
}

result<target_plan> plan_targets(const target_choice& chosen, time_point deadline, console& out) {
  std::vector<std::string> names;
  for (const auto* list : {&chosen.excluded, &chosen.wanted})
    for (const scan::target_spec& each : *list)
      if (const auto* name = std::get_if<scan::host_name>(&each)) names.push_back(name->name);
  std::vector<result<addresses>> found;
  if (!names.empty()) {
    asio::io_context loop{1};
    auto all = net::run_client(loop, look_up(std::move(names), chosen.restrict_to, deadline));
    if (!all) return unexpected(all.error());
    found = std::move(*all);
  }
  target_plan plan;
  const std::vector<ip_address> broadcast = own_broadcast_addresses();
  for (const scan::address_range& each : scan::addresses_of_no_host()) plan.set.exclude(each);
  for (const ip_address& each : broadcast) plan.set.exclude({each, each});
  auto next = found.begin();
  const auto refuse = [&](const failure& why) {
    out.error(why);
    ++plan.failed;
    if (!plan.first) plan.first = why;
  };
  const auto add = [&](const scan::address_range& range, std::string_view name = {}) {
    if (range.first == range.last && std::ranges::find(broadcast, range.first) != broadcast.end())
      return refuse({make_error_code(errc::usage),
                     {},
                     fmt::format("target '{}' is the broadcast address of a network of this machine, not a host",
                                 to_string(range.first)),
                     {}});
    plan.set.add(range, name);
    (range.first.is_v6 ? plan.has_ipv6 : plan.has_ipv4) = true;
  };
  for (const scan::target_spec& each : chosen.excluded) {
    if (const auto* range = std::get_if<scan::address_range>(&each)) {
      plan.set.exclude(*range);
      continue;
    }
    const result<addresses>& its = *next++;
    if (!its) return unexpected(its.error());
    for (const asio::ip::address& one : *its) {
      const ip_address address = as_reached(net::to_ip(one));
      plan.set.exclude({address, address});
    }
  }
  for (const scan::target_spec& each : chosen.wanted) {
    if (const auto* range = std::get_if<scan::address_range>(&each)) {
      const bool fits =
          chosen.restrict_to == net::family::any || range->first.is_v6 == (chosen.restrict_to == net::family::ipv6);
      if (fits)
        add(*range);
      else
        refuse({make_error_code(errc::no_such_host),
                {},
                fmt::format("{} is not an IPv{} address", to_string(range->first),
                            chosen.restrict_to == net::family::ipv4 ? 4 : 6),
                {}});
      continue;
    }
    const result<addresses>& its = *next++;
    if (!its) {
      refuse(its.error());
      continue;
    }
    const std::string& name = std::get<scan::host_name>(each).name;
    const ip_address address = as_reached(net::to_ip(its->front()));
    if (address.is_multicast()) {
      refuse({make_error_code(errc::usage),
              {},
              fmt::format("target '{}' is {}, a multicast group and not a host", escape(name, 80), to_string(address)),
              {}});
      continue;
    }
    add({address, address}, name);
    for (std::size_t other = 1; other < its->size(); ++other)
      out.detail(fmt::format("{} is also {}, which is not scanned", escape(name, 80), (*its)[other].to_string()));
  }
  return plan;
}

}  // namespace netlab::app
