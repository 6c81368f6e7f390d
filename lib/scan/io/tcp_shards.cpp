// SPDX-License-Identifier: MIT
#include "scan/io/tcp_shards.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "scan/io/socket.hpp"

namespace netlab::scan {
namespace {

constexpr std::uint64_t least_ports_a_shard = 1024;  // fewer are not worth a thread
constexpr double least_rate_a_shard = 20'000;        // probes per second; one shard alone can send more
constexpr std::size_t least_parallel_a_shard = 64;
constexpr unsigned most_shards = 16;
// Findings are passed on in batches of this size, or at this interval.
constexpr std::size_t batch_size = 256;
constexpr duration batch_time = std::chrono::milliseconds(10);
constexpr unsigned stop_engine = 1;

net::unique_fd make_bell() { return net::unique_fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }
void ring(const net::unique_fd& bell) { static_cast<void>(::eventfd_write(bell.get(), 1)); }

// The number of threads worth using: one if the scan is short, if its order is fixed or its rate low, or if a target
// is this machine (then one engine must know all sockets, to detect connections between them).
unsigned worthwhile_shards(const tcp_options& options, const target_set& targets) {
  std::uint64_t most = std::min(std::max(1U, std::thread::hardware_concurrency()), most_shards);
  most =
      std::min<std::uint64_t>(most, options.part.size_of(targets.size() * options.ports.size()) / least_ports_a_shard);
  most = std::min<std::uint64_t>(most, options.parallel / least_parallel_a_shard);
  if (options.in_order) return 1;
  if (options.rate > 0) most = std::min(most, static_cast<std::uint64_t>(options.rate / least_rate_a_shard));
  return most < 2 || has_own_address(targets) ? 1 : static_cast<unsigned>(most);
}

}  // namespace

struct tcp_shards::mailbox {
  struct item {
    finding found;
    bool is_announcement;  // an open port whose banner was not read yet
  };
  net::unique_fd bell = make_bell();
  std::mutex guard;
  std::vector<item> items;
  std::size_t finished = 0;  // workers
  std::optional<failure> trouble;
};

class tcp_shards::worker {
 public:
  worker(tcp_options options, const target_set& targets, const service_names& services, poller on, mailbox& to,
         bool announces)
      : on_(std::move(on)), to_(to), engine_(std::move(options), targets, services, on_, 0, output_) {
    output_.found = [this](const finding& found) { batch_.push_back({found, false}); };
    if (announces)
      output_.opened = [this](const finding& found) {
        batch_.push_back({found, true});
        is_urgent_ = true;
      };
    all_ = engine_.progress().all;
  }
  ~worker() { stop(); }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  [[nodiscard]] bool is_ready() { return stop_ && on_.add(stop_.get(), EPOLLIN, stop_engine, 0); }
  void start() {
    thread_ = std::thread([this]() noexcept {
      try {
        work();
      } catch (const std::bad_alloc&) {
        end_with(failure{std::make_error_code(std::errc::not_enough_memory), {}, {}, {}});
      }
    });
  }
  /// Reports the remaining ports as unknown and ends the thread.
  void stop() {
    if (!thread_.joinable()) return;
    ring(stop_);
    thread_.join();
  }
  [[nodiscard]] engine_progress progress() const noexcept {
    return {finished_.load(std::memory_order_relaxed), all_, sent_.load(std::memory_order_relaxed)};
  }

 private:
  void work() {
    bool up_to_date = true;
    bool is_stopped = false;
    std::optional<failure> trouble;
    time_point next_batch = clock::now() + batch_time;
    while (!engine_.done() && !is_stopped) {
      time_point now = clock::now();
      time_point wake = engine_.turn(now, up_to_date);
      publish_progress();
      if (now >= next_batch || batch_.size() >= batch_size || is_urgent_) {
        hand_over();
        next_batch = now + batch_time;
      }
      if (engine_.done()) break;
      if (!batch_.empty()) wake = std::min(wake, next_batch);
      const auto events = on_.wait(wake, up_to_date);
      if (!events) {
        trouble = events.error();
        break;
      }
      now = clock::now();
      for (const poller::event& each : *events)
        if (each.engine == stop_engine)
          is_stopped = true;
        else
          engine_.handle(each.key, each.events, now);
    }
    if (!engine_.done()) engine_.abandon(clock::now());
    publish_progress();
    hand_over();
    end_with(std::move(trouble));
  }

  void end_with(std::optional<failure> trouble) noexcept {
    {
      const std::lock_guard held(to_.guard);
      ++to_.finished;
      if (trouble) to_.trouble = std::move(trouble);
    }
    ring(to_.bell);
  }

  void hand_over() {
    is_urgent_ = false;
    if (batch_.empty()) return;
    bool was_empty = false;
    {
      const std::lock_guard held(to_.guard);
      was_empty = to_.items.empty();
      to_.items.insert(to_.items.end(), std::make_move_iterator(batch_.begin()), std::make_move_iterator(batch_.end()));
    }
    batch_.clear();
    if (was_empty) ring(to_.bell);
  }

  void publish_progress() {
    const engine_progress now_at = engine_.progress();
    finished_.store(now_at.finished, std::memory_order_relaxed);
    sent_.store(now_at.sent, std::memory_order_relaxed);
  }

  poller on_;
  mailbox& to_;
  scan_output output_;
  tcp_connect_engine engine_;
  net::unique_fd stop_ = make_bell();
  std::vector<mailbox::item> batch_;
  bool is_urgent_ = false;
  std::uint64_t all_ = 0;
  std::atomic<std::uint64_t> finished_ = 0;
  std::atomic<std::uint64_t> sent_ = 0;
  std::thread thread_;
};

tcp_shards::tcp_shards(const scan_output& output) : output_(output), mail_(std::make_unique<mailbox>()) {}

tcp_shards::~tcp_shards() = default;

result<std::unique_ptr<tcp_shards>> tcp_shards::make(const tcp_options& options, unsigned count,
                                                     const target_set& targets, const service_names& services,
                                                     poller& on, unsigned number, const scan_output& output) {
  std::unique_ptr<tcp_shards> made(new tcp_shards(output));
  if (!made->mail_->bell || !on.add(made->mail_->bell.get(), EPOLLIN, number, 0))
    return fail(last_system_error(), "open an event descriptor");
  for (unsigned shard = 0; shard < count; ++shard) {
    tcp_options worker_options = options;
    worker_options.thread = shard;
    worker_options.threads = count;
    worker_options.parallel = std::max<std::size_t>(1, options.parallel / count);
    worker_options.rate = options.rate / count;
    auto worker_poller = poller::make();
    if (!worker_poller) return unexpected(worker_poller.error());
    made->workers_.push_back(std::make_unique<worker>(std::move(worker_options), targets, services,
                                                      std::move(*worker_poller), *made->mail_,
                                                      static_cast<bool>(output.opened)));
    if (!made->workers_.back()->is_ready()) return fail(last_system_error(), "open an event descriptor");
  }
  return made;
}

void tcp_shards::report_all() {
  std::vector<mailbox::item> items;
  {
    const std::lock_guard held(mail_->guard);
    items.swap(mail_->items);
  }
  for (const mailbox::item& each : items) (each.is_announcement ? output_.opened : output_.found)(each.found);
}

void tcp_shards::handle(std::uint64_t key, std::uint32_t events, time_point now) {
  static_cast<void>(key);
  static_cast<void>(events);
  static_cast<void>(now);
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(mail_->bell.get(), &count));
  report_all();
}

time_point tcp_shards::turn(time_point now, bool is_up_to_date) {
  static_cast<void>(now);
  static_cast<void>(is_up_to_date);
  // The threads inherit the signal mask: start them only after the loop has blocked its signals.
  if (!std::exchange(started_, true))
    for (const auto& each : workers_) each->start();
  return never;
}

bool tcp_shards::done() const {
  const std::lock_guard held(mail_->guard);
  return mail_->finished == workers_.size() && mail_->items.empty();
}

void tcp_shards::abandon(time_point now) {
  static_cast<void>(now);
  for (const auto& each : workers_) each->stop();
  report_all();
}

std::optional<failure> tcp_shards::trouble() const {
  const std::lock_guard held(mail_->guard);
  return mail_->trouble;
}

engine_progress tcp_shards::progress() const {
  engine_progress sum;
  for (const auto& each : workers_) sum += each->progress();
  return sum;
}

result<std::unique_ptr<engine>> make_tcp_engine(const tcp_options& options, const target_set& targets,
                                                const service_names& services, poller& on, unsigned number,
                                                const scan_output& output) {
  const unsigned shards = worthwhile_shards(options, targets);
  if (shards == 1) return std::make_unique<tcp_connect_engine>(options, targets, services, on, number, output);
  return tcp_shards::make(options, shards, targets, services, on, number, output);
}

}  // namespace netlab::scan
