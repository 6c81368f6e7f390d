// SPDX-License-Identifier: MIT
#include "sockets/table.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"

namespace netlab::sockets {
namespace {

constexpr std::size_t least_cell = 6;  // cells are not cut shorter

struct column {
  std::string_view heading;
  bool to_the_right = false;
  bool may_be_cut = false;
};

std::string timer_text(const timer& of) {
  if (of.kind == timer_kind::none) return "-";
  std::string text = fmt::format("{} {}", name_of(of.kind), netlab::to_string(std::chrono::milliseconds(of.left_ms)));
  if (of.retries > 0) text += fmt::format(" x{}", of.retries);
  return text;
}

std::string congestion_text(const entry& of) {
  if (!of.details || of.details->congestion.empty()) return "-";
  std::string text = escape(of.details->congestion);
  if (of.details->rtt_us > 0 && !of.is_listening())
    text += fmt::format(" cwnd {} rtt {}", of.details->window,
                        netlab::to_string(std::chrono::microseconds(of.details->rtt_us)));
  if (of.details->retransmits > 0) text += fmt::format(" resent {}", of.details->retransmits);
  return text;
}

std::vector<std::string> cells_of(const marked_row& marked, const table_layout& layout) {
  const entry& socket = marked.row.socket;
  std::vector<std::string> cells;
  cells.reserve(10);
  if (layout.marks) cells.emplace_back(1, sign_of(marked.mark));
  cells.emplace_back(name_of(socket.protocol));
  cells.emplace_back(name_of(socket.protocol, socket.state));
  cells.push_back(std::to_string(socket.recv_queue));
  cells.push_back(std::to_string(socket.send_queue));
  cells.push_back(to_string(socket.local, marked.row.interface));
  cells.push_back(socket.has_remote() ? to_string(socket.remote) : "-");
  if (layout.details) {
    cells.push_back(timer_text(socket.timer));
    cells.push_back(congestion_text(socket));
  }
  cells.push_back(owners_text(marked.row));
  return cells;
}

/// Narrows the widest column that may be cut until the line fits or no column can be narrowed.
void shrink(std::vector<std::size_t>& widths, const std::vector<column>& columns, std::size_t limit) {
  std::size_t total = 2 * (widths.size() - 1);
  for (const std::size_t each : widths) total += each;
  while (total > limit) {
    std::size_t widest = widths.size();
    for (std::size_t at = 0; at < widths.size(); ++at)
      if (columns[at].may_be_cut && widths[at] > least_cell && (widest == widths.size() || widths[at] > widths[widest]))
        widest = at;
    if (widest == widths.size()) return;
    --widths[widest];
    --total;
  }
}

}  // namespace

char sign_of(mark which) noexcept {
  switch (which) {
    case mark::same: return ' ';
    case mark::appeared: return '+';
    case mark::changed: return '~';
    case mark::gone: return '-';
  }
  return ' ';
}

std::string_view name_of(mark which) noexcept {
  switch (which) {
    case mark::same: return "same";
    case mark::appeared: return "appeared";
    case mark::changed: return "changed";
    case mark::gone: return "gone";
  }
  return "same";
}

std::string owners_text(const row& of) {
  if (of.owners.empty()) return "-";
  std::string text;
  std::int32_t last = 0;
  for (const owner& each : of.owners) {
    if (each.pid == last) continue;  // the same process has a duplicate descriptor
    last = each.pid;
    if (!text.empty()) text += ", ";
    text.append(escape(each.name)).append(" (pid ").append(std::to_string(each.pid)).append(")");
  }
  return text;
}

std::vector<marked_row> compare(const std::vector<row>& before, const std::vector<row>& now) {
  // A connection request has no cookie, so the endpoints are part of the key.
  using key = std::tuple<transport, std::uint64_t, endpoint, endpoint>;
  const auto key_of = [](const row& of) {
    // A cookie stays the same when a UDP socket is connected and when the endpoints of a TCP socket become known.
    const bool has_name = of.socket.cookie != 0;
    return key{of.socket.protocol, of.socket.cookie, has_name ? endpoint{} : of.socket.local,
               has_name ? endpoint{} : of.socket.remote};
  };
  const auto looks = [](const row& of) {
    return std::tuple(of.socket.state, of.socket.recv_queue, of.socket.send_queue, of.socket.local, of.socket.remote);
  };
  std::map<key, const row*> old;
  for (const row& each : before) old.emplace(key_of(each), &each);
  std::map<key, bool> still;
  for (const row& each : now) still.emplace(key_of(each), true);
  // A socket that is gone is listed after the row that it followed before.
  std::map<key, std::vector<const row*>> gone_after;
  std::vector<const row*> gone_first;
  std::vector<const row*>* place = &gone_first;
  for (const row& each : before) {
    key row_key = key_of(each);
    if (still.contains(row_key))
      place = &gone_after[std::move(row_key)];
    else
      place->push_back(&each);
  }
  std::vector<marked_row> all;
  all.reserve(now.size());
  for (const row* each : gone_first) all.push_back({*each, mark::gone});
  for (const row& each : now) {
    const key row_key = key_of(each);
    const auto found = old.find(row_key);
    mark row_mark = mark::appeared;
    if (found != old.end())
      row_mark =
          looks(*found->second) == looks(each) && found->second->owners == each.owners ? mark::same : mark::changed;
    all.push_back({each, row_mark});
    if (const auto after = gone_after.find(row_key); after != gone_after.end()) {
      for (const row* left : after->second) all.push_back({*left, mark::gone});
      gone_after.erase(after);
    }
  }
  return all;
}

std::vector<std::string> make_table(const std::vector<marked_row>& rows, const table_layout& layout) {
  std::vector<column> columns;
  if (layout.marks) columns.push_back({.heading = " "});
  columns.insert(columns.end(), {{.heading = "PROTO"},
                                 {.heading = "STATE"},
                                 {.heading = "RECV-Q", .to_the_right = true},
                                 {.heading = "SEND-Q", .to_the_right = true},
                                 {.heading = "LOCAL", .may_be_cut = true},
                                 {.heading = "REMOTE", .may_be_cut = true}});
  if (layout.details) {
    columns.push_back({.heading = "TIMER", .may_be_cut = true});
    columns.push_back({.heading = "CONGESTION", .may_be_cut = true});
  }
  columns.push_back({.heading = "PROCESS", .may_be_cut = true});

  std::vector<std::vector<std::string>> cells;
  cells.reserve(rows.size() + 1);
  cells.emplace_back();
  for (const column& each : columns) cells.front().emplace_back(each.heading);
  for (const marked_row& each : rows) cells.push_back(cells_of(each, layout));
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& line : cells)
    for (std::size_t at = 0; at < columns.size(); ++at) widths[at] = std::max(widths[at], columns_of(line[at]));
  if (layout.width > 0) shrink(widths, columns, layout.width);

  std::vector<std::string> lines;
  lines.reserve(cells.size());
  for (auto& line : cells) {
    std::string text;
    text.reserve(128);
    for (std::size_t at = 0; at < columns.size(); ++at) {
      if (at > 0) text += "  ";
      const std::string cell = cut_to_columns(line[at], widths[at]);
      const std::size_t padding = widths[at] - std::min(widths[at], columns_of(cell));
      if (columns[at].to_the_right) text.append(padding, ' ');
      text += cell;
      if (!columns[at].to_the_right && at + 1 < columns.size()) text.append(padding, ' ');
    }
    lines.push_back(std::move(text));
  }
  return lines;
}

}  // namespace netlab::sockets
