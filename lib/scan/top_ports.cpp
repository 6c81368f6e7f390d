// SPDX-License-Identifier: MIT
#include "scan/top_ports.hpp"

#include <algorithm>
#include <array>
#include <bitset>

#include "scan/payloads.hpp"

namespace netlab::scan {
namespace {

constexpr std::array surveyed = std::to_array<surveyed_port>({
    {80, 73'637'628},  {443, 49'762'185}, {22, 20'213'618},  {25, 18'297'775}, {21, 16'980'464},  {8080, 13'428'979},
    {53, 11'829'288},  {23, 9'995'851},   {1723, 9'607'708}, {143, 8'919'856}, {110, 8'820'647},  {3306, 8'279'501},
    {3389, 7'279'527}, {8081, 7'170'947}, {587, 7'056'310},  {993, 7'027'891}, {995, 6'983'958},  {465, 6'603'840},
    {111, 5'953'599},  {445, 5'547'284},  {8443, 5'429'002}, {135, 5'413'613}, {5000, 5'017'418}, {139, 4'027'291},
    {5900, 3'543'818}, {1433, 3'402'532}, {990, 3'235'369},  {389, 2'990'559}, {9100, 2'951'880}, {8888, 2'545'753},
});
static_assert(std::ranges::is_sorted(surveyed, std::ranges::greater{}, &surveyed_port::hosts));

}  // namespace

std::span<const surveyed_port> surveyed_tcp_ports() noexcept { return surveyed; }

std::vector<std::uint16_t> top_ports(transport protocol, std::size_t how_many,
                                     std::span<const std::uint16_t> registered) {
  std::vector<std::uint16_t> chosen;
  std::bitset<65536> taken;
  taken.set(0);  // not a usable port
  const auto take = [&](std::uint16_t port) {
    if (chosen.size() >= how_many || taken.test(port)) return;
    taken.set(port);
    chosen.push_back(port);
  };
  if (protocol == transport::tcp)
    for (const surveyed_port& one : surveyed) take(one.port);
  else
    for (const std::uint16_t port : payload_ports()) take(port);
  for (const std::uint16_t port : registered) take(port);
  for (unsigned port = 1; port <= 65535; ++port) take(static_cast<std::uint16_t>(port));
  return chosen;
}

}  // namespace netlab::scan
