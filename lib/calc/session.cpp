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

session::text_mode::text_mode() : lines(max_text_line) {}

void session_memory::lend(bytes& to) {
  if (to.capacity() > 0) return;
  if (spare_.empty()) return to.reserve(max_request_size);
  to = std::move(spare_.back());
  spare_.pop_back();
}

void session_memory::take_back(bytes& from) {
  if (from.capacity() >= max_request_size && spare_.size() < most_spare) spare_.push_back(std::move(from));
  from = {};
}

session::session(session_parameters parameters, session_observer& observer, time_point now)
    : parameters_(parameters), observer_(observer), last_request_(now) {}

void session::feed(bytes_view from_peer, time_point now, session_memory& memory) {
  memory_ = &memory;
  output_.swap(memory.output);
  feed(from_peer, now);
  output_.swap(memory.output);
  if (pending_.empty() && pending_.capacity() > 0) memory.take_back(pending_);
  memory_ = nullptr;
}

void session::feed(bytes_view from_peer, time_point now) {
  if (state_ == state::undecided) from_peer = decide(from_peer);
  if (state_ == state::text && !text_) enter_text(now);
  if (state_ == state::binary) feed_binary(from_peer, now);
  if (state_ == state::text) feed_text(from_peer, now);
}

// Returns the rest of the input; the octets that were looked at are in pending_, unless all are there at once.
bytes_view session::decide(bytes_view from_peer) {
  constexpr std::array<std::string_view, 4> names{"SUM", "PRO", "MIN", "MAX"};
  if (pending_.empty() && from_peer.size() >= decision_size &&
      parse_operation(as_text(from_peer).substr(operation_offset, decision_size - operation_offset))) {
    state_ = state::binary;
    return from_peer;
  }
  const std::size_t wanted = std::min(decision_size - pending_.size(), from_peer.size());
  keep(from_peer.first(wanted));
  if (pending_.size() > operation_offset) {
    const std::string_view name = as_text(pending_).substr(operation_offset);
    if (std::none_of(names.begin(), names.end(), [&](std::string_view each) { return each.starts_with(name); }))
      state_ = state::text;
    else if (pending_.size() == decision_size)
      state_ = state::binary;
  }
  return from_peer.subspan(wanted);
}

void session::enter_text(time_point now) {
  state_ = state::text;
  text_ = std::make_unique<text_mode>();
  const bytes first = std::exchange(pending_, {});
  feed_text(first, now);
}

void session::feed_binary(bytes_view from_peer, time_point now) {
  const std::uint64_t before = answers_;
  if (!pending_.empty()) from_peer = complete_pending(from_peer);
  if (state_ == state::binary && pending_.empty()) {
    const std::size_t used = answer_all(from_peer);
    if (state_ == state::binary) keep(from_peer.subspan(used));
  }
  if (answers_ > before) finished_request(now);
  if (stopping_ && pending_.empty() && state_ == state::binary) close();
}

// Adds to pending_ what its request lacks, and answers it when it is complete. Returns the rest of the input.
bytes_view session::complete_pending(bytes_view from_peer) {
  const auto fill_up_to = [&](std::size_t size) {
    const std::size_t missing = size - std::min(size, pending_.size());
    const bytes_view part = from_peer.first(std::min(missing, from_peer.size()));
    append(pending_, part);
    from_peer = from_peer.subspan(part.size());
    return part.size() == missing;
  };
  if (!fill_up_to(header_size)) return from_peer;
  const header head = decode_header(pending_, parameters_.order);
  // A header that cannot be answered ends the session now; its numbers may never come.
  if (check_header(head) && !fill_up_to(head.request_size())) return from_peer;
  if (answer_all(pending_) > 0) pending_.clear();
  return from_peer;
}

// Answers the complete requests at the start of the input, in place. Returns the octets used.
std::size_t session::answer_all(bytes_view input) {
  std::array<std::byte, 64 * answer_size> answers;  // on their way to output_, which grows by as much at a time
  std::size_t filled = 0;
  std::size_t used = 0;
  const auto flush = [&] {
    append(output_, bytes_view(answers).first(filled));
    answers_ += filled / answer_size;
    filled = 0;
  };
  while (input.size() - used >= header_size) {
    const bytes_view rest = input.subspan(used);
    const header head = decode_header(rest, parameters_.order);
    const auto op = check_header(head);
    if (!op) {
      flush();
      if (op.error() == refusal::unknown_operation)
        close(fmt::format("{} '{}'", reason(op.error()), escape(head.operation_name())));
      else
        close(fmt::format("{}: {}", head.operation_name(), reason(op.error())));
      return used;
    }
    if (rest.size() < head.request_size()) break;
    const bytes_view numbers = rest.subspan(header_size, 4U * head.count);
    const auto value = evaluate(*op, numbers, parameters_.order);
    if (!value) {
      flush();
      close(fmt::format("{} of {}: {}", head.operation_name(), count_of(head.count, "number"), reason(value.error())));
      return used;
    }
    if (filled == answers.size()) flush();
    store_answer(std::span(answers).subspan(filled), {.id = head.id, .value = *value}, parameters_.order);
    filled += answer_size;
    used += head.request_size();
  }
  flush();
  return used;
}

void session::keep(bytes_view rest) {
  if (rest.empty()) return;
  if (memory_) memory_->lend(pending_);
  append(pending_, rest);
}

void session::feed_text(bytes_view from_peer, time_point now) {
  std::string_view input = as_text(from_peer);
  while (!input.empty() && state_ == state::text) {
    // Split at Telnet commands, so that the replies to commands and the answers to lines keep the order of the input.
    const std::string_view piece = input.substr(0, input.find(telnet_filter::command_octet, 1));
    input.remove_prefix(piece.size());
    const telnet_filter::filtered meant = text_->telnet.feed(piece);
    append(output_, meant.answer);
    read_lines(meant.data, now);
  }
  if (stopping_ && state_ == state::text && text_->lines.empty()) close();
}

void session::read_lines(std::string_view text, time_point now) {
  while (!text.empty() && state_ == state::text) {
    const std::size_t end = text.find('\n');
    const std::string_view piece = text.substr(0, end);
    // Check no characters beyond the line limit; otherwise the result would depend on how the input is cut.
    const std::string_view looked_at = piece.substr(0, max_text_line - std::min(max_text_line, text_->lines.held()));
    text_->lines.append(piece);
    // A line of text never contains control characters. Refuse it before its end, which a program that speaks another
    // protocol may never send.
    if (!text_->lines.is_skipping() && std::any_of(looked_at.begin(), looked_at.end(), is_control)) {
      text_->lines.skip_line();
      observer_.refused("neither a binary request nor a line of text");
      say("error: neither a binary request (SUM, PRO, MIN or MAX after the ID) nor a line of text");
      finished_request(now);
    }
    if (end != std::string_view::npos) text_->lines.append("\n");
    while (state_ == state::text) {
      const auto line = text_->lines.next();
      if (!line) break;
      answer_line(*line, now);
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
}

void session::answer_line(const line_buffer::line& line, time_point now) {
  if (!line.too_long) text_->lines_end_in_cr = line.has_cr;
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
  ++answers_;
  say(fmt::format("{}", *value));
}

void session::say(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    append(output_, line);
    append(output_, text_->lines_end_in_cr ? std::string_view("\r\n") : std::string_view("\n"));
  }
}

void session::eof(time_point now) {
  if (state_ == state::closed) return;
  if (state_ == state::undecided && !pending_.empty()) enter_text(now);  // too short for a binary request
  if (state_ == state::text)
    if (const auto line = text_->lines.rest()) answer_line(*line, now);
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
  if (holds_nothing()) close();
}

void session::close(std::string_view refused_because) {
  if (!refused_because.empty()) observer_.refused(refused_because);
  state_ = state::closed;
}

void session::finished_request(time_point now) { last_request_ = now; }

}  // namespace netlab::calc
