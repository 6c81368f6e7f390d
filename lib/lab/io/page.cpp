// SPDX-License-Identifier: MIT
#include "lab/io/page.hpp"

#include <chrono>
#include <filesystem>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "http/connection.hpp"
#include "lab/io/watched_service.hpp"
#include "lab/web/site.hpp"

namespace netlab::lab {
namespace {

// Proxies and browsers give up on a connection that is silent for a minute or so.
constexpr std::chrono::seconds heartbeat_time{15};
constexpr std::size_t stream_piece = 64 * 1024;
constexpr std::size_t largest_message = 64 * 1024 * 1024;

std::string random_secret() {
  const auto octets = random_octets<32>();
  return std::string(as_text(octets));
}

/// The Maildir's files.
class maildir_files final : public mail_files {
 public:
  explicit maildir_files(std::string maildir) : maildir_(std::move(maildir)) {}

  result<std::string> read(const std::string& file) override {
    // Names come from the journal file, too, which somebody may have edited.
    const std::string base = std::filesystem::path(file).filename().string();
    if (maildir_.empty() || base.empty() || base == "..")
      return fail(errc::no_input, "the message is not in this Maildir");
    if (auto content = load(maildir_ + "/new/" + base)) return content;
    // A mail reader moves messages to cur/ and appends flags (maildir(5)).
    std::error_code error;
    for (std::filesystem::directory_iterator each(maildir_ + "/cur", error), end; !error && each != end;
         each.increment(error)) {
      const std::string name = each->path().filename().string();
      if (name == base || name.starts_with(base + ":")) return load(each->path().string());
    }
    return fail(errc::no_input, "the message is no longer in the Maildir");
  }

 private:
  static result<std::string> load(const std::string& name) {
    auto text = read_file(name, largest_message);
    if (!text) return fail(text.error(), "read the message");
    return std::move(*text);
  }

  std::string maildir_;
};

class page_session;

/// Shared by all sessions.
struct page_state {
  page_state(journal_loop& loop, page_parameters with)
      : journal(loop),
        rules(std::move(with.token), random_secret(), std::move(with.hosts)),
        files(std::move(with.maildir)),
        addresses(loop.monitor(), rules, files) {}

  journal_loop& journal;
  access_rules rules;
  maildir_files files;
  site addresses;
  std::set<page_session*> streams;
};

/// A browser's connection.
class page_session final : public machine {
 public:
  page_session(std::shared_ptr<page_state> state, const serve::visitor& who)
      : state_(std::move(state)),
        address_(address_text(who.peer.address())),
        wake_(who.wake),
        connection_({}, site::common_fields(), who.now),
        now_(who.now) {}
  ~page_session() override { state_->streams.erase(this); }
  page_session(const page_session&) = delete;
  page_session& operator=(const page_session&) = delete;

  void feed(bytes_view from_peer, time_point now) override {
    now_ = now;
    connection_.feed(from_peer, now);
    answer(now);
  }
  void eof(time_point now) override {
    connection_.eof(now);
    answer(now);
  }
  void tick(time_point now) override {
    if (!connection_.is_streaming()) return connection_.tick(now);
    if (now < beat_at_) return;
    beat_at_ = now + heartbeat_time;
    connection_.stream(fmt::format("event: alive\ndata: {{\"now\":\"{}\"}}\n\n", to_timestamp(wall_now())));
  }
  [[nodiscard]] bytes take_output() override {
    if (connection_.is_streaming() && state_->journal.monitor().feed().has_after(reader_.position)) {
      reader_.team = state_->journal.monitor().journal().team_of(address_);  // it may have been named meanwhile
      connection_.stream(state_->journal.monitor().feed().read(reader_, stream_piece));
    }
    bytes output = connection_.take_output();
    answer(now_);  // requests that waited until this output was taken
    return output;
  }
  void sent(time_point now) override {
    now_ = now;
    connection_.sent(now);
  }
  [[nodiscard]] std::optional<time_point> deadline() const override {
    return connection_.is_streaming() ? std::optional(beat_at_) : connection_.deadline();
  }
  [[nodiscard]] bool done() const override { return connection_.done(); }
  void stop(time_point now) override { connection_.stop(now); }
  void cut_off(time_point now) override { connection_.stop(now); }

  /// Makes the session's loop ask for output: the feed has something new.
  void wake() { wake_(); }

 private:
  void answer(time_point now) {
    while (auto asked = connection_.take_request()) {
      http::response made = state_->addresses.answer(*asked, address_, wall_now(), reader_);
      const bool is_stream = made.is_stream;
      connection_.respond(std::move(made), now);
      if (!is_stream || !connection_.is_streaming()) continue;
      // A browser that has lost the connection comes again after this time.
      connection_.stream("retry: 1000\n\n");
      beat_at_ = now + heartbeat_time;
      state_->streams.insert(this);
    }
  }

  std::shared_ptr<page_state> state_;
  std::string address_;
  std::function<void()> wake_;
  http::connection connection_;
  event_feed::reader reader_;
  time_point beat_at_ = never;
  time_point now_;  // of the last call
};

class page_handler final : public serve::handler {
 public:
  page_handler(journal_loop& on, page_parameters with) : state_(std::make_shared<page_state>(on, std::move(with))) {
    on.on_news([state = state_.get()] {
      for (page_session* each : state->streams) each->wake();
    });
  }
  ~page_handler() override { state_->journal.on_news({}); }
  page_handler(const page_handler&) = delete;
  page_handler& operator=(const page_handler&) = delete;

  [[nodiscard]] serve::limits limits() const override {
    serve::limits limits{.max_clients = most_page_clients};
    limits.drive.max_unsent = stream_piece;
    limits.drive.max_feed = 4 * 1024;
    return limits;
  }
  std::unique_ptr<machine> open(const serve::visitor& who) override {
    return std::make_unique<page_session>(state_, who);
  }
  void closed(machine&, const net::tcp::endpoint&, const result<void>&) override {}
  bytes full(const net::tcp::endpoint&, const serve::client_bound& reached) override {
    bytes words;
    append(words, fmt::format("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 10\r\n"
                              "Connection: close\r\n\r\ntoo many connections{}\n",
                              reached.is_per_address ? " from this address" : ""));
    return words;
  }
  bool answer(const serve::datagram&, bytes&) override { return false; }
  void trouble(const std::string& line) override { state_->journal.note("http " + line); }

 private:
  std::shared_ptr<page_state> state_;
};

}  // namespace

bool has_page() noexcept { return true; }

std::unique_ptr<serve::handler> make_page(journal_loop& on, page_parameters with) {
  return std::make_unique<page_handler>(on, std::move(with));
}

}  // namespace netlab::lab
