// SPDX-License-Identifier: MIT
// The answers of the steps that show recorded packets.
#pragma once

#include "lab/tour/narrator.hpp"
#include "lab/tour/recording.hpp"

namespace netlab::lab {

/// Of demo::calculation: which call sent each packet.
void tell_sending_calls(narrator& tell, const recording& made);
/// Of demo::calculation: which packet completed each blocking call.
void tell_completing_packets(narrator& tell, const recording& made);
/// Of demo::ports: the packets of an open and of a closed port.
void tell_tcp_ports(narrator& tell, const recording& made);
void tell_udp_ports(narrator& tell, const recording& made);

}  // namespace netlab::lab
