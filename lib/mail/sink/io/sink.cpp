// SPDX-License-Identifier: MIT
#include "mail/sink/io/sink.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "mail/sink/io/maildir_inbox.hpp"
#include "net/out_of_memory.hpp"

namespace netlab::mail {
namespace {

// Limits the log: a peer must not be able to fill a disk or a terminal.
constexpr double log_lines_per_second = 20;
constexpr double log_burst = 100;

constexpr std::size_t shown_recipients = 3;  // per line of the log
constexpr std::size_t shown_octets = 200;    // of text from a peer
constexpr std::size_t shown_of_a_line = 4096;  // of the dialogue: a fault may make one of our answers a megabyte long

// For fault_action::babble at the start of TLS: its first octet is not a TLS record type.
constexpr std::string_view no_tls = "This is not TLS.\r\n";

constexpr std::size_t watched_header = 16 * 1024;  // of a message, for a session_watch

// Limits what one call to the machine can cause. EHLO has the largest answer for its size: about 250 octets for 7.
constexpr std::size_t max_feed = 16 * 1024;

/// `octets` random octets, in Base64.
std::string random_text(std::size_t octets) {
  bytes fresh(octets);
  fill_random(fresh);
  return encode_base64(fresh);
}

std::string path_text(const address* which) {
  return fmt::format("<{}>", which != nullptr ? escape(which->to_string(), shown_octets) : std::string());
}

std::string recipients_text(const envelope& of) {
  std::string text;
  const std::size_t shown = std::min(of.recipients.size(), shown_recipients);
  for (std::size_t index = 0; index < shown; ++index)
    text += (index == 0 ? "" : ", ") + path_text(&of.recipients[index].address);
  if (of.recipients.size() > shown) text += fmt::format(" and {} more", of.recipients.size() - shown);
  return text;
}

std::optional<tls::certificate_fault> certificate_fault_of(fault_action action) {
  switch (action) {
    case fault_action::certificate_expired: return tls::certificate_fault::expired;
    case fault_action::certificate_not_yet_valid: return tls::certificate_fault::not_yet_valid;
    case fault_action::certificate_self_signed: return tls::certificate_fault::self_signed;
    case fault_action::certificate_unknown_ca: return tls::certificate_fault::unknown_ca;
    case fault_action::certificate_wrong_host: return tls::certificate_fault::wrong_host;
    default: return std::nullopt;
  }
}

}  // namespace

/// Reports what one client does, and stores its messages.
class sink::reporter final : public server_observer {
 public:
  reporter(sink& owner, const serve::visitor& who)
      : owner_(owner),
        peer_(who.peer),
        peer_text_(net::to_string(who.peer)),
        since_(who.now),
        watch_(owner.observer_.watch ? owner.observer_.watch(who) : nullptr),
        inbox_({.store = owner.store_.get(),
                .host = owner.with_.server.host,
                .discarded = owner.discarded_,
                .kept_octets = watch_ ? watched_header : 0,
                .wake = who.wake}) {}
  reporter(const reporter&) = delete;
  reporter& operator=(const reporter&) = delete;

  [[nodiscard]] maildir_inbox& inbox() noexcept { return inbox_; }
  [[nodiscard]] const std::string& peer_text() const noexcept { return peer_text_; }
  [[nodiscard]] time_point since() const noexcept { return since_; }
  [[nodiscard]] const std::string& why_ended() const noexcept { return why_ended_; }

  void tls_started(const tls_facts& facts) {
    if (watch_) net::attempt([&] { watch_->tls_started(facts.version + ' ' + facts.cipher); });
  }
  bool wants_lines() const override { return owner_.observer_.dialogue != nullptr || watch_ != nullptr; }
  void line(char who, std::string_view text) override {
    if (watch_) net::attempt([&] { watch_->line(who, text); });
    if (!owner_.observer_.dialogue) return;
    const std::lock_guard lock(owner_.observer_mutex_);
    owner_.observer_.dialogue(fmt::format("{} {}: {}", peer_text_, who, escape(text, shown_of_a_line)));
  }
  void logged_in(std::string_view user, std::string_view mechanism) override {
    if (watch_) net::attempt([&] { watch_->logged_in(user, mechanism); });
    owner_.log(
        [&] { return fmt::format("{} logged in as {} by {}", peer_text_, escape(user, shown_octets), mechanism); });
  }
  void login_failed(std::string_view user, std::string_view mechanism, std::string_view why) override {
    owner_.failed_logins_.fetch_add(1, std::memory_order_relaxed);
    if (watch_) net::attempt([&] { watch_->login_failed(user, mechanism); });
    owner_.notify(owner_.observer_.login_failed,
                  sink_failed_login{.peer = peer_, .user = user, .mechanism = mechanism, .why = why});
    owner_.log([&] {
      return fmt::format("{} login as '{}' by {} failed: {}", peer_text_, escape(user, shown_octets), mechanism,
                         escape(why, shown_octets));
    });
  }
  void accepted(const envelope& of, std::uint64_t octets, std::string_view id) override {
    owner_.accepted_.fetch_add(1, std::memory_order_relaxed);
    owner_.octets_.fetch_add(octets, std::memory_order_relaxed);
    const sink_message message{.of = of, .peer = peer_, .octets = octets, .id = id, .file = inbox_.file()};
    owner_.notify(owner_.observer_.accepted, message);
    if (watch_) net::attempt([&] { watch_->accepted(message, inbox_.beginning()); });
    owner_.log([&] {
      return fmt::format("{} message {} from {} to {}, {}", peer_text_, id,
                         path_text(of.sender ? &*of.sender : nullptr), recipients_text(of), count_of(octets, "octet"));
    });
  }
  void refused(const envelope& so_far, const address* whom, std::string_view reply) override {
    if (const auto why = inbox_.take_failure())
      owner_.log([&] { return fmt::format("{} message not stored: {}", peer_text_, describe(*why)); });
    owner_.refused_.fetch_add(1, std::memory_order_relaxed);
    if (watch_) net::attempt([&] { watch_->refused(reply); });
    owner_.notify(owner_.observer_.refused,
                  sink_refusal{.so_far = so_far, .peer = peer_, .recipient = whom, .reply = reply});
    owner_.log([&] {
      const std::string sender = so_far.sender ? " from " + path_text(&*so_far.sender) : std::string();
      const std::string recipient = whom != nullptr ? " to " + path_text(whom) : std::string();
      return fmt::format("{} refused{}{}: {}", peer_text_, sender, recipient, escape(reply, shown_octets));
    });
  }
  void fault_fired(const fault& fired) override {
    owner_.fired_.fetch_add(1, std::memory_order_relaxed);
    owner_.log([&] { return fmt::format("{} fault {}: {}", peer_text_, fired.name, fired.description); });
  }
  void ended(const session_counts&, std::string_view why) override { why_ended_ = why; }

 private:
  sink& owner_;
  net::tcp::endpoint peer_;
  std::string peer_text_;
  time_point since_;
  std::string why_ended_;
  std::unique_ptr<session_watch> watch_;
  maildir_inbox inbox_;
};

/// A base of session, so that it outlives the server, which ends with a last report.
struct sink::reporting {
  reporter report;
};

/// The machine of one client.
class sink::session final : private reporting, public server {
 public:
  session(sink& owner, const serve::visitor& who)
      : reporting{{owner, who}},
        server(owner.with_.server, report.inbox(), &report,
               {.peer = who.peer.address().to_string(), .is_secure = who.secure}, who.now),
        faults_(owner.faults_) {}

  [[nodiscard]] const reporter& reports() const noexcept { return report; }

  void tls_started(const tls_facts& facts, time_point now) override {
    report.tls_started(facts);
    server::tls_started(facts, now);
  }

  /// Looks up faults that the machine does not handle itself.
  const fault_plan::entry* take_due_fault(fault_stage at) {
    const auto* due = faults_.take_due(at, &current());
    if (due != nullptr) report.fault_fired(due->definition());
    return due;
  }

 private:
  fault_plan& faults_;
};

/// The services with STARTTLS, or those with implicit TLS.
class sink::side final : public serve::handler {
 public:
  side(sink& owner, bool implicit) : owner_(owner), implicit_(implicit) {}

  [[nodiscard]] serve::limits limits() const override {
    const sink_parameters& with = owner_.with_;
    serve::limits limits{.max_clients = with.max_clients};
    limits.drive.max_feed = max_feed;
    limits.handshake_time =
        std::min({limits.handshake_time, with.server.timeouts.command, with.server.timeouts.session});
    return limits;
  }

  std::unique_ptr<machine> open(const serve::visitor& who) override {
    owner_.connections_.fetch_add(1, std::memory_order_relaxed);
    return std::make_unique<session>(owner_, who);
  }

  void closed(machine& ended, const net::tcp::endpoint&, const result<void>& outcome) override {
    const auto& one = static_cast<session&>(ended);
    owner_.log([&] {
      // Many clients close without QUIT or close_notify when all is sent; that is not a failure.
      const reporter& reports = one.reports();
      const std::string why = outcome || !reports.why_ended().empty() ? reports.why_ended() : describe(outcome.error());
      return fmt::format("{} left after {}, {}{}{}", reports.peer_text(), count_of(one.counts().accepted, "message"),
                         to_string(clock::now() - reports.since()), why.empty() ? "" : ": ", why);
    });
  }

  serve::tls_answer begin_tls(machine& of) override {
    using kind = serve::tls_answer::kind;
    auto& one = static_cast<session&>(of);
    // With STARTTLS the machine has handled this fault already.
    if (const auto* due = implicit_ ? one.take_due_fault(fault_stage::handshake) : nullptr) {
      if (due->definition().does == fault_action::hang) return {.action = kind::silence};
      serve::tls_answer answer{.action = kind::words};
      if (due->definition().does == fault_action::babble) append(answer.words, std::string_view(no_tls));
      return answer;
    }
    const auto* due = one.take_due_fault(fault_stage::certificate);
    if (due == nullptr) return {};
    const auto found = std::find(owner_.shown_.begin() + 1, owner_.shown_.end(), due->definition().does);
    return {.identity = static_cast<std::size_t>(found - owner_.shown_.begin())};
  }

  bytes full(const net::tcp::endpoint& peer, const serve::client_bound& reached) override {
    owner_.turned_away_.fetch_add(1, std::memory_order_relaxed);
    owner_.log([&] { return fmt::format("{} turned away: {}", net::to_string(peer), serve::describe(reached)); });
    bytes words;
    // With implicit TLS, plaintext would only look like broken TLS.
    if (!implicit_)
      append(words, fmt::format("421 4.3.2 {} too many connections{}, try again later\r\n", owner_.with_.server.host,
                                reached.is_per_address ? " from this address" : ""));
    return words;
  }

  bool answer(const serve::datagram&, bytes&) override { return false; }

  void trouble(const std::string& line) override {
    owner_.log([&] { return line; });
  }

 private:
  sink& owner_;
  bool implicit_;
};

sink::sink(sink_parameters with, sink_observer observer)
    : with_(std::move(with)),
      observer_(std::move(observer)),
      starttls_(std::make_unique<side>(*this, false)),
      implicit_(std::make_unique<side>(*this, true)),
      log_(
          [this](const std::string& line) {
            const std::lock_guard lock(observer_mutex_);
            observer_.log(line);
          },
          log_lines_per_second, log_burst) {}

sink::~sink() = default;

result<std::unique_ptr<sink>> sink::open(sink_parameters with, sink_observer observer) {
  std::unique_ptr<sink> made(new sink(std::move(with), std::move(observer)));
  sink_parameters& own = made->with_;
  made->accounts_ = std::make_unique<accounts>(secret(random_text(32)));
  for (const std::string& user : own.users)
    if (auto added = made->accounts_->add(user, own.password.copy()); !added) return unexpected(added.error());
  for (const std::string& each : own.faults)
    if (auto added = made->faults_.add(each); !added) return unexpected(added.error());
  if (own.max_rate) made->rate_.emplace(own.max_rate->messages, own.max_rate->per);
  own.server.users = made->accounts_.get();
  own.server.nonce = [] { return random_text(18); };
  own.server.faults = made->faults_.empty() ? nullptr : &made->faults_;
  own.server.rate = made->rate_ ? &*made->rate_ : nullptr;
  own.server.login_failures = &made->login_failures_;
  if (!own.maildir.empty()) {
    auto store = maildir::open(own.maildir);
    if (!store) return unexpected(store.error());
    made->store_ = std::move(*store);
  }
  return made;
}

serve::handler& sink::starttls_side() noexcept { return *starttls_; }
serve::handler& sink::implicit_side() noexcept { return *implicit_; }

result<std::vector<tls::server_options>> sink::identities(const tls::authority& by,
                                                          const std::vector<std::string>& names) {
  std::vector<tls::server_options> all;
  const auto add = [&](result<tls::server_identity> one, fault_action for_fault) -> result<void> {
    if (!one) return unexpected(one.error());
    all.push_back({.certificates = std::move(one->certificates), .key = std::move(one->key)});
    shown_.push_back(for_fault);
    return {};
  };
  shown_.clear();
  if (auto added = add(by.server(names), fault_action{}); !added) return unexpected(added.error());
  for (const fault_plan::entry& each : faults_.entries()) {
    const fault_action action = each.definition().does;
    const auto flaw = certificate_fault_of(action);
    if (!flaw || std::find(shown_.begin() + 1, shown_.end(), action) != shown_.end()) continue;
    if (auto added = add(by.faulty(*flaw, names), action); !added) return unexpected(added.error());
  }
  return all;
}

sink_totals sink::totals() const {
  return {.connections = connections_.load(),
          .turned_away = turned_away_.load(),
          .accepted = accepted_.load(),
          .octets = octets_.load(),
          .refused = refused_.load(),
          .failed_logins = failed_logins_.load(),
          .faults = fired_.load()};
}

void sink::finish_log() { log_.finish(); }

}  // namespace netlab::mail
