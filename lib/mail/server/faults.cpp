// SPDX-License-Identifier: MIT
// Fault injection in a session.
#include "mail/server/server.hpp"

#include <utility>

namespace netlab::mail {
namespace {

constexpr std::size_t long_reply = 1024 * 1024;  // octets of fault_action::long_line

}  // namespace

bool server::inject_fault(fault_stage at, const address* now_at) {
  if (with_.faults == nullptr) return false;
  // Faults that only change later behaviour combine; the first that replaces this stage's answer ends the search.
  for (const fault_plan::entry* one = with_.faults->take_due(at, &envelope_, now_at); one != nullptr;
       one = with_.faults->take_due(at, &envelope_, now_at, one)) {
    ++counts_.faults;
    if (watch_ != nullptr) watch_->fault_fired(one->definition());
    if (act(*one)) return true;
  }
  return false;
}

bool server::act(const fault_plan::entry& one) {
  const fault& fired = one.definition();
  // `words` are whole lines; say() adds the last line end.
  const std::string_view words = fired.words.substr(0, fired.words.empty() ? 0 : fired.words.size() - 2);
  switch (fired.does) {
    case fault_action::say: say(words); return true;
    case fault_action::say_and_close:
      say(words);
      close("fault");
      return true;
    case fault_action::close: close("fault"); return true;
    case fault_action::hang:
      enter(server_state::hung);
      deadline_ = session_end_;
      return true;
    case fault_action::pour:
      poured_ = fired.words;
      enter(server_state::pouring);
      deadline_ = session_end_;
      return true;
    case fault_action::long_line: say(std::string(words) + std::string(long_reply - words.size(), 'x')); return true;
    case fault_action::say_more: more_words_ = fired.words; return false;
    case fault_action::babble:
      babbles_ = true;
      enter(server_state::hung);
      return true;
    case fault_action::split: split_ = true; return false;
    case fault_action::delay: delay_ = one.delay(); return false;
    case fault_action::hide_starttls: hides_starttls_ = true; return false;
    case fault_action::small_size: is_small_ = true; return false;
    case fault_action::lax: is_lax_ = true; return false;
    case fault_action::lie: lies_ = true; return false;
    case fault_action::refuse_initial: refuses_initial_ = true; return false;
    case fault_action::odd_challenge: sends_odd_challenge_ = true; return false;
    case fault_action::lose: loses_ = true; return false;
    case fault_action::store_and_close:
    case fault_action::store_and_hang: after_commit_ = &fired; return false;
    case fault_action::certificate_expired:
    case fault_action::certificate_not_yet_valid:
    case fault_action::certificate_self_signed:
    case fault_action::certificate_unknown_ca:
    case fault_action::certificate_wrong_host: return false;
  }
  return false;
}

bytes server::take_trickle() {
  if (held_back_until_ != never || output_.empty()) return {};
  if (!split_) return std::exchange(output_, {});
  bytes next(1, output_[trickled_++]);
  if (trickled_ == output_.size()) {
    output_.clear();
    trickled_ = 0;
  }
  return next;
}

}  // namespace netlab::mail
