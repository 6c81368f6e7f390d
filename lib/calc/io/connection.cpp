// SPDX-License-Identifier: MIT
#include "calc/io/connection.hpp"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include <algorithm>

#include "calc/io/shard.hpp"
#include "calc/io/transfer.hpp"
#include "net/out_of_memory.hpp"

namespace netlab::calc {
namespace {

// Unsent answers above which nothing more is read from a peer.
constexpr std::size_t max_unsent = net::serving.max_unsent;

// A read from a peer that may send text: its shortest request with a long answer is `help`, about 100 octets for 1. A
// binary answer is never longer than its request.
constexpr std::size_t max_text_read = net::serving.max_feed;

// The events of a connection that waits for input only. Edge-triggered (epoll(7)), because the kernel would otherwise
// look at each socket a second time after its input was read, which takes about 1 % of the time of a short request.
constexpr std::uint32_t input_events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

// Polling interval for unacknowledged octets, because no event reports the last acknowledgement.
constexpr auto look_again_time = std::chrono::milliseconds(100);

int count_by(unsigned long request, int fd) noexcept {
  int octets = 0;
  return ::ioctl(fd, request, &octets) == 0 ? octets : 0;
}

}  // namespace

connection::connection(shard& of, net::unique_fd socket, const net::tcp::endpoint& peer,
                       serve::client_counts::place seat, time_point now)
    : timer(of.loop()),
      shard_(of),
      socket_(std::move(socket)),
      peer_(peer),
      seat_(std::move(seat)),
      protocol_(of.parameters().session, *this, now),
      watch_(seat_ && of.parameters().watch != nullptr ? of.parameters().watch->connected(peer) : nullptr),
      progress_(now),
      since_(now) {}

connection::connection(shard& of, net::unique_fd socket, const net::tcp::endpoint& peer, bytes words, time_point now)
    : connection(of, std::move(socket), peer, serve::client_counts::place(), now) {
  phase_ = phase::flushing;
  unsent_ = std::move(words);
}

connection::~connection() { shard_.loop().ignore(socket_.get()); }

void connection::start(std::list<connection>::iterator place, time_point now) {
  place_ = place;
  guarded([&] {
    watched_ = input_events;
    if (const std::error_code refused = shard_.loop().watch(socket_.get(), watched_, *this)) return end(refused);
    if (unsent() > 0) send_more(now);
    settle(now);
  });
}

void connection::stop(time_point now) {
  guarded([&] {
    stopping_ = true;
    owed_ = count_by(SIOCINQ, socket_.get());
    settle(now);
  });
}

void connection::abort() {
  guarded([&] { end(std::make_error_code(std::errc::operation_canceled)); });
}

void connection::ready(std::uint32_t events, time_point now) {
  guarded([&] {
    // An error or a reset is always reported; the system call that meets it has its reason.
    if ((events & EPOLLOUT) != 0 || !wants_input()) send_more(now);
    if (wants_input() && (events & ~std::uint32_t{EPOLLOUT}) != 0) read(events, now);
    settle(now);
  });
}

/// Without memory, the connection ends. It may destroy *this, so its callers do nothing afterwards.
template <class Act>
void connection::guarded(Act act) noexcept {
  if (!net::attempt(act)) end(std::make_error_code(std::errc::not_enough_memory));
  if (phase_ == phase::ended) shard_.remove(*this, error_);
}

void connection::read(std::uint32_t events, time_point now) {
  std::span<std::byte> room = shard_.input();
  if (phase_ == phase::running && !protocol_.is_binary()) room = room.first(max_text_read);
  const ssize_t size = receive_some(socket_.get(), room);
  // A read that does not fill the buffer took all there was, except before urgent data (tcp(7)) and at the end.
  has_more_input_ = events != EPOLLIN || size == std::ssize(room);
  if (size < 0) {
    if (!is_temporary(errno)) end(last_system_error());
  } else if (phase_ == phase::running) {
    take(room.first(static_cast<std::size_t>(size)), now);
  } else if (size == 0) {
    end({});
  }
}

/// `input` is empty at the end of the stream.
void connection::take(bytes_view input, time_point now) {
  const std::uint64_t before = protocol_.answers();
  if (input.empty()) {
    read_ended_ = true;
    protocol_.eof(now);
    send(protocol_.take_output(), now);
  } else {
    if (stopping_) owed_ -= static_cast<int>(input.size());
    if (watch_) watch_->received(input);
    session_memory& memory = shard_.memory();
    memory.output.clear();
    protocol_.feed(input, now, memory);
    send(memory.output, now);
  }
  shard_.count_answers(protocol_.answers() - before);
}

void connection::send(bytes_view octets, time_point now) {
  if (octets.empty()) return;
  if (unsent() == 0) {
    octets = octets.subspan(write(octets));
    if (octets.empty() || phase_ == phase::ended) return;
    progress_ = now;
  }
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(std::exchange(sent_, 0)));
  append(unsent_, octets);
}

/// Returns the number of octets that the socket took. Ends the connection on an error.
std::size_t connection::write(bytes_view octets) {
  const ssize_t size = send_some(socket_.get(), octets);
  if (size >= 0) return static_cast<std::size_t>(size);
  if (!is_temporary(errno)) end(last_system_error());
  return 0;
}

void connection::send_more(time_point now) {
  const std::size_t size = write(bytes_view(unsent_).subspan(sent_));
  if (size == 0) return;
  progress_ = now;
  sent_ += size;
  if (unsent() > 0) return;
  unsent_ = {};
  sent_ = 0;
}

/// Whatever has happened: enters the next phase, and waits for what comes next.
void connection::settle(time_point now) {
  if (phase_ == phase::running) {
    if (stopping_ && owed_ <= 0) protocol_.stop(now);
    if (protocol_.done()) {
      phase_ = phase::flushing;
      progress_ = now;
    }
  }
  if (phase_ == phase::flushing && unsent() == 0) start_lingering(now);
  if (phase_ == phase::ended) return;
  const bool reads = wants_input();
  std::uint32_t wanted = reads ? input_events : 0;
  if (unsent() > 0) wanted = (reads ? std::uint32_t{EPOLLIN} : 0) | EPOLLOUT;
  // The change also makes the kernel report again what has been reported and is still there.
  const bool has_more_input = std::exchange(has_more_input_, false);
  if (wanted != watched_ || has_more_input) shard_.loop().change(socket_.get(), watched_ = wanted, *this);
  arm(next_deadline());
}

void connection::start_lingering(time_point now) {
  if (read_ended_ || ::shutdown(socket_.get(), SHUT_WR) != 0) return end({});
  unacknowledged_ = count_by(SIOCOUTQ, socket_.get());
  phase_ = phase::lingering;
  progress_ = now;
  linger_until_ = now + (unacknowledged_ > 0 ? look_again_time : shard_.drive().linger_time);
}

/// True if the peer gets more time, because it is still receiving the last octets or has just acknowledged them.
bool connection::linger_on(time_point now) {
  if (unacknowledged_ == 0) return false;
  const int left = count_by(SIOCOUTQ, socket_.get());
  if (left < std::exchange(unacknowledged_, left)) progress_ = now;
  if (left > 0 && now >= progress_ + shard_.drive().flush_time) return false;
  linger_until_ = now + (left > 0 ? look_again_time : shard_.drive().linger_time);
  return true;
}

bool connection::is_held_back() const noexcept { return unsent() >= max_unsent; }

bool connection::wants_input() const noexcept {
  return phase_ == phase::lingering || (phase_ == phase::running && !read_ended_ && !is_held_back());
}

time_point connection::next_deadline() const {
  switch (phase_) {
    case phase::running: {
      const auto wanted = protocol_.deadline();
      if (!wanted) return never;
      // While the peer is held back, its requests cannot arrive, so only sending has a deadline.
      return is_held_back() ? std::max(*wanted, progress_ + shard_.drive().flush_time) : *wanted;
    }
    case phase::flushing: return progress_ + shard_.drive().flush_time;
    case phase::lingering: return linger_until_;
    case phase::ended: break;
  }
  return never;
}

void connection::expired(time_point now) {
  guarded([&] {
    if (next_deadline() <= now) {
      const auto timed_out = std::make_error_code(std::errc::timed_out);
      if (phase_ == phase::flushing || (phase_ == phase::running && is_held_back())) return end(timed_out);
      if (phase_ == phase::lingering && !linger_on(now)) return end({});
      if (phase_ == phase::running) protocol_.tick(now);
    }
    settle(now);
  });
}

void connection::refused(std::string_view why) {
  shard_.log().refused(net::transport::tcp, net::to_string(peer_), why);
}

void connection::end(std::error_code why) {
  if (phase_ == phase::ended) return;
  phase_ = phase::ended;
  error_ = why;
}

}  // namespace netlab::calc
