// SPDX-License-Identifier: MIT
#include "calc/io/datagram_socket.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/io/segmentation.hpp"
#include "calc/io/shard.hpp"
#include "net/out_of_memory.hpp"
#include "serve/packet_info.hpp"

namespace netlab::calc {
namespace {

constexpr std::size_t batch_size = 32;     // messages a system call; more do not measurably help
constexpr std::size_t batches_a_turn = 2;  // then connections get their turn, however many datagrams come

// The longest UDP message, which is also the longest piece that UDP_GRO makes. Slots do not start at a multiple of a
// page, so that they do not all compete for the same lines of the processor's cache.
constexpr std::size_t slot_size = 64 * 1024;
constexpr std::size_t slot_distance = slot_size + 5 * 64;

// Room for one in_pktinfo or in6_pktinfo, and the size of segments.
constexpr std::size_t control_size = CMSG_SPACE(sizeof(in6_pktinfo)) + segmentation_control_size;
struct alignas(cmsghdr) control : std::array<std::byte, control_size> {};

/// Makes the source for sendmsg() from the destination that recvmsg() reported, and returns its length.
std::size_t copy_source(const msghdr& received, control& to) {
  auto* header = const_cast<msghdr*>(&received);  // CMSG_NXTHDR wants it so
  for (cmsghdr* each = CMSG_FIRSTHDR(header); each != nullptr; each = CMSG_NXTHDR(header, each)) {
    if (each->cmsg_len > to.size()) continue;
    auto* const copy = reinterpret_cast<cmsghdr*>(to.data());
    std::memcpy(copy, each, each->cmsg_len);
    if (const std::size_t size = serve::turn_into_source(*copy); size > 0) return size;
  }
  return 0;
}

net::udp::endpoint peer_of(const msghdr& message) {
  net::udp::endpoint peer;
  peer.resize(message.msg_namelen);
  std::memcpy(peer.data(), message.msg_name, message.msg_namelen);
  return peer;
}

/// sin_port and sin6_port have the same offset (RFC 3493 §3.3; so on Linux).
std::uint16_t port_of(const msghdr& message) {
  return ntohs(static_cast<const sockaddr_in*>(message.msg_name)->sin_port);
}

}  // namespace

/// Messages received by one call.
struct datagram_socket::batch {
  batch() {
    for (std::size_t at = 0; at < batch_size; ++at) {
      parts[at] = {storage.get() + at * slot_distance, slot_size};
      messages[at].msg_hdr = {};
      messages[at].msg_hdr.msg_name = &peers[at];
      messages[at].msg_hdr.msg_iov = &parts[at];
      messages[at].msg_hdr.msg_iovlen = 1;
      messages[at].msg_hdr.msg_control = controls[at].data();
    }
    make_room(batch_size);
  }

  /// Restores the sizes that recvmmsg() has overwritten in as many messages.
  void make_room(std::size_t count) {
    for (std::size_t at = 0; at < count; ++at) {
      messages[at].msg_hdr.msg_namelen = sizeof peers[at];
      messages[at].msg_hdr.msg_controllen = controls[at].size();
    }
  }

  // Uninitialized: 2 MiB, of which only the pages are mapped that datagrams reach.
  std::unique_ptr<std::byte[]> storage = std::make_unique_for_overwrite<std::byte[]>(batch_size * slot_distance);
  std::array<iovec, batch_size> parts;
  std::array<sockaddr_in6, batch_size> peers;
  std::array<control, batch_size> controls{};  // outbox compares the padding, too, which the kernel does not write
  std::array<mmsghdr, batch_size> messages;
};

/// Answers that wait to be sent: one message for consecutive answers to one peer.
class datagram_socket::outbox {
 public:
  explicit outbox(int fd) : fd_(fd) {}

  void add(const msghdr& request, const answer& reply, byte_order order) {
    if (!extends_last(request)) {
      if (used_ == batch_size) flush();
      begin(request);
    }
    iovec& part = parts_[used_ - 1];
    store_answer({static_cast<std::byte*>(part.iov_base) + part.iov_len, answer_size}, reply, order);
    part.iov_len += answer_size;
  }

  /// Call it after each batch, because the messages refer to the batch's peers.
  void flush() {
    for (std::size_t at = 0; at < used_; ++at)
      if (parts_[at].iov_len > answer_size) set_segment_size(messages_[at].msg_hdr, answer_size);
    for (std::size_t sent = 0; sent < used_;) {
      const int count = ::sendmmsg(fd_, messages_.data() + sent, static_cast<unsigned>(used_ - sent), MSG_DONTWAIT);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
        continue;
      }
      // If a peer cannot be reached, only its own answers are lost. EIO: the path has no segmentation (udp(7)).
      if ((errno == EIO || errno == EINVAL) && parts_[sent].iov_len > answer_size) send_one_by_one(sent);
      ++sent;
    }
    used_ = 0;
  }

 private:
  [[nodiscard]] bool extends_last(const msghdr& request) const {
    if (used_ == 0 || parts_[used_ - 1].iov_len == most_segments * answer_size) return false;
    const msghdr& last = *requests_[used_ - 1];
    if (&last == &request) return true;
    return last.msg_namelen == request.msg_namelen &&
           std::memcmp(last.msg_name, request.msg_name, request.msg_namelen) == 0 &&
           last.msg_controllen == request.msg_controllen &&
           std::memcmp(last.msg_control, request.msg_control, request.msg_controllen) == 0;
  }

  void begin(const msghdr& request) {
    const std::size_t at = used_++;
    requests_[at] = &request;
    parts_[at] = {answers_[at].data(), 0};
    messages_[at].msg_hdr = {.msg_name = request.msg_name,
                             .msg_namelen = request.msg_namelen,
                             .msg_iov = &parts_[at],
                             .msg_iovlen = 1,
                             .msg_control = controls_[at].data(),
                             .msg_controllen = copy_source(request, controls_[at]),
                             .msg_flags = 0};
  }

  void send_one_by_one(std::size_t which) {
    msghdr message = messages_[which].msg_hdr;
    remove_segment_size(message);
    iovec part = parts_[which];
    message.msg_iov = &part;
    for (std::size_t left = part.iov_len; left > 0; left -= answer_size) {
      part.iov_len = answer_size;
      static_cast<void>(::sendmsg(fd_, &message, MSG_DONTWAIT));
      part.iov_base = static_cast<std::byte*>(part.iov_base) + answer_size;
    }
  }

  int fd_;
  std::size_t used_ = 0;
  std::array<const msghdr*, batch_size> requests_{};  // the first request of each message
  std::array<mmsghdr, batch_size> messages_{};
  std::array<iovec, batch_size> parts_{};
  std::array<control, batch_size> controls_{};
  std::array<std::array<std::byte, most_segments * answer_size>, batch_size> answers_{};
};

datagram_socket::datagram_socket(shard& of, net::unique_fd socket)
    : shard_(of),
      socket_(std::move(socket)),
      batch_(std::make_unique<batch>()),
      outbox_(std::make_unique<outbox>(socket_.get())) {
  const int fd = socket_.get();
  accept_segments(fd);
  sockaddr_in6 local{};
  msghdr name{};
  name.msg_name = &local;
  name.msg_namelen = sizeof local;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &name.msg_namelen) == 0) port_ = port_of(name);
}

datagram_socket::~datagram_socket() { shard_.loop().ignore(socket_.get()); }

void datagram_socket::start() {
  if (const std::error_code refused = shard_.loop().watch(socket_.get(), EPOLLIN, *this))
    throw std::system_error(refused, "epoll_ctl");
}

void datagram_socket::finish(time_point now) {
  // The socket's buffer is finite, but a peer may keep sending; so the number of batches is limited.
  constexpr int most_batches = 1024;
  for (int left = most_batches; left > 0 && answer_batch(now); --left) {}
}

void datagram_socket::ready(std::uint32_t, time_point now) {
  for (std::size_t left = batches_a_turn; left > 0 && answer_batch(now); --left) {}
}

// Returns false when the socket is empty.
bool datagram_socket::answer_batch(time_point now) {
  const int count = ::recvmmsg(socket_.get(), batch_->messages.data(), batch_size, MSG_DONTWAIT, nullptr);
  if (count <= 0) return false;
  for (std::size_t at = 0; at < static_cast<std::size_t>(count); ++at) {
    const mmsghdr& message = batch_->messages[at];
    answer_all(message.msg_hdr, {batch_->storage.get() + at * slot_distance, message.msg_len}, now);
  }
  outbox_->flush();
  batch_->make_room(static_cast<std::size_t>(count));
  return static_cast<std::size_t>(count) == batch_size;
}

void datagram_socket::answer_all(const msghdr& message, bytes_view octets, time_point now) {
  std::uint64_t answered = 0;
  for_each_datagram(message, octets, [&](bytes_view request) {
    if (answer_one(message, request, now)) ++answered;
  });
  shard_.count_answers(answered);
}

bool datagram_socket::answer_one(const msghdr& message, bytes_view request, time_point now) {
  const byte_order order = shard_.parameters().session.order;
  const auto result = answer_datagram(request, order);
  const bool has_answer = result && port_of(message) != 0;
  if (has_answer) outbox_->add(message, *result, order);
  traffic_watch* const watch = shard_.parameters().watch;
  if (has_answer && watch == nullptr && !shard_.log().tells_visits()) return true;
  net::attempt([&] {
    const serve::datagram seen{
        .octets = request, .length = request.size(), .peer = peer_of(message), .local_port = port_, .arrived = now};
    if (watch != nullptr) watch->datagram(seen, has_answer);
    if (has_answer) return shard_.log().visited(seen, [] { return "1 answer"; });
    shard_.log().refused(seen, [&] {
      return fmt::format("a datagram of {}: {}", count_of(request.size(), "octet"),
                         result ? "nothing can be sent to port 0" : reason(result.error()));
    });
  });
  return has_answer;
}

}  // namespace netlab::calc
