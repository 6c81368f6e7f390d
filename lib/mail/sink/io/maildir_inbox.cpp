// SPDX-License-Identifier: MIT
#include "mail/sink/io/maildir_inbox.hpp"

#include <chrono>
#include <mutex>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "base/time.hpp"
#include "mail/message/header.hpp"
#include "net/out_of_memory.hpp"

namespace netlab::mail {
namespace {

std::string date_now() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return to_date(now, local_utc_offset(now));
}

/// The header fields that a receiver adds at the top: the trace fields, and the envelope's recipients, which the
/// message itself may not name. One Delivered-To line per recipient, as several programs read them.
std::string head_of(const envelope& of, std::string_view host, std::string_view id) {
  std::string head = trace_fields(of, host, id, date_now());
  std::string delivered;
  for (const recipient& each : of.recipients) delivered += "Delivered-To: " + each.address.to_string() + "\r\n";
  const std::size_t after_return_path = head.find("\r\n") + 2;
  head.insert(after_return_path, delivered);
  return head;
}

failure no_memory() { return {std::make_error_code(std::errc::not_enough_memory), {}, {}, {}}; }

template <class Act>
result<void> unless_out_of_memory(Act act) {
  try {
    return act();
  } catch (const std::bad_alloc&) {
    return unexpected(no_memory());
  }
}

}  // namespace

/// The result of storing a message; shared by the inbox and the store's thread, either of which may end first.
struct maildir_inbox::pending {
  std::mutex mutex;
  std::optional<result<stored>> outcome;
  std::function<void()> wake;  // null: not needed any more
};

maildir_inbox::maildir_inbox(maildir_inbox_parameters with) : with_(std::move(with)) {}

maildir_inbox::~maildir_inbox() {
  if (!pending_) return;
  const std::lock_guard lock(pending_->mutex);
  pending_->wake = nullptr;
}

result<void> maildir_inbox::begin(const envelope& of) {
  return unless_out_of_memory([&]() -> result<void> {
    beginning_.clear();
    if (with_.store == nullptr) return {};
    delivery_ = with_.store->begin();
    // Binary content need not consist of lines.
    if (of.body == body_type::binary_mime) delivery_->keep_line_ends();
    return delivery_->append(head_of(of, with_.host, delivery_->id()));
  });
}

result<void> maildir_inbox::append(std::string_view content) {
  return unless_out_of_memory([&] {
    if (beginning_.size() < with_.kept_octets) beginning_ += content.substr(0, with_.kept_octets - beginning_.size());
    return delivery_ ? delivery_->append(content) : result<void>();
  });
}

void maildir_inbox::commit() {
  file_.clear();
  failure_.reset();
  if (!delivery_) return;
  const bool is_under_way = net::attempt([this] {
    pending_ = std::make_shared<pending>();
    pending_->wake = with_.wake;
    delivery_->commit([to = pending_](result<stored> written) {
      const std::lock_guard lock(to->mutex);
      to->outcome = std::move(written);
      if (to->wake) net::insist([&] { to->wake(); });
    });
  });
  if (!is_under_way) is_lost_ = true;
  delivery_.reset();
}

void maildir_inbox::abandon() { delivery_.reset(); }

std::optional<result<std::string>> maildir_inbox::outcome() {
  if (std::exchange(is_lost_, false)) {
    pending_.reset();
    return result<std::string>(unexpected(no_memory()));
  }
  if (!pending_)
    return result<std::string>(fmt::format("D{}", with_.discarded.fetch_add(1, std::memory_order_relaxed) + 1));
  {
    const std::lock_guard lock(pending_->mutex);
    if (!pending_->outcome) return std::nullopt;
  }
  // The store does not use it any more.
  const auto ended = std::exchange(pending_, nullptr);
  if (!*ended->outcome) {
    failure_ = ended->outcome->error();
    return result<std::string>(unexpected(*failure_));
  }
  file_ = std::move((*ended->outcome)->file);
  return result<std::string>(std::move((*ended->outcome)->id));
}

}  // namespace netlab::mail
