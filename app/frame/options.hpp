// SPDX-License-Identifier: MIT
// Options that mean the same in every command: their declarations and the functions that read them.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "frame/cli.hpp"
#include "net/dial.hpp"

namespace netlab::app::shared_options {

inline constexpr option byte_order{
    .name = "byte-order",
    .argument = "ORDER",
    .help = "byte order of ID and numbers: network (or big), or little, as native struct.pack on a PC",
    .fallback = "network",
    .choices = "network big little"};
inline constexpr option ipv4{.name = "ipv4", .letter = '4', .help = "IPv4 only"};
inline constexpr option ipv6{.name = "ipv6", .letter = '6', .help = "IPv6 only"};
inline constexpr option tcp{.name = "tcp", .help = "over TCP"};
inline constexpr option udp{.name = "udp", .help = "over UDP"};
inline constexpr option host{
    .name = "host", .argument = "HOST", .help = "the server's name or address", .fallback = "127.0.0.1"};
inline constexpr option max_time{
    .name = "max-time",
    .argument = "DURATION",
    .help = "stop after this long, whatever the peer does, with status 75; default: never"};
inline constexpr option local_bind{
    .name = "bind", .argument = "ADDR[:PORT]", .help = "local address and port; by default the system chooses them"};

/// -4 and -6.
[[nodiscard]] net::family read_family(arguments& args);

/// --byte-order
[[nodiscard]] netlab::byte_order read_byte_order(arguments& args);

/// --tcp or --udp; a client takes one of them, by default TCP.
[[nodiscard]] net::transport read_transport(arguments& args);

/// --host; by default, the loopback address of the family.
[[nodiscard]] std::string read_host(arguments& args);

/// --port, from 1.
[[nodiscard]] std::uint16_t read_remote_port(arguments& args);

/// --bind of a client.
[[nodiscard]] std::optional<net::local_end> read_local_end(arguments& args);

/// --max-time; by default 0: no limit.
[[nodiscard]] duration read_max_time(arguments& args);

/// Reads all of these and --timeout and --retries into a client's options; options that the action lacks stay
/// unchanged.
template <class Options>
void read_remote(arguments& args, Options& client) {
  client.protocol = read_transport(args);
  client.host = read_host(args);
  client.port = read_remote_port(args);
  client.restrict_to = read_family(args);
  client.local = read_local_end(args);
  client.timeout = args.timeout("timeout");
  client.retries = static_cast<unsigned>(args.number("retries", 0, 100));
}

}  // namespace netlab::app::shared_options
