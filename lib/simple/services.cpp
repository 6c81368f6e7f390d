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

/// `Write`: daytime_octets or time_octets
template <auto Write>
std::unique_ptr<visit> open_announcement(duration, time_point now, wall_time date) {
  return std::make_unique<announcement>(Write(date), now);
}

template <auto Write>
void announce(bytes& to, bytes_view, wall_time date) {
  append(to, Write(date));
}

bytes daytime_octets(wall_time date) {
  bytes octets;
  append(octets, daytime_line(date));
  return octets;
}

void send_back(bytes& to, bytes_view request, wall_time) { append(to, request); }

}  // namespace

constinit const service chargen{.name = "chargen",
                                .past = "sent",
                                .account = " sent",
                                .over_udp = false,
                                .sends_without_end = true,
                                .open = open_session<chargen_session>};

constinit const service daytime{.name = "daytime",
                                .past = "sent",
                                .account = " sent",
                                .limits_replies = true,
                                .open = open_announcement<daytime_octets>,
                                .reply = announce<daytime_octets>};

constinit const service discard{
    .name = "discard", .past = "discarded", .account = " discarded", .open = open_session<discard_session>};

constinit const service echo{.name = "echo",
                             .past = "echoed",
                             .account = {},
                             .max_datagram = 65'536,  // no datagram is truncated
                             .open = open_session<echo_session>,
                             .reply = send_back};

constinit const service time{.name = "time",
                             .past = "sent",
                             .account = " sent",
                             .limits_replies = true,
                             .open = open_announcement<time_octets>,
                             .reply = announce<time_octets>};

}  // namespace netlab::simple
