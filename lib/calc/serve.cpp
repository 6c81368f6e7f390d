// SPDX-License-Identifier: MIT
#include "calc/serve.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::calc {
namespace {

// Refused requests in the log: a peer must not be able to fill a disk or a terminal.
constexpr double log_lines_per_second = 10;
constexpr double log_burst = 20;

}  // namespace

/// A session that tells the server what it does, and for whom.
class server::observed_session final : public machine, private session_observer {
 public:
  observed_session(server& owner, const net::tcp::endpoint& peer, time_point now)
      : owner_(owner), peer_(net::to_string(peer)), session_(owner.parameters_.session, *this, now) {}

  void feed(bytes_view from_peer, time_point now) override { session_.feed(from_peer, now); }
  void eof(time_point now) override { session_.eof(now); }
  void tick(time_point now) override { session_.tick(now); }
  bytes take_output() override { return session_.take_output(); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return session_.deadline(); }
  [[nodiscard]] bool done() const override { return session_.done(); }
  void stop(time_point now) override { session_.stop(now); }

  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }

 private:
  void answered() override {
    ++answers_;
    owner_.answered_.fetch_add(1, std::memory_order_relaxed);
  }
  void refused(std::string_view why) override { owner_.refused(net::transport::tcp, peer_, why); }

  server& owner_;
  std::string peer_;
  session session_;
  std::uint64_t answers_ = 0;
};

server::server(server_parameters parameters, log_function log)
    : parameters_(parameters), log_(std::move(log)), log_rate_(log_lines_per_second, log_burst, clock::now()) {}

net::service_limits server::limits() const {
  // One octet more than a request may have: a longer datagram is known by its length.
  return {.max_clients = parameters_.max_clients, .max_datagram = max_request_size + 1};
}

server_totals server::totals() const {
  return {.connections = connections_.load(),
          .answered = answered_.load(),
          .refused = refused_.load(),
          .turned_away = turned_away_.load()};
}

std::unique_ptr<machine> server::open(const net::visitor& who) {
  connections_.fetch_add(1, std::memory_order_relaxed);
  if (parameters_.log_connections)
    log(fmt::format("tcp {} connected to {}", net::to_string(who.peer), net::to_string(who.local)));
  return std::make_unique<observed_session>(*this, who.peer, who.now);
}

void server::closed(machine& ended, const net::tcp::endpoint& peer, const result<void>& how) {
  if (!parameters_.log_connections) return;
  log(fmt::format("tcp {} {} after {}", net::to_string(peer), how ? "closed" : describe(how.error()),
                  count_of(static_cast<observed_session&>(ended).answers(), "answer")));
}

bytes server::full(const net::tcp::endpoint& peer) {
  turned_away_.fetch_add(1, std::memory_order_relaxed);
  log_bounded(fmt::format("tcp {} turned away: {} are connected (--max-clients)", net::to_string(peer),
                          count_of(parameters_.max_clients, "client")));
  bytes words;
  append(words, fmt::format("error: too many clients, {} at once; try again later\r\n", parameters_.max_clients));
  return words;
}

bool server::answer(const net::datagram& request, bytes& reply) {
  const auto answered = request.length > request.octets.size()
                            ? std::expected<void, refusal>(std::unexpected(refusal::wrong_length))
                            : answer_datagram(request.octets, parameters_.session.order, reply);
  if (answered) {
    answered_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  refused(net::transport::udp, net::to_string(request.peer),
          fmt::format("a datagram of {}: {}", count_of(request.length, "octet"), reason(answered.error())));
  return false;
}

void server::trouble(const std::string& line) { log_bounded(line); }

void server::refused(net::transport protocol, const std::string& peer, std::string_view why) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  log_bounded(fmt::format("{} {} refused: {}", net::name_of(protocol), peer, why));
}

void server::log(const std::string& line) {
  const std::lock_guard lock(log_mutex_);
  log_(line);
}

void server::log_bounded(const std::string& line) {
  const std::lock_guard lock(log_mutex_);
  if (!log_rate_.take(clock::now())) {
    ++unlogged_;
    return;
  }
  if (unlogged_ > 0) log_(fmt::format("({} not shown)", count_of(std::exchange(unlogged_, 0), "line")));
  log_(line);
}

}  // namespace netlab::calc
