// SPDX-License-Identifier: MIT
#include "scan/merge.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "scan/scramble.hpp"

namespace netlab::scan {
namespace {

// More bad lines of one file are only counted.
constexpr std::uint64_t shown_bad_lines = 3;
// More missing parts are named as a range or only counted.
constexpr std::size_t shown_parts = 10;

// With 128 bits, two of 2^40 different findings are alike with a probability below 2^-48.
std::pair<std::uint64_t, std::uint64_t> hashes_of(const finding& of) {
  std::uint64_t first = (std::uint64_t{of.port} << 1 | (of.protocol == transport::udp ? 1U : 0U)) + 1;
  std::uint64_t second = scramble(first);
  for (const char octet : of.address) {
    first = scramble(first + 0x9e3779b97f4a7c15 + static_cast<unsigned char>(octet));
    second = scramble(second * 0x100000001b3 + static_cast<unsigned char>(octet));
  }
  return {first, second};
}

auto identity_of(const scan_summary& of) { return std::tuple(of.scan, of.seed, of.part.count); }

std::string name_of_scan(const scan_summary& of) {
  if (of.scan.empty()) return "an older version's scan";
  return fmt::format("scan {}, seed {}, {}", escape(of.scan, 16), of.seed, count_of(of.part.count, "shard"));
}

// The report line at the end of a line that begins with a part of another one: the file was cut off there, and later
// continued. A finding is looked for after a summary because summaries can have `{"host":` in them.
std::optional<report_line> parse_end(std::string_view line) {
  for (const std::string_view begin : {R"({"summary":)", R"({"host":)"})
    if (const std::size_t at = line.rfind(begin); at != std::string_view::npos && at > 0)
      if (auto read = parse_report_line(line.substr(at))) return *std::move(read);
  return std::nullopt;
}

}  // namespace

void report_merge::begin_file(std::string name) {
  files_.push_back(escape(name, 200));
  line_ = bad_lines_ = 0;
  begin_ = next_;
}

void report_merge::take(const finding& found) {
  const auto [first, second] = hashes_of(found);
  entries_.push_back({first, second, next_++, found.why != reason::not_finished, found.state});
}

void report_merge::end_section(std::optional<scan_summary> sum) {
  sections_.push_back({files_.size() - 1, begin_, next_, std::move(sum)});
  begin_ = next_;
}

void report_merge::add(std::string_view line, bool is_torn) {
  ++line_;
  const std::string_view whole = without_byte_order_mark(line);
  if (trim(whole).empty()) return;
  auto read = parse_report_line(whole);
  if (!read) {
    if (is_torn)
      problems_.push_back(fmt::format("{}: its last line is cut off", files_.back()));
    else if (++bad_lines_ <= shown_bad_lines)
      problems_.push_back(fmt::format("{}:{}: {}", files_.back(), line_, read.error().detail));
    auto end = parse_end(whole);
    if (!end) return;
    read = *std::move(end);
  }
  if (const auto* const found = std::get_if<finding>(&*read)) return take(*found);
  has_summary_ = true;
  end_section(std::get<scan_summary>(*std::move(read)));
}

void report_merge::end_file() {
  if (bad_lines_ > shown_bad_lines)
    problems_.push_back(fmt::format("{}: {} more are not lines of a report", files_.back(),
                                    count_of(bad_lines_ - shown_bad_lines, "line")));
  const bool has_section = !sections_.empty() && sections_.back().file == files_.size() - 1;
  if (next_ == begin_ && has_section) return;
  problems_.push_back(fmt::format("{}: {}", files_.back(),
                                  line_ == 0 ? "it is empty" : "it ends without a summary: its scan was killed"));
  end_section(std::nullopt);
}

void report_merge::choose_scan() {
  std::map<std::tuple<std::string, std::uint64_t, std::uint32_t>, std::size_t> votes;
  std::size_t most = 0;
  for (const section& each : sections_)
    if (each.sum)
      if (const std::size_t count = ++votes[identity_of(*each.sum)]; count > most) {
        most = count;
        model_ = each.sum;
      }
}

bool report_merge::is_foreign(const section& one) const {
  return one.sum && identity_of(*one.sum) != identity_of(*model_);
}

void report_merge::choose_findings() {
  for (const section& each : sections_)
    if (is_foreign(each))
      for (std::uint64_t number = each.begin; number < each.end; ++number) dropped_.push_back(number);
  std::ranges::sort(dropped_);
  std::erase_if(entries_, [&](const entry& one) { return std::ranges::binary_search(dropped_, one.number); });
  // The best of each port comes last.
  std::ranges::sort(entries_, {},
                    [](const entry& one) { return std::tuple(one.first, one.second, one.is_decided, one.number); });
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    const entry& one = entries_[at];
    const bool is_last =
        at + 1 == entries_.size() || entries_[at + 1].first != one.first || entries_[at + 1].second != one.second;
    if (is_last)
      ++union_.by_state[static_cast<std::size_t>(one.state)];
    else
      dropped_.push_back(one.number);
  }
  entries_ = {};
  std::ranges::sort(dropped_);
}

void report_merge::check_parts() {
  std::map<std::uint32_t, const section*> parts;
  std::set<std::size_t> foreign;
  for (const section& each : sections_) {
    if (!each.sum) continue;
    if (is_foreign(each)) {
      if (foreign.insert(each.file).second)
        problems_.push_back(fmt::format("{}: it is of {}, not of {}", files_[each.file], name_of_scan(*each.sum),
                                        name_of_scan(*model_)));
      continue;
    }
    const section*& best = parts[each.sum->part.index];
    if (best == nullptr || !best->sum->complete || each.sum->complete) best = &each;
  }
  std::vector<std::uint32_t> missing;
  std::uint64_t missing_count = 0;
  std::array<std::uint64_t, port_state_count> counted{};
  for (std::uint32_t index = 1; index <= model_->part.count; ++index) {
    const auto found = parts.find(index);
    if (found == parts.end()) {
      if (++missing_count <= shown_parts) missing.push_back(index);
      continue;
    }
    const scan_summary& sum = *found->second->sum;
    for (std::size_t state = 0; state < counted.size(); ++state) counted[state] += sum.by_state[state];
    union_.elapsed = std::max(union_.elapsed, sum.elapsed);
    if (sum.started != 0) union_.started = union_.started == 0 ? sum.started : std::min(union_.started, sum.started);
    if (!sum.complete)
      problems_.push_back(fmt::format("{}: shard {} is incomplete: {}", files_[found->second->file],
                                      to_string(sum.part), escape(sum.incomplete_because, 200)));
  }
  for (const std::uint32_t index : missing)
    problems_.push_back(fmt::format("shard {} is missing", to_string(shard{index, model_->part.count})));
  if (missing_count > missing.size())
    problems_.push_back(fmt::format("{} more are missing", count_of(missing_count - missing.size(), "shard")));
  // Reports without --all only count closed ports, and those of a stateless scan of many hosts the silent ones, too.
  for (const port_state each : {port_state::closed, port_state::filtered, port_state::open_filtered}) {
    const auto state = static_cast<std::size_t>(each);
    union_.by_state[state] =
        each == port_state::closed ? counted[state] : std::max(union_.by_state[state], counted[state]);
  }
}

void report_merge::conclude() {
  choose_scan();
  if (model_) {
    union_ = *model_;
    union_.part = {};
    hosts_ = std::exchange(union_.hosts, {});
    union_.by_state = {};
    union_.elapsed = {};
    union_.started = 0;
    union_.incomplete_because.clear();
  }
  choose_findings();
  if (model_) check_parts();
  union_.complete = problems_.empty() && model_;
  if (!union_.complete)
    union_.incomplete_because = problems_.empty()
                                    ? "there is no summary"
                                    : fmt::format("merged with {}", count_of(problems_.size(), "problem"));
}

std::optional<finding> report_merge::keeps(std::string_view line) {
  const std::string_view whole = without_byte_order_mark(line);
  if (trim(whole).empty()) return std::nullopt;
  auto read = parse_report_line(whole);
  auto kept = read ? std::optional(*std::move(read)) : parse_end(whole);
  auto* const found = kept ? std::get_if<finding>(&*kept) : nullptr;
  if (found == nullptr) return std::nullopt;
  const std::uint64_t number = read_again_++;
  if (next_dropped_ < dropped_.size() && dropped_[next_dropped_] == number) {
    ++next_dropped_;
    return std::nullopt;
  }
  return std::move(*found);
}

}  // namespace netlab::scan
