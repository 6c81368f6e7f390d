// SPDX-License-Identifier: MIT
#include "serve/datagram_responder.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "net/out_of_memory.hpp"
#include "serve/packet_info.hpp"

namespace netlab::serve {
namespace {

constexpr std::uint16_t first_client_port = 1024;  // lower ports are IANA's system ports (RFC 6335 §6): services

constexpr std::size_t batch_size = 32;  // datagrams per system call; more do not measurably help
constexpr std::size_t batches_a_turn = 8;  // then other work on this loop gets its turn

// Room for one in_pktinfo or in6_pktinfo.
constexpr std::size_t control_size = CMSG_SPACE(sizeof(in6_pktinfo));

void turn_around(msghdr& message) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each))
    turn_into_source(*each);
}

}  // namespace

bool is_from_service(const datagram& request) noexcept {
  return request.peer.port() < first_client_port || request.peer.port() == request.local_port;
}

struct datagram_responder::batch {
  explicit batch(std::size_t max_octets)
      : size(max_octets),
        storage(std::make_unique_for_overwrite<std::byte[]>(batch_size * max_octets)),
        replies(batch_size) {}

  void prepare() {
    for (std::size_t at = 0; at < batch_size; ++at) {
      parts[at] = {storage.get() + at * size, size};
      incoming[at] = {};
      incoming[at].msg_hdr = {.msg_name = &peers[at],
                              .msg_namelen = sizeof peers[at],
                              .msg_iov = &parts[at],
                              .msg_iovlen = 1,
                              .msg_control = controls[at].data(),
                              .msg_controllen = controls[at].size(),
                              .msg_flags = 0};
    }
  }

  std::size_t size;
  std::unique_ptr<std::byte[]> storage;  // uninitialized: 2 MiB for full-size datagrams, mapped only when used
  std::array<iovec, batch_size> parts{};
  std::array<sockaddr_storage, batch_size> peers{};
  struct alignas(cmsghdr) control : std::array<std::byte, control_size> {};
  std::array<control, batch_size> controls{};
  std::array<mmsghdr, batch_size> incoming{};
  std::array<mmsghdr, batch_size> outgoing{};
  std::array<iovec, batch_size> reply_parts{};
  std::vector<bytes> replies;
};

datagram_responder::datagram_responder(asio::io_context& on, net::unique_fd socket, bool is_v6, std::size_t max_octets,
                                       answer_function answer)
    : socket_(on, is_v6 ? net::udp::v6() : net::udp::v4(), socket.release()),
      answer_(std::move(answer)),
      batch_(std::make_unique<batch>(max_octets)),
      local_port_(socket_.local_endpoint().port()) {}

datagram_responder::~datagram_responder() = default;

void datagram_responder::start() { wait(); }

void datagram_responder::stop() {
  if (!socket_.is_open()) return;
  // The socket's buffer is finite, but a peer may keep sending; so the number of turns is limited.
  for (std::size_t turn = 0; turn < 1024 && answer_batch(); ++turn) {}
  std::error_code ignored;
  socket_.close(ignored);
}

void datagram_responder::wait() {
  net::insist([this] {
    socket_.async_wait(net::udp::socket::wait_read, [this](std::error_code error) {
      if (error || !socket_.is_open()) return;
      // Without memory, some requests are lost, which UDP allows.
      net::attempt([this] {
        for (std::size_t turn = 0; turn < batches_a_turn && answer_batch(); ++turn) {}
      });
      wait();
    });
  });
}

// Returns false when the socket is empty.
bool datagram_responder::answer_batch() {
  batch& now = *batch_;
  now.prepare();
  const int received =
      ::recvmmsg(socket_.native_handle(), now.incoming.data(), batch_size, MSG_DONTWAIT | MSG_TRUNC, nullptr);
  if (received <= 0) return false;
  const time_point arrived = clock::now();
  unsigned answers = 0;
  for (std::size_t at = 0; at < static_cast<std::size_t>(received); ++at) {
    mmsghdr& message = now.incoming[at];
    datagram request{
        .octets = bytes_view(now.storage.get() + at * now.size, std::min<std::size_t>(message.msg_len, now.size)),
        .length = message.msg_len,
        .peer = {},
        .local_port = local_port_,
        .arrived = arrived};
    request.peer.resize(message.msg_hdr.msg_namelen);
    std::memcpy(request.peer.data(), &now.peers[at], message.msg_hdr.msg_namelen);
    bytes& reply = now.replies[answers];
    reply.clear();
    if (!answer_(request, reply)) continue;
    turn_around(message.msg_hdr);
    now.reply_parts[answers] = {reply.data(), reply.size()};
    now.outgoing[answers] = {};
    now.outgoing[answers].msg_hdr = message.msg_hdr;
    now.outgoing[answers].msg_hdr.msg_iov = &now.reply_parts[answers];
    now.outgoing[answers].msg_hdr.msg_flags = 0;
    ++answers;
  }
  for (unsigned sent = 0; sent < answers;) {
    const int count = ::sendmmsg(socket_.native_handle(), now.outgoing.data() + sent, answers - sent, MSG_DONTWAIT);
    // If a peer cannot be reached, only its own answer is lost.
    sent += count > 0 ? static_cast<unsigned>(count) : 1;
  }
  return static_cast<std::size_t>(received) == batch_size;
}

}  // namespace netlab::serve
