// SPDX-License-Identifier: MIT
#include "mail/sink/io/maildir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/text.hpp"
#include "net/out_of_memory.hpp"
#include "net/signals_blocked.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t held_in_memory = 64 * 1024;
constexpr auto forgotten_after = std::chrono::hours(36);  // maildir(5)

failure trouble(std::error_code code, std::string_view act, const std::string& path) {
  return {code, fmt::format("{} '{}'", act, escape(path, 200)), {}, {}};
}
failure trouble(std::string_view act, const std::string& path) { return trouble(last_system_error(), act, path); }

/// For a directory that cannot be used at all.
failure unusable(std::string_view act, const std::string& path, std::error_code why = last_system_error()) {
  const bool is_forbidden = why == std::errc::permission_denied || why == std::errc::operation_not_permitted;
  return {make_error_code(is_forbidden ? errc::not_permitted : errc::cannot_create),
          fmt::format("{} '{}'", act, escape(path, 200)),
          message_of(why),
          {}};
}

result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  struct stat status{};
  if (errno == EEXIST && ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) errno = ENOTDIR;
  if (errno == EEXIST && ::access(path.c_str(), W_OK | X_OK) == 0) return {};
  return unexpected(unusable("maildir", path));
}

result<void> make_folders(const std::string& directory) {
  for (const auto* each : {"", "/tmp", "/new", "/cur"})
    if (auto made = make_directory(directory + each); !made) return made;
  return {};
}

// Best effort: a file that cannot be removed does no harm.
void remove_forgotten(const std::string& tmp, std::chrono::system_clock::time_point now) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(tmp.c_str()), ::closedir);
  if (!directory) return;
  const int fd = ::dirfd(directory.get());
  while (const dirent* entry = ::readdir(directory.get())) {
    struct stat status{};
    if (::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) continue;
    const std::time_t last = std::max(status.st_atime, status.st_mtime);
    if (std::chrono::system_clock::from_time_t(last) < now - forgotten_after) ::unlinkat(fd, entry->d_name, 0);
  }
}

/// The host name as part of a file name (maildir(5)).
std::string host_in_a_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') return "localhost";
  std::string name;
  for (const char each : std::string_view(host.data()))
    if (each == '/')
      name += "\\057";
    else if (each == ':')
      name += "\\072";
    else
      name += each;
  return name;
}

}  // namespace

int disk::create(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}
ssize_t disk::write(int fd, std::string_view octets) { return ::write(fd, octets.data(), octets.size()); }
int disk::write_out(int fd) {
  return ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}
bool disk::keeps_order(const std::string& path) {
  struct statfs status{};
  return ::statfs(path.c_str(), &status) == 0 &&
         (status.f_type == EXT4_SUPER_MAGIC || status.f_type == XFS_SUPER_MAGIC);
}
int disk::sync(int fd) { return ::fsync(fd); }
int disk::close(int fd) { return ::close(fd); }
int disk::sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  const int synced = ::fsync(fd);
  const int why = errno;
  ::close(fd);
  errno = why;
  return synced;
}
int disk::rename(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // For file systems without RENAME_NOREPLACE (NFS): link and unlink, as in maildir(5).
  if (::link(from.c_str(), to.c_str()) != 0) return -1;
  ::unlink(from.c_str());
  return 0;
}
int disk::remove(const std::string& path) { return ::unlink(path.c_str()); }

/// A message, from its first octet until its handler was called.
struct maildir::job {
  job(disk& disk_of_maildir, std::string directory_of_maildir, std::string file_name)
      : on(disk_of_maildir), directory(std::move(directory_of_maildir)), name(std::move(file_name)) {}
  ~job() { drop(); }
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  [[nodiscard]] result<void> open() {
    fd = on.create(tmp_path());
    // A user who empties a mailbox may remove the folders, too.
    if (fd < 0 && errno == ENOENT && make_folders(directory)) fd = on.create(tmp_path());
    if (fd < 0) return unexpected(trouble("create", tmp_path()));
    is_there = true;
    return {};
  }
  [[nodiscard]] result<void> write_held() {
    std::string_view left = held;
    while (!left.empty()) {
      const ssize_t size = on.write(fd, left);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return unexpected(trouble("write", tmp_path()));
      left.remove_prefix(static_cast<std::size_t>(size));
    }
    held.clear();
    return {};
  }
  /// Removes the file, if there is one.
  void drop() noexcept {
    if (fd >= 0) on.close(std::exchange(fd, -1));
    if (std::exchange(is_there, false)) net::insist([this] { on.remove(path()); });
  }
  [[nodiscard]] std::string tmp_path() const { return directory + "/tmp/" + name; }
  [[nodiscard]] std::string new_path() const { return directory + "/new/" + name; }
  [[nodiscard]] std::string path() const { return is_in_new ? new_path() : tmp_path(); }

  disk& on;
  std::string directory;
  std::string name;
  std::string held;  // not yet written
  int fd = -1;
  bool is_there = false;  // the file exists and has to be removed unless the message is stored
  bool is_in_new = false;
  bool is_synced = false;         // the file; protected by the store's mutex, like the next
  bool is_folder_synced = false;
  result<void> outcome;
  result<void> folder_outcome;
  stored_handler done;
};

result<std::unique_ptr<maildir>> maildir::open(std::string directory, maildir_options options,
                                               std::chrono::system_clock::time_point now) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  std::error_code error;
  if (const auto parent = std::filesystem::path(directory).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, error);
  if (error) return unexpected(unusable("maildir", directory, error));
  if (auto made = make_folders(directory); !made) return unexpected(made.error());
  remove_forgotten(directory + "/tmp", now);
  return std::unique_ptr<maildir>(new maildir(std::move(directory), options));
}

maildir::maildir(std::string directory, maildir_options options)
    : directory_(std::move(directory)),
      new_folder_(directory_ + "/new"),
      options_(options),
      disk_(options.on),
      keeps_order_(false),
      host_(host_in_a_name()) {
  static disk systems;
  if (disk_ == nullptr) disk_ = &systems;
  keeps_order_ = disk_->keeps_order(directory_);
  threads_.reserve(options_.threads);  // with no room left, a thread once started could not be kept
  // Process numbers repeat: in containers, and after a restart.
  tag_ = fmt::format("P{}R{:08x}", ::getpid(), static_cast<std::uint32_t>(random_number()));
}

maildir::~maildir() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wanted_.notify_all();
  for (std::thread& each : threads_) each.join();
  {
    const std::lock_guard lock(mutex_);
    folder_ending_ = true;
  }
  folder_wanted_.notify_all();
  if (folder_thread_.joinable()) folder_thread_.join();
}

std::unique_ptr<maildir::delivery> maildir::begin() { return std::make_unique<delivery>(*this); }

std::string maildir::unique_id() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::lock_guard lock(mutex_);
  return fmt::format("{}.M{}{}Q{}", now.tv_sec, now.tv_nsec / 1000, tag_, ++counter_);
}

/// Not joinable if the system has no thread or no memory left: the caller goes on with fewer.
std::thread maildir::start(void (maildir::*work)()) {
  const net::signals_blocked until_it_is_started;
  try {
    return std::thread(work, this);
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {}
  return {};
}

void maildir::enqueue(job_ptr one) {
  std::unique_lock lock(mutex_);
  queue_.push_back(std::move(one));
  if (!folder_thread_.joinable()) folder_thread_ = start(&maildir::sync_folders);
  if (idle_ < queue_.size() && threads_.size() < options_.threads)
    if (std::thread fresh = start(&maildir::store_files); fresh.joinable()) threads_.push_back(std::move(fresh));
  if (threads_.empty() || !folder_thread_.joinable()) {
    const job_ptr last = std::move(queue_.back());
    queue_.pop_back();
    lock.unlock();
    last->outcome =
        unexpected(trouble(std::make_error_code(std::errc::resource_unavailable_try_again), "store", last->tmp_path()));
    return conclude(*last);
  }
  lock.unlock();  // so that the woken thread can lock it at once
  wanted_.notify_one();
}

void maildir::store_files() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wanted_.wait(lock, [this] { return !queue_.empty() || ending_; });
    --idle_;
    if (queue_.empty()) return;
    const job_ptr one = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      store(one);
    } catch (const std::bad_alloc&) {
      give_up(*one);
    }
    lock.lock();
  }
}

/// Writes what is held in memory, moves the file to new/ and syncs it. The folder's entry is not yet synced.
void maildir::store(const job_ptr& which) {
  job& one = *which;
  const auto sync = [&] {
    if (one.outcome && disk_->sync(one.fd) != 0) one.outcome = unexpected(trouble("fsync", one.path()));
    // NFS and quotas may report errors only at close.
    if (one.fd >= 0 && disk_->close(std::exchange(one.fd, -1)) != 0 && one.outcome)
      one.outcome = unexpected(trouble("close", one.path()));
  };
  if (one.outcome && one.fd < 0) one.outcome = one.open();
  if (one.outcome) one.outcome = one.write_held();
  const bool orders = one.outcome && keeps_order_ && disk_->write_out(one.fd) == 0;
  if (!orders) sync();
  if (one.outcome) {
    one.is_in_new = disk_->rename(one.tmp_path(), one.new_path()) == 0;
    if (!one.is_in_new && errno == ENOENT && make_folders(directory_))
      one.is_in_new = disk_->rename(one.tmp_path(), one.new_path()) == 0;
    if (!one.is_in_new) one.outcome = unexpected(trouble("rename", one.tmp_path()));
  }
  if (!one.outcome) return conclude(one);

  std::unique_lock lock(mutex_);
  one.is_synced = !orders;
  renamed_.push_back(which);
  lock.unlock();
  folder_wanted_.notify_one();
  if (!orders) return;
  sync();
  lock.lock();
  one.is_synced = true;
  const bool is_last = one.is_folder_synced;
  lock.unlock();
  if (is_last) conclude(one);
}

/// One fsync(2) of new/ for all files that were moved there during the previous one.
void maildir::sync_folders() {
  std::unique_lock lock(mutex_);
  for (;;) {
    folder_wanted_.wait(lock, [this] { return !renamed_.empty() || folder_ending_; });
    if (renamed_.empty()) return;
    std::vector<job_ptr> batch = std::exchange(renamed_, {});
    lock.unlock();
    const bool synced = disk_->sync_folder(new_folder_) == 0;
    const std::error_code why = synced ? std::error_code() : last_system_error();
    lock.lock();
    for (const job_ptr& each : batch) {
      each->is_folder_synced = true;
      if (!synced) each->folder_outcome = unexpected(failure{why, {}, {}, {}});
    }
    std::erase_if(batch, [](const job_ptr& each) { return !each->is_synced; });
    lock.unlock();
    for (const job_ptr& each : batch) conclude(*each);
    batch.clear();
    lock.lock();
  }
}

/// Called when no other thread uses `one` any more.
void maildir::conclude(job& one) noexcept {
  try {
    if (one.outcome && !one.folder_outcome)
      one.outcome = unexpected(trouble(one.folder_outcome.error().code, "fsync", new_folder_));
    if (one.outcome) {
      stored written{one.name.substr(0, one.name.size() - host_.size() - 1), one.new_path()};
      one.is_there = false;  // the file stays
      return one.done(std::move(written));
    }
  } catch (const std::bad_alloc&) {
    return give_up(one);
  }
  one.drop();
  one.done(unexpected(std::move(one.outcome.error())));
}

/// Reports that there is no memory left, without allocating any.
void maildir::give_up(job& one) noexcept {
  one.drop();
  one.done(unexpected(failure{std::make_error_code(std::errc::not_enough_memory), {}, {}, {}}));
}

maildir::delivery::delivery(maildir& in)
    : in_(in), id_(in.unique_id()), job_(std::make_shared<job>(*in.disk_, in.directory_, id_ + "." + in.host_)) {}

maildir::delivery::~delivery() = default;

result<void> maildir::delivery::append(std::string_view octets) {
  if (!state_) return state_;
  std::string& held = job_->held;
  if (held_cr_ && !octets.empty()) {
    held_cr_ = false;
    if (octets.front() != '\n') held += '\r';
  }
  while (!octets.empty()) {
    const std::size_t cr = keeps_line_ends_ ? std::string_view::npos : octets.find('\r');
    held += octets.substr(0, cr);
    octets.remove_prefix(cr == std::string_view::npos ? octets.size() : cr + 1);
    if (cr != std::string_view::npos) {
      held_cr_ = octets.empty();
      if (!octets.empty() && octets.front() != '\n') held += '\r';
    }
    if (held.size() < held_in_memory) continue;
    if (job_->fd < 0) state_ = job_->open();
    if (state_) state_ = job_->write_held();
    if (!state_) {
      job_->drop();
      return state_;
    }
  }
  return {};
}

void maildir::delivery::commit(stored_handler done) {
  if (held_cr_) job_->held += '\r';
  job_->done = std::move(done);
  job_->outcome = state_;
  in_.enqueue(std::move(job_));
}

}  // namespace netlab::mail
