// SPDX-License-Identifier: MIT
// A simulated network on a TUN device in a network namespace: all hosts of a rules file, in one process.
//
//     simulated [--log FILE] [--device NAME] RULES NAMESPACE
//
// rules.hpp describes the rules. Prints `ready` when the device is up; SIGTERM ends it. The log has a line for each TCP
// segment and each datagram that a host receives: microseconds since the start, tcp or udp, source address and port,
// destination address and port, flags (S, SA, A, ...; `-` for a datagram). The caller assigns addresses and routes.
// Linux only; needs root.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "simulated/network.hpp"
#include "tun.hpp"

namespace netlab::test {
namespace {

constexpr std::size_t longest_packet = 65536;
constexpr int bad_usage = 64;
constexpr int bad_data = 65;

volatile std::sig_atomic_t stopping = 0;

/// Answers in transit by time of arrival; those with the same time in the order of sending.
class deliveries {
 public:
  void add(network::delivery what) { waiting_.push({std::move(what), next_number_++}); }
  [[nodiscard]] time_point due() const { return waiting_.empty() ? never : waiting_.top().what.due; }
  void write_due(int tun, time_point now) {
    for (; due() <= now; waiting_.pop()) {
      const packet& octets = waiting_.top().what.octets;
      if (::write(tun, octets.data(), octets.size()) < 0) continue;  // the link is down: the packet is lost
    }
  }

 private:
  struct entry {
    network::delivery what;
    std::uint64_t number;
    bool operator<(const entry& other) const {
      return other.what.due < what.due || (other.what.due == what.due && other.number < number);
    }
  };
  std::priority_queue<entry> waiting_;
  std::uint64_t next_number_ = 0;
};

std::string flags_of(const segment& asked) {
  constexpr std::string_view letters = "FSRPA";
  if (!asked.is_tcp) return "-";
  std::string text;
  for (const char letter : {'S', 'F', 'R', 'P', 'A'})
    if ((asked.flags >> letters.find(letter) & 1) != 0) text += letter;
  return text;
}

void log_packet(std::FILE* to, const segment& asked, duration since) {
  if (to == nullptr) return;
  fmt::print(to, "{} {} {} {} {} {} {}\n", since.count() / 1000, asked.is_tcp ? "tcp" : "udp",
             netlab::to_string(asked.from.host), asked.from.port, netlab::to_string(asked.to.host), asked.to.port,
             flags_of(asked));
}

void run(network& hosts, int tun, std::FILE* log) {
  const time_point began = clock::now();
  deliveries under_way;
  std::vector<char> buffer(longest_packet);
  while (stopping == 0) {
    for (ssize_t size = 0; (size = ::read(tun, buffer.data(), buffer.size())) > 0;) {
      const std::string_view octets(buffer.data(), static_cast<std::size_t>(size));
      const auto asked = parse_packet(octets);
      if (!asked) continue;
      const time_point now = clock::now();
      log_packet(log, *asked, now - began);
      for (network::delivery& each : hosts.answer(*asked, octets, now)) under_way.add(std::move(each));
      under_way.write_due(tun, now);
    }
    under_way.write_due(tun, clock::now());
    if (log != nullptr) std::fflush(log);
    timespec wait{.tv_sec = 1, .tv_nsec = 0};
    if (const time_point due = under_way.due(); due != never) {
      const duration left = std::max(duration(0), due - clock::now());
      wait = {.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    }
    pollfd end{.fd = tun, .events = POLLIN, .revents = 0};
    ::ppoll(&end, 1, &wait, nullptr);
  }
}

}  // namespace
}  // namespace netlab::test

int main(int count, char** words) {
  using namespace netlab;
  using namespace netlab::test;
  std::string device = "sim";
  std::string log_name;
  std::vector<std::string> names;
  for (int at = 1; at < count; ++at) {
    const std::string_view word = words[at];
    if (word == "--device" && at + 1 < count)
      device = words[++at];
    else if (word == "--log" && at + 1 < count)
      log_name = words[++at];
    else
      names.emplace_back(word);
  }
  if (names.size() != 2) {
    std::fputs("usage: simulated [--log FILE] [--device NAME] RULES NAMESPACE\n", stderr);
    return bad_usage;
  }
  std::ifstream file(names[0], std::ios::binary);
  if (!file) give_up(names[0]);
  auto rules = parse_rules(std::string(std::istreambuf_iterator<char>(file), {}));
  if (!rules) {
    fmt::print(stderr, "simulated: {}: {}\n", names[0], rules.error().detail);
    return bad_data;
  }
  std::FILE* const log = log_name.empty() ? nullptr : std::fopen(log_name.c_str(), "we");
  if (!log_name.empty() && log == nullptr) give_up(log_name);
  const auto stop = [](int) { stopping = 1; };
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);  // ns; the default is 50 µs
  const int tun = open_tun(names[1], device);
  network hosts(std::move(*rules));
  std::puts("ready");
  std::fflush(stdout);
  run(hosts, tun, log);
  if (log != nullptr) std::fclose(log);
  return 0;
}
