// SPDX-License-Identifier: MIT
// What is traced where Python will not do: a program with lines of its own, and one that talks by io_uring.
//
//   traced connect PORT             connects, sends `hello`, reads until the end
//   traced io_uring PORT [created]  the same by io_uring, and socket() too unless it is `created`; 77 where that is not
//                                   allowed
//   traced datagrams PORT           one to this port by io_uring
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::string_view greeting = "hello";

sockaddr_in loopback(const char* port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

[[gnu::noinline]] bool connect_to(int fd, const sockaddr_in& to) {
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;  // the line of connect
}

int talk(const char* port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (!connect_to(fd, loopback(port))) return 1;
  if (::send(fd, greeting.data(), greeting.size(), 0) < 0) return 1;  // the line of send
  char answer = 0;
  while (::recv(fd, &answer, 1, 0) > 0) {}
  return ::close(fd);
}

/// One request at a time.
class ring {
 public:
  ring() {
    io_uring_params params{};
    fd_ = static_cast<int>(::syscall(SYS_io_uring_setup, entries, &params));
    if (fd_ < 0) std::exit(77);
    char* submissions = map(params.sq_off.array + params.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    char* completions = map(params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    requests_ = reinterpret_cast<io_uring_sqe*>(map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    tail_ = reinterpret_cast<unsigned*>(submissions + params.sq_off.tail);
    order_ = reinterpret_cast<unsigned*>(submissions + params.sq_off.array);
    mask_ = *reinterpret_cast<unsigned*>(submissions + params.sq_off.ring_mask);
    head_ = reinterpret_cast<unsigned*>(completions + params.cq_off.head);
    answers_ = reinterpret_cast<io_uring_cqe*>(completions + params.cq_off.cqes);
    answer_mask_ = *reinterpret_cast<unsigned*>(completions + params.cq_off.ring_mask);
  }

  int run(const io_uring_sqe& request) {
    const unsigned at = *tail_ & mask_;
    requests_[at] = request;
    order_[at] = at;
    std::atomic_ref(*tail_).fetch_add(1, std::memory_order_release);
    if (::syscall(SYS_io_uring_enter, fd_, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) return -errno;
    const int value = answers_[*head_ & answer_mask_].res;
    std::atomic_ref(*head_).fetch_add(1, std::memory_order_release);
    return value;
  }

 private:
  static constexpr unsigned entries = 4;

  char* map(std::size_t size, off_t what) const {
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, what);
    if (at == MAP_FAILED) std::exit(77);
    return static_cast<char*>(at);
  }

  int fd_ = -1;
  unsigned* tail_ = nullptr;
  unsigned* order_ = nullptr;
  unsigned mask_ = 0;
  unsigned* head_ = nullptr;
  unsigned answer_mask_ = 0;
  io_uring_sqe* requests_ = nullptr;
  io_uring_cqe* answers_ = nullptr;
};

io_uring_sqe request(std::uint8_t what, int fd, const void* at, std::uint32_t size) {
  io_uring_sqe made{};
  made.opcode = what;
  made.fd = fd;
  made.addr = reinterpret_cast<std::uintptr_t>(at);
  made.len = size;
  return made;
}

int talk_by_ring(const char* port, bool is_created) {
  ring by;
  const sockaddr_in to = loopback(port);
  io_uring_sqe creation = request(IORING_OP_SOCKET, AF_INET, nullptr, 0);
  creation.off = SOCK_STREAM;
  const int fd = is_created ? ::socket(AF_INET, SOCK_STREAM, 0) : by.run(creation);
  if (fd < 0) return 77;  // a system before 5.19 has none of these
  io_uring_sqe connection = request(IORING_OP_CONNECT, fd, &to, 0);
  connection.off = sizeof to;
  if (by.run(connection) != 0) return 1;
  if (by.run(request(IORING_OP_SEND, fd, greeting.data(), greeting.size())) < 0) return 1;
  char answer = 0;
  while (by.run(request(IORING_OP_RECV, fd, &answer, 1)) > 0) {}
  return by.run(request(IORING_OP_CLOSE, fd, nullptr, 0)) == 0 ? 0 : 1;
}

int send_datagram_by_ring(const char* port) {
  ring by;
  sockaddr_in to = loopback(port);
  iovec text{const_cast<char*>(greeting.data()), greeting.size()};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  return by.run(request(IORING_OP_SENDMSG, fd, &message, 1)) == static_cast<int>(greeting.size()) ? 0 : 1;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 3) return 64;
  const std::string_view what = argv[1];
  if (what == "connect") return talk(argv[2]);
  if (what == "io_uring") return talk_by_ring(argv[2], argc > 3);
  if (what == "datagrams") return send_datagram_by_ring(argv[2]);
  return 64;
}
