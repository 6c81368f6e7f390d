// SPDX-License-Identifier: MIT
// netlab lab: the lab's services and its exercises.
#include <array>
#include <csignal>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "commands/lab_serve.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/help.hpp"
#include "frame/keyboard.hpp"
#include "frame/tables.hpp"
#include "lab/demo.hpp"
#include "lab/tour/tour.hpp"
#include "net/run_client.hpp"

namespace netlab::app {
namespace {

/// The common part of both narrators.
class console_narrator : public lab::narrator {
 public:
  console_narrator(console& out, bool pause) : out_(out), pause_(pause) {}

  void chapter(int number, std::string_view) override {
    chapter_ = number;
    step_ = 0;
  }
  asio::awaitable<result<bool>> next() override {
    out_.flush();
    if (!pause_) co_return true;
    auto wanted = co_await wait_for_key([&out = out_] {
      constexpr std::string_view prompt = "any key: continue   q: quit";
      if (out.shows_progress())
        out.progress(prompt);
      else
        out.note(prompt);
    });
    out_.progress({});
    co_return wanted;
  }
  void step(std::string_view) override { ++step_; }

 protected:
  console& out_;
  int chapter_ = 0;
  int step_ = 0;

 private:
  bool pause_;
};

class text_narrator final : public console_narrator {
 public:
  using console_narrator::console_narrator;

  void chapter(int number, std::string_view title) override {
    if (chapter_ != 0) out_.line("\n");
    console_narrator::chapter(number, title);
    out_.line(out_.bold(fmt::format("Chapter {}: {}", number, title)));
  }
  void step(std::string_view title) override {
    console_narrator::step(title);
    out_.line(fmt::format("\n{}", out_.bold(fmt::format("{}.{} {}", chapter_, step_, title))));
    out_.flush();
  }
  void say(std::string_view text) override {
    if (!out_.is_quiet()) out_.line(fill(text, help_width, 2));
  }
  void show(std::string_view line) override { out_.line(line.empty() ? std::string() : fmt::format("      {}", line)); }
  void check(std::string_view observation, bool held) override {
    out_.line(fill(fmt::format("[{}] {}", held ? "ok" : "FAILED", observation), help_width, 2));
    out_.flush();
  }
};

class json_narrator final : public console_narrator {
 public:
  using console_narrator::console_narrator;

  void chapter(int number, std::string_view title) override {
    console_narrator::chapter(number, title);
    out_.json({{"chapter", number}, {"title", title}});
  }
  void step(std::string_view title) override {
    console_narrator::step(title);
    title_ = title;
    shown_ = nlohmann::ordered_json::array();
  }
  void say(std::string_view) override {}
  void show(std::string_view line) override { shown_.push_back(line); }
  void check(std::string_view observation, bool held) override {
    out_.json({{"chapter", chapter_},
               {"step", step_},
               {"title", title_},
               {"shown", shown_},
               {"observation", observation},
               {"held", held}});
    out_.flush();
  }

 private:
  std::string title_;
  nlohmann::ordered_json shown_;
};

/// This program's own file, whatever name it was started by. In a child process it is the same file.
constexpr const char* own_program = "/proc/self/exe";

/// Lists the titles without running anything.
void list(std::optional<int> only, console& out) {
  for (int number = 1; const lab::chapter& one : lab::chapters()) {
    const int chapter = number++;
    if (only && *only != chapter) continue;
    if (out.wants_json())
      out.json({{"chapter", chapter}, {"title", one.title}});
    else
      out.line(out.bold(fmt::format("Chapter {}: {}", chapter, one.title)));
    for (int step = 1; const std::string_view title : one.steps()) {
      if (out.wants_json())
        out.json({{"chapter", chapter}, {"step", step}, {"title", title}});
      else
        out.line(fmt::format("  {}.{} {}", chapter, step, title));
      ++step;
    }
  }
}

exit_status tour(arguments& args, console& out) {
  std::optional<int> only;
  if (args.has("chapter")) only = static_cast<int>(args.number("chapter", 1, lab::tour_chapters));
  args.exclude("list", "pause");
  const bool pause = args.flag("pause");
  // If set in the environment or the configuration file, it applies only to tours on a terminal.
  if (pause && args.is_typed("pause") && !has_keyboard())
    args.refuse({make_error_code(errc::usage), {}, "--pause waits for a key, but stdin is not a terminal", {}});
  args.refuse_positionals();
  if (args.error()) return out.refuse(*args.error());
  if (args.flag("list")) {
    list(only, out);
    return exit_status::done;
  }
  asio::io_context loop{1};
  const bool waits = pause && has_keyboard();
  text_narrator text(out, waits);
  json_narrator json_lines(out, waits);
  lab::narrator& narrator = out.wants_json() ? static_cast<lab::narrator&>(json_lines) : text;
  // The tour's directory is removed, however the tour ends.
  const auto outcome = net::run_client(loop, lab::tour(narrator, only, own_program), duration(0), {SIGHUP, SIGQUIT});
  if (!outcome) return out.refuse(outcome.error());
  if (!outcome->all_held)
    return out.refuse({make_error_code(errc::partly_done),
                       {},
                       "some observations were not as expected",
                       "see the lines marked FAILED"});
  if (!out.wants_json() && !out.is_quiet())
    out.line(outcome->to_the_end ? "\nAll observations were as expected."
                                 : "\nAll observations so far were as expected.");
  return outcome->to_the_end ? exit_status::done : exit_status::partly_done;
}

exit_status demo(arguments& args, console& out) {
  const std::vector<std::string>& words = args.positionals();
  const auto which = words.size() == 1 ? lab::parse_demo(to_lower(words.front())) : std::nullopt;
  if (!which) args.refuse({make_error_code(errc::usage), {}, "which demonstration?", "netlab lab demo calc, or scan"});
  if (args.error()) return out.refuse(*args.error());
  const auto done = lab::run_demo(*which, [&out](std::string_view line) {
    if (out.wants_json())
      out.json({{"text", line}});
    else
      out.line(std::string(line));
  });
  return done ? exit_status::done : out.refuse(done.error());
}

constexpr std::array demo_examples{
    example{"netlab trace --own-network -- netlab lab demo calc", "its calls, its packets, and which belong together"},
    example{"netlab trace -o demo.pcapng -- netlab lab demo scan", "the same of open and closed ports, for Wireshark"},
    example{"netlab trace --step -- netlab lab demo calc", "call by call, at your own pace"},
};

constexpr std::array tour_options{
    option{.name = "chapter",
           .argument = "N",
           .help = "only this chapter: 1 the calculation server, 2 the port scan, 3 mail",
           .choices = "1 2 3"},
    option{.name = "list", .help = "only list the chapters and their steps"},
    option{.name = "pause", .help = "wait for a key before each step after the first; q or Ctrl-D ends the tour"},
};

constexpr std::array tour_examples{
    example{"netlab lab tour", "all exercises, explained, with what was observed"},
    example{"netlab lab tour --chapter 2", "only the port scan"},
    example{"netlab lab tour --pause", "step by step, at your own pace"},
    example{"netlab lab tour --quiet", "all exercises, without the explanations"},
};

using enum exit_status;
constexpr auto tour_statuses = usual_statuses_and(partly_done, unavailable, cannot_create, not_permitted);

constexpr std::array demo_statuses{done, usage, unavailable, internal, system, input_output, try_later, configuration};

const std::array lab_actions{
    action{.path = "lab demo",
           .summary = "a server and a client with plain blocking calls, to be traced",
           .operands = "calc | scan",
           .operand_choices = "calc scan",
           .description = "Two processes talk over the loopback address as the programs of the exercises do, each with "
                          "one blocking call after the other: something to look at with netlab trace, strace or "
                          "Wireshark. calc is a request over TCP and one over UDP; scan is an open and a closed port, "
                          "over TCP and over UDP.",
           .options = {},
           .examples = demo_examples,
           .statuses = demo_statuses,
           .run = demo},
    lab_serve,
    action{.path = "lab tour",
           .summary = "go through the lab's exercises step by step, with explanations",
           .description =
               "Starts the lab's services in its own process, on free ports of the loopback address, and goes through "
               "the exercises. Each step shows what is done, the octets that are sent and received, and what to "
               "notice. It checks each observation; the exit status is 0 only if all are as expected.",
           .options = tour_options,
           .examples = tour_examples,
           .statuses = tour_statuses,
           .run = tour},
};

}  // namespace

const command lab_command{
    .name = "lab", .summary = "the lab's services, and a guided tour of its exercises", .actions = lab_actions};

}  // namespace netlab::app
