// SPDX-License-Identifier: MIT
#include "scan/services.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"

namespace netlab::scan {
namespace {

constexpr std::string_view built_in_services = R"(
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
smtp 25/tcp
time 37/tcp
time 37/udp
domain 53/tcp
domain 53/udp
tftp 69/udp
http 80/tcp
pop3 110/tcp
sunrpc 111/tcp
sunrpc 111/udp
ntp 123/udp
netbios-ns 137/udp
imap2 143/tcp
snmp 161/udp
https 443/tcp
https 443/udp
submissions 465/tcp
submission 587/tcp
imaps 993/tcp
pop3s 995/tcp
)";

std::optional<transport> transport_of(std::string_view name) {
  if (name == "tcp") return transport::tcp;
  if (name == "udp") return transport::udp;
  return std::nullopt;
}

}  // namespace

service_names service_names::parse(std::string_view text) {
  std::map<std::pair<transport, std::uint16_t>, std::string_view> first;  // of the names for each port
  for (std::string_view line : split(text, '\n')) {
    line = trim(line.substr(0, line.find('#')));
    const std::vector<std::string_view> fields = words(line);
    if (fields.size() < 2) continue;
    const std::size_t slash = fields[1].find('/');
    if (slash == std::string_view::npos) continue;
    const auto port = parse_integer<std::uint16_t>(fields[1].substr(0, slash));
    const auto protocol = transport_of(fields[1].substr(slash + 1));
    if (port && protocol) first.try_emplace({*protocol, *port}, fields[0]);
  }
  service_names names;
  names.entries_.reserve(first.size());
  for (const auto& [key, name] : first) names.entries_.push_back({key.first, key.second, std::string(name)});
  return names;
}

service_names service_names::built_in() { return parse(built_in_services); }

service_names service_names::read(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return built_in();
  service_names names = parse(*text);
  return names.entries_.empty() ? built_in() : names;
}

std::string_view service_names::find(transport protocol, std::uint16_t port) const noexcept {
  const auto key = [](const entry& of) { return std::tuple(of.protocol, of.port); };
  const auto at = std::ranges::lower_bound(entries_, std::tuple(protocol, port), {}, key);
  if (at == entries_.end() || at->protocol != protocol || at->port != port) return {};
  return at->name;
}

std::vector<std::uint16_t> service_names::ports(transport protocol) const {
  std::vector<std::uint16_t> found;
  for (const entry& one : entries_)
    if (one.protocol == protocol) found.push_back(one.port);
  return found;
}

}  // namespace netlab::scan
