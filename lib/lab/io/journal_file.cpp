// SPDX-License-Identifier: MIT
#include "lab/io/journal_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/line_buffer.hpp"
#include "base/text.hpp"

namespace netlab::lab {
namespace {

// The longest record is a mail with its dialogue; a line beyond this is not ours.
constexpr std::size_t longest_line = 1024 * 1024;
constexpr std::size_t piece_size = 64 * 1024;

std::string shown(const std::string& name) { return escape(name, 200); }

}  // namespace

result<std::unique_ptr<journal_file>> journal_file::open(const std::string& name,
                                                         const std::function<void(journal_record)>& restore) {
  const int number = ::open(name.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
  if (number < 0)
    return unexpected(failure{make_error_code(errc::cannot_create),
                              fmt::format("open {}", shown(name)),
                              message_of(last_system_error()),
                              {}});
  std::unique_ptr<journal_file> made(new journal_file(name, net::unique_fd(number)));
  struct stat facts{};
  if (::fstat(number, &facts) != 0 || !S_ISREG(facts.st_mode))
    return fail(errc::cannot_create, fmt::format("{} is not a regular file", shown(name)));
  if (::flock(number, LOCK_EX | LOCK_NB) != 0)
    return fail(errc::cannot_create, fmt::format("{} is in use by another process", shown(name)),
                "each server needs a journal of its own");
  if (auto done = made->read(restore); !done) return unexpected(done.error());
  return made;
}

result<void> journal_file::read(const std::function<void(journal_record)>& restore) {
  line_buffer lines(longest_line);
  std::string piece(piece_size, '\0');
  std::uint64_t total = 0;
  bool is_first = true;
  for (;;) {
    const ssize_t got = ::read(fd_.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(last_system_error(), fmt::format("read {}", shown(name_)));
    if (got == 0) break;
    const std::string_view text = std::string_view(piece).substr(0, static_cast<std::size_t>(got));
    if (const std::size_t end = text.rfind('\n'); end != std::string_view::npos) size_ = total + end + 1;
    total += text.size();
    lines.append(text);
    while (const auto line = lines.next()) {
      auto record =
          line->too_long ? result<journal_record>(fail(errc::bad_data, "a long line")) : parse_record(line->text);
      if (!record && is_first)
        return fail(errc::bad_data,
                    fmt::format("{} is not a journal: line 1: {}", shown(name_), describe(record.error())),
                    "name another file, or a new one");
      is_first = false;
      if (!record) {
        ++skipped_;
        continue;
      }
      ++restored_;
      restore(std::move(*record));
    }
  }
  if (total == size_) return {};
  if (const auto incomplete = lines.rest()) {
    // A journal whose only line is incomplete begins like every line of a journal.
    if (is_first && !std::string_view(R"({"record":)").starts_with(incomplete->text.substr(0, 10)))
      return fail(errc::bad_data, fmt::format("{} is not a journal", shown(name_)), "name another file, or a new one");
    ++skipped_;
  }
  if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0)
    return fail(last_system_error(), fmt::format("truncate {}", shown(name_)));
  return {};
}

std::string journal_file::append(std::string_view text) {
  std::string line(text);
  line += '\n';
  ssize_t written = 0;
  do written = ::write(fd_.get(), line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) {
    size_ += line.size();
    if (lost_ == 0) return {};
    return fmt::format("journal {}: is written again; {} lost", shown(name_),
                       count_of(std::exchange(lost_, 0), "line"));
  }
  const std::string why = written < 0 ? message_of(last_system_error()) : "no space left on device";
  // Half a line would spoil the one after it.
  if (written > 0 && ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0)
    size_ += static_cast<std::uint64_t>(written);
  if (lost_++ > 0) return {};
  return fmt::format("journal {}: {}; events are shown, but not kept until there is space", shown(name_), why);
}

}  // namespace netlab::lab
