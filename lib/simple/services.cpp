// SPDX-License-Identifier: MIT
#include "simple/services.hpp"

#include "simple/chargen.hpp"
#include "simple/discard.hpp"
#include "simple/echo.hpp"

namespace netlab::simple {
namespace {

template <class Session>
std::unique_ptr<visit> open_session(duration idle_timeout, time_point now, wall_time) {
  return std::make_unique<Session>(idle_timeout, now);
}

bytes daytime_octets(wall_time date) {
  bytes octets;
  append(octets, daytime_line(date));
  return octets;
}

/// A service that says the time and ends. `Write`: its format.
template <auto Write>
constexpr service announcer(std::string_view name) {
  return {.name = name,
          .past = "sent",
          .account = " sent",
          .limits_replies = true,
          .open = [](duration, time_point now, wall_time date) -> std::unique_ptr<visit> {
            return std::make_unique<announcement>(Write(date), now);
          },
          .reply = [](bytes& to, bytes_view, wall_time date) { append(to, Write(date)); }};
}

}  // namespace

constinit const service chargen{.name = "chargen",
                                .past = "sent",
                                .account = " sent",
                                .over_udp = false,
                                .sends_without_end = true,
                                .open = open_session<chargen_session>};

constinit const service daytime = announcer<daytime_octets>("daytime");

constinit const service discard{
    .name = "discard", .past = "discarded", .account = " discarded", .open = open_session<discard_session>};

constinit const service echo{.name = "echo",
                             .past = "echoed",
                             .account = {},
                             .max_datagram = 65'536,  // no datagram is truncated
                             .open = open_session<echo_session>,
                             .reply = [](bytes& to, bytes_view request, wall_time) { append(to, request); }};

constinit const service time = announcer<time_octets>("time");

}  // namespace netlab::simple
