// SPDX-License-Identifier: MIT
// A Maildir: one file a message, written to tmp/, on the disk before it stands in new/, and that before anyone is told.
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

/// What a Maildir asks of the system, as the system calls of these names: -1 and errno. A test puts its own in place.
class disk {
 public:
  virtual ~disk() = default;
  /// For writing, new, mode 0600.
  virtual int create(const std::string& path);
  virtual ssize_t write(int fd, std::string_view octets);
  /// What was written so far is on its way to the disk, and has arrived there but for the disk's own cache.
  virtual int write_out(int fd);
  virtual int sync(int fd);
  /// The entries of a directory.
  virtual int sync_folder(const std::string& path);
  virtual int close(int fd);
  /// Never over a file that is there: EEXIST.
  virtual int rename(const std::string& from, const std::string& to);
  virtual int remove(const std::string& path);
  /// Whether this directory's file system never shows, after a power failure, a new name of a file without the content
  /// that write_out() took care of before: ext4 and XFS, whose journal has the file's size before its name.
  virtual bool keeps_order(const std::string& path);
};

/// A message that is in new/ and will be there after a power failure.
struct stored {
  std::string id;  ///< the file's name without the host
  std::string file;  ///< its path, under the directory's as given to open()
};
/// Called once, in a thread of the store's. It must not throw.
using stored_handler = std::function<void(result<stored>)>;

struct maildir_options {
  /// Threads that wait for the disk. Messages that become whole at about the same time share its work.
  unsigned threads = 8;
  disk* on = nullptr;  ///< null: the system's
};

/// Thread-safe. fsync(2) is called in threads of its own only: of the file, then of the folder that it was renamed to.
/// Where the file system keeps the order by itself both are asked for at once, behind the renaming: its journal then is
/// written once for a message, not twice.
class maildir {
 public:
  /// Makes DIR, DIR/tmp, DIR/new and DIR/cur (mode 0700) where they are missing, and removes what was forgotten in tmp/
  /// 36 hours before `now` (maildir(5)); folders that are removed later are made again. The failure names the
  /// directory: errc::cannot_create, errc::not_permitted.
  [[nodiscard]] static result<std::unique_ptr<maildir>> open(
      std::string directory, maildir_options how = {},
      std::chrono::system_clock::time_point now = std::chrono::system_clock::now());
  /// What was committed is stored first.
  ~maildir();
  maildir(const maildir&) = delete;
  maildir& operator=(const maildir&) = delete;

  class delivery;
  /// A message begins. The store has to outlive it.
  [[nodiscard]] std::unique_ptr<delivery> begin();

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  struct job;
  using job_ptr = std::shared_ptr<job>;
  maildir(std::string directory, maildir_options how);
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
  maildir_options how_;
  disk* disk_;
  bool keeps_order_;
  std::string host_;
  std::string tag_;  // of this process, beside its number
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::condition_variable folder_wanted_;
  std::deque<job_ptr> queue_;  // whole, to be written
  std::vector<job_ptr> renamed_;  // in new/, whose entry is not on the disk yet
  std::vector<std::thread> threads_;
  std::thread folder_thread_;
  std::uint64_t counter_ = 0;
  unsigned idle_ = 0;
  bool ending_ = false;
  bool folder_ending_ = false;
};

/// One message. Destroyed without commit(), nothing of it stays. For use in one thread.
class maildir::delivery {
 public:
  explicit delivery(maildir& in);
  ~delivery();
  delivery(const delivery&) = delete;
  delivery& operator=(const delivery&) = delete;

  /// What follows keeps its line ends: for content that is binary.
  void keep_line_ends() noexcept { keeps_line_ends_ = true; }

  /// More of it. CR LF becomes LF, as programs on this system expect in a file. Up to 64 KiB are held in memory, the
  /// rest is in tmp/. A failure (no space) stays: later calls fail alike.
  [[nodiscard]] result<void> append(std::string_view octets);

  /// Its name, that of the file without the host: visible ASCII.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// It is whole. `done` comes when it is stored, or could not be: then nothing of it is left. Once only.
  void commit(stored_handler done);

 private:
  maildir& in_;
  std::string id_;
  std::shared_ptr<job> job_;
  result<void> state_;
  bool keeps_line_ends_ = false;
  bool held_cr_ = false;  // a CR whose next octet is not known
};

}  // namespace netlab::mail
