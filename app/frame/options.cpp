// SPDX-License-Identifier: MIT
#include "frame/options.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::app::shared_options {
namespace {

result<netlab::byte_order> parse_byte_order(std::string_view text) {
  if (text == "network" || text == "big") return netlab::byte_order::big;
  if (text == "little") return netlab::byte_order::little;
  return fail(errc::usage, fmt::format("'{}' is not a byte order", escape(text, 60)), "network or little");
}

}  // namespace

netlab::byte_order read_byte_order(arguments& args) { return args.as("byte-order", parse_byte_order); }

net::family read_family(arguments& args) {
  args.exclude("ipv4", "ipv6");
  if (args.flag("ipv4")) return net::family::ipv4;
  return args.flag("ipv6") ? net::family::ipv6 : net::family::any;
}

net::transport read_transport(arguments& args) {
  args.exclude("tcp", "udp");
  return args.flag("udp") ? net::transport::udp : net::transport::tcp;
}

std::string read_host(arguments& args) {
  if (!args.has("host") && read_family(args) == net::family::ipv6) return "::1";
  return args.as("host", [](std::string_view text) { return net::parse_host(text); });
}

std::uint16_t read_remote_port(arguments& args) { return args.as("port", net::parse_remote_port); }

duration read_max_time(arguments& args) { return args.has("max-time") ? args.timeout("max-time") : duration(0); }

std::optional<net::local_end> read_local_end(arguments& args) {
  if (!args.has("bind")) return std::nullopt;
  return args.as("bind", net::parse_local_end);
}

}  // namespace netlab::app::shared_options
