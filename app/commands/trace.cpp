// SPDX-License-Identifier: MIT
// netlab trace: which call sent which packet.
#include <array>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "commands/trace_step.hpp"
#include "frame/cli.hpp"
#include "frame/command.hpp"
#include "frame/console.hpp"
#include "frame/report_output.hpp"
#include "trace/io/capture.hpp"
#include "trace/io/session.hpp"
#include "trace/report/pcapng.hpp"
#include "trace/report/reports.hpp"

namespace netlab::app {
namespace {

constexpr std::array trace_options{
    option{
        .name = "html", .argument = "FILE", .help = "write a ladder diagram to this file: one HTML page for a browser"},
    option{.name = "output",
           .letter = 'o',
           .argument = "FILE",
           .help = "write the packets to this file, for Wireshark (pcapng): each packet has its calls as a comment; "
                   "the file contains TLS secrets"},
    option{.name = "own-network",
           .help = "run the command in its own network namespace, where capturing needs no privilege; it has only the "
                   "loopback interface"},
    option{
        .name = "step",
        .help =
            "stop before each call on a socket, show the call and the sockets, and wait for a key; needs a terminal"},
    option{.name = "wait", .help = "wait for background processes of the command, however long they stay idle"},
};

// How long an event is held back for later links to it. People want to see events at once; programs and files need all
// links.
constexpr trace::wall_time text_hold = std::chrono::milliseconds(250);
constexpr trace::wall_time longest_hold = std::chrono::hours(24 * 365);

/// The exit statuses for a command that could not be started, as in env(1) and nohup(1).
constexpr int command_not_found = 127;
constexpr int command_not_executable = 126;
constexpr int signal_base = 128;

struct trace_request {
  trace::session_options session;
  std::string capture_file;
  std::string html_file;
  bool steps = false;
  bool takes_stdout = false;  // a file is written to stdout, so nothing else may be
};

trace_request parse_trace(arguments& args) {
  trace_request made;
  made.session.command = args.positionals();
  made.session.own_network = args.flag("own-network");
  made.session.output_to_stderr = args.flag("json");
  made.session.wait_for_all = args.flag("wait");
  made.capture_file = args.text("output");
  made.html_file = args.text("html");
  made.session.whole_packets = !made.capture_file.empty();
  made.steps = args.flag("step");
  made.takes_stdout = made.capture_file == "-" || made.html_file == "-";
  if (made.takes_stdout && (args.flag("json") || made.capture_file == made.html_file))
    args.refuse({make_error_code(errc::usage), {}, "stdout can hold only one of the outputs", {}});
  if (made.steps && (made.takes_stdout || args.flag("json")))
    args.refuse({make_error_code(errc::usage), {}, "--step needs stdout for its timeline", {}});
  if (made.takes_stdout) made.session.output_to_stderr = true;
  if (made.session.command.empty())
    args.refuse(
        {make_error_code(errc::usage), {}, "the command to trace is missing", "netlab trace -- COMMAND ARGUMENT…"});
  return made;
}

exit_status refuse_start(const trace_request& parsed, const failure& why, console& out) {
  if (why.context != "start the program") return out.refuse(why);
  out.error({why.code, escape(parsed.session.command.front(), 60)});
  return static_cast<exit_status>(why.code == std::errc::no_such_file_or_directory ? command_not_found
                                                                                   : command_not_executable);
}

std::string escaped_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += fmt::format("{}{}", text.empty() ? "" : " ", escape(word, 200));
  return text;
}

/// The files of a trace. A full disk ends neither the trace nor the command; it is reported at the end.
class outputs {
 public:
  explicit outputs(console& out) : out_(out), capture_(out), html_(out) {}

  result<void> open(const trace_request& parsed) {
    if (!parsed.capture_file.empty())
      if (auto opened = capture_.open(parsed.capture_file); !opened) return opened;
    if (!parsed.html_file.empty())
      if (auto opened = html_.open(parsed.html_file); !opened) return opened;
    return {};
  }

  void add_reports(const trace_request& parsed, trace::timeline& into, const trace::secrets_source& secrets) {
    const bool has_files = !parsed.capture_file.empty() || !parsed.html_file.empty();
    if (out_.wants_json())
      into.add_report(trace::make_json_report([this](std::string_view text) { out_.raw(text); }), longest_hold);
    else if (!parsed.takes_stdout && (!out_.is_quiet() || !has_files))
      into.add_report(
          trace::make_text_report({.details = out_.is_verbose()}, [this](std::string_view text) { out_.raw(text); }),
          parsed.steps ? trace::wall_time{} : text_hold);
    if (!parsed.capture_file.empty())
      into.add_report(trace::make_pcapng_report({.application = "netlab " NETLAB_VERSION,
                                                 .name_of_interface = trace::name_of_interface,
                                                 .take_secrets = [&secrets] { return secrets(); }},
                                                [this](std::string_view text) { capture_.write(text); }),
                      longest_hold);
    if (!parsed.html_file.empty())
      into.add_report(trace::make_ladder_report("netlab trace -- " + escaped_words(parsed.session.command),
                                                [this](std::string_view text) { html_.write(text); }),
                      longest_hold);
  }

  void flush() { out_.flush(); }

  /// Fails if a file could not be written; if both could not, the error of the second is printed here.
  result<void> close() {
    auto first = capture_.close();
    auto second = html_.close();
    if (first) return second;
    if (!second) out_.error(second.error());
    return first;
  }

 private:
  console& out_;
  report_output capture_;
  report_output html_;
};

exit_status run_trace(arguments& args, console& out) {
  const trace_request parsed = parse_trace(args);
  if (args.error()) return out.refuse(*args.error());
  out.has_effects();  // the command's status is returned even if the reader of the trace has gone
  outputs files(out);
  if (const auto opened = files.open(parsed); !opened) return out.refuse(opened.error());
  trace::timeline into;
  trace::secrets_source secrets = [] { return std::string(); };
  files.add_reports(parsed, into, secrets);
  std::optional<stepper> steps;
  if (parsed.steps) {
    auto opened = stepper::open(out, !parsed.session.own_network);
    if (!opened) return out.refuse(opened.error());
    steps = *std::move(opened);
  }
  std::function<bool(const trace::call&)> before;
  if (steps) before = [&](const trace::call& next) { return steps->ask(next, into); };
  const auto ended = trace::run_session(parsed.session, into,
                                        {.note = [&out](std::string_view text) { out.note(text); },
                                         .before = before,
                                         .flush = [&files] { files.flush(); }},
                                        secrets);
  if (!ended) return refuse_start(parsed, ended.error(), out);
  if (const auto closed = files.close(); !closed) return out.refuse(closed.error());
  return static_cast<exit_status>(ended->by_signal ? signal_base + ended->number : ended->number);
}

constexpr std::array trace_examples{
    example{"netlab trace -- netlab calc query sum 1 2 3", "the calls and packets of one request"},
    example{"netlab trace --html lab.html -o lab.pcapng -- python3 client.py",
            "a ladder diagram, and a file for Wireshark"},
    example{"netlab trace --own-network -- sh -c 'python3 server.py & python3 client.py'",
            "client and server together, without privilege"},
};

using enum exit_status;
constexpr std::array trace_statuses{usage, internal, system, cannot_create, input_output, not_permitted, configuration};

constexpr std::array trace_actions{
    action{.path = "trace",
           .summary = "show which call of a program sent which packet",
           .operands = "-- COMMAND [ARGUMENT...]",
           .description = "Runs a command and records the socket calls of the command and all its descendants, and the "
                          "packets of these sockets. For each packet it names the call that sent it, or the reason why "
                          "the kernel did; for each call that waited, the packet that completed it.\n\n"
                          "Capturing "
                          "packets needs CAP_NET_RAW or --own-network; without either, only the calls are shown. The "
                          "command keeps its standard streams; with --json its standard output goes to stderr.\n\n"
                          "The "
                          "exit status is that of the command, or 128 plus the signal's number if a signal ended it.",
           .options = trace_options,
           .examples = trace_examples,
           .statuses = trace_statuses,
           .run = run_trace},
};

}  // namespace

const command trace_command{
    .name = "trace", .summary = "which call of a program sent which packet", .actions = trace_actions};

}  // namespace netlab::app
