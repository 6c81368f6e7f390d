// SPDX-License-Identifier: MIT
// Open ports found by the half-open scan, as the connect scan is to ask them for their banners. No sockets.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scan/finding.hpp"

namespace netlab::scan {

/// Keeps the findings until their banners are known.
class banner_ports {
 public:
  void add(finding open) {
    std::pair<std::string, std::uint16_t> key{open.address, open.port};
    open_.insert_or_assign(std::move(key), std::move(open));
  }
  [[nodiscard]] bool empty() const noexcept { return open_.empty(); }

  /// Hosts that have the same open ports: one connect scan for all of them.
  struct group {
    std::vector<std::uint16_t> ports;    ///< ascending
    std::vector<const finding*> hosts;   ///< one finding of each; valid until the next add() or take()
  };
  [[nodiscard]] std::vector<group> groups() const {
    std::map<std::vector<std::uint16_t>, std::vector<const finding*>> by_ports;
    for (auto at = open_.begin(); at != open_.end();) {
      std::vector<std::uint16_t> ports;
      const auto first = at;
      for (; at != open_.end() && at->first.first == first->first.first; ++at) ports.push_back(at->first.second);
      by_ports[std::move(ports)].push_back(&first->second);
    }
    std::vector<group> made;
    for (auto& [ports, hosts] : by_ports) made.push_back({ports, std::move(hosts)});
    return made;
  }

  /// The finding with what the connect scan heard: a port that was open stays open, although it may refuse a connection
  /// now, as with a limit on connections.
  [[nodiscard]] finding take(const finding& heard) {
    const auto at = open_.find({heard.address, heard.port});
    if (at == open_.end()) return heard;
    finding made = std::move(at->second);
    open_.erase(at);
    made.banner = heard.banner;
    made.banner_cut = heard.banner_cut;
    made.reply = heard.reply;
    made.reply_cut = heard.reply_cut;
    made.is_echo = heard.is_echo;
    return made;
  }
  /// Those that were not asked for a banner.
  [[nodiscard]] std::vector<finding> take_rest() {
    std::vector<finding> rest;
    for (auto& [key, open] : open_) rest.push_back(std::move(open));
    open_.clear();
    return rest;
  }

 private:
  std::map<std::pair<std::string, std::uint16_t>, finding> open_;
};

}  // namespace netlab::scan
