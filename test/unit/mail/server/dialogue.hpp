// SPDX-License-Identifier: MIT
// The mail server in a dialogue with a client played by the test.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "mail/login/some_users.hpp"
#include "mail/server/server.hpp"
#include "support/cut.hpp"

namespace netlab::mail::test_server {

using namespace std::chrono_literals;

/// An inbox in memory; commits at once, or when store() is called.
class memory_inbox final : public inbox {
 public:
  struct message {
    envelope from;
    std::string content;
  };

  result<void> begin(const envelope& of) override {
    ++begun;
    if (begin_fails) return unexpected(*begin_fails);
    current = {of, {}};
    return {};
  }
  result<void> append(std::string_view content) override {
    ++pieces;
    if (lacks_memory) throw std::bad_alloc();
    if (append_fails) return unexpected(*append_fails);
    current.content += content;
    return {};
  }
  void commit() override {
    ++commits;
    if (commit_fails)
      became = unexpected(*commit_fails);
    else if (!waits)
      store();
  }
  void abandon() override { ++abandoned; }
  std::optional<result<std::string>> outcome() override {
    if (lacks_memory) throw std::bad_alloc();
    return std::exchange(became, std::nullopt);
  }

  void store() {
    messages.push_back(std::move(current));
    became = fmt::format("id{}", messages.size());
  }

  std::vector<message> messages;
  message current;
  std::optional<result<std::string>> became;
  std::optional<failure> begin_fails, append_fails, commit_fails;
  bool waits = false;
  bool lacks_memory = false;
  int begun = 0, pieces = 0, commits = 0, abandoned = 0;
};

/// Records the server's events.
class memory_observer final : public server_observer {
 public:
  [[nodiscard]] bool wants_lines() const override { return true; }
  void line(char who, std::string_view text) override { lines += fmt::format("{}: {}\n", who, text); }
  void logged_in(std::string_view user, std::string_view mechanism) override {
    events += fmt::format("in {} {}\n", user, mechanism);
  }
  void login_failed(std::string_view user, std::string_view mechanism, std::string_view why) override {
    events += fmt::format("failed {} {}: {}\n", user, mechanism, why);
  }
  void accepted(const envelope& of, std::uint64_t octets, std::string_view id) override {
    events +=
        fmt::format("accepted {} from {} for {}, {} octets\n", id, of.sender_text(), of.recipients.size(), octets);
  }
  void refused(const envelope&, const address*, std::string_view reply) override {
    events += fmt::format("refused {}\n", reply);
  }
  void fault_fired(const fault& fired) override { events += fmt::format("fault {}\n", fired.name); }
  void ended(const session_counts& total, std::string_view why) override {
    events += fmt::format("ended {}: {} accepted\n", why, total.accepted);
  }

  std::string lines;
  std::string events;
};

/// The server; the test plays the client.
class dialogue {
 public:
  explicit dialogue(server_parameters parameters = plain(), server_visitor who = {.peer = "127.0.0.1"})
      : with(std::move(parameters)), session(with, store, &watch, std::move(who), now) {}

  [[nodiscard]] static server_parameters plain() {
    server_parameters with;
    with.host = "mx.example";
    with.timeouts.failed_login = duration(0);
    return with;
  }

  /// Everything that the server has sent so far.
  [[nodiscard]] std::string said() {
    std::string all;
    for (;;) {
      const bytes more = session.take_output();
      if (more.empty()) return all;
      all += as_text(more);
    }
  }
  /// The client sends this; returns the server's answer.
  std::string client(std::string_view text) {
    session.feed(as_bytes(text), now);
    return said();
  }
  /// Greeting and EHLO.
  void begin() {
    static_cast<void>(said());
    static_cast<void>(client("EHLO client.example\r\n"));
  }
  /// Greeting, EHLO and an envelope.
  void begin_message(std::string_view to = "r@example.org") {
    begin();
    static_cast<void>(client(fmt::format("MAIL FROM:<s@example.org>\r\nRCPT TO:<{}>\r\n", to)));
  }

  time_point now{1h};
  server_parameters with;
  memory_inbox store;
  memory_observer watch;
  server session;
};

/// The server's output for this input in these pieces, and the stored messages.
struct transcript {
  std::string said;
  std::vector<std::string> contents;
  bool done = false;

  friend bool operator==(const transcript&, const transcript&) = default;
};
inline transcript play(const server_parameters& with, const test::pieces& pieces, bool secure = false) {
  memory_inbox store;
  transcript all;
  {
    server session(with, store, nullptr, {.peer = "127.0.0.1", .is_secure = secure}, time_point(1h));
    const auto take = [&] {
      for (;;) {
        const bytes more = session.take_output();
        if (more.empty()) return;
        all.said += as_text(more);
      }
    };
    take();
    for (const std::string_view piece : pieces) {
      if (session.done()) break;
      session.feed(as_bytes(piece), time_point(1h));
      take();
    }
    all.done = session.done();
  }
  for (auto& one : store.messages) all.contents.push_back(std::move(one.content));
  return all;
}

/// Parameters that let users() log in over TLS, always with the same nonce.
inline server_parameters with_users() {
  server_parameters with = dialogue::plain();
  with.users = &users();
  with.starttls = starttls_offer::offered;
  with.nonce = [] { return std::string("3rfcNHYJY1ZVvWVs7j"); };
  return with;
}

}  // namespace netlab::mail::test_server
