// SPDX-License-Identifier: MIT
#include "scan/fingerprint.hpp"

#include <functional>
#include <set>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace netlab::scan::fingerprint_test {

namespace {

target_set block(std::uint32_t first, std::uint32_t last, std::string_view name = {}) {
  target_set made;
  made.add({address::v4(first), address::v4(last)}, name);
  return made;
}

scan_plan plan() {
  scan_plan made{.tcp_ports = {22, 80}, .udp_ports = {53}};
  made.talk.message = "hello\r\n";
  return made;
}

}  // namespace

TEST_CASE("fingerprint: each option that changes what is asked or how silence is judged changes it",
          "[scan][fingerprint]") {
  const std::vector<std::function<void(scan_plan&)>> changes{
      [](scan_plan&) {},
      [](scan_plan& p) { p.tcp_ports = {22, 81}; },
      [](scan_plan& p) { p.tcp_ports = {22, 80, 53}, p.udp_ports = {}; },
      [](scan_plan& p) { p.udp_ports = {53, 54}; },
      [](scan_plan& p) { p.timeout = std::chrono::seconds(2); },
      [](scan_plan& p) { p.retries = 0; },
      [](scan_plan& p) { p.retries = 1; },
      [](scan_plan& p) { p.talk.listen = false; },
      [](scan_plan& p) { p.talk.message = "hello"; },
      [](scan_plan& p) { p.talk.message = ""; },
      [](scan_plan& p) { p.talk.message.reset(); },
      [](scan_plan& p) { p.strict_range = true; },
      [](scan_plan& p) { p.syn = true; },
      [](scan_plan& p) { p.stateless_udp = true; },
      [](scan_plan& p) { p.syn = p.banner = true; },
  };
  std::set<std::uint64_t> seen;
  for (const auto& change : changes) {
    scan_plan changed = plan();
    change(changed);
    seen.insert(fingerprint(changed, block(1, 9)));
  }
  seen.insert(fingerprint(plan(), block(1, 8)));
  seen.insert(fingerprint(plan(), block(2, 9)));
  seen.insert(fingerprint(plan(), block(1, 9, "lab")));
  target_set two = block(1, 4);
  two.add({address::v4(5), address::v4(9)});
  seen.insert(fingerprint(plan(), two));
  CHECK(seen.size() == changes.size() + 4);
}

TEST_CASE("fingerprint: seed, part, rate and sources do not count", "[scan][fingerprint]") {
  scan_plan other = plan();
  other.seed = 99;
  other.part = {2, 8};
  other.in_order = true;
  other.rate = 100;
  other.parallel = 3;
  other.bandwidth = 1e6;
  other.sources = {address::v4(7)};
  CHECK(fingerprint(other, block(1, 9)) == fingerprint(plan(), block(1, 9)));
}

TEST_CASE("fingerprint: is the same in every build, and so is the seed made from it", "[scan][fingerprint]") {
  const std::uint64_t known = fingerprint(plan(), block(0xc0000201, 0xc0000209, "lab.example.org"));
  CHECK(fingerprint_text(known) == "6d6889fb7e4900ca");
  CHECK(seed_from(known) == 0xecc259d0c5abc49e);
  CHECK(fingerprint_text(1) == "0000000000000001");
}

}  // namespace netlab::scan::fingerprint_test
