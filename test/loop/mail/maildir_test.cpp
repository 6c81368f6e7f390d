// SPDX-License-Identifier: MIT
#include "mail/sink/io/maildir.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/files.hpp"

namespace netlab::mail::maildir_test {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::mode_of;

/// Waits for the outcome of one commit.
class outcome {
 public:
  [[nodiscard]] stored_handler handler() {
    return [this](result<stored> written) {
      // Keep the lock: a thread that sees the result may destroy this object.
      const std::lock_guard lock(mutex_);
      result_ = std::move(written);
      here_.notify_all();
    };
  }
  [[nodiscard]] result<stored> wait() {
    std::unique_lock lock(mutex_);
    REQUIRE(here_.wait_for(lock, std::chrono::seconds(60), [this] { return result_.has_value(); }));
    return *result_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable here_;
  std::optional<result<stored>> result_;
};

/// Records the operations, and fails those that the test has chosen.
class noting_disk final : public disk {
 public:
  int create(const std::string& path) override {
    note("create " + path.substr(path.rfind('/', path.rfind('/') - 1) + 1, 3));
    return fails("create") ? -1 : disk::create(path);
  }
  ssize_t write(int fd, std::string_view octets) override {
    note("write");
    if (fails("write")) return -1;
    return disk::write(fd, octets.substr(0, std::min(octets.size(), largest_write)));
  }
  int write_out(int fd) override {
    note("write out");
    return fails("write out") ? -1 : disk::write_out(fd);
  }
  bool keeps_order(const std::string&) override { return ordered; }
  int sync(int fd) override {
    note("sync file");
    return fails("sync file") ? -1 : disk::sync(fd);
  }
  int sync_folder(const std::string& path) override {
    note("sync folder");
    return fails("sync folder") ? -1 : disk::sync_folder(path);
  }
  int close(int fd) override {
    note("close");
    const int closed = disk::close(fd);
    return fails("close") ? -1 : closed;
  }
  int rename(const std::string& from, const std::string& to) override {
    note("rename");
    return fails("rename") ? -1 : disk::rename(from, to);
  }
  int remove(const std::string& path) override {
    note("remove");
    return disk::remove(path);
  }

  [[nodiscard]] std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  [[nodiscard]] std::ptrdiff_t count(std::string_view operation) {
    const std::lock_guard lock(mutex_);
    return std::count(notes_.begin(), notes_.end(), operation);
  }

  bool ordered = false;
  std::string failing;
  int error = ENOSPC;
  std::size_t largest_write = SIZE_MAX;

 private:
  void note(std::string_view operation) {
    const std::lock_guard lock(mutex_);
    notes_.emplace_back(operation);
  }
  [[nodiscard]] bool fails(std::string_view operation) {
    if (failing != operation) return false;
    errno = error;
    return true;
  }
  std::mutex mutex_;
  std::vector<std::string> notes_;
};

std::ptrdiff_t files_in(const std::string& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

TEST_CASE("maildir: is made where it is missing, for its owner alone", "[mail][maildir]") {
  const test::scratch_directory place;
  const std::string path = place.path_of("deep/down/box");
  REQUIRE(maildir::open(path + "/"));
  for (const auto* each : {"", "/tmp", "/new", "/cur"}) CHECK(mode_of(path + each) == 0700);
}

TEST_CASE("maildir: a message stands in new/ with its lines ended as files here have them", "[mail][maildir]") {
  const test::scratch_directory place;
  auto box = maildir::open(place.path_of("box"));
  REQUIRE(box);
  const std::string text = "Subject: hi\r\n\r\nlone \r and \n and \r\r\nend\r\n\r";
  std::string whole;
  SECTION("whole") { whole = text; }
  SECTION("octet by octet") {}
  auto one = (*box)->begin();
  if (!whole.empty())
    REQUIRE(one->append(whole));
  else
    for (const char each : text) REQUIRE(one->append({&each, 1}));
  outcome became;
  one->commit(became.handler());
  const auto where = became.wait();
  REQUIRE(where);
  CHECK(content_of(where->file) == "Subject: hi\n\nlone \r and \n and \r\nend\n\r");
  CHECK(where->file.starts_with(place.path_of("box/new/") + where->id));
  CHECK(mode_of(where->file) == 0600);
  CHECK(files_in(place.path_of("box/tmp")) == 0);
}

TEST_CASE("maildir: binary content keeps its line ends", "[mail][maildir]") {
  const test::scratch_directory place;
  auto box = maildir::open(place.path_of("box"));
  REQUIRE(box);
  const std::string text = "Subject: hi\r\n\r\n\r\r\n\n\r";
  auto one = (*box)->begin();
  one->keep_line_ends();
  REQUIRE(one->append(text.substr(0, 12)));
  REQUIRE(one->append(text.substr(12)));
  outcome became;
  one->commit(became.handler());
  const auto where = became.wait();
  REQUIRE(where);
  CHECK(content_of(where->file) == text);
}

/// The disk operations before a message's handler was called.
std::vector<std::string> asked_before_done(noting_disk& on) {
  const test::scratch_directory place;
  auto box = maildir::open(place.path_of("box"), {.on = &on});
  REQUIRE(box);
  auto one = (*box)->begin();
  REQUIRE(one->append("hello\r\n"));
  outcome became;
  std::vector<std::string> before;
  one->commit([&, done = became.handler()](result<stored> written) {
    before = on.notes();
    done(std::move(written));
  });
  REQUIRE(became.wait());
  return before;
}

TEST_CASE("maildir: file, then name, then folder are on the disk before anyone is told", "[mail][maildir]") {
  noting_disk on;
  CHECK(asked_before_done(on) ==
        std::vector<std::string>{"create tmp", "write", "sync file", "close", "rename", "sync folder"});
}

TEST_CASE("maildir: where the file system keeps the order, file and folder are asked for behind the name",
          "[mail][maildir]") {
  noting_disk on;
  on.ordered = true;
  auto before = asked_before_done(on);
  REQUIRE(before.size() == 7);
  std::sort(before.begin() + 4, before.end());
  CHECK(before ==
        std::vector<std::string>{"create tmp", "write", "write out", "rename", "close", "sync file", "sync folder"});
}

TEST_CASE("maildir: where the order cannot be had after all, the file comes first again", "[mail][maildir]") {
  noting_disk on;
  on.ordered = true;
  on.failing = "write out";
  CHECK(asked_before_done(on) ==
        std::vector<std::string>{"create tmp", "write", "write out", "sync file", "close", "rename", "sync folder"});
}

TEST_CASE("maildir: a large message is in tmp/ while it comes, not in memory", "[mail][maildir]") {
  const test::scratch_directory place;
  noting_disk on;
  on.largest_write = 1000;  // a signal or a quota may shorten a write like this
  auto box = maildir::open(place.path_of("box"), {.on = &on});
  REQUIRE(box);
  const std::string line = std::string(998, 'x') + "\r\n";
  auto one = (*box)->begin();
  for (int count = 0; count < 1000; ++count) REQUIRE(one->append(line));
  CHECK(files_in(place.path_of("box/tmp")) == 1);
  CHECK(fs::file_size(fs::directory_iterator(place.path_of("box/tmp"))->path()) > 900'000);
  outcome became;
  one->commit(became.handler());
  const auto where = became.wait();
  REQUIRE(where);
  CHECK(fs::file_size(where->file) == 999'000);
}

TEST_CASE("maildir: a message that is not committed leaves nothing", "[mail][maildir]") {
  const test::scratch_directory place;
  auto box = maildir::open(place.path_of("box"));
  REQUIRE(box);
  {
    auto one = (*box)->begin();
    REQUIRE(one->append(std::string(200'000, 'x')));
    CHECK(files_in(place.path_of("box/tmp")) == 1);
  }
  CHECK(files_in(place.path_of("box/tmp")) == 0);
  CHECK(files_in(place.path_of("box/new")) == 0);
}

TEST_CASE("maildir: whatever the disk refuses, nobody is told that the message is there, and nothing of it is",
          "[mail][maildir]") {
  const test::scratch_directory place;
  noting_disk on;
  on.ordered = GENERATE(false, true);
  for (const auto* each : {"create", "write", "sync file", "close", "rename", "sync folder"}) {
    INFO(each);
    on.failing.clear();
    auto box = maildir::open(place.path_of("box"), {.on = &on});
    REQUIRE(box);
    on.failing = each;
    for (const std::size_t size : {100UL, 200'000UL}) {
      auto one = (*box)->begin();
      static_cast<void>(one->append(std::string(size, 'x')));
      outcome became;
      one->commit(became.handler());
      const auto written = became.wait();
      REQUIRE(!written);
      CHECK(written.error().code == std::errc::no_space_on_device);
    }
    CHECK(files_in(place.path_of("box/tmp")) == 0);
    CHECK(files_in(place.path_of("box/new")) == 0);
  }
}

TEST_CASE("maildir: after a full disk the next message is stored again", "[mail][maildir]") {
  const test::scratch_directory place;
  noting_disk on;
  auto box = maildir::open(place.path_of("box"), {.on = &on});
  REQUIRE(box);
  on.failing = "write";
  auto one = (*box)->begin();
  CHECK(!one->append(std::string(100'000, 'x')));
  CHECK(!one->append("more"));
  one.reset();
  CHECK(files_in(place.path_of("box/tmp")) == 0);
  on.failing.clear();
  auto next = (*box)->begin();
  REQUIRE(next->append("hello"));
  outcome became;
  next->commit(became.handler());
  CHECK(became.wait());
}

TEST_CASE("maildir: many messages at once share the folder's fsync, and no two have one name", "[mail][maildir]") {
  constexpr int count = 400;
  const test::scratch_directory place;
  noting_disk on;
  on.ordered = GENERATE(false, true);
  auto first = maildir::open(place.path_of("box"), {.on = &on});
  auto second = maildir::open(place.path_of("box"), {.on = &on});
  REQUIRE((first && second));
  std::latch left(count);
  std::mutex mutex;
  std::set<std::string> files;
  for (int number = 0; number < count; ++number) {
    auto one = (number % 2 == 0 ? *first : *second)->begin();
    REQUIRE(one->append("number " + std::to_string(number)));
    one->commit([&](result<stored> written) {
      {
        const std::lock_guard lock(mutex);
        if (written) files.insert(written->file);
      }
      left.count_down();
    });
  }
  left.wait();
  CHECK(files.size() == count);
  CHECK(files_in(place.path_of("box/new")) == count);
  CHECK(on.count("sync file") == count);
  CHECK(on.count("sync folder") < count);
}

TEST_CASE("maildir: what was committed is stored before the store goes", "[mail][maildir]") {
  const test::scratch_directory place;
  std::atomic<int> stored_ones = 0;
  {
    auto box = maildir::open(place.path_of("box"), {.threads = 1});
    REQUIRE(box);
    for (int number = 0; number < 50; ++number) {
      auto one = (*box)->begin();
      REQUIRE(one->append("hello"));
      one->commit([&](const result<stored>& written) { stored_ones += written ? 1 : 0; });
    }
  }
  CHECK(stored_ones == 50);
  CHECK(files_in(place.path_of("box/new")) == 50);
}

TEST_CASE("maildir: what was forgotten in tmp/ for 36 hours goes, what is younger stays", "[mail][maildir]") {
  const test::scratch_directory place;
  REQUIRE(maildir::open(place.path_of("box")));
  static_cast<void>(place.file("box/tmp/old", "litter"));
  const auto now = std::chrono::system_clock::now();
  REQUIRE(maildir::open(place.path_of("box"), {}, now + std::chrono::hours(35)));
  CHECK(fs::exists(place.path_of("box/tmp/old")));
  REQUIRE(maildir::open(place.path_of("box"), {}, now + std::chrono::hours(37)));
  CHECK(!fs::exists(place.path_of("box/tmp/old")));
}

TEST_CASE("maildir: folders that somebody removed meanwhile are made again", "[mail][maildir]") {
  const test::scratch_directory place;
  auto box = maildir::open(place.path_of("box"));
  REQUIRE(box);
  for (const auto* each : {"box", "box/tmp"}) {
    fs::remove_all(place.path_of(each));
    auto one = (*box)->begin();
    REQUIRE(one->append("hello"));
    outcome became;
    one->commit(became.handler());
    CHECK(became.wait());
  }
}

TEST_CASE("maildir: a place that cannot be one is named", "[mail][maildir]") {
  const test::scratch_directory place;
  const std::string file = place.file("file", "");
  const auto box = maildir::open(file);
  REQUIRE(!box);
  CHECK(box.error().code == errc::cannot_create);
  CHECK(describe(box.error()).find(file) != std::string::npos);
}

}  // namespace
}  // namespace netlab::mail::maildir_test
