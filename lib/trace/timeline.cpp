// SPDX-License-Identifier: MIT
#include "trace/timeline.hpp"

#include <algorithm>

namespace netlab::trace {

void timeline::add_report(std::unique_ptr<report> to, wall_time hold) { readers_.push_back({std::move(to), hold, 0}); }

void timeline::add_process(process_facts of) {
  names_.add(of.process, of.words);
  for (const reader& each : readers_) each.to->add_process(of, *this);
}

void timeline::advance(wall_time horizon) {
  links_.advance(horizon);
  std::uint64_t oldest = links_.last();
  for (reader& each : readers_) {
    serve(each, horizon);
    oldest = std::min(oldest, each.next);
  }
  for (; served_ < oldest; ++served_)
    if (links_.entry(served_).type == timeline_entry::kind::packet) links_.drop_octets(links_.entry(served_).id);
  // Reported entries are kept for a while: a call may still refer to the packet that completed it.
  if (links_.last() > max_window / 8) links_.retire(std::min(oldest, links_.last() - max_window / 8));
}

void timeline::serve(reader& each, wall_time horizon) {
  while (each.next < links_.last()) {
    const bool is_due = links_.entry(each.next).time + each.hold <= horizon;
    if (!is_due && links_.last() - each.next <= max_window && links_.octets() <= max_octets) return;
    hand_over(each, each.next++);
  }
}

/// Called once per entry, for the first report that gets it: numbers the packets in order.
void timeline::note(const timeline_entry& entry) {
  if (entry.type == timeline_entry::kind::packet) {
    if (!links_.packet_of(entry.id).is_ours) return;
    links_.set_number(entry.id, ++summary_.packets);
  } else if (entry.type == timeline_entry::kind::call_begins) {
    ++summary_.calls;
  }
  if (start_ == wall_time{}) start_ = entry.time;
}

void timeline::hand_over(reader& each, std::uint64_t number) {
  const timeline_entry entry = links_.entry(number);
  for (; noted_ <= number; ++noted_) note(links_.entry(noted_));
  if (entry.type == timeline_entry::kind::packet) {
    const linked_packet& packet = links_.packet_of(entry.id);
    if (packet.number != 0) each.to->add_packet(packet, *this);
    return;
  }
  const linked_call* found = links_.find_call(entry.id);
  if (found == nullptr) return;
  const linked_call& call = *found;
  if (call.details.socket != 0) users_[call.details.socket] = call.details.process;
  if (call.details.made != 0) users_[call.details.made] = call.details.process;
  const auto is_of_this_call = [&](std::uint64_t at) {
    return at >= links_.first() && at < links_.last() && links_.entry(at).type != timeline_entry::kind::packet &&
           links_.entry(at).id == entry.id;
  };
  if (entry.type == timeline_entry::kind::call_begins)
    each.to->begin_call(call, is_of_this_call(number + 1), *this);
  else
    each.to->end_call(call, number > 0 && is_of_this_call(number - 1), *this);
}

void timeline::finish(std::uint64_t dropped, bool has_packets) {
  links_.finish();
  summary_.dropped = dropped;
  summary_.has_packets = has_packets;
  for (reader& each : readers_) {
    while (each.next < links_.last()) hand_over(each, each.next++);
    for (const call_id id : links_.open_calls()) each.to->leave_open(links_.call_of(id), *this);
    each.to->finish(summary_, *this);
  }
}

std::string timeline::user_of(socket_id socket) const {
  const auto found = users_.find(socket);
  const process_id user = found == users_.end() ? links_.first_user_of(socket) : found->second;
  return user == 0 ? std::string() : names_.name_of(user);
}

std::uint64_t timeline::number_of(packet_id id) const {
  const linked_packet* found = links_.find_packet(id);
  return found == nullptr ? 0 : found->number;
}

}  // namespace netlab::trace
