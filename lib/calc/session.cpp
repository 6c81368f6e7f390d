// SPDX-License-Identifier: MIT
#include "calc/session.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/text_line.hpp"

namespace netlab::calc {
namespace {

// The longest valid line: 255 numbers of up to 11 characters, each after a blank, and the operation: 3063 characters.
constexpr std::size_t max_text_line = 4096;

constexpr std::size_t operation_offset = 4;
constexpr std::size_t decision_size = 7;

constexpr std::string_view help_text =
    "SUM, PRO, MIN or MAX, then up to 255 whole numbers of 32 bits: SUM 1 2 3\n"
    "The answer is a number, or a line that begins with error:\n"
    "quit ends the connection; so does the end of your input\n";

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n'; }

}  // namespace

session::session(session_parameters parameters, session_observer& observer, time_point now)
    : parameters_(parameters), observer_(observer), lines_(max_text_line), last_request_(now) {}

void session::feed(bytes_view from_peer, time_point now) {
  if (state_ == state::undecided) {
    const std::size_t wanted = std::min(decision_size - pending_.size(), from_peer.size());
    append(pending_, from_peer.first(wanted));
    from_peer = from_peer.subspan(wanted);
    decide();
    if (state_ == state::text) {
      const bytes first = std::exchange(pending_, {});
      feed_text(first, now);
    }
  }
  if (state_ == state::binary) feed_binary(from_peer, now);
  if (state_ == state::text) feed_text(from_peer, now);
}

void session::decide() {
  constexpr std::array<std::string_view, 4> names{"SUM", "PRO", "MIN", "MAX"};
  if (pending_.size() <= operation_offset) return;
  const std::string_view name = as_text(pending_).substr(operation_offset);
  if (std::none_of(names.begin(), names.end(), [&](std::string_view each) { return each.starts_with(name); }))
    state_ = state::text;
  else if (pending_.size() == decision_size)
    state_ = state::binary;
}

void session::feed_binary(bytes_view from_peer, time_point now) {
  bytes joined;
  if (!pending_.empty()) {
    joined = std::exchange(pending_, {});
    append(joined, from_peer);
    from_peer = joined;
  }
  while (state_ == state::binary) {
    const std::size_t used = answer_one(from_peer, now);
    if (used == 0) break;
    from_peer = from_peer.subspan(used);
  }
  if (state_ == state::binary) pending_.assign(from_peer.begin(), from_peer.end());
}

// Returns the octets used; 0 if the request is incomplete.
std::size_t session::answer_one(bytes_view input, time_point now) {
  if (stopping_ && input.empty()) {
    close();
    return 0;
  }
  if (input.size() < header_size) return 0;
  const header head = decode_header(input, parameters_.order);
  const auto op = check_header(head);
  if (!op) {
    if (op.error() == refusal::unknown_operation)
      close(fmt::format("{} '{}'", reason(op.error()), escape(head.operation_name())));
    else
      close(fmt::format("{}: {}", head.operation_name(), reason(op.error())));
    return 0;
  }
  if (input.size() < head.request_size()) return 0;
  std::array<std::int32_t, max_numbers> storage{};
  const std::span<std::int32_t> numbers = std::span(storage).first(head.count);
  decode_numbers(input.subspan(header_size), parameters_.order, numbers);
  const auto value = evaluate(*op, numbers);
  if (!value) {
    close(fmt::format("{} of {}: {}", head.operation_name(), count_of(head.count, "number"), reason(value.error())));
    return 0;
  }
  append_answer(output_, {.id = head.id, .value = *value}, parameters_.order);
  finished_request(now);
  observer_.answered();
  return head.request_size();
}

void session::feed_text(bytes_view from_peer, time_point now) {
  std::string_view input = as_text(from_peer);
  while (!input.empty() && state_ == state::text) {
    // Split at Telnet commands, so that the replies to commands and the answers to lines keep the order of the input.
    const std::string_view piece = input.substr(0, input.find(telnet_filter::command_octet, 1));
    input.remove_prefix(piece.size());
    const telnet_filter::filtered meant = telnet_.feed(piece);
    append(output_, meant.answer);
    read_lines(meant.data, now);
  }
  if (stopping_ && state_ == state::text && lines_.empty()) close();
}

void session::read_lines(std::string_view text, time_point now) {
  while (!text.empty() && state_ == state::text) {
    const std::size_t end = text.find('\n');
    const std::string_view piece = text.substr(0, end);
    // Check no characters beyond the line limit; otherwise the result would depend on how the input is cut.
    const std::string_view looked_at = piece.substr(0, max_text_line - std::min(max_text_line, lines_.held()));
    lines_.append(piece);
    // A line of text never contains control characters. Refuse it before its end, which a program that speaks another
    // protocol may never send.
    if (!lines_.is_skipping() && std::any_of(looked_at.begin(), looked_at.end(), is_control)) {
      lines_.skip_line();
      observer_.refused("neither a binary request nor a line of text");
      say("error: neither a binary request (SUM, PRO, MIN or MAX after the ID) nor a line of text");
      finished_request(now);
    }
    if (end != std::string_view::npos) lines_.append("\n");
    while (state_ == state::text) {
      const auto line = lines_.next();
      if (!line) break;
      answer_line(*line, now);
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
}

void session::answer_line(const line_buffer::line& line, time_point now) {
  if (!line.too_long) lines_end_in_cr_ = line.has_cr;
  finished_request(now);
  if (line.too_long) {
    observer_.refused(fmt::format("a text line of more than {} characters", max_text_line));
    return say(fmt::format("error: a line has at most {} characters", max_text_line));
  }
  const std::string command = to_lower(trim(line.text.substr(0, 16)));
  if (command == "quit" || command == "exit") {
    say("bye");
    return close();
  }
  if (command == "help" || command == "?") return say(help_text.substr(0, help_text.size() - 1));
  const auto refuse = [&](const std::string& why) {
    observer_.refused(why);
    say("error: " + why);
  };
  const auto asked = parse_line(line.text);
  if (!asked) return refuse(describe(asked.error()));
  const auto value = evaluate(*asked);
  if (!value) return refuse(std::string(reason(value.error())));
  observer_.answered();
  say(fmt::format("{}", *value));
}

void session::say(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    append(output_, line);
    append(output_, lines_end_in_cr_ ? std::string_view("\r\n") : std::string_view("\n"));
  }
}

void session::eof(time_point now) {
  if (state_ == state::closed) return;
  if (state_ == state::undecided && !pending_.empty()) {  // too short for a binary request
    state_ = state::text;
    const bytes first = std::exchange(pending_, {});
    feed_text(first, now);
  }
  if (state_ == state::text)
    if (const auto line = lines_.rest()) answer_line(*line, now);
  if (state_ == state::closed) return;  // the line was `quit`
  if (state_ == state::binary && !pending_.empty())
    return close(fmt::format("the connection ended after {} of a request", count_of(pending_.size(), "octet")));
  close();
}

void session::tick(time_point now) {
  const auto due = deadline();
  if (!due || *due > now) return;
  if (state_ == state::binary && !pending_.empty())
    return close(fmt::format("idle timeout after {} of a request", count_of(pending_.size(), "octet")));
  close();
}

bytes session::take_output() { return std::exchange(output_, {}); }

std::optional<time_point> session::deadline() const {
  if (parameters_.idle_timeout == duration(0) || state_ == state::closed) return std::nullopt;
  return last_request_ + parameters_.idle_timeout;
}

void session::stop(time_point) {
  stopping_ = true;
  if (pending_.empty() && lines_.empty()) close();
}

void session::close(std::string_view refused_because) {
  if (!refused_because.empty()) observer_.refused(refused_because);
  state_ = state::closed;
}

void session::finished_request(time_point now) { last_request_ = now; }

}  // namespace netlab::calc
