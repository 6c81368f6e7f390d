// SPDX-License-Identifier: MIT
#include "mail/maildir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t held_in_memory = 64 * 1024;
constexpr auto forgotten_after = std::chrono::hours(36);  // maildir(5)

failure trouble(std::error_code code, std::string_view act, const std::string& path) {
  return {code, fmt::format("{} '{}'", act, escape(path, 200)), {}, {}};
}
failure trouble(std::string_view act, const std::string& path) { return trouble(last_system_error(), act, path); }

/// Of a directory that cannot be used at all.
failure unusable(std::string_view act, const std::string& path) {
  const std::error_code why = last_system_error();
  const bool is_forbidden = why == std::errc::permission_denied || why == std::errc::operation_not_permitted;
  return {make_error_code(is_forbidden ? errc::not_permitted : errc::cannot_create),
          fmt::format("{} '{}'", act, escape(path, 200)),
          message_of(why),
          {}};
}

result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  struct stat what{};
  if (errno == EEXIST && ::stat(path.c_str(), &what) == 0 && !S_ISDIR(what.st_mode)) errno = ENOTDIR;
  if (errno == EEXIST && ::access(path.c_str(), W_OK | X_OK) == 0) return {};
  return unexpected(unusable("maildir", path));
}

// Best effort: what cannot be removed is in nobody's way.
void remove_forgotten(const std::string& tmp, std::chrono::system_clock::time_point now) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(tmp.c_str()), ::closedir);
  if (!directory) return;
  const int fd = ::dirfd(directory.get());
  while (const dirent* entry = ::readdir(directory.get())) {
    struct stat what{};
    if (::fstatat(fd, entry->d_name, &what, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(what.st_mode)) continue;
    const std::time_t last = std::max(what.st_atime, what.st_mtime);
    if (std::chrono::system_clock::from_time_t(last) < now - forgotten_after) ::unlinkat(fd, entry->d_name, 0);
  }
}

/// This machine's name as a part of a file's (maildir(5)).
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
int disk::sync(int fd) { return ::fsync(fd); }
int disk::close(int fd) { return ::close(fd); }
int disk::rename(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // A file system without it (NFS): two steps, as maildir(5) has it.
  if (::link(from.c_str(), to.c_str()) != 0) return -1;
  ::unlink(from.c_str());
  return 0;
}
int disk::remove(const std::string& path) { return ::unlink(path.c_str()); }

/// A message, from its first octet until its handler was called.
struct maildir::job {
  job(disk& its_disk, std::string in, std::string its_name)
      : on(its_disk), directory(std::move(in)), name(std::move(its_name)) {}
  ~job() { drop(); }
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  [[nodiscard]] result<void> open() {
    fd = on.create(tmp_path());
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
  /// The file goes, if there is one.
  void drop() noexcept {
    if (fd >= 0) on.close(std::exchange(fd, -1));
    if (std::exchange(is_there, false)) on.remove(is_in_new ? new_path() : tmp_path());
  }
  [[nodiscard]] std::string tmp_path() const { return directory + "/tmp/" + name; }
  [[nodiscard]] std::string new_path() const { return directory + "/new/" + name; }

  disk& on;
  std::string directory;
  std::string name;
  std::string held;  // not written
  int fd = -1;
  bool is_there = false;  // a file that goes unless the message is stored
  bool is_in_new = false;
  result<void> outcome;
  stored_handler done;
};

result<std::unique_ptr<maildir>> maildir::open(std::string directory, maildir_options how,
                                               std::chrono::system_clock::time_point now) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  std::error_code ignored;
  if (const auto parent = std::filesystem::path(directory).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, ignored);  // mkdir() below says what is wrong
  for (const std::string& each : {directory, directory + "/tmp", directory + "/new", directory + "/cur"})
    if (auto made = make_directory(each); !made) return unexpected(made.error());
  remove_forgotten(directory + "/tmp", now);
  const int new_fd = ::open((directory + "/new").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (new_fd < 0) return unexpected(unusable("maildir", directory + "/new"));
  return std::unique_ptr<maildir>(new maildir(std::move(directory), how, new_fd));
}

maildir::maildir(std::string directory, maildir_options how, int new_fd)
    : directory_(std::move(directory)), how_(how), disk_(how.on), new_fd_(new_fd), host_(host_in_a_name()) {
  static disk systems;
  if (disk_ == nullptr) disk_ = &systems;
  std::uint32_t random = 0;
  // Process numbers repeat: in containers, and after a restart.
  if (::getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) random = 0;
  tag_ = fmt::format("P{}R{:08x}", ::getpid(), random);
}

maildir::~maildir() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wanted_.notify_all();
  for (std::thread& each : threads_) each.join();
  ::close(new_fd_);
}

std::unique_ptr<maildir::delivery> maildir::begin() { return std::make_unique<delivery>(*this); }

std::string maildir::unique_id() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::lock_guard lock(mutex_);
  return fmt::format("{}.M{}{}Q{}", now.tv_sec, now.tv_nsec / 1000, tag_, ++counter_);
}

void maildir::enqueue(std::unique_ptr<job> one) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(one));
  if (idle_ < queue_.size() && threads_.size() < how_.threads) {
    // Signals are for the main thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
      }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  wanted_.notify_one();
}

void maildir::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wanted_.wait(lock, [this] { return !queue_.empty() || ending_; });
    --idle_;
    if (queue_.empty()) return;
    std::unique_ptr<job> one = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    finish(*one);
    lock.lock();
    renamed_.push_back(std::move(one));
    if (!settling_) settle(lock);
  }
}

/// All but the folder's entry: what is held is written, the file is on the disk, and stands in new/.
void maildir::finish(job& one) {
  if (one.outcome && one.fd < 0) one.outcome = one.open();
  if (one.outcome) one.outcome = one.write_held();
  if (one.outcome && disk_->sync(one.fd) != 0) one.outcome = unexpected(trouble("fsync", one.tmp_path()));
  // NFS and quotas may complain only now.
  if (one.fd >= 0 && disk_->close(std::exchange(one.fd, -1)) != 0 && one.outcome)
    one.outcome = unexpected(trouble("close", one.tmp_path()));
  if (!one.outcome) return;
  one.is_in_new = disk_->rename(one.tmp_path(), one.new_path()) == 0;
  if (!one.is_in_new) one.outcome = unexpected(trouble("rename", one.tmp_path()));
}

/// One fsync(2) of new/ for all that have come there meanwhile. One thread does this at a time; the others go on with
/// the next files.
void maildir::settle(std::unique_lock<std::mutex>& lock) {
  settling_ = true;
  while (!renamed_.empty()) {
    std::vector<std::unique_ptr<job>> batch = std::exchange(renamed_, {});
    lock.unlock();
    bool is_wanted = false;
    for (const auto& each : batch) is_wanted |= each->outcome.has_value();
    const bool synced = is_wanted && disk_->sync(new_fd_) == 0;
    const std::error_code why = synced || !is_wanted ? std::error_code() : last_system_error();
    for (auto& each : batch) {
      if (each->outcome && !synced) each->outcome = unexpected(trouble(why, "fsync", directory_ + "/new"));
      if (!each->outcome) {
        const failure reason = each->outcome.error();
        each->drop();
        each->done(unexpected(reason));
        continue;
      }
      each->is_there = false;  // it stays
      each->done(stored{each->name.substr(0, each->name.size() - host_.size() - 1), each->new_path()});
    }
    batch.clear();
    lock.lock();
  }
  settling_ = false;
}

maildir::delivery::delivery(maildir& in)
    : in_(in), id_(in.unique_id()), job_(std::make_unique<job>(*in.disk_, in.directory_, id_ + "." + in.host_)) {}

maildir::delivery::~delivery() = default;

result<void> maildir::delivery::append(std::string_view octets) {
  if (!state_) return state_;
  std::string& held = job_->held;
  if (held_cr_ && !octets.empty()) {
    held_cr_ = false;
    if (octets.front() != '\n') held += '\r';
  }
  while (!octets.empty()) {
    const std::size_t cr = octets.find('\r');
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
