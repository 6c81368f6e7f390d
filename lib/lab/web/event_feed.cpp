// SPDX-License-Identifier: MIT
#include "lab/web/event_feed.hpp"

#include <fmt/format.h>

namespace netlab::lab {

void event_feed::push(std::string_view event, std::string_view data, std::string team, audience whom) {
  ++last_id_;
  messages_.push_back({fmt::format("id: {}\nevent: {}\ndata: {}\n\n", last_id_, event, data), std::move(team), whom});
  octets_ += messages_.back().text.size();
  while (messages_.size() > most_messages || (octets_ > most_octets && messages_.size() > 1)) {
    octets_ -= messages_.front().text.size();
    messages_.pop_front();
    ++first_id_;
  }
}

std::string event_feed::read(reader& who, std::size_t most) const {
  if (who.position + 1 < first_id_ || who.position > last_id_) {
    who.position = last_id_;
    return fmt::format("id: {}\nevent: reset\ndata: {{}}\n\n", last_id_);
  }
  std::string text;
  while (who.position < last_id_ && text.size() < most) {
    const message& next = messages_[static_cast<std::size_t>(who.position + 1 - first_id_)];
    ++who.position;
    const bool is_own = next.whom != audience::teacher && next.team == who.team;
    if (who.is_teacher ? next.whom != audience::only_team : is_own) text += next.text;
  }
  return text;
}

}  // namespace netlab::lab
