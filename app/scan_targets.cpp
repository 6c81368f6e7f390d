// SPDX-License-Identifier: MIT
#include "scan_targets.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/resolve.hpp"
#include "net/run.hpp"

namespace netlab::app {
namespace {

result<std::string> read_file(const std::string& name) {
  const auto bad = [&] {
    return fail(errc::no_input, fmt::format("{}: {}", escape(name, 200), message_of(last_system_error())));
  };
  const net::unique_fd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return bad();
  std::string text;
  std::array<char, 65'536> piece;  // NOLINT: filled by read
  for (;;) {
    const ssize_t size = ::read(fd.get(), piece.data(), piece.size());
    if (size < 0) return bad();
    if (size == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

result<target_list> read_target_file(const std::string& name) {
  if (name.empty()) return fail(errc::usage, "no file is named", "write @FILE");
  const auto text = read_file(name);
  if (!text) return unexpected(text.error());
  auto found = scan::parse_target_file(*text, escape(name, 200));
  if (!found) {  // where it stands must survive that the option is named
    const failure& why = found.error();
    return unexpected(failure{why.code, {}, fmt::format("{}: {}", why.context, why.detail), why.hint});
  }
  if (found->empty()) return fail(errc::bad_data, fmt::format("{}: no target in it", escape(name, 200)));
  return found;
}

using addresses = std::vector<asio::ip::address>;

scan::address to_scan_address(const asio::ip::address& from) {
  if (from.is_v4()) return scan::address::v4(from.to_v4().to_uint());
  const auto bytes = from.to_v6().to_bytes();
  std::array<std::uint8_t, 16> octets{};
  std::copy(bytes.begin(), bytes.end(), octets.begin());
  return scan::address::v6(octets, static_cast<std::uint32_t>(from.to_v6().scope_id()));
}

asio::awaitable<result<std::vector<result<addresses>>>> look_up(std::vector<std::string> names, net::family which,
                                                                time_point deadline) {
  auto found = co_await net::resolve_all(std::move(names), which, deadline);
  for (const result<addresses>& each : found)  // a signal's doing, which ends all
    if (!each && each.error().code == std::errc::operation_canceled) co_return unexpected(each.error());
  co_return found;
}

}  // namespace

result<target_list> parse_targets(std::string_view word) {
  if (word.starts_with('@')) return read_target_file(std::string(word.substr(1)));
  target_list found;
  for (const std::string_view piece : split(word, ',')) {
    auto one = scan::parse_target(piece);
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
  auto next = found.begin();
  const auto add = [&](const scan::address_range& range, std::string_view name = {}) {
    plan.set.add(range, name);
    (range.first.is_v6 ? plan.has_ipv6 : plan.has_ipv4) = true;
  };
  const auto refuse = [&](const failure& why) {
    out.error(why);
    ++plan.failed;
    if (!plan.first) plan.first = why;
  };
  for (const scan::target_spec& each : chosen.excluded) {
    if (const auto* range = std::get_if<scan::address_range>(&each)) {
      plan.set.exclude(*range);
      continue;
    }
    const result<addresses>& its = *next++;
    if (!its) return unexpected(its.error());
    for (const asio::ip::address& one : *its) {
      const scan::address address = to_scan_address(one);
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
                fmt::format("{} is no IPv{} address", scan::to_string(range->first),
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
    const scan::address address = to_scan_address(its->front());
    add({address, address}, name);
    for (std::size_t other = 1; other < its->size(); ++other)
      out.detail(fmt::format("{} is also {}, which is not scanned", escape(name, 80), (*its)[other].to_string()));
  }
  return plan;
}

}  // namespace netlab::app
