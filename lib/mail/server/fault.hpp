// SPDX-License-Identifier: MIT
// Deliberate misbehaviour: named server faults that clients have met in practice, and when they occur.
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
#include "mail/envelope.hpp"
#include "mail/server/address_pattern.hpp"

namespace netlab::mail {

/// The point of a session where a fault occurs. The server machine implements all but `certificate`, and `handshake`
/// with implicit TLS: for those the TLS layer asks the plan itself.
enum class fault_stage : std::uint8_t {
  connect,      ///< instead of the greeting, or from the start on
  certificate,  ///< the server's certificate, in each TLS handshake
  handshake,    ///< the TLS handshake
  ehlo,
  starttls,
  auth,
  mail,
  rcpt,
  data,         ///< DATA, or the first BDAT
  end,          ///< after the final dot or the last chunk
  quit,
};
[[nodiscard]] std::string_view name_of(fault_stage stage) noexcept;

enum class fault_action : std::uint8_t {
  say,              ///< `words` are the answer, and the command has no effect
  say_and_close,
  close,            ///< no answer; the connection is closed
  hang,             ///< no answer; the connection stays open
  pour,             ///< `words`, over and over
  long_line,        ///< an answer of one line of 1 MiB
  say_more,         ///< `words` follow the right answer
  babble,           ///< octets that are not TLS, at the start of the handshake
  split,            ///< answers are sent octet by octet, until the connection ends
  delay,            ///< answers are delayed, until the connection ends
  hide_starttls,
  small_size,       ///< offers SIZE 1000 and enforces it
  lax,              ///< accepts content that RFC 5321 forbids: long lines, NUL, undeclared 8-bit octets
  lie,              ///< offers extensions and refuses them when they are used
  refuse_initial,   ///< answers AUTH with an initial response with 501
  odd_challenge,    ///< sends a challenge that is not Base64
  lose,             ///< the right answer, but nothing is stored
  store_and_close,  ///< the message is stored; no answer, the connection is closed
  store_and_hang,   ///< the message is stored; no answer, the connection stays open
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
  std::string_view words;  ///< whole lines with their line ends, or empty
  std::string_view description;  ///< one-line description, lower case, no full stop
};

/// All faults, sorted by name.
[[nodiscard]] std::span<const fault> all_faults() noexcept;

/// The faults to inject, and when. Filled once; its counters are shared by all sessions and thread-safe. The same
/// sessions in the same order give the same faults.
class fault_plan {
 public:
  /// A fault and its triggers.
  struct rule {
    const fault* definition = nullptr;
    std::optional<address_pattern> to;
    std::optional<address_pattern> from;
    std::uint64_t every = 1;
    std::uint64_t after = 0;
    bool once = false;
    duration delay = std::chrono::seconds(1);  ///< for fault_action::delay
  };

  /// A fault of the plan with its counters.
  class entry {
   public:
    explicit entry(rule parsed) : rule_(std::move(parsed)) {}
    [[nodiscard]] const fault& definition() const noexcept { return *rule_.definition; }
    [[nodiscard]] duration delay() const noexcept { return rule_.delay; }
    /// How often the fault has occurred.
    [[nodiscard]] std::uint64_t fired() const noexcept { return fired_.load(std::memory_order_relaxed); }

   private:
    friend class fault_plan;
    [[nodiscard]] bool is_due(const envelope* of, const address* now_at) noexcept;

    rule rule_;
    std::atomic<std::uint64_t> occasions_{0};  // occasions that matched `to` and `from`
    std::atomic<std::uint64_t> fired_{0};
  };

  /// `NAME[:to=ADDR][:from=ADDR][:every=N][:after=N][:once][:delay=DURATION]`. Fails with errc::usage for an unknown
  /// name (the hint has the nearest one), an unknown trigger, or a trigger without meaning at that stage.
  [[nodiscard]] result<void> add(std::string_view text);
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// True if a fault occurs only with DATA, so that BDAT must not be offered.
  [[nodiscard]] bool needs_data() const noexcept;
  [[nodiscard]] const std::deque<entry>& entries() const noexcept { return entries_; }

  /// Called at each stage. The fault that is due, if any; if several match, the first added, and the others do not
  /// count the occasion. To get the next one, pass the previous one as `previous`. `of`: the session's envelope so far;
  /// `now_at`: the recipient of this RCPT, which the envelope does not have yet.
  [[nodiscard]] const entry* take_due(fault_stage at, const envelope* of = nullptr, const address* now_at = nullptr,
                                      const entry* previous = nullptr) noexcept;

 private:
  std::deque<entry> entries_;  // a deque, so that entries do not move
  unsigned stages_ = 0;  // a bit per stage that has a fault
};

}  // namespace netlab::mail
