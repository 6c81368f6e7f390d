// SPDX-License-Identifier: MIT
// Runs a program as on Linux 5.1, or in a sandbox made for it: newer system calls fail with ENOSYS. Ends with 77 if
// such a filter is not allowed.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>

namespace {

// From this number on, system calls have the same numbers on every architecture: pidfd_send_signal, io_uring_*, clone3,
// close_range, openat2, faccessat2, epoll_pwait2 and all later ones.
constexpr unsigned first_refused = 424;
constexpr unsigned x32_bit = 0x40000000;

bool refuse_newer_calls() {
  std::array<sock_filter, 5> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first_refused, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
  }};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 2) return 64;
  if (!refuse_newer_calls()) {
    std::perror("seccomp");
    return 77;
  }
  ::execv(argv[1], argv + 1);
  std::perror(argv[1]);
  return 127;
}
