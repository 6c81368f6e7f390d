// SPDX-License-Identifier: MIT
#include "base/services.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"

namespace netlab {
namespace {

constexpr std::string_view built_in_text = R"(
echo 7/tcp
echo 7/udp
discard 9/tcp
discard 9/udp
daytime 13/tcp
daytime 13/udp
chargen 19/tcp
chargen 19/udp
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
time 37/tcp
time 37/udp
domain 53/tcp dns
domain 53/udp dns
tftp 69/udp
http 80/tcp www
pop3 110/tcp pop-3
sunrpc 111/tcp portmapper
sunrpc 111/udp portmapper
ntp 123/udp
netbios-ns 137/udp
imap2 143/tcp imap
snmp 161/udp
ldap 389/tcp
https 443/tcp
https 443/udp
submissions 465/tcp smtps
submission 587/tcp
ldaps 636/tcp
imaps 993/tcp
pop3s 995/tcp
)";

std::optional<std::uint16_t> find_port(const std::vector<registered_service>& services, std::string_view name) {
  const auto is_called = [&](const registered_service& one) {
    const auto is_it = [&](const std::string& other) { return equal_in_any_case(other, name); };
    return is_it(one.name) || std::ranges::any_of(one.aliases, is_it);
  };
  for (const bool is_udp : {false, true})
    for (const registered_service& one : services)
      if (one.is_udp == is_udp && is_called(one)) return one.port;
  return std::nullopt;
}

}  // namespace

std::vector<registered_service> parse_services(std::string_view text) {
  std::vector<registered_service> found;
  for (std::string_view line : text_lines(text)) {
    line = trim(line.substr(0, line.find('#')));
    const std::vector<std::string_view> fields = words(line);
    if (fields.size() < 2) continue;
    const std::size_t slash = fields[1].find('/');
    if (slash == std::string_view::npos) continue;
    const auto port = parse_integer<std::uint16_t>(fields[1].substr(0, slash));
    const std::string_view transport = fields[1].substr(slash + 1);
    if (!port || (transport != "tcp" && transport != "udp")) continue;
    found.push_back({std::string(fields[0]), {fields.begin() + 2, fields.end()}, *port, transport == "udp"});
  }
  return found;
}

const std::vector<registered_service>& built_in_services() {
  static const std::vector<registered_service> all = parse_services(built_in_text);
  return all;
}

std::vector<registered_service> read_services(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return built_in_services();
  std::vector<registered_service> found = parse_services(*text);
  return found.empty() ? built_in_services() : found;
}

std::optional<std::uint16_t> port_of_service(std::string_view name, const std::string& file) {
  if (const auto port = find_port(read_services(file), name)) return port;
  return find_port(built_in_services(), name);
}

std::optional<std::uint16_t> parse_port_or_service(std::string_view text) {
  if (const auto number = parse_integer<std::uint16_t>(text)) return number;
  // A service name contains a letter (RFC 6335 §5.1), so other texts need no lookup.
  const bool may_be_name = std::ranges::any_of(text, [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; });
  return may_be_name ? port_of_service(text) : std::nullopt;
}

}  // namespace netlab
