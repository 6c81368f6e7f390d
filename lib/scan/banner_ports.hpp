// SPDX-License-Identifier: MIT
// Open ports found by the half-open scan, whose banners the connect scan reads afterwards. No sockets.
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

  /// The finding with the banner and reply from the connect scan. A port that was open stays open even if it refuses a
  /// connection now, for example because of a connection limit.
  [[nodiscard]] finding take(const finding& answer) {
    const auto at = open_.find({answer.address, answer.port});
    if (at == open_.end()) return answer;
    finding made = std::move(at->second);
    open_.erase(at);
    made.banner = answer.banner;
    made.banner_cut = answer.banner_cut;
    made.reply = answer.reply;
    made.reply_cut = answer.reply_cut;
    made.is_echo = answer.is_echo;
    return made;
  }
  /// The findings for which take() was not called.
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
