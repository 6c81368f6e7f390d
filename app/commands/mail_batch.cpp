// SPDX-License-Identifier: MIT
// netlab mail send --batch: reads a message per line of JSON, prints a result per line in the same order.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "commands/mail_send.hpp"
#include "frame/json_input.hpp"
#include "net/fd.hpp"
#include "net/line_input.hpp"

namespace netlab::app {
namespace {

using nlohmann::json;

unexpected<failure> bad(std::string detail) { return fail(errc::bad_data, std::move(detail)); }

result<std::string> text_in(const json& value, std::string_view key) {
  if (!value.is_string()) return bad(fmt::format("'{}' is not a string", key));
  return value.get<std::string>();
}

result<std::vector<std::string>> texts_in(const json& value, std::string_view key) {
  std::vector<std::string> all;
  if (value.is_string()) {
    all.push_back(value.get<std::string>());
    return all;
  }
  if (!value.is_array()) return bad(fmt::format("'{}' is neither a string nor a list", key));
  for (const json& each : value) {
    if (!each.is_string()) return bad(fmt::format("'{}' contains an element that is not a string", key));
    all.push_back(each.get<std::string>());
  }
  return all;
}

result<std::vector<std::pair<std::string, std::string>>> headers_in(const json& value) {
  std::vector<std::pair<std::string, std::string>> all;
  if (value.is_object()) {
    for (const auto& [name, content] : value.items()) {
      if (!content.is_string()) return bad(fmt::format("header '{}' is not a string", escape(name, 60)));
      all.emplace_back(name, content.get<std::string>());
    }
    return all;
  }
  auto lines = texts_in(value, "headers");
  if (!lines) return unexpected(lines.error());
  for (const std::string& line : *lines) {
    auto field = parse_header(line);
    if (!field) return unexpected(field.error());
    all.push_back(std::move(*field));
  }
  return all;
}

result<void> take_field(message_fields& into, const std::string& key, const json& value) {
  const auto text = [&](auto& field) -> result<void> {
    auto got = text_in(value, key);
    if (!got) return unexpected(got.error());
    field = std::move(*got);
    return {};
  };
  const auto sender = [&](auto parse, auto& field) -> result<void> {
    const auto got = text_in(value, key);
    if (!got) return unexpected(got.error());
    auto parsed = parse(*got);
    if (!parsed) return unexpected(about(key, *got, std::move(parsed.error())));
    field = *std::move(parsed);
    return {};
  };
  const auto recipients = [&](std::vector<mail::mailbox>& field) -> result<void> {
    const auto got = texts_in(value, key);
    if (!got) return unexpected(got.error());
    field.clear();
    for (const std::string& each : *got) {
      auto parsed = parse_recipients(each);
      if (!parsed) return unexpected(about(key, each, std::move(parsed.error())));
      std::ranges::move(*parsed, std::back_inserter(field));
    }
    return {};
  };
  if (key == "from") return sender(mail::parse_mailbox, into.from);
  if (key == "envelope_from") return sender(parse_envelope_sender, into.envelope_from);
  if (key == "subject") return text(into.subject);
  if (key == "body") return text(into.text);
  if (key == "html") return text(into.html);
  if (key == "to") return recipients(into.to);
  if (key == "cc") return recipients(into.cc);
  if (key == "bcc") return recipients(into.bcc);
  if (key == "headers") {
    auto got = headers_in(value);
    if (!got) return unexpected(got.error());
    into.headers = std::move(*got);
    return {};
  }
  if (key == "attach") {
    const auto files = texts_in(value, key);
    if (!files) return unexpected(files.error());
    into.attachments.clear();
    for (const std::string& file : *files) {
      auto opened = open_attachment(file);
      if (!opened) return unexpected(opened.error());
      into.attachments.push_back(std::move(*opened));
    }
    return {};
  }
  return fail(errc::bad_data, fmt::format("unknown key '{}'", escape(key, 60)),
              "to, cc, bcc, from, envelope_from, subject, body, html, attach, headers");
}

result<mail::submission> to_submission(const std::string& line, const message_fields& defaults) {
  const auto object = parse_json(line);
  if (!object) return unexpected(object.error());
  if (!object->is_object()) return bad("not a JSON object");
  message_fields fields = defaults;
  // Names in a line replace those in the options.
  for (const auto& [key, value] : object->items())
    if (auto taken = take_field(fields, key, value); !taken) return unexpected(taken.error());
  if (!fields.text && !fields.html && fields.attachments.empty()) fields.text = "";
  auto made = prepare(std::move(fields));
  if (!made && made.error().code == errc::usage) made.error().code = make_error_code(errc::bad_data);
  return made;
}

bool lacks_descriptors(const failure& why) {
  return why.code == std::errc::too_many_files_open || why.code == std::errc::too_many_files_open_in_system;
}

class submission_batch final : public mail::submission_source {
 public:
  submission_batch(asio::io_context& loop, int fd, std::uint64_t size, const mail_call& call, console& out)
      : loop_(loop),
        defaults_(call.message),
        part_(call.part),
        out_(out),
        input_(loop, fd, max_line),
        size_(size),
        began_(clock::now()),
        flush_timer_(loop) {}

  std::optional<mail::submission> take() override {
    for (std::size_t bad_lines = 0; !is_stopped() && taken_.size() < max_waiting; ++bad_lines) {
      if (bad_lines == max_bad_at_once) {  // let signals and answers be handled first
        asio::post(loop_, [this] {
          if (changed_) changed_();
        });
        return std::nullopt;
      }
      auto line = next_line();
      if (!line) return std::nullopt;
      if (is_blank(*line)) continue;
      auto made = understand(*line);
      if (!made && lacks_descriptors(made.error()) && under_way_ > 0) {
        held_ = std::move(line);  // until a message in progress has closed its attachments
        return std::nullopt;
      }
      const std::uint64_t tag = remember(*line, made);
      if (made) {
        made->tag = tag;
        return std::move(*made);
      }
      report({.tag = tag, .message_id = {}, .refused = {}, .outcome = unexpected(made.error())});
    }
    return std::nullopt;
  }

  [[nodiscard]] bool finished() const override { return is_stopped() || (!held_ && input_.finished()); }
  void on_change(std::function<void()> callback) override {
    changed_ = callback;
    input_.on_change(std::move(callback));
  }

  void report(const mail::delivery& delivery) {
    print_failures(delivery, fmt::format("message {}", taken_message(delivery.tag).line), out_);
    add_result(delivery);
    print_ready();
  }

  /// Sets this result for every message without one: those in progress, and all remaining ones in a file. The rest of a
  /// pipe is not read, because it might never end.
  void give_up(const failure& why) {
    const auto give_up_one = [&](std::uint64_t tag, const failure& reason) {
      add_result({.tag = tag, .message_id = {}, .refused = {}, .outcome = unexpected(reason)});
    };
    for (std::uint64_t tag = next_; tag < next_ + taken_.size(); ++tag)
      if (!taken_message(tag).result) give_up_one(tag, why);
    print_ready();
    if (size_ == 0) return;
    while (const auto line = next_line()) {
      if (is_blank(*line)) continue;
      const auto made = understand(*line);
      give_up_one(remember(*line, made), made ? why : made.error());
      print_ready();
    }
  }

  [[nodiscard]] exit_status status() const {
    return first_bad_ == exit_status::done || sent_ == 0 ? first_bad_ : exit_status::partly_done;
  }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  void print_totals() const {
    out_.note(fmt::format("{} sent, {} not sent{}, in {}{}", count_of(sent_, "message"), failed_,
                          unknown_ > 0 ? fmt::format(", {} unknown", unknown_) : "", to_string(clock::now() - began_),
                          finished() ? "" : "; the rest of the input was not read"));
  }
  [[nodiscard]] std::error_code input_error() const { return input_.error(); }

 private:
  static constexpr std::size_t max_line = 64 * 1024 * 1024;
  static constexpr std::size_t max_bad_at_once = 256;
  static constexpr std::uint64_t max_waiting = 16 * 1024;  // results that wait for an earlier one

  struct numbered_line : net::line_input::line {
    std::uint64_t number = 0;  // line number in the input, from 1
  };

  /// A message that was read and whose result was not printed yet.
  struct message {
    std::uint64_t line = 0;
    std::string sender;
    std::vector<std::string> recipients;
    std::optional<std::string> result;  // waits for the results of earlier messages
  };

  /// Whether results cannot be written, so that nothing more is sent. A closed pipe (EPIPE) does not count.
  [[nodiscard]] bool is_stopped() const { return out_.output_lost() && out_.output_error() != std::errc::broken_pipe; }

  std::optional<numbered_line> next_line() {
    if (held_) return std::exchange(held_, std::nullopt);
    while (auto line = input_.take()) {
      taken_octets_ += line->text.size() + 1;
      if (part_.has(lines_++)) return numbered_line{std::move(*line), lines_};
    }
    return std::nullopt;
  }

  /// A blank line, between messages or at the end.
  [[nodiscard]] static bool is_blank(const numbered_line& line) { return !line.too_long && trim(line.text).empty(); }

  [[nodiscard]] result<mail::submission> understand(const numbered_line& line) const {
    if (line.too_long) return bad(fmt::format("longer than {}", count_of(max_line, "octet")));
    return to_submission(line.text, defaults_);
  }

  [[nodiscard]] message& taken_message(std::uint64_t tag) { return taken_[tag - next_]; }

  /// Adds the message to the queue of pending results; returns its tag.
  std::uint64_t remember(const numbered_line& line, const result<mail::submission>& made) {
    message& added = taken_.emplace_back(message{.line = line.number, .sender = {}, .recipients = {}, .result = {}});
    ++under_way_;
    if (made && out_.wants_json()) {
      added.sender = made->sender ? made->sender->to_string() : "";
      for (const mail::address& each : made->recipients) added.recipients.push_back(each.to_string());
    }
    return next_ + taken_.size() - 1;
  }

  /// Counts the result of a message; print_ready() prints it.
  void add_result(const mail::delivery& delivery) {
    message& reported = taken_message(delivery.tag);
    --under_way_;
    auto [text, status] = in_words(delivery);
    if (delivery.outcome)
      ++sent_;
    else if (delivery.outcome.error().code == errc::outcome_unknown)
      ++unknown_;
    else
      ++failed_;
    if (status != exit_status::done && first_bad_ == exit_status::done) first_bad_ = status;
    if (out_.wants_json()) {
      nlohmann::ordered_json object{{"message", reported.line}};
      object.update(to_json(delivery, reported.sender, reported.recipients));
      text = to_line(object);
    }
    reported.sender.clear();
    reported.recipients.clear();
    reported.result = std::move(text);
  }

  /// Prints the results for which no earlier result is missing.
  void print_ready() {
    for (; !taken_.empty() && taken_.front().result; taken_.pop_front(), ++next_) out_.line(*taken_.front().result);
    if (std::exchange(flush_due_, true)) return;
    // Write results in groups; a delay of 5 ms does not matter.
    flush_timer_.expires_after(std::chrono::milliseconds(5));
    flush_timer_.async_wait([this](std::error_code error) {
      if (error) return;
      flush_due_ = false;
      out_.flush();
      show_progress();
    });
  }

  void show_progress() {
    const time_point now = clock::now();
    if (!out_.shows_progress() || now < drawn_ + std::chrono::milliseconds(100)) return;
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - began_).count();
    std::string text = fmt::format("{} sent, {} not sent, {:.0f} a second", sent_, failed_ + unknown_,
                                   seconds > 0 ? static_cast<double>(sent_ + failed_ + unknown_) / seconds : 0);
    if (size_ > 0) {
      constexpr std::size_t width = 30;
      const double part = std::min(1.0, static_cast<double>(taken_octets_) / static_cast<double>(size_));
      const auto full = static_cast<std::size_t>(part * width);
      text =
          fmt::format("[{}{}] {:3.0f} %  {}", std::string(full, '#'), std::string(width - full, '.'), part * 100, text);
    }
    out_.progress(text);
  }

  asio::io_context& loop_;
  const message_fields& defaults_;
  scan::shard part_;
  console& out_;
  net::line_input input_;
  std::optional<numbered_line> held_;
  std::uint64_t size_;  // octets of the input, if known
  std::uint64_t taken_octets_ = 0;
  std::uint64_t lines_ = 0;  // input lines read so far
  std::deque<message> taken_;  // in order
  std::uint64_t next_ = 0;  // tag of the first message in taken_
  std::uint64_t under_way_ = 0;  // messages in taken_ without a result
  std::uint64_t sent_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t unknown_ = 0;
  exit_status first_bad_ = exit_status::done;
  time_point began_;
  time_point drawn_{};
  asio::steady_timer flush_timer_;
  bool flush_due_ = false;
  std::function<void()> changed_;
};

}  // namespace

exit_status send_batch(mail_call& call, console& out) {
  out.has_effects();
  net::raise_descriptor_limit();  // each attachment of a message in progress needs one
  if (auto loaded = load_files(call); !loaded) return out.refuse(loaded.error());
  net::unique_fd file;
  int fd = STDIN_FILENO;
  if (call.batch != "-") {
    file = net::unique_fd(::open(call.batch.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
      return out.refuse({make_error_code(errc::no_input),
                         fmt::format("batch '{}'", escape(call.batch, 200)),
                         message_of(last_system_error()),
                         {}});
    fd = file.get();
  }
  struct stat about{};
  const bool has_size = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);

  asio::io_context loop{1};
  submission_batch lines(loop, fd, has_size ? static_cast<std::uint64_t>(about.st_size) : 0, call, out);
  const auto done =
      run_sending(call, lines, loop, [&lines](const mail::delivery& delivery) { lines.report(delivery); }, out);
  out.progress({});
  if (!done) {
    const bool by_signal = done.error().code == errc::interrupted || done.error().code == errc::terminated;
    lines.give_up(done.error());
    out.flush();
    const exit_status status = out.refuse(done.error());
    lines.print_totals();
    return by_signal || lines.sent() == 0 ? status : exit_status::partly_done;
  }
  if (lines.input_error()) {
    const exit_status status =
        out.refuse({make_error_code(errc::no_input),
                    fmt::format("read {}", call.batch == "-" ? "stdin" : escape(call.batch, 200)),
                    message_of(lines.input_error()),
                    {}});
    lines.print_totals();
    return status;
  }
  lines.print_totals();
  return lines.status();
}

}  // namespace netlab::app
