// SPDX-License-Identifier: MIT
#include "mail/message/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/file_stamp.hpp"

namespace netlab::mail {
namespace {

constexpr std::size_t copied_at_once = 64 * 1024;
constexpr std::size_t max_shown_name = 200;  // octets of a file name shown in an error

unexpected<failure> unreadable(const std::string& shown_name, std::string why) {
  return unexpected(failure(errc::no_input, "read " + shown_name, std::move(why)));
}

// From errno. Running out of descriptors is not the file's fault and keeps its own code.
unexpected<failure> unreadable(const std::string& shown_name) {
  if (errno == EMFILE || errno == ENFILE) return fail(last_system_error(), "read " + shown_name);
  return unreadable(shown_name, message_of(last_system_error()));
}

// Owns a descriptor.
class file_source final : public source {
 public:
  file_source(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  ~file_source() override { ::close(descriptor_); }
  file_source(const file_source&) = delete;
  file_source& operator=(const file_source&) = delete;

  // Stores the file's size and time; false, with errno set, on failure.
  [[nodiscard]] bool measure() {
    stamp_ = net::file_stamp::take(descriptor_);
    return stamp_.has_value();
  }

  [[nodiscard]] std::uint64_t size() const override { return stamp_->size(); }
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<char> to) const override {
    for (;;) {
      const ssize_t length = ::pread(descriptor_, to.data(), to.size(), static_cast<off_t>(offset));
      if (length >= 0) return static_cast<std::size_t>(length);
      if (errno != EINTR) return unreadable(name_);
    }
  }
  [[nodiscard]] result<void> check_unchanged() const override {
    const auto now = net::file_stamp::take(descriptor_);
    if (!now) return unreadable(name_);
    if (now == stamp_) return {};
    std::string detail = "it changed while it was sent";
    if (now->size() != size()) detail += fmt::format(": it had {} octets, then {}", size(), now->size());
    return unexpected(failure(make_error_code(std::errc::io_error), "read " + name_, std::move(detail)));
  }
  [[nodiscard]] std::string label() const override { return name_; }

 private:
  int descriptor_;
  std::string name_;
  std::optional<net::file_stamp> stamp_;  // set by measure()
};

// Copies everything from one descriptor to the other.
bool copy(int from, int to) {
  std::vector<char> buffer(copied_at_once);
  for (;;) {
    const ssize_t length = ::read(from, buffer.data(), buffer.size());
    if (length == 0) return true;
    if (length < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    for (ssize_t at = 0; at < length;) {
      const ssize_t written = ::write(to, buffer.data() + at, static_cast<std::size_t>(length - at));
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) at += written;
    }
  }
}

// A file without a name, removed when its descriptor is closed; -1 and errno on failure.
int open_temporary() {
  const char* directory = ::getenv("TMPDIR");
  if (directory == nullptr || *directory == '\0') directory = "/tmp";
  const int descriptor = ::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return descriptor;
  std::string name = std::string(directory) + "/netlab-XXXXXX";  // for file systems without O_TMPFILE
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

result<std::shared_ptr<source>> open_file(const std::string& name) {
  const std::string shown = escape(name, max_shown_name);
  if (name.find('\0') != std::string::npos) return unreadable(shown, "a file name cannot contain a NUL");
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return unreadable(shown);
  auto opened = std::make_shared<file_source>(descriptor, shown);
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return unreadable(shown);
  if (S_ISDIR(status.st_mode)) return unreadable(shown, "is a directory");
  if (!S_ISREG(status.st_mode)) {
    const int temporary = open_temporary();
    if (temporary < 0) return fail(last_system_error(), "make a temporary file for " + shown);
    auto copied = std::make_shared<file_source>(temporary, shown);
    if (!copy(descriptor, temporary)) return unreadable(shown);
    opened = std::move(copied);
  }
  if (!opened->measure()) return unreadable(shown);
  return opened;
}

std::string base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace netlab::mail
