// SPDX-License-Identifier: MIT
#include "commands/scan_targets.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/services.hpp"
#include "base/text.hpp"
#include "net/background_resolver.hpp"
#include "net/run_client.hpp"

namespace netlab::app {
namespace {

result<target_list> read_target_file(const std::string& name, scan::target_use use) {
  if (name.empty()) return fail(errc::usage, "the file name is missing", "write @FILE");
  const auto text = read_file(name);
  if (!text) return fail(errc::no_input, fmt::format("{}: {}", escape(name, 200), message_of(text.error())));
  auto found = scan::parse_target_file(*text, escape(name, 200), use, net::interface_number);
  if (!found) {  // the file and line must not be replaced by the option's name
    const failure& why = found.error();
    return unexpected(failure{why.code, {}, fmt::format("{}: {}", why.context, why.detail), why.hint});
  }
  if (found->empty()) return fail(errc::bad_data, fmt::format("{}: it contains no target", escape(name, 200)));
  return found;
}

using address_list = std::vector<asio::ip::address>;

/// This machine's broadcast addresses (getifaddrs(3)).
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
    // An address with a 32-bit prefix is its own broadcast address.
    if (broadcast.sin_addr.s_addr != own.sin_addr.s_addr)
      found.push_back(ip_address::v4(ntohl(broadcast.sin_addr.s_addr)));
  }
  return found;
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

class target_planner::state {
 public:
  state(target_choice chosen, time_point deadline, console& out)
      : chosen_(std::move(chosen)), broadcast_(own_broadcast_addresses()), out_(out) {
    std::vector<std::string> names;
    for (const auto* list : {&chosen_.excluded, &chosen_.wanted})
      for (const scan::target_spec& each : *list)
        if (const auto* name = std::get_if<scan::host_name>(&each)) {
          names.push_back(name->name);
          if (list == &chosen_.excluded) ++excluded_names_;
        }
    all_names_ = names;
    if (!names.empty() && !chosen_.known_names) names_.emplace(std::move(names), chosen_.restrict_to, deadline);
  }

  result<target_plan> all() {
    if (auto waited = wait(never); !waited) return unexpected(waited.error());
    return make(false);
  }

  [[nodiscard]] resolved_names names() const {
    resolved_names found;
    const auto outcomes = known_outcomes();
    for (std::size_t at = 0; at < outcomes.size(); ++at) {
      std::vector<std::string>& its = found[all_names_[at]];
      if (outcomes[at] && *outcomes[at] && its.empty())
        for (const asio::ip::address& each : **outcomes[at]) its.push_back(each.to_string());
    }
    return found;
  }

  result<target_plan> first(duration soon) {
    if (auto waited = wait(clock::now() + soon); !waited) return unexpected(waited.error());
    auto plan = make(false);
    // If no target is known yet, wait for the rest.
    if (!plan || plan->set.size() > 0 || pending_ == 0) return plan;
    auto later = rest();
    if (later) later->failed += plan->failed;
    if (later && !later->first) later->first = plan->first;
    return later;
  }

  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

  result<target_plan> rest() {
    if (auto waited = wait(never); !waited) return unexpected(waited.error());
    return make(true);
  }

 private:
  struct reserved_block {
    std::uint64_t addresses = 0;
    bool has_target = false;  // as a whole
  };

  result<void> wait(time_point until) {
    if (!names_) return {};
    asio::io_context loop{1};
    return net::run_client(loop, names_->wait(until, excluded_names_));
  }

  [[nodiscard]] failure not_a_host(std::string_view target, std::string_view why) const {
    return {make_error_code(errc::usage), {}, fmt::format("target '{}' is {}", escape(target, 80), why), {}};
  }

  void refuse(target_plan& plan, const failure& why) {
    out_.error(why);
    ++plan.failed;
    if (!plan.first) plan.first = why;
  }

  /// False: no address of the range is scanned because of this. An address counts once, and not if it is excluded.
  [[nodiscard]] bool leave_out_reserved(target_plan& plan, const scan::address_range& range) {
    std::uint64_t left = plan.set.count_new(range);
    if (left == 0) return true;
    const auto routed = chosen_.reserved->in(range);
    if (!routed) {
      refuse(plan, routed.error());
      return false;
    }
    std::vector<const scan::special_block*> blocks;
    for (const scan::special_part& each : *routed) {
      const std::uint64_t size = plan.set.count_new(each.range);
      if (size == 0) continue;
      plan.set.exclude(each.range);
      reserved_[each.block].addresses += size;
      blocks.push_back(each.block);
      left -= size;
    }
    if (left == 0)
      for (const scan::special_block* each : blocks) reserved_[each].has_target = true;
    return left > 0;
  }

  /// One line for each block.
  void report_reserved(target_plan& plan) {
    for (const auto& [block, its] : std::exchange(reserved_, {})) {
      const failure why{make_error_code(errc::usage),
                        {},
                        fmt::format("{} of {}, {} (RFC {}), {} not directly connected and not scanned",
                                    its.addresses == 1 ? "1 address" : fmt::format("{} addresses", its.addresses),
                                    block->text, block->purpose, block->rfc, its.addresses == 1 ? "is" : "are"),
                        "--include-reserved scans them"};
      if (its.has_target)
        refuse(plan, why);
      else
        out_.note(fmt::format("{} ({})", why.detail, why.hint));
    }
  }

  void add(target_plan& plan, const scan::address_range& range, std::string_view name = {}) {
    if (range.first == range.last && std::ranges::find(broadcast_, range.first) != broadcast_.end()) {
      refuse(plan, not_a_host(to_string(range.first), "the broadcast address of a network of this machine"));
      if (!chosen_.is_portable) return;
    }
    if (chosen_.reserved != nullptr && !leave_out_reserved(plan, range)) return;
    plan.set.add(range, name);
    (range.first.is_v6 ? plan.has_ipv6 : plan.has_ipv4) = true;
    planned_.push_back(range);
  }

  void add_range(target_plan& plan, const scan::address_range& range) {
    if (chosen_.restrict_to == net::family::any || range.first.is_v6 == (chosen_.restrict_to == net::family::ipv6))
      return add(plan, range);
    refuse(plan, {make_error_code(errc::no_such_host),
                  {},
                  fmt::format("{} is not an IPv{} address", to_string(range.first),
                              chosen_.restrict_to == net::family::ipv4 ? 4 : 6),
                  {}});
  }

  result<void> add_name(target_plan& plan, const std::string& name, const result<address_list>& found) {
    if (!found) {
      if (found.error().code == errc::no_such_host && port_of_service(name))
        return fail(errc::usage, fmt::format("'{}' is a service, not a host", escape(name, 80)),
                    fmt::format("--range {}", escape(name, 80)));
      refuse(plan, found.error());
      return {};
    }
    const ip_address address = as_reached(net::to_ip(found->front()));
    if (address.is_multicast()) {
      refuse(plan, not_a_host(name, fmt::format("{}, a multicast group, not a host", to_string(address))));
      return {};
    }
    const auto is_it = [&](const scan::address_range& each) { return each.contains(address); };
    if (std::ranges::any_of(asked_, is_it))
      out_.note(fmt::format("{} is {}, which was scanned already", escape(name, 80), to_string(address)));
    add(plan, {address, address}, name);
    for (std::size_t other = 1; other < found->size(); ++other)
      out_.detail(fmt::format("{} also has the address {}, which is not scanned", escape(name, 80),
                              (*found)[other].to_string()));
    return {};
  }

  result<void> exclude(target_plan& plan, const std::vector<std::optional<result<address_list>>>& known) const {
    for (const scan::address_range& each : scan::addresses_of_no_host()) plan.set.exclude(each);
    for (const ip_address& each : broadcast_)
      if (!chosen_.is_portable) plan.set.exclude({each, each});
    if (chosen_.is_portable) plan.skipped = broadcast_;
    auto next = known.begin();
    for (const scan::target_spec& each : chosen_.excluded) {
      if (const auto* range = std::get_if<scan::address_range>(&each)) {
        plan.set.exclude(*range);
        continue;
      }
      const result<address_list>& found = **next++;
      if (!found) return unexpected(found.error());
      for (const asio::ip::address& one : *found) {
        const ip_address address = as_reached(net::to_ip(one));
        plan.set.exclude({address, address});
      }
    }
    return {};
  }

  /// What is known of each name, in their order.
  [[nodiscard]] std::vector<std::optional<result<address_list>>> known_outcomes() const {
    if (names_) return names_->known();
    std::vector<std::optional<result<address_list>>> known;
    for (const std::string& name : all_names_) {
      address_list its;
      if (const auto found = chosen_.known_names->find(name); found != chosen_.known_names->end())
        for (const std::string& text : found->second) {
          asio::error_code error;
          if (const auto one = asio::ip::make_address(text, error); !error) its.push_back(one);
        }
      if (its.empty())
        known.emplace_back(unexpected(failure{make_error_code(errc::no_such_host), fmt::format("resolve {}", name)}));
      else
        known.emplace_back(std::move(its));
    }
    return known;
  }

  /// A plan of the known targets; the second plan leaves out those of the first.
  result<target_plan> make(bool is_rest) {
    const std::vector<std::optional<result<address_list>>> known = known_outcomes();
    target_plan plan;
    if (auto excluded = exclude(plan, known); !excluded) return unexpected(excluded.error());
    asked_ = std::exchange(planned_, {});
    for (const scan::address_range& each : asked_) plan.set.exclude(each);
    const std::vector<bool> done = std::exchange(done_, std::vector<bool>(known.size()));
    pending_ = 0;
    std::size_t place = excluded_names_;
    for (const scan::target_spec& each : chosen_.wanted) {
      if (const auto* range = std::get_if<scan::address_range>(&each)) {
        if (!is_rest || done.empty()) add_range(plan, *range);
        continue;
      }
      const std::size_t mine = place++;
      if (!known[mine]) {
        ++pending_;
        continue;
      }
      done_[mine] = true;
      if (mine < done.size() && done[mine]) continue;
      if (auto added = add_name(plan, std::get<scan::host_name>(each).name, *known[mine]); !added)
        return unexpected(added.error());
    }
    report_reserved(plan);
    return plan;
  }

  target_choice chosen_;
  std::vector<ip_address> broadcast_;
  console& out_;
  std::size_t excluded_names_ = 0;      // they come first in ...
  std::vector<std::string> all_names_;  // ... this list
  std::optional<net::background_resolver> names_;
  std::vector<bool> done_;  // names already handled by a plan
  std::vector<scan::address_range> planned_;  // addresses of the last plan
  std::vector<scan::address_range> asked_;    // addresses of the plan before
  std::size_t pending_ = 0;
  std::map<const scan::special_block*, reserved_block> reserved_;  // left out of this plan
};

target_planner::target_planner(target_choice chosen, time_point deadline, console& out)
    : state_(std::make_unique<state>(std::move(chosen), deadline, out)) {}
target_planner::~target_planner() = default;

result<target_plan> target_planner::all() { return state_->all(); }
resolved_names target_planner::names() const { return state_->names(); }
result<target_plan> target_planner::first(duration soon) { return state_->first(soon); }
std::size_t target_planner::pending() const noexcept { return state_->pending(); }
result<target_plan> target_planner::rest() { return state_->rest(); }

}  // namespace netlab::app
