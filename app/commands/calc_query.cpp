// SPDX-License-Identifier: MIT
#include "commands/calc_query.hpp"

#include <unistd.h>

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "calc/evaluate.hpp"
#include "calc/text_line.hpp"
#include "net/line_input.hpp"
#include "net/run_client.hpp"

namespace netlab::app {
namespace {

nlohmann::ordered_json request_to_json(const calc::request& asked) {
  return {{"id", asked.id}, {"op", escape(asked.op)}, {"numbers", asked.numbers}};
}

nlohmann::ordered_json outcome_to_json(const calc::outcome& outcome, const net::ends& where, net::transport protocol) {
  nlohmann::ordered_json object = request_to_json(outcome.asked);
  object["result"] = outcome.value ? nlohmann::ordered_json(*outcome.value) : nlohmann::ordered_json(nullptr);
  if (!outcome.value) object["error"] = describe(outcome.value.error());
  object["proto"] = net::name_of(protocol);
  const bool was_sent = !where.local.empty();
  object["local"] = was_sent ? nlohmann::ordered_json(where.local) : nullptr;
  object["remote"] = was_sent ? nlohmann::ordered_json(where.remote) : nullptr;
  object["rtt_us"] = nullptr;
  if (was_sent) object["rtt_us"] = std::chrono::duration_cast<std::chrono::microseconds>(outcome.elapsed).count();
  return object;
}

/// Reads one request per line of stdin and prints one result per line in the same order.
class request_batch final : public calc::requester {
 public:
  request_batch(asio::io_context& loop, const calc_query_call& call, console& out)
      : loop_(loop), call_(call), out_(out), input_(loop, STDIN_FILENO, max_line) {}

  std::optional<item> take() override {
    for (std::size_t bad = 0; !out_.output_lost() && lines_ - next_ < max_waiting; ++bad) {
      if (bad == max_bad_at_once) {  // let signals and answers be handled first
        asio::post(loop_, [this] {
          if (changed_) changed_();
        });
        return std::nullopt;
      }
      auto line = input_.take();
      if (!line) return std::nullopt;
      const std::uint64_t tag = lines_++;
      auto asked = to_request(*line, tag);
      if (asked) return item{tag, std::move(*asked)};
      nlohmann::ordered_json object = without_result(tag, asked.error());
      object["line"] = line->text;
      unanswered(tag, asked.error(), std::move(object));
    }
    return std::nullopt;
  }

  [[nodiscard]] bool finished() const override { return out_.output_lost() || input_.finished(); }
  void on_change(std::function<void()> callback) override {
    changed_ = callback;
    input_.on_change(std::move(callback));
  }

  void report(const calc::outcome& outcome, const net::ends& where) override {
    if (!outcome.value)
      return unanswered(outcome.tag, outcome.value.error(), outcome_to_json(outcome, where, call_.query.protocol));
    ++answers_;
    out_.detail(fmt::format("line {}: {} {} -> {}, {}", outcome.tag + 1, net::name_of(call_.query.protocol),
                            where.local, where.remote, to_string(outcome.elapsed)));
    release(outcome.tag, out_.wants_json() ? to_line(outcome_to_json(outcome, where, call_.query.protocol))
                                           : fmt::format("{}", *outcome.value));
  }

  /// Call it after the last outcome: prints `-` for every line without a result, including lines not yet read.
  asio::awaitable<result<void>> give_up(failure why) {
    for (std::uint64_t tag = next_; tag < lines_; ++tag)
      if (!ready_.contains(tag)) release(tag, nothing(tag, why));
    asio::steady_timer changed(loop_);
    input_.on_change([&] { changed.cancel(); });
    while (!finished()) {
      while (input_.take()) release(lines_, nothing(lines_, why)), ++lines_;
      if (finished()) break;
      changed.expires_at(never);
      co_await changed.async_wait(net::use_tuple);
      if (net::is_cancelled(co_await asio::this_coro::cancellation_state)) co_return unexpected(std::move(why));
    }
    input_.on_change({});
    co_return result<void>();
  }

  /// Like give_up(), but does not wait for further input, which may never arrive.
  void give_up_now(const failure& why) {
    for (std::uint64_t tag = next_; tag < lines_; ++tag)
      if (!ready_.contains(tag)) release(tag, nothing(tag, why));
    while (!out_.output_lost() && input_.take()) release(lines_, nothing(lines_, why)), ++lines_;
    out_.flush();
  }

  /// After a signal: prints the available results, and `-` for each earlier line without a result.
  void print_what_is_there(const failure& why) {
    if (ready_.empty()) return;
    const std::uint64_t last = ready_.rbegin()->first;
    for (std::uint64_t tag = next_; tag < last; ++tag)
      if (!ready_.contains(tag)) release(tag, nothing(tag, why));
    out_.flush();
  }

  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
  [[nodiscard]] std::error_code input_error() const { return input_.error(); }

 private:
  static constexpr std::size_t max_line = 64 * 1024;
  static constexpr std::size_t max_bad_at_once = 256;
  static constexpr std::uint64_t max_waiting = 16 * 1024;  // results that wait for an earlier one

  [[nodiscard]] std::uint32_t id_of(std::uint64_t tag) const { return call_.id + static_cast<std::uint32_t>(tag); }

  [[nodiscard]] result<calc::request> to_request(const net::line_input::line& line, std::uint64_t tag) const {
    if (line.too_long) return fail(errc::bad_data, fmt::format("longer than {}", count_of(max_line, "octet")));
    return app::to_request(words(trim(line.text)), call_, id_of(tag));
  }

  /// The JSON fields that each line has if no request was sent.
  [[nodiscard]] nlohmann::ordered_json without_result(std::uint64_t tag, const failure& why) const {
    return {{"id", id_of(tag)},  {"op", nullptr},          {"numbers", nullptr},
            {"result", nullptr}, {"error", describe(why)}, {"proto", net::name_of(call_.query.protocol)},
            {"local", nullptr},  {"remote", nullptr},      {"rtt_us", nullptr}};
  }

  [[nodiscard]] std::string nothing(std::uint64_t tag, const failure& why) const {
    return out_.wants_json() ? to_line(without_result(tag, why)) : std::string("-");
  }

  void unanswered(std::uint64_t tag, failure why, nlohmann::ordered_json object) {
    ++failures_;
    why.context =
        why.context.empty() ? fmt::format("line {}", tag + 1) : fmt::format("line {}: {}", tag + 1, why.context);
    out_.error(why);
    release(tag, out_.wants_json() ? to_line(object) : std::string("-"));
  }

  // Prints the results that are next in order. Answers that arrive together are written together.
  void release(std::uint64_t tag, std::string text) {
    ready_.emplace(tag, std::move(text));
    for (auto first = ready_.begin(); first != ready_.end() && first->first == next_;
         first = ready_.erase(first), ++next_)
      out_.line(first->second);
    if (std::exchange(flush_posted_, true)) return;
    asio::post(loop_, [this] {
      flush_posted_ = false;
      out_.flush();
    });
  }

  asio::io_context& loop_;
  const calc_query_call& call_;
  console& out_;
  net::line_input input_;
  std::uint64_t lines_ = 0;  // read so far
  std::uint64_t next_ = 0;   // the next to print
  std::map<std::uint64_t, std::string> ready_;
  std::uint64_t answers_ = 0;
  std::uint64_t failures_ = 0;
  bool flush_posted_ = false;
  std::function<void()> changed_;
};

asio::awaitable<result<void>> query_lines(const calc_query_call& call, request_batch& lines) {
  auto done = co_await calc::query(call.query, lines);
  if (done) co_return done;
  // A signal ended it: do not read the rest of the input. (The cancellation state may have been reset.)
  if (net::is_cancelled(done.error().code)) co_return done;
  const auto rest = co_await lines.give_up(done.error());
  co_return rest ? done : rest;
}

}  // namespace

result<calc::request> to_request(std::span<const std::string_view> words, const calc_query_call& call,
                                 std::uint32_t id) {
  auto asked =
      calc::parse_words(words, call.send_anyway ? calc::unknown_operations::passed : calc::unknown_operations::refused);
  if (!asked) return asked;
  asked->id = id;
  if (call.send_anyway) return asked;
  if (const auto value = calc::evaluate(*asked); !value)
    return fail(errc::bad_data, fmt::format("{} has no answer: {}", calc::to_line(*asked), calc::reason(value.error())),
                "--send-anyway sends it");
  return asked;
}

exit_status run_single(const calc_query_call& call, console& out) {
  asio::io_context loop{1};
  const auto reply = net::run_client(loop, calc::query_one(call.query, *call.single), call.max_time);
  if (!reply) {
    if (out.wants_json())
      out.json(outcome_to_json({0, *call.single, unexpected(reply.error()), duration(0)}, {}, call.query.protocol));
    return out.refuse(reply.error());
  }
  const auto& [answer, where] = *reply;
  out.detail(fmt::format("{} {} -> {}, {}", net::name_of(call.query.protocol), where.local, where.remote,
                         to_string(answer.elapsed)));
  if (out.wants_json())
    out.json(outcome_to_json(answer, where, call.query.protocol));
  else if (answer.value)
    out.line(fmt::format("{}", *answer.value));
  return answer.value ? exit_status::done : out.refuse(answer.value.error());
}

exit_status run_batch(const calc_query_call& call, console& out) {
  asio::io_context loop{1};
  request_batch lines(loop, call, out);
  const auto done = net::run_client(loop, query_lines(call, lines), call.max_time);
  if (!done) {
    const exit_status status = status_of(done.error());
    const bool is_late = done.error().code == errc::timed_out;
    const bool by_signal = status == exit_status::interrupted || status == exit_status::terminated;
    if (by_signal)
      lines.print_what_is_there(done.error());
    else
      lines.give_up_now(done.error());
    out.error(done.error());
    return by_signal || is_late || lines.answers() == 0 ? status : exit_status::partly_done;
  }
  if (lines.input_error())
    return out.refuse({make_error_code(errc::no_input), "read stdin", message_of(lines.input_error()), {}});
  return lines.failures() == 0 ? exit_status::done : exit_status::partly_done;
}

}  // namespace netlab::app
