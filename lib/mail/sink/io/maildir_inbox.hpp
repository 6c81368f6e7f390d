// SPDX-License-Identifier: MIT
// The inbox of one session: writes its messages to a Maildir, or discards them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mail/server/inbox.hpp"
#include "mail/sink/io/maildir.hpp"

namespace netlab::mail {

/// The store, the host and the counter must outlive the inbox.
struct maildir_inbox_parameters {
  maildir* store = nullptr;  ///< null: messages are discarded
  std::string_view host;     ///< our name, for the trace fields
  std::atomic<std::uint64_t>& discarded;  ///< counts discarded messages; their names are its values
  std::size_t kept_octets = 0;            ///< octets of a message's content that beginning() has
  std::function<void()> wake;             ///< called from a thread of the store once outcome() has a value
};

/// Without memory a message fails with ENOMEM; the session goes on.
class maildir_inbox final : public inbox {
 public:
  explicit maildir_inbox(maildir_inbox_parameters with);
  ~maildir_inbox() override;
  maildir_inbox(const maildir_inbox&) = delete;
  maildir_inbox& operator=(const maildir_inbox&) = delete;

  [[nodiscard]] result<void> begin(const envelope& of) override;
  [[nodiscard]] result<void> append(std::string_view content) override;
  void commit() override;
  void abandon() override;
  [[nodiscard]] std::optional<result<std::string>> outcome() override;

  /// The first octets of the last message's content.
  [[nodiscard]] const std::string& beginning() const noexcept { return beginning_; }
  /// The file of the last stored message; empty if it was discarded.
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  /// Why the store could not store the last message; returned once.
  [[nodiscard]] std::optional<failure> take_failure() { return std::exchange(failure_, std::nullopt); }

 private:
  struct pending;

  maildir_inbox_parameters with_;
  std::unique_ptr<maildir::delivery> delivery_;
  std::shared_ptr<pending> pending_;  // between commit() and its outcome
  bool is_lost_ = false;              // the message could not be stored for want of memory
  std::string beginning_;
  std::string file_;
  std::optional<failure> failure_;
};

}  // namespace netlab::mail
