// SPDX-License-Identifier: MIT
#include "lab/tour/chapters.hpp"

#include <array>
#include <utility>

#include "lab/tour/calc_steps.hpp"

namespace netlab::lab {
namespace {

constexpr std::array<step<classroom>, 19> calc_steps{{
    {"A request over TCP", first_query},
    {"The octets of a request and of its answer", layout},
    {"Which call is responsible for each packet?", sending_calls},
    {"Which packet completes each blocking call?", completing_packets},
    {"What do the sockets look like meanwhile?", watched_sockets},
    {"Does one recv() return one request?", pieces},
    {"How does a client find out its own address and port?", own_end},
    {"When does it get them, and where from?", chosen_end},
    {"How does it set them?", bound_end},
    {"The same request over UDP, to the same port number", calc_over_udp},
    {"Can one server answer on one port number over TCP and UDP?", one_number},
    {"What does the echo service make of a request?", calc_against_echo},
    {"What does the wrong byte order do?", wrong_order},
    {"By hand, as with telnet", by_telnet},
    {"Many clients at once", many_clients},
    {"Why timeouts, and what error do they end in?", timeout_errors},
    {"How does one set a timeout, for one socket and for all?", timeout_settings},
    {"Requests that have no answer", no_answer},
    {"How does one stop a server that has clients?", orderly_end},
}};

}  // namespace

std::vector<std::string_view> calc_titles() { return titles_of(calc_steps); }

step_result tell_calc(narrator& tell, std::string netlab) {
  classroom room(tell, std::move(netlab));
  if (auto opened = room.open(); !opened) co_return opened;
  co_return co_await play(room, calc_steps);
}

}  // namespace netlab::lab
