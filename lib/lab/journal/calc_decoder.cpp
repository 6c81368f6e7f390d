// SPDX-License-Identifier: MIT
#include "lab/journal/calc_decoder.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/evaluate.hpp"
#include "calc/text_line.hpp"

namespace netlab::lab {
namespace {

constexpr std::size_t operation_offset = 4;
constexpr std::size_t decision_size = 7;
constexpr std::size_t most_line = 4096;  // as for calc::session
constexpr std::size_t shown_line = 200;

bool has_controls(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n';
  });
}

}  // namespace

calc_decoder::calc_decoder(byte_order order) : order_(order) {}

void calc_decoder::feed(bytes_view from_client, wall_time now) {
  if (state_ == state::closed || from_client.empty()) return;
  last_input_ = now;
  is_reported_ = false;
  if (state_ == state::text) return decode_text(from_client, now);
  append(pending_, from_client);
  if (state_ == state::undecided) decide();
  if (state_ == state::binary) decode_binary(now);
  if (state_ == state::text) decode_text(std::exchange(pending_, {}), now);
}

void calc_decoder::decide() {
  constexpr std::array<std::string_view, 4> names{"SUM", "PRO", "MIN", "MAX"};
  if (pending_.size() <= operation_offset) return;
  const std::string_view name = as_text(pending_).substr(operation_offset, decision_size - operation_offset);
  if (std::none_of(names.begin(), names.end(), [&](std::string_view each) { return each.starts_with(name); }))
    state_ = state::text;
  else if (pending_.size() >= decision_size)
    state_ = state::binary;
}

void calc_decoder::decode_binary(wall_time now) {
  bytes_view input = pending_;
  std::size_t used = 0;
  while (state_ == state::binary && input.size() - used >= calc::header_size) {
    const bytes_view rest = input.subspan(used);
    const calc::header head = calc::decode_header(rest, order_);
    const bool is_valid = calc::check_header(head).has_value();
    const std::size_t size = is_valid ? head.request_size() : calc::header_size;
    if (rest.size() < size) break;
    // If the header is not valid, the octets after it may show what is wrong.
    calc_exchange made = explain_request(is_valid ? rest.first(size) : rest, order_, now);
    if (!calc::parse_operation(head.letters) && follows_request_)
      made.note = "more numbers than N says: the octets after the previous request are not a request";
    if (!made.is_answered) state_ = state::closed;
    exchanges_.push_back(std::move(made));
    follows_request_ = true;
    used += size;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
  if (state_ == state::closed) pending_.clear();
}

void calc_decoder::decode_text(bytes_view from_client, wall_time now) {
  const std::string data = telnet_.feed(as_text(from_client)).data;
  std::string_view input = data;
  while (state_ == state::text && !input.empty()) {
    const std::size_t end = input.find('\n');
    const std::string_view piece = input.substr(0, end);
    if (!is_skipping_) line_ += piece.substr(0, most_line + 1 - std::min(most_line + 1, line_.size()));
    if (!is_skipping_ && line_.size() > most_line) {
      decode_line(std::exchange(line_, {}), now);
      is_skipping_ = true;
    }
    if (end == std::string_view::npos) return;
    input.remove_prefix(end + 1);
    if (!std::exchange(is_skipping_, false)) decode_line(trim(std::exchange(line_, {})), now);
  }
}

void calc_decoder::decode_line(std::string_view line, wall_time now) {
  const bytes_view octets = as_bytes(line.substr(0, most_kept_octets));
  calc_exchange made{.at = now, .is_text = true, .octets = bytes(octets.begin(), octets.end())};
  made.is_truncated = octets.size() < line.size();
  made.text = escape(line, shown_line);
  if (!made.octets.empty()) made.fields = {{"line", 0, made.octets.size(), made.text}};
  const std::string word = to_lower(line.substr(0, 16));
  if (word == "quit" || word == "exit") {
    state_ = state::closed;
    return;
  }
  if (word == "help" || word == "?") {
  } else if (line.size() > most_line) {
    made.note = fmt::format("a line has at most {} characters", most_line);
  } else if (has_controls(line)) {
    // Octets of a program, not typed text: explain them as a request.
    made = explain_request(octets, order_, now);
    if (made.note.empty()) made.note = "neither a binary request nor a line of text";
    made.is_answered = false;
  } else if (const auto asked = calc::parse_line(line); !asked) {
    made.note = "error: " + describe(asked.error());
  } else if (const auto value = calc::evaluate(*asked); !value) {
    made.note = fmt::format("error: {}", calc::reason(value.error()));
  } else {
    made.is_answered = true;
    made.text += fmt::format(" = {}", *value);
  }
  exchanges_.push_back(std::move(made));
}

void calc_decoder::report_incomplete(wall_time now) {
  if (is_reported_) return;
  is_reported_ = true;
  if (state_ == state::text) {
    // An incomplete line may still be being typed; one with control characters is a program's request.
    if (has_controls(line_)) {
      decode_line(std::exchange(line_, {}), now);
      is_skipping_ = true;
    }
    return;
  }
  if (pending_.empty()) return;
  calc_exchange made = explain_request(pending_, order_, now);
  if (follows_request_ && pending_.size() < calc::header_size)
    made.note = pending_.size() == 4 ? "one number more than N says"
                                     : fmt::format("{} too many after a request", count_of(pending_.size(), "octet"));
  exchanges_.push_back(std::move(made));
}

void calc_decoder::tick(wall_time now) {
  if (state_ != state::closed && now >= last_input_ + stall_time) report_incomplete(now);
}

void calc_decoder::end(wall_time now) {
  if (state_ == state::undecided && !pending_.empty() && !has_controls(as_text(pending_))) {
    state_ = state::text;
    decode_text(std::exchange(pending_, {}), now);
  }
  if (state_ == state::text && !line_.empty())
    decode_line(trim(std::exchange(line_, {})), now);
  else if (state_ != state::closed)
    report_incomplete(now);
  state_ = state::closed;
}

}  // namespace netlab::lab
