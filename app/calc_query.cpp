// SPDX-License-Identifier: MIT
#include "calc_query.hpp"

#include <unistd.h>

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "calc/evaluate.hpp"
#include "calc/text_line.hpp"
#include "net/line_input.hpp"
#include "net/run.hpp"

namespace netlab::app {
namespace {

nlohmann::ordered_json to_json(const calc::request& asked) {
  return {{"id", asked.id}, {"op", escape(asked.op)}, {"numbers", asked.numbers}};
}

nlohmann::ordered_json to_json(const calc::outcome& one, const calc::ends& where, net::transport protocol) {
  nlohmann::ordered_json object = to_json(one.asked);
  object["result"] = one.value ? nlohmann::ordered_json(*one.value) : nlohmann::ordered_json(nullptr);
  if (!one.value) object["error"] = describe(one.value.error());
  object["proto"] = net::name_of(protocol);
  object["local"] = where.local;
  object["remote"] = where.remote;
  object["rtt_us"] = std::chrono::duration_cast<std::chrono::microseconds>(one.elapsed).count();
  return object;
}

/// Requests a line of stdin, and their results a line of stdout in the same order.
class batch final : public calc::request_source {
 public:
  batch(asio::io_context& loop, const query_call& call, console& out)
      : loop_(loop), call_(call), out_(out), input_(loop, STDIN_FILENO, max_line) {}

  std::optional<item> take() override {
    while (!out_.output_lost()) {
      auto line = input_.take();
      if (!line) return std::nullopt;
      const std::uint64_t tag = lines_++;
      auto asked = to_request(*line, tag);
      if (asked) return item{tag, std::move(*asked)};
      nlohmann::ordered_json object{{"id", id_of(tag)},
                                    {"line", escape(line->text, 200)},
                                    {"result", nullptr},
                                    {"error", describe(asked.error())}};
      unanswered(tag, asked.error(), std::move(object));
    }
    return std::nullopt;
  }

  [[nodiscard]] bool finished() const override { return out_.output_lost() || input_.finished(); }
  void on_change(std::function<void()> callback) override { input_.on_change(std::move(callback)); }

  void report(const calc::outcome& one, const calc::ends& where) {
    if (!one.value) return unanswered(one.tag, one.value.error(), to_json(one, where, call_.how.protocol));
    ++answers_;
    out_.detail(fmt::format("line {}: {} {} -> {}, {}", one.tag + 1, net::name_of(call_.how.protocol), where.local,
                            where.remote, to_string(one.elapsed)));
    release(one.tag, out_.wants_json() ? dump(to_json(one, where, call_.how.protocol)) : fmt::format("{}", *one.value));
  }

  /// After the last outcome: every line that was taken and has none, or was never taken, gets its `-`.
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
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return unexpected(std::move(why));
    }
    input_.on_change({});
    co_return result<void>();
  }

  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
  [[nodiscard]] std::error_code input_error() const { return input_.error(); }

 private:
  static constexpr std::size_t max_line = 64 * 1024;

  [[nodiscard]] std::uint32_t id_of(std::uint64_t tag) const { return call_.id + static_cast<std::uint32_t>(tag); }

  [[nodiscard]] result<calc::request> to_request(const net::line_input::line& line, std::uint64_t tag) const {
    if (line.too_long) return fail(errc::bad_data, fmt::format("longer than {}", count_of(max_line, "octet")));
    return app::to_request(words(trim(line.text)), call_, id_of(tag));
  }

  static std::string dump(const nlohmann::ordered_json& object) {
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }

  [[nodiscard]] std::string nothing(std::uint64_t tag, const failure& why) const {
    if (!out_.wants_json()) return "-";
    return dump({{"id", id_of(tag)}, {"result", nullptr}, {"error", describe(why)}});
  }

  void unanswered(std::uint64_t tag, failure why, nlohmann::ordered_json object) {
    ++failures_;
    why.context =
        why.context.empty() ? fmt::format("line {}", tag + 1) : fmt::format("line {}: {}", tag + 1, why.context);
    out_.error(why);
    release(tag, out_.wants_json() ? dump(object) : std::string("-"));
  }

  // Prints what has its turn. Answers that come together are written together.
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
  const query_call& call_;
  console& out_;
  net::line_input input_;
  std::uint64_t lines_ = 0;  // taken
  std::uint64_t next_ = 0;   // to be printed
  std::map<std::uint64_t, std::string> ready_;
  std::uint64_t answers_ = 0;
  std::uint64_t failures_ = 0;
  bool flush_posted_ = false;
};

asio::awaitable<result<void>> query_lines(const query_call& call, batch& lines) {
  auto done = co_await calc::query(
      call.how, lines, [&](const calc::outcome& one, const calc::ends& where) { lines.report(one, where); });
  if (done) co_return done;
  // A signal has ended it: nobody waits for the rest of the input. (The cancellation state may have been reset.)
  if (done.error().code == std::errc::operation_canceled) co_return done;
  const auto rest = co_await lines.give_up(done.error());
  co_return rest ? done : rest;
}

}  // namespace

result<calc::request> to_request(std::span<const std::string_view> words, const query_call& call, std::uint32_t id) {
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

exit_status run_single(const query_call& call, console& out) {
  asio::io_context loop{1};
  const auto reply = net::run_client(loop, calc::query_one(call.how, *call.single));
  if (!reply) return out.refuse(reply.error());
  const auto& [what, where] = *reply;
  out.detail(fmt::format("{} {} -> {}, {}", net::name_of(call.how.protocol), where.local, where.remote,
                         to_string(what.elapsed)));
  if (!what.value) return out.refuse(what.value.error());
  if (out.wants_json())
    out.json(to_json(what, where, call.how.protocol));
  else
    out.line(fmt::format("{}", *what.value));
  return exit_status::done;
}

exit_status run_batch(const query_call& call, console& out) {
  asio::io_context loop{1};
  batch lines(loop, call, out);
  const auto done = net::run_client(loop, query_lines(call, lines));
  if (!done) {
    const exit_status status = out.refuse(done.error());
    if (lines.answers() == 0 || status == exit_status::interrupted || status == exit_status::terminated) return status;
    return exit_status::partly_done;
  }
  if (lines.input_error())
    return out.refuse({make_error_code(errc::no_input), "read stdin", message_of(lines.input_error()), {}});
  return lines.failures() == 0 ? exit_status::done : exit_status::partly_done;
}

}  // namespace netlab::app
