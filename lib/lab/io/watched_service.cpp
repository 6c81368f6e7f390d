// SPDX-License-Identifier: MIT
#include "lab/io/watched_service.hpp"

#include <algorithm>
#include <utility>

#include "net/endpoint.hpp"
#include "net/out_of_memory.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t most_watched_datagram = 2048;  // of its octets

/// Reports the start of a connection and, if that was taken, its end.
class watched_connection {
 public:
  watched_connection(const net::tcp::endpoint& peer, std::string_view service, observation_queue& to) : to_(to) {
    net::attempt([&] {
      std::string address = address_text(peer.address());
      if (!to_.may_report(address)) return;
      const std::uint64_t id = to_.next_connection();
      observation made{.kind = observed::connected, .at = wall_now(), .connection = id, .address = std::move(address)};
      made.port = peer.port();
      made.service = service;
      address_ = made.address;
      if (to_.push(std::move(made))) id_ = id;
    });
  }
  ~watched_connection() {
    if (id_ != 0) to_.push(make(observed::closed));
  }
  watched_connection(const watched_connection&) = delete;
  watched_connection& operator=(const watched_connection&) = delete;

  [[nodiscard]] bool is_known() const noexcept { return id_ != 0; }
  /// True if one more report is within the address's rate.
  [[nodiscard]] bool may_report() noexcept { return id_ != 0 && to_.may_report(address_); }
  [[nodiscard]] observation make(observed kind) const noexcept {
    return {.kind = kind, .at = wall_now(), .connection = id_};
  }
  void push(observation seen) noexcept { to_.push(std::move(seen)); }

 private:
  observation_queue& to_;
  std::uint64_t id_ = 0;  // 0: not reported
  std::string address_;
};

/// Reports the first octets of a connection.
class watched_octets {
 public:
  watched_octets(const net::tcp::endpoint& peer, std::string_view service, observation_queue& to)
      : connection_(peer, service, to) {}

  void report(bytes_view from_peer) noexcept {
    // After a gap, what follows could not be decoded.
    if (left_ == 0 || from_peer.empty()) return;
    const std::size_t size = std::min(left_, from_peer.size());
    left_ -= size;
    if (!connection_.may_report()) {
      left_ = 0;
      return;
    }
    net::attempt([&] {
      observation made = connection_.make(observed::received);
      made.octets.assign(from_peer.begin(), from_peer.begin() + static_cast<std::ptrdiff_t>(size));
      connection_.push(std::move(made));
    });
  }

 private:
  watched_connection connection_;
  std::size_t left_ = most_watched_octets;
};

void report_datagram(const serve::datagram& request, std::string_view service, bool is_answered,
                     observation_queue& to) noexcept {
  net::attempt([&] {
    std::string address = address_text(request.peer.address());
    if (!to.may_report(address)) return;
    observation made{.kind = observed::datagram, .at = wall_now(), .address = std::move(address)};
    made.port = request.peer.port();
    made.service = service;
    const bytes_view kept = request.octets.first(std::min(request.octets.size(), most_watched_datagram));
    made.octets.assign(kept.begin(), kept.end());
    made.length = request.length;
    made.is_answered = is_answered;
    to.push(std::move(made));
  });
}

class watched_calc_connection final : public calc::connection_watch {
 public:
  watched_calc_connection(const net::tcp::endpoint& peer, std::string_view service, observation_queue& to)
      : octets_(peer, service, to) {}
  void received(bytes_view octets) noexcept override { octets_.report(octets); }

 private:
  watched_octets octets_;
};

/// Wraps a session and reports what it receives.
class watched_session final : public machine {
 public:
  watched_session(std::unique_ptr<machine> inner, const serve::visitor& who, std::string_view service,
                  observation_queue& to)
      : inner_(std::move(inner)), octets_(who.peer, service, to) {}

  [[nodiscard]] machine& inner() noexcept { return *inner_; }

  void feed(bytes_view from_peer, time_point now) override {
    octets_.report(from_peer);
    inner_->feed(from_peer, now);
  }
  void eof(time_point now) override { inner_->eof(now); }
  void tick(time_point now) override { inner_->tick(now); }
  [[nodiscard]] bytes take_output() override { return inner_->take_output(); }
  void sent(time_point now) override { inner_->sent(now); }
  [[nodiscard]] std::optional<time_point> deadline() const override { return inner_->deadline(); }
  [[nodiscard]] bool done() const override { return inner_->done(); }
  void stop(time_point now) override { inner_->stop(now); }
  void cut_off(time_point now) override { inner_->cut_off(now); }
  [[nodiscard]] bool wants_tls() const override { return inner_->wants_tls(); }
  void tls_started(const tls_facts& facts, time_point now) override { inner_->tls_started(facts, now); }
  [[nodiscard]] bool busy() const override { return inner_->busy(); }
  void resume(time_point now) override { inner_->resume(now); }

 private:
  std::unique_ptr<machine> inner_;
  watched_octets octets_;
};

class watched_mail final : public mail::session_watch {
 public:
  watched_mail(const serve::visitor& who, std::string_view service, observation_queue& to)
      : connection_(who.peer, service, to), is_implicit_(who.secure) {}

  void tls_started(std::string_view tls) override {
    report(observed::tls_started, [&](observation& made) {
      made.text = tls;
      made.is_implicit_tls = is_implicit_;
    });
  }
  void line(char by, std::string_view text) override {
    report(observed::line, [&](observation& made) {
      made.by = by;
      made.text = text.substr(0, longest_line);
    });
  }
  void logged_in(std::string_view user, std::string_view mechanism) override {
    report(observed::logged_in, [&](observation& made) {
      made.text = user;
      made.detail = mechanism;
    });
  }
  void login_failed(std::string_view user, std::string_view mechanism) override {
    report(observed::login_failed, [&](observation& made) {
      made.text = user;
      made.detail = mechanism;
    });
  }
  void refused(std::string_view reply) override {
    report(observed::mail_refused, [&](observation& made) { made.text = reply.substr(0, longest_line); });
  }
  void accepted(const mail::sink_message& message, std::string_view header) override {
    report(observed::mail_accepted, [&](observation& made) {
      made.mail = {.id = std::string(message.id),
                   .file = std::string(message.file),
                   .helo = message.of.helo,
                   .tls = message.of.tls,
                   .user = message.of.user,
                   .sender = message.of.sender_text(),
                   .size = message.octets,
                   .header = std::string(header)};
      for (const mail::recipient& each : message.of.recipients) {
        if (made.mail.recipients.size() == most_recipients) break;
        made.mail.recipients.push_back(each.address.to_string());
      }
    });
  }

 private:
  static constexpr std::size_t longest_line = 1000;
  static constexpr std::size_t most_recipients = 20;

  template <class Fill>
  void report(observed kind, Fill fill) noexcept {
    if (!connection_.may_report()) return;
    net::attempt([&] {
      observation made = connection_.make(kind);
      fill(made);
      connection_.push(std::move(made));
    });
  }

  watched_connection connection_;
  bool is_implicit_;
};

}  // namespace

std::string address_text(const asio::ip::address& of) { return to_string(as_reached(net::to_ip(of))); }

std::unique_ptr<machine> watched_service::open(const serve::visitor& who) {
  return std::make_unique<watched_session>(inner_.open(who), who, name_, to_);
}

void watched_service::closed(machine& session, const net::tcp::endpoint& peer, const result<void>& outcome) {
  inner_.closed(static_cast<watched_session&>(session).inner(), peer, outcome);
}

serve::tls_answer watched_service::begin_tls(machine& session) {
  return inner_.begin_tls(static_cast<watched_session&>(session).inner());
}

bytes watched_service::full(const net::tcp::endpoint& peer, const serve::client_bound& reached) {
  return inner_.full(peer, reached);
}

bool watched_service::answer(const serve::datagram& request, bytes& reply) {
  const bool is_answered = inner_.answer(request, reply);
  report_datagram(request, name_, is_answered, to_);
  return is_answered;
}

std::unique_ptr<calc::connection_watch> watched_calc::connected(const net::tcp::endpoint& peer) noexcept {
  std::unique_ptr<calc::connection_watch> made;
  net::attempt([&] { made = std::make_unique<watched_calc_connection>(peer, name_, to_); });
  return made;
}

void watched_calc::datagram(const serve::datagram& request, bool is_answered) noexcept {
  report_datagram(request, name_, is_answered, to_);
}

std::unique_ptr<mail::session_watch> watch_mail(const serve::visitor& who, std::string_view service,
                                                observation_queue& to) {
  return std::make_unique<watched_mail>(who, service, to);
}

}  // namespace netlab::lab
