// SPDX-License-Identifier: MIT
// The journal's file: JSON lines, each appended with one write, and read again at the next start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "lab/journal/json.hpp"
#include "net/fd.hpp"

namespace netlab::lab {

class journal_file {
 public:
  /// Opens or creates the file (mode 0600: it contains what people wrote), locks it, and calls `restore` with its
  /// records. An incomplete last line, which a killed process leaves, is removed. Fails if the file is not a journal
  /// (errc::bad_data), or is not a regular file, is used by another process or cannot be opened (errc::cannot_create).
  [[nodiscard]] static result<std::unique_ptr<journal_file>> open(const std::string& name,
                                                                  const std::function<void(journal_record)>& restore);

  /// Appends the text and a line end. If the disk is full, no part of the line stays in the file. Returns a message for
  /// the log at the first failure, and at the first success after it; otherwise an empty text.
  [[nodiscard]] std::string append(std::string_view text);

  /// Lines of the file that could not be read.
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }
  [[nodiscard]] std::uint64_t restored() const noexcept { return restored_; }

 private:
  journal_file(std::string name, net::unique_fd fd) : name_(std::move(name)), fd_(std::move(fd)) {}
  [[nodiscard]] result<void> read(const std::function<void(journal_record)>& restore);

  std::string name_;
  net::unique_fd fd_;
  std::uint64_t size_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t restored_ = 0;
  std::uint64_t lost_ = 0;  // lines since the first failure
};

}  // namespace netlab::lab
