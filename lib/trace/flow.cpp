// SPDX-License-Identifier: MIT
#include "trace/flow.hpp"

#include <algorithm>

namespace netlab::trace {

void range_list::add(octet_range range) {
  // Usually the range is appended; a retransmission may fill a hole.
  auto after = std::ranges::upper_bound(ranges_, range.begin, {}, &octet_range::end);
  for (; after != ranges_.end() && after->begin <= range.begin; ++after)
    range.begin = std::max(range.begin, after->end);
  if (after != ranges_.end()) range.end = std::min(range.end, after->begin);
  if (range.begin >= range.end) return;
  ranges_.insert(after, range);
  if (ranges_.size() > max_ranges) ranges_.pop_front();
}

std::vector<std::uint64_t> range_list::owners(std::uint64_t begin, std::uint64_t end) const {
  std::vector<std::uint64_t> found;
  auto at = std::ranges::upper_bound(ranges_, begin, {}, &octet_range::end);
  for (; at != ranges_.end() && at->begin < end; ++at)
    if (found.empty() || found.back() != at->owner) found.push_back(at->owner);
  return found;
}

void range_list::drop_before(std::uint64_t offset) {
  while (!ranges_.empty() && ranges_.front().end <= offset) ranges_.pop_front();
}

void direction::begin_at(std::uint32_t initial_sequence, std::uint64_t offset) noexcept {
  is_known_ = true;
  initial_ = initial_sequence - static_cast<std::uint32_t>(offset);
  highest_ = std::max(highest_, offset);
}

std::uint64_t direction::offset_of(std::uint32_t sequence) const noexcept {
  // Sequence numbers wrap around every 4 GiB (RFC 9293 §3.4): use the signed difference to the highest one seen.
  const auto expected = static_cast<std::uint32_t>(initial_ + 1 + highest_);
  const auto ahead = static_cast<std::int32_t>(sequence - expected);
  const auto offset = static_cast<std::int64_t>(highest_) + ahead;
  return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
}

bool direction::see(std::uint64_t offset, std::uint64_t length) noexcept {
  const bool is_old = length > 0 && offset + length <= highest_;
  highest_ = std::max(highest_, offset + length);
  return is_old;
}

}  // namespace netlab::trace
