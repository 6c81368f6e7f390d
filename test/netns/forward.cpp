// SPDX-License-Identifier: MIT
// A slow link between two network namespaces: a TUN device in each, and this program in between.
//
//     forward [--delay MS] [--rate PACKETS_PER_SECOND] [--queue PACKETS] [--device NAME] NAMESPACE NAMESPACE
//
// Each direction has a queue, as a router does, which sends `rate` packets a second and drops packets while it is full.
// Then each packet takes `delay`. Prints `ready` when both devices are up, and on SIGTERM the number of packets carried
// and lost in each direction. The caller assigns the addresses. Linux only; needs root.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tun.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t longest_packet = 65536;

volatile std::sig_atomic_t stopping = 0;

struct settings {
  nanoseconds delay{0};
  nanoseconds spacing{0};  // between two packets
  std::size_t queue = 1000;
};

class direction {
 public:
  direction(int from, int to, const settings& how) : from_(from), to_(to), how_(how) {}

  void take_all(clock_type::time_point now) {
    for (;;) {
      const ssize_t size = ::read(from_, packet_.data(), packet_.size());
      if (size <= 0) return;
      // The link sends a packet every `spacing`; the departure time of its last packet gives the length of the queue.
      const auto leaves = std::max(now, last_ + how_.spacing);
      if (how_.spacing.count() != 0 && leaves - now > how_.spacing * static_cast<std::int64_t>(how_.queue)) {
        ++lost_;
        continue;
      }
      last_ = leaves;
      under_way_.push_back({leaves + how_.delay, {packet_.begin(), packet_.begin() + size}});
    }
  }

  void deliver(clock_type::time_point now) {
    while (!under_way_.empty() && under_way_.front().due <= now) {
      const auto& octets = under_way_.front().octets;
      if (::write(to_, octets.data(), octets.size()) >= 0)
        ++carried_;
      else
        ++lost_;
      under_way_.pop_front();
    }
  }

  [[nodiscard]] clock_type::time_point due() const {
    return under_way_.empty() ? clock_type::time_point::max() : under_way_.front().due;
  }
  [[nodiscard]] std::uint64_t carried() const { return carried_; }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  struct packet {
    clock_type::time_point due;
    std::vector<std::uint8_t> octets;
  };

  int from_;
  int to_;
  settings how_;
  std::array<std::uint8_t, longest_packet> packet_{};
  std::deque<packet> under_way_;  // ascending
  clock_type::time_point last_{};
  std::uint64_t carried_ = 0;
  std::uint64_t lost_ = 0;
};

void run(int one, int other, const settings& how) {
  static direction there(one, other, how);
  static direction back(other, one, how);
  while (stopping == 0) {
    const auto now = clock_type::now();
    there.take_all(now);
    back.take_all(now);
    there.deliver(now);
    back.deliver(now);
    timespec wait{.tv_sec = 1, .tv_nsec = 0};
    if (const auto due = std::min(there.due(), back.due()); due != clock_type::time_point::max()) {
      const auto left = std::max<std::int64_t>(0, nanoseconds(due - clock_type::now()).count());
      wait = {.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    }
    std::array<pollfd, 2> ends{pollfd{.fd = one, .events = POLLIN, .revents = 0},
                               pollfd{.fd = other, .events = POLLIN, .revents = 0}};
    ::ppoll(ends.data(), ends.size(), &wait, nullptr);
  }
  std::printf("there: %llu carried, %llu lost; back: %llu carried, %llu lost\n",
              static_cast<unsigned long long>(there.carried()), static_cast<unsigned long long>(there.lost()),
              static_cast<unsigned long long>(back.carried()), static_cast<unsigned long long>(back.lost()));
}

}  // namespace

int main(int count, char** words) {
  settings how;
  std::string device = "slow";
  std::vector<std::string> names;
  for (int at = 1; at < count; ++at) {
    const std::string_view word = words[at];
    const bool has_value = at + 1 < count;
    if (word == "--delay" && has_value)
      how.delay = nanoseconds(static_cast<std::int64_t>(std::atof(words[++at]) * 1e6));
    else if (word == "--rate" && has_value)
      how.spacing = nanoseconds(static_cast<std::int64_t>(1e9 / std::atof(words[++at])));
    else if (word == "--queue" && has_value)
      how.queue = static_cast<std::size_t>(std::atol(words[++at]));
    else if (word == "--device" && has_value)
      device = words[++at];
    else
      names.emplace_back(word);
  }
  if (names.size() != 2) {
    std::fputs("usage: forward [--delay MS] [--rate N] [--queue N] [--device NAME] NAMESPACE NAMESPACE\n", stderr);
    return 64;
  }
  const auto stop = [](int) { stopping = 1; };
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);  // ns; the default is 50 µs
  const int one = netlab::test::open_tun(names[0], device);
  const int other = netlab::test::open_tun(names[1], device);
  std::puts("ready");
  std::fflush(stdout);
  run(one, other, how);
  return 0;
}
