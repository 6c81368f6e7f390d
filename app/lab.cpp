// SPDX-License-Identifier: MIT
// netlab lab: the exercises.
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli.hpp"
#include "console.hpp"
#include "help.hpp"
#include "lab/tour.hpp"
#include "net/run.hpp"

namespace netlab::app {
namespace {

class text_narrator final : public lab::narrator {
 public:
  explicit text_narrator(console& out) : out_(out) {}

  void chapter(int number, std::string_view title) override {
    if (chapter_ != 0) out_.line("");
    chapter_ = number;
    step_ = 0;
    out_.line(fmt::format("{}{}", std::exchange(is_first_, false) ? "" : "\n",
                          out_.bold(fmt::format("Chapter {}: {}", number, title))));
  }
  void step(std::string_view title) override {
    out_.line(fmt::format("\n{}", out_.bold(fmt::format("{}.{} {}", chapter_, ++step_, title))));
    out_.flush();
  }
  void say(std::string_view text) override {
    if (!out_.is_quiet()) out_.line(fill(text, help_width, 2));
  }
  void show(std::string_view line) override { out_.line(fmt::format("      {}", line)); }
  void check(std::string_view observation, bool held) override {
    out_.line(fill(fmt::format("[{}] {}", held ? "ok" : "FAILED", observation), help_width, 2));
    out_.flush();
  }

 private:
  console& out_;
  bool is_first_ = true;
  int chapter_ = 0;
  int step_ = 0;
};

class json_narrator final : public lab::narrator {
 public:
  explicit json_narrator(console& out) : out_(out) {}
  void chapter(int number, std::string_view title) override {
    chapter_ = number;
    step_ = 0;
    out_.json({{"chapter", number}, {"title", title}});
  }
  void step(std::string_view title) override {
    ++step_;
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
  console& out_;
  int chapter_ = 0;
  int step_ = 0;
  std::string title_;
  nlohmann::ordered_json shown_;
};

exit_status tour(arguments& args, console& out) {
  std::optional<int> only;
  if (args.has("chapter")) only = static_cast<int>(args.number("chapter", 1, lab::tour_chapters));
  args.refuse_positionals();
  if (args.error()) return out.refuse(*args.error());
  asio::io_context loop{1};
  text_narrator text(out);
  json_narrator json(out);
  lab::narrator& tell = out.wants_json() ? static_cast<lab::narrator&>(json) : text;
  const auto held = net::run_client(loop, lab::tour(tell, only));
  if (!held) return out.refuse(held.error());
  if (!held->all_held)
    return out.refuse({make_error_code(errc::partly_done),
                       {},
                       "not every observation was what it should be",
                       "see the lines marked FAILED"});
  if (!out.wants_json() && !out.is_quiet()) out.line("\nEvery observation held.");
  return exit_status::done;
}

constexpr std::array tour_options{
    option{.name = "chapter",
           .argument = "N",
           .help = "only this one: 1 the calculation server, 2 the port scan, 3 mail",
           .choices = "1 2 3"},
};

constexpr std::array tour_examples{
    example{"netlab lab tour", "the exercises as prose, with what was observed"},
    example{"netlab lab tour --chapter 2", "only the port scan"},
    example{"netlab lab tour --quiet", "all of them, without the explanations"},
};

using enum exit_status;
constexpr std::array tour_statuses{done,         partly_done,   usage,         unavailable, internal,  system,
                                   input_output, not_permitted, configuration, interrupted, terminated};

constexpr std::array actions{
    action{.path = "lab tour",
           .summary = "do the lab's exercises against a lab of its own, explained",
           .description = "Starts the lab's services on free ports of the loopback address, in its own process, and "
                          "walks through the exercises: what is done, the octets, what to notice. Each observation is "
                          "checked; the exit status is 0 only if every one is what it should be.",
           .options = tour_options,
           .examples = tour_examples,
           .statuses = tour_statuses,
           .run = tour},
};

}  // namespace

const command lab_command{.name = "lab", .summary = "the lab's exercises, explained", .actions = actions};

}  // namespace netlab::app
