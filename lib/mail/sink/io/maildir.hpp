// SPDX-License-Identifier: MIT
// A Maildir: one file per message, written to tmp/, synced before it appears in new/, and then synced there before
// its sender gets a reply.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace netlab::mail {

/// The system calls that a Maildir uses; they return -1 and set errno. A test substitutes its own.
class disk {
 public:
  virtual ~disk() = default;
  /// Creates a new file for writing, mode 0600.
  virtual int create(const std::string& path);
  virtual ssize_t write(int fd, std::string_view octets);
  /// Starts writing out the data so far and waits until the disk has it, possibly only in its cache.
  virtual int write_out(int fd);
  virtual int sync(int fd);
  /// Syncs the entries of a directory.
  virtual int sync_folder(const std::string& path);
  virtual int close(int fd);
  /// Never replaces an existing file: EEXIST.
  virtual int rename(const std::string& from, const std::string& to);
  virtual int remove(const std::string& path);
  /// Whether the directory's file system guarantees that after a power failure a renamed file has the content that
  /// write_out() wrote before: ext4 and XFS do, because their journal records the file's size before its new name.
  virtual bool keeps_order(const std::string& path);
};

/// A message that is in new/ and will be there after a power failure.
struct stored {
  std::string id;  ///< the file name without the host
  std::string file;  ///< the file's path, beginning with the directory as given to open()
};
/// Called once, from a thread of the store. It must not throw.
using stored_handler = std::function<void(result<stored>)>;

struct maildir_options {
  /// Threads that wait for the disk. Messages that complete at about the same time share an fsync(2) of the folder.
  unsigned threads = 8;
  disk* on = nullptr;  ///< null: the real system calls
};

/// Thread-safe. fsync(2) is called only in its own threads: of the file, then of the folder that it was renamed to.
/// If the file system keeps the order itself, both are called after the rename: its journal is then written once per
/// message, not twice.
class maildir {
 public:
  /// Creates DIR, DIR/tmp, DIR/new and DIR/cur (mode 0700) if they are missing, and removes files from tmp/ that were
  /// last used more than 36 hours before `now` (maildir(5)). Folders that are removed later are created again. The
  /// failure names the directory: errc::cannot_create, errc::not_permitted.
  [[nodiscard]] static result<std::unique_ptr<maildir>> open(
      std::string directory, maildir_options options = {},
      std::chrono::system_clock::time_point now = std::chrono::system_clock::now());
  /// Stores all committed messages first.
  ~maildir();
  maildir(const maildir&) = delete;
  maildir& operator=(const maildir&) = delete;

  class delivery;
  /// Starts a message. The store must outlive it.
  [[nodiscard]] std::unique_ptr<delivery> begin();

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  struct job;
  using job_ptr = std::shared_ptr<job>;
  maildir(std::string directory, maildir_options options);
  [[nodiscard]] std::string unique_id();
  void enqueue(job_ptr one);
  [[nodiscard]] std::thread start(void (maildir::*work)());
  void store_files();
  void sync_folders();
  void store(const job_ptr& one);
  void conclude(job& one) noexcept;
  void give_up(job& one) noexcept;

  std::string directory_;
  std::string new_folder_;
  maildir_options options_;
  disk* disk_;
  bool keeps_order_;
  std::string host_;
  std::string tag_;  // identifies this process beside its number
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::condition_variable folder_wanted_;
  std::deque<job_ptr> queue_;  // complete messages, to be written
  std::vector<job_ptr> renamed_;  // in new/, but the folder is not yet synced
  std::vector<std::thread> threads_;
  std::thread folder_thread_;
  std::uint64_t counter_ = 0;
  unsigned idle_ = 0;
  bool ending_ = false;
  bool folder_ending_ = false;
};

/// One message. If it is destroyed without commit(), nothing of it stays. Not thread-safe.
class maildir::delivery {
 public:
  explicit delivery(maildir& in);
  ~delivery();
  delivery(const delivery&) = delete;
  delivery& operator=(const delivery&) = delete;

  /// Keeps the line ends of everything that follows: for binary content.
  void keep_line_ends() noexcept { keeps_line_ends_ = true; }

  /// Appends content. CR LF becomes LF, as programs on this system expect in a file. Up to 64 KiB are held in memory,
  /// the rest is written to tmp/. A failure (no space) is permanent: later calls return it again.
  [[nodiscard]] result<void> append(std::string_view octets);

  /// Its name, the file name without the host: visible ASCII.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// The message is complete. `done` is called when it was stored or could not be stored; then nothing of it is left.
  /// Call it once.
  void commit(stored_handler done);

 private:
  maildir& in_;
  std::string id_;
  std::shared_ptr<job> job_;
  result<void> state_;
  bool keeps_line_ends_ = false;
  bool held_cr_ = false;  // a CR was held back, because the next octet is not known
};

}  // namespace netlab::mail
