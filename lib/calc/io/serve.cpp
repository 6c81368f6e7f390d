// SPDX-License-Identifier: MIT
#include "calc/io/serve.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::calc {

/// A session that reports to the server, with its peer and start time.
class server::observed_session final : public machine, private session_observer {
 public:
  observed_session(server& owner, const net::tcp::endpoint& peer, time_point now)
      : owner_(owner), peer_(net::to_string(peer)), since_(now), session_(owner.parameters_.session, *this, now) {}

  void feed(bytes_view from_peer, time_point now) override { session_.feed(from_peer, now); }
  void eof(time_point now) override { session_.eof(now); }
  void tick(time_point now) override { session_.tick(now); }
  bytes take_output() override { return session_.take_output(); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return session_.deadline(); }
  [[nodiscard]] bool done() const override { return session_.done(); }
  void stop(time_point now) override { session_.stop(now); }

  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }
  [[nodiscard]] time_point since() const noexcept { return since_; }

 private:
  void answered() override {
    ++answers_;
    owner_.answered_.fetch_add(1, std::memory_order_relaxed);
  }
  void refused(std::string_view why) override { owner_.log_.refused(net::transport::tcp, peer_, why); }

  server& owner_;
  std::string peer_;
  time_point since_;
  session session_;
  std::uint64_t answers_ = 0;
};

server::server(server_parameters parameters, serve::visitor_log::line_function write)
    : parameters_(parameters), log_(std::move(write), parameters.detail, parameters.log_name) {}

serve::limits server::limits() const {
  // One octet more than the longest request, so that longer datagrams are detected.
  return {.max_clients = parameters_.max_clients,
          .max_datagram = max_request_size + 1,
          .drive = net::serving_for(parameters_.session.idle_timeout)};
}

server_totals server::totals() const {
  const serve::visitor_totals visitors = log_.totals();
  return {.connections = visitors.connections,
          .answered = answered_.load(),
          .refused = visitors.refused,
          .turned_away = visitors.turned_away};
}

std::string server::conclude() {
  log_.finish();
  const server_totals all = totals();
  return fmt::format("answered {}, refused {}, {}, {} turned away", count_of(all.answered, "request"), all.refused,
                     count_of(all.connections, "connection"), all.turned_away);
}

std::unique_ptr<machine> server::open(const serve::visitor& who) {
  log_.arrived(who.peer, who.local);
  return std::make_unique<observed_session>(*this, who.peer, who.now);
}

void server::closed(machine& ended, const net::tcp::endpoint& peer, const result<void>& how) {
  const auto& its = static_cast<observed_session&>(ended);
  log_.left(peer, how, count_of(its.answers(), "answer"), its.since());
}

bytes server::full(const net::tcp::endpoint& peer, const serve::client_bound& reached) {
  log_.turned_away(peer, reached);
  bytes words;
  append(words, fmt::format("error: too many clients{}, {} at once; try again later\r\n",
                            reached.is_per_address ? " from this address" : "", reached.most));
  return words;
}

bool server::answer(const serve::datagram& request, bytes& reply) {
  const auto answered = request.length > request.octets.size()
                            ? std::expected<void, refusal>(std::unexpected(refusal::wrong_length))
                            : answer_datagram(request.octets, parameters_.session.order, reply);
  if (answered) {
    answered_.fetch_add(1, std::memory_order_relaxed);
    log_.visited(request, [] { return "1 answer"; });
    return true;
  }
  log_.refused(request, [&] {
    return fmt::format("a datagram of {}: {}", count_of(request.length, "octet"), reason(answered.error()));
  });
  return false;
}

void server::trouble(const std::string& line) { log_.trouble(line); }

}  // namespace netlab::calc
