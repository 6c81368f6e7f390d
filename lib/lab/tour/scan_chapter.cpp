// SPDX-License-Identifier: MIT
#include "lab/tour/chapters.hpp"

#include <array>
#include <utility>

#include "lab/tour/scan_room.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t silent_ports = 24;  // silent ports at once

constexpr std::array<step<scan_room>, 12> scan_steps{{
    {"What is the packet sequence of an open and of a closed TCP port?", handshake},
    {"What does a program see of a closed port?", refusal},
    {"What does it see of a TCP port that does not answer?", tcp_silence},
    {"Many silent ports at once", in_parallel},
    {"A message to an open port", messages},
    {"What is the packet sequence of an open and of a closed UDP port?", over_udp},
    {"How does a program tell silence and ICMP apart?", silence_or_icmp},
    {"What does UDP's silence mean?", udp_silence},
    {"The calculation service over UDP", unmoved},
    {"What does the echo service do with the client's requests?", echoed},
    {"Which TCP and UDP ports are open?", open_ports},
    {"Stopping a scan", stopped_early},
}};

}  // namespace

std::vector<std::string_view> scan_titles() { return titles_of(scan_steps); }

step_result tell_scan(narrator& tell, std::string netlab) {
  scan_room room(tell, std::move(netlab));
  if (auto opened = co_await room.open(silent_ports); !opened) co_return opened;
  co_return co_await play(room, scan_steps);
}

}  // namespace netlab::lab
