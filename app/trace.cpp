// SPDX-License-Identifier: MIT
// netlab trace: which call sent which packet.
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli.hpp"
#include "command.hpp"
#include "console.hpp"
#include "trace/io/session.hpp"
#include "trace/report/reports.hpp"

namespace netlab::app {
namespace {

constexpr std::array options{
    option{.name = "own-network",
           .help = "run the command in a network namespace of its own, where capturing needs no privilege: it reaches "
                   "only itself, over the loopback interface"},
    option{.name = "wait", .help = "wait for background processes of the command, however long they stay idle"},
};

// Links to packets that come later are still made before an entry is told.
constexpr trace::wall_time text_hold = std::chrono::milliseconds(250);
constexpr trace::wall_time json_hold = std::chrono::seconds(2);

/// Of a command that a shell could not start, as env(1) and nohup(1) end.
constexpr int command_not_found = 127;
constexpr int command_not_executable = 126;
constexpr int signal_base = 128;

struct draft {
  trace::session_options session;
};

draft parse(arguments& args) {
  draft made;
  made.session.command = args.positionals();
  made.session.own_network = args.flag("own-network");
  made.session.wait_for_all = args.flag("wait");
  if (made.session.command.empty())
    args.refuse(
        {make_error_code(errc::usage), {}, "the command to trace is missing", "netlab trace -- COMMAND ARGUMENT…"});
  return made;
}

exit_status refuse_start(const draft& what, const failure& why, console& out) {
  if (why.context != "start the program") return out.refuse(why);
  out.error({why.code, escape(what.session.command.front(), 60)});
  return static_cast<exit_status>(why.code == std::errc::no_such_file_or_directory ? command_not_found
                                                                                   : command_not_executable);
}

exit_status run(arguments& args, console& out) {
  draft what = parse(args);
  if (args.error()) return out.refuse(*args.error());
  out.has_effects();  // the command's status is ours, whether or not somebody reads the trace to its end
  what.session.output_to_stderr = out.wants_json();
  trace::timeline into;
  const auto sink = [&out](std::string_view text) { out.raw(text); };
  if (out.wants_json())
    into.add_report(trace::make_json_report(sink), json_hold);
  else
    into.add_report(trace::make_text_report({.details = out.is_verbose()}, sink), text_hold);
  const auto ended =
      trace::run_session(what.session, into,
                         {.note = [&out](std::string_view text) { out.note(text); }, .flush = [&out] { out.flush(); }});
  if (!ended) return refuse_start(what, ended.error(), out);
  return static_cast<exit_status>(ended->by_signal ? signal_base + ended->number : ended->number);
}

// ---- the table ----

constexpr std::array examples{
    example{"netlab trace -- netlab calc query sum 1 2 3", "the calls and packets of one request"},
    example{"netlab trace --own-network -- sh -c 'python3 server.py & python3 client.py'",
            "both ends of a conversation, without privilege"},
};

using enum exit_status;
constexpr std::array statuses{usage, internal, system, input_output, not_permitted, configuration};

constexpr std::array actions{
    action{.path = "trace",
           .summary = "show which call of a program sent which packet, and which packet a call waited for",
           .operands = "-- COMMAND [ARGUMENT...]",
           .description =
               "Runs a command and records the calls on sockets of it and of all its descendants, and the packets of "
               "these "
               "sockets. For each packet it tells the call that sent it, or why the kernel did; for each call that "
               "waited, "
               "the packet whose arrival completed it.\n\n"
               "Capturing packets needs CAP_NET_RAW, or --own-network. Without either the calls alone are shown. The "
               "command keeps its standard streams; with --json what it writes to stdout goes to stderr.\n\n"
               "The exit status is the command's, 128 and the signal's number if one ended it.",
           .options = options,
           .examples = examples,
           .statuses = statuses,
           .run = run},
};

}  // namespace

const command trace_command{
    .name = "trace", .summary = "which call of a program sent which packet", .actions = actions};

}  // namespace netlab::app
