// SPDX-License-Identifier: MIT
#include "sockets/io/owners.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace netlab::sockets::owners_test {

namespace {

namespace fs = std::filesystem;

/// A directory with the structure of /proc.
struct fake_proc {
  fake_proc() {
    std::string name = (fs::temp_directory_path() / "netlab-proc-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
  }
  ~fake_proc() { fs::remove_all(root); }
  void process(const std::string& pid, const std::string& name) const {
    fs::create_directories(root / pid / "fd");
    std::ofstream(root / pid / "comm") << name << '\n';
  }
  void open(const std::string& pid, int fd, const std::string& link) const {
    fs::create_symlink(link, root / pid / "fd" / std::to_string(fd));
  }
  /// As in the kernel, the main thread has an entry, too.
  void thread(const std::string& pid, const std::string& tid) const {
    fs::create_directories(root / pid / "task" / pid / "fd");
    fs::create_directories(root / pid / "task" / tid / "fd");
  }
  void open_in_thread(const std::string& pid, const std::string& tid, int fd, const std::string& link) const {
    fs::create_symlink(link, root / pid / "task" / tid / "fd" / std::to_string(fd));
  }
  fs::path root;
};

}  // namespace

TEST_CASE("owners: every process that has a socket open is found", "[sockets][owners]") {
  const fake_proc proc;
  proc.process("20", "child of it");
  proc.process("9", "server");
  proc.open("9", 3, "socket:[100]");
  proc.open("9", 4, "/dev/null");
  proc.open("9", 5, "socket:[101]");
  proc.open("20", 3, "socket:[100]");
  fs::create_directory(proc.root / "self");
  fs::create_directory(proc.root / "30");  // a process that is just ending
  const auto found = find_owners({100, 101, 102, 0}, proc.root.string());
  CHECK(found.of_inode.at(100) == std::vector<owner>{{9, 3, "server"}, {20, 3, "child of it"}});
  CHECK(found.of_inode.at(101) == std::vector<owner>{{9, 5, "server"}});
  CHECK(found.of_inode.at(102).empty());
  CHECK(found.hidden_processes == 0);
}

TEST_CASE("owners: a thread's own descriptors are looked at, and shared ones count once", "[sockets][owners]") {
  const fake_proc proc;
  proc.process("9", "server");
  proc.open("9", 3, "socket:[100]");
  proc.thread("9", "10");
  proc.thread("9", "11");
  for (const char* each : {"10", "11"}) proc.open_in_thread("9", each, 3, "socket:[100]");
  proc.open_in_thread("9", "11", 4, "socket:[101]");
  proc.process("20", "leaderless");  // its main thread has ended
  proc.thread("20", "21");
  proc.open_in_thread("20", "21", 5, "socket:[102]");
  const auto found = find_owners({100, 101, 102}, proc.root.string());
  CHECK(found.of_inode.at(100) == std::vector<owner>{{9, 3, "server"}});
  CHECK(found.of_inode.at(101) == std::vector<owner>{{9, 4, "server"}});
  CHECK(found.of_inode.at(102) == std::vector<owner>{{20, 5, "leaderless"}});
}

TEST_CASE("owners: without a /proc, or with an empty one, it is known that nobody can be found", "[sockets][owners]") {
  const fake_proc empty;
  for (const std::string& proc : {std::string("/nonexistent"), empty.root.string()}) {
    const auto found = find_owners({1}, proc);
    CHECK(found.of_inode.at(1).empty());
    CHECK_FALSE(found.has_processes);
  }
  CHECK(find_owners({}, empty.root.string()).has_processes);
}

TEST_CASE("owners: only a link to a socket has a socket's inode", "[sockets][owners]") {
  CHECK(socket_inode("socket:[4711]") == 4711);
  CHECK(socket_inode("socket:[4294967295]") == 4294967295U);
  for (const char* other :
       {"", "socket:[", "socket:[]", "socket:[x]", "pipe:[4711]", "socket:[4711", "/tmp/socket:[1]"})
    CHECK(socket_inode(other) == 0);
}

}  // namespace netlab::sockets::owners_test
