// SPDX-License-Identifier: MIT
#include "simple/services.hpp"

#include "simple/chargen.hpp"
#include "simple/discard.hpp"
#include "simple/echo.hpp"

namespace netlab::simple {
namespace {

template <class Session>
std::unique_ptr<visit> open_session(duration idle_timeout, time_point now, const wall_clock_function&) {
  return std::make_unique<Session>(idle_timeout, now);
}

bytes daytime_octets(wall_time date) {
  bytes octets;
  append(octets, daytime_line(date));
  return octets;
}

/// A service that sends the time and closes. `Write` formats the time.
template <auto Write>
constexpr service time_service() {
  return {
      .verb = "sent",
      .log_suffix = " sent",
      .limits_replies = true,
      .open = [](duration, time_point now, const wall_clock_function& wall_clock) -> std::unique_ptr<visit> {
        return std::make_unique<announcement>(Write(wall_clock()), now);
      },
      .reply = [](bytes& to, bytes_view, const wall_clock_function& wall_clock) { append(to, Write(wall_clock())); }};
}

}  // namespace

constinit const service chargen{.verb = "sent",
                                .log_suffix = " sent",
                                .over_udp = false,
                                .sends_without_end = true,
                                .open = open_session<chargen_session>};

constinit const service daytime = time_service<daytime_octets>();

constinit const service discard{.verb = "discarded", .log_suffix = " discarded", .open = open_session<discard_session>};

constinit const service echo{
    .verb = "echoed",
    .log_suffix = {},
    .max_datagram = 65'536,  // no datagram is truncated
    .open = open_session<echo_session>,
    .reply = [](bytes& to, bytes_view request, const wall_clock_function&) { append(to, request); }};

constinit const service time = time_service<time_octets>();

}  // namespace netlab::simple
