// SPDX-License-Identifier: MIT
// Misbehaviour on purpose: what servers have done to clients, by name, and when it happens.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/address_pattern.hpp"
#include "mail/envelope.hpp"

namespace netlab::mail {

/// Where in a session it happens. The machine does all but `certificate`, and `handshake` where TLS is there from the
/// start: those are for whoever does TLS, who asks the plan himself.
enum class fault_stage : std::uint8_t {
  connect,      ///< instead of the greeting, or from there on
  certificate,  ///< the server's, in each TLS handshake
  handshake,    ///< of TLS
  ehlo,
  starttls,
  auth,
  mail,
  rcpt,
  data,         ///< DATA, or the first BDAT
  end,          ///< behind the final dot, or the last chunk
  quit,
};
[[nodiscard]] std::string_view name_of(fault_stage stage) noexcept;

enum class fault_action : std::uint8_t {
  say,              ///< the words are the answer, and the command does nothing
  say_and_close,
  close,            ///< no answer; the connection ends
  hang,             ///< no answer; the connection stays
  pour,             ///< the words, again and again
  long_line,        ///< an answer of one line of 1 MiB
  say_more,         ///< the words follow the right answer
  babble,           ///< octets that are no TLS, where it should begin
  split,            ///< answers leave octet by octet, until the connection ends
  delay,            ///< answers are late, until the connection ends
  hide_starttls,
  small_size,       ///< SIZE 1000, and it is meant
  lax,              ///< content is taken that RFC 5321 forbids: long lines, NUL, undeclared 8-bit octets
  lie,              ///< extensions are offered and refused when they are used
  refuse_initial,   ///< AUTH with an initial response gets 501
  odd_challenge,    ///< a challenge that is no Base64
  lose,             ///< the right answer, but nothing is stored
  store_and_close,  ///< the message is stored; no answer, the connection ends
  store_and_hang,   ///< the message is stored; no answer, the connection stays
  certificate_expired,
  certificate_not_yet_valid,
  certificate_self_signed,
  certificate_unknown_ca,
  certificate_wrong_host,
};

struct fault {
  std::string_view name;
  fault_stage at;
  fault_action does;
  std::string_view words;  ///< whole lines with their ends, or nothing
  std::string_view what;   ///< one line for a person, lower case, no full stop
};

/// All, sorted by name.
[[nodiscard]] std::span<const fault> all_faults() noexcept;

/// Which of them happen, and when. Filled once; then it counts for all sessions at once, in any thread. The same
/// sessions in the same order give the same faults.
class fault_plan {
 public:
  /// A fault and its triggers.
  struct rule {
    const fault* what = nullptr;
    std::optional<address_pattern> to;
    std::optional<address_pattern> from;
    std::uint64_t every = 1;
    std::uint64_t after = 0;
    bool once = false;
    duration delay = std::chrono::seconds(1);  ///< how late, for fault_action::delay
  };

  /// One of the plan, and how often it has had its occasion.
  class entry {
   public:
    explicit entry(rule its) : rule_(std::move(its)) {}
    [[nodiscard]] const fault& what() const noexcept { return *rule_.what; }
    [[nodiscard]] duration delay() const noexcept { return rule_.delay; }
    /// How often it has happened.
    [[nodiscard]] std::uint64_t fired() const noexcept { return fired_.load(std::memory_order_relaxed); }

   private:
    friend class fault_plan;
    [[nodiscard]] bool is_due(const envelope* of, const address* now_at) noexcept;

    rule rule_;
    std::atomic<std::uint64_t> occasions_{0};  // that fit `to` and `from`
    std::atomic<std::uint64_t> fired_{0};
  };

  /// `NAME[:to=ADDR][:from=ADDR][:every=N][:after=N][:once][:delay=DURATION]`. Fails with errc::usage: an unknown name
  /// (the nearest is in the hint) or trigger, one that cannot be known at that stage.
  [[nodiscard]] result<void> add(std::string_view text);
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// One of them can only be seen by a client that says DATA: it must not be offered BDAT instead.
  [[nodiscard]] bool needs_data() const noexcept;
  [[nodiscard]] const std::deque<entry>& entries() const noexcept { return entries_; }

  /// Something of this stage happens: the fault that is due, if any; of several the first that was added. The others
  /// have not counted it, until they are asked for with `behind`, the one before. `of`: the session's envelope so far;
  /// `now_at`: RCPT's recipient, which is not in it yet.
  [[nodiscard]] const entry* strike(fault_stage at, const envelope* of = nullptr, const address* now_at = nullptr,
                                    const entry* behind = nullptr) noexcept;

 private:
  std::deque<entry> entries_;  // which stay where they are
  unsigned stages_ = 0;  // a bit for each that any of them is at
};

}  // namespace netlab::mail
