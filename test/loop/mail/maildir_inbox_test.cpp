// SPDX-License-Identifier: MIT
#include "mail/sink/io/maildir_inbox.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <semaphore>

#include <catch2/catch_test_macros.hpp>

#include "support/files.hpp"

namespace netlab::mail::maildir_inbox_test {
namespace {

class full_disk final : public disk {
 public:
  int sync(int) override {
    errno = ENOSPC;
    return -1;
  }
  bool keeps_order(const std::string&) override { return false; }
};

envelope from_joe_to_two() {
  envelope of;
  of.peer = "192.0.2.1";
  of.helo = "joe.example";
  of.sender = parse_address("joe@example.org").value();
  for (const auto* each : {"a@example.net", "b@example.net"})
    of.recipients.push_back({.address = parse_address(each).value(), .notify = {}, .orcpt = {}});
  return of;
}

/// An inbox, and how a session waits for an outcome.
class session {
 public:
  explicit session(maildir* store, std::size_t kept_octets = 0)
      : inbox({.store = store,
               .host = "mx.example.net",
               .discarded = discarded_,
               .kept_octets = kept_octets,
               .wake = [this] { woken_.release(); }}) {}

  /// Has a short message stored.
  void commit_message() {
    REQUIRE(inbox.begin(from_joe_to_two()));
    REQUIRE(inbox.append("Subject: hi\r\n"));
    inbox.commit();
  }

  [[nodiscard]] result<std::string> outcome() {
    auto known = inbox.outcome();
    if (!known) {
      REQUIRE(woken_.try_acquire_for(std::chrono::seconds(60)));
      known = inbox.outcome();
    }
    REQUIRE(known.has_value());
    return *known;
  }

 private:
  std::atomic<std::uint64_t> discarded_{0};
  std::counting_semaphore<> woken_{0};

 public:
  maildir_inbox inbox;  // declared last: until it is destroyed, it may call its `wake`
};

TEST_CASE("maildir inbox: a message is stored below its trace fields and its recipients", "[mail][maildir]") {
  const test::scratch_directory place;
  auto store = maildir::open(place.path_of("box"));
  REQUIRE(store);
  session one(store->get());
  REQUIRE(one.inbox.begin(from_joe_to_two()));
  REQUIRE(one.inbox.append("Subject: hi\r\n\r\n"));
  REQUIRE(one.inbox.append("text\r\n"));
  one.inbox.commit();
  const auto name = one.outcome();
  REQUIRE(name);
  CHECK(one.inbox.file().starts_with(place.path_of("box/new/") + *name));
  const std::string content = test::content_of(one.inbox.file());
  CHECK(content.starts_with(
      "Return-Path: <joe@example.org>\nDelivered-To: a@example.net\nDelivered-To: b@example.net\nReceived: "));
  CHECK(content.ends_with("\nSubject: hi\n\ntext\n"));
}

TEST_CASE("maildir inbox: without a store, messages are discarded and numbered", "[mail][maildir]") {
  session one(nullptr);
  for (const auto* name : {"D1", "D2"}) {
    one.commit_message();
    CHECK(one.outcome().value_or("") == name);
    CHECK(one.inbox.file().empty());
  }
}

TEST_CASE("maildir inbox: the beginning of each message is kept as asked", "[mail][maildir]") {
  session one(nullptr, 10);
  REQUIRE(one.inbox.begin(from_joe_to_two()));
  REQUIRE(one.inbox.append("Subject"));
  REQUIRE(one.inbox.append(": hello\r\n"));
  CHECK(one.inbox.beginning() == "Subject: h");
  one.inbox.abandon();
  REQUIRE(one.inbox.begin(from_joe_to_two()));
  CHECK(one.inbox.beginning().empty());
}

TEST_CASE("maildir inbox: the store's failure is the outcome, and take_failure() returns it once", "[mail][maildir]") {
  const test::scratch_directory place;
  full_disk full;
  auto store = maildir::open(place.path_of("box"), {.on = &full});
  REQUIRE(store);
  session one(store->get());
  one.commit_message();
  const auto name = one.outcome();
  REQUIRE(!name);
  CHECK(name.error().code == std::errc::no_space_on_device);
  const auto kept = one.inbox.take_failure();
  REQUIRE(kept);
  CHECK(kept->code == std::errc::no_space_on_device);
  CHECK(!one.inbox.take_failure());
}

TEST_CASE("maildir inbox: a committed message is stored although the session has ended", "[mail][maildir]") {
  const test::scratch_directory place;
  auto store = maildir::open(place.path_of("box"));
  REQUIRE(store);
  {
    session one(store->get());
    one.commit_message();
  }
  store->reset();  // waits until all is stored
  const std::filesystem::directory_iterator in_new(place.path_of("box/new"));
  CHECK(std::distance(begin(in_new), end(in_new)) == 1);
}

}  // namespace
}  // namespace netlab::mail::maildir_inbox_test
