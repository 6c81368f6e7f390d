// SPDX-License-Identifier: MIT
#include "tun.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace netlab::test {

void give_up(const std::string& what) {
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what.c_str(), std::strerror(errno));
  std::exit(71);
}

int open_tun(const std::string& name_space, const std::string& device) {
  const int place = ::open(("/run/netns/" + name_space).c_str(), O_RDONLY | O_CLOEXEC);
  if (place < 0 || ::setns(place, CLONE_NEWNET) != 0) give_up("namespace " + name_space);
  ::close(place);
  const int tun = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (tun < 0) give_up("/dev/net/tun");
  ifreq request{};
  std::copy_n(device.begin(), std::min<std::size_t>(device.size(), IFNAMSIZ - 1), request.ifr_name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(tun, TUNSETIFF, &request) != 0) give_up("device " + device);
  const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // A packet that the program has not read yet must wait: only the program's own rules may drop packets.
  request.ifr_qlen = 20'000;
  if (::ioctl(control, SIOCSIFTXQLEN, &request) != 0) give_up("queue of " + device);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(control, SIOCSIFFLAGS, &request) != 0) give_up("set up " + device);
  ::close(control);
  return tun;
}

}  // namespace netlab::test
