// SPDX-License-Identifier: MIT
#include "scan/fingerprint.hpp"

#include <string_view>

#include <fmt/format.h>

#include "scan/scramble.hpp"

namespace netlab::scan {
namespace {

// Another number whenever the meaning of what is hashed changes: parts made by different versions do not fit together.
constexpr std::uint64_t hash_version = 3;

class hash {
 public:
  void add(std::uint64_t number) noexcept { state_ = scramble(state_ + 0x9e3779b97f4a7c15 + scramble(number)); }
  void add(std::string_view text) noexcept {
    add(text.size());
    for (; text.size() > 8; text.remove_prefix(8)) add(pack(text.substr(0, 8)));
    add(pack(text));
  }
  void add(const address& one) noexcept {
    add(std::uint64_t{one.is_v6});
    add(one.high);
    add(one.low);  // not the interface, whose number differs between machines
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
  static std::uint64_t pack(std::string_view octets) noexcept {
    std::uint64_t packed = 0;
    for (const char octet : octets) packed = packed << 8 | static_cast<unsigned char>(octet);
    return packed;
  }
  std::uint64_t state_ = 0;
};

}  // namespace

std::uint64_t fingerprint(const scan_plan& plan, const target_set& targets, std::uint64_t before) {
  hash sum;
  sum.add(hash_version);
  sum.add(before);
  for (const auto* ports : {&plan.tcp_ports, &plan.udp_ports}) {
    sum.add(ports->size());
    for (const std::uint16_t port : *ports) sum.add(std::uint64_t{port});
  }
  sum.add(static_cast<std::uint64_t>(plan.timeout.count()));
  sum.add(plan.retries ? *plan.retries + std::uint64_t{1} : 0);
  sum.add(std::uint64_t{plan.talk.listen});
  sum.add(std::uint64_t{plan.talk.message.has_value()});
  sum.add(plan.talk.message.value_or(std::string()));
  sum.add(std::uint64_t{plan.strict_range});
  sum.add(std::uint64_t{plan.syn});
  sum.add(std::uint64_t{plan.stateless_udp});
  sum.add(std::uint64_t{plan.banner});
  targets.for_each_range([&](const address_range& range, std::string_view name) {
    sum.add(range.first);
    sum.add(range.last);
    sum.add(name);
  });
  return sum.value();
}

std::string fingerprint_text(std::uint64_t of) { return fmt::format("{:016x}", of); }

std::uint64_t seed_from(std::uint64_t fingerprint) noexcept { return scramble(~fingerprint); }

}  // namespace netlab::scan
