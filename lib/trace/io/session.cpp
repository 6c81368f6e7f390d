// SPDX-License-Identifier: MIT
#include "trace/io/session.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/temporary_directory.hpp"
#include "trace/io/capture.hpp"
#include "trace/io/key_log.hpp"
#include "trace/io/report_thread.hpp"
#include "trace/io/source_lines.hpp"
#include "trace/python_lines.hpp"

namespace netlab::trace {
namespace {

/// Captures with the socket from the program's namespace, else with a new one; none without the privilege.
result<std::optional<capture>> start_capture(spawned& program, const session_options& options,
                                             const session_events& events) {
  const auto depth = options.whole_packets ? capture::depth::whole : capture::depth::headers;
  net::unique_fd socket = std::move(program.packets);
  if (!socket) {
    auto opened = open_packet_socket();
    if (!opened) {
      events.note(fmt::format("packets cannot be captured ({}): only calls are shown; --own-network needs no privilege",
                              message_of(opened.error().code)));
      return std::nullopt;
    }
    socket = *std::move(opened);
  }
  auto started = capture::start(std::move(socket), depth);
  if (!started) return unexpected(started.error());
  return *std::move(started);
}

std::string choose_key_log(const temporary_directory& scratch) {
  const char* own = std::getenv("SSLKEYLOGFILE");
  return own == nullptr || *own == 0 ? scratch.path() + "/secrets" : std::string(own);
}

/// A program that root starts may become another user: it must still find the script and add its secrets, or Python's
/// ssl module fails. The others cannot read the secrets, nor list the directory.
result<void> open_to_other_users(const temporary_directory& scratch) {
  if (::geteuid() != 0) return {};
  const std::string secrets = scratch.path() + "/secrets";
  const net::unique_fd file(::open(secrets.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file || ::fchmod(file.get(), 0622) != 0 || ::chmod((scratch.path() + "/sitecustomize.py").c_str(), 0644) != 0 ||
      ::chmod(scratch.path().c_str(), 0711) != 0)
    return fail(last_system_error(), "open " + scratch.path());
  return {};
}

/// Writes the script by which Python programs report their lines; returns the environment variables that load it.
result<std::vector<std::pair<std::string, std::string>>> prepare_environment(const temporary_directory& scratch) {
  const std::string script = scratch.path() + "/sitecustomize.py";
  std::ofstream file(script);
  file << python_lines;
  file.close();
  if (!file) return fail(last_system_error(), "write " + script);
  if (auto made = open_to_other_users(scratch); !made) return unexpected(made.error());
  const char* path = std::getenv("PYTHONPATH");
  const std::string others = path == nullptr || *path == 0 ? std::string() : fmt::format(":{}", path);
  return std::vector<std::pair<std::string, std::string>>{{"PYTHONPATH", scratch.path() + others},
                                                          {"SSLKEYLOGFILE", choose_key_log(scratch)}};
}

}  // namespace

result<ending> run_session(const session_options& options, timeline& into, const session_events& events,
                           secrets_source& secrets) {
  // If these files cannot be written, the trace lacks Python lines and TLS secrets only.
  std::vector<std::pair<std::string, std::string>> environment;
  std::optional<key_log> log;
  // Reports ask for each packet; the file is read once for those that are reported together.
  bool may_have_secrets = true;
  const auto scratch = temporary_directory::make();
  auto prepared = scratch ? prepare_environment(*scratch) : unexpected(scratch.error());
  if (prepared) {
    environment = *std::move(prepared);
    log.emplace(choose_key_log(*scratch));
    secrets = [&] { return std::exchange(may_have_secrets, false) ? log->take() : std::string(); };
  } else {
    events.note(fmt::format("{}: {}: lines of Python programs and TLS secrets are missing", prepared.error().context,
                            message_of(prepared.error().code)));
  }
  auto program = spawn({.command = options.command,
                        .own_network = options.own_network,
                        .environment = std::move(environment),
                        .output_to_stderr = options.output_to_stderr});
  if (!program) return unexpected(program.error());
  auto packets = start_capture(*program, options, events);
  if (!packets) return unexpected(packets.error());

  report_thread reports(into, *std::move(packets), [&] {
    may_have_secrets = true;
    events.flush();
  });
  // Report everything so far before asking about the next call.
  const auto ask_before = [&](const call& details) {
    bool answer = true;
    reports.pause([&](timeline&) { answer = events.before(details); });
    return answer;
  };
  tracer follows(
      *std::move(program),
      {.hold = [&](wall_time since) { reports.hold(since); },
       .release = [&] { reports.release(); },
       .entered =
           [&](call details, std::optional<socket_facts> facts) {
             return reports.enter(std::move(details), std::move(facts));
           },
       .left = [&](call details,
                   std::optional<socket_facts> facts) { reports.leave(std::move(details), std::move(facts)); },
       .learned = [&](socket_facts facts, process_id user, wall_time now) { reports.learn(facts, user, now); },
       .started =
           [&](process_started of) {
             reports.run([&events, of = std::move(of)](timeline& in) {
               in.add_process({of.process, of.parent, of.words});
               if (is_isolated_python(of.words))
                 events.note(fmt::format("{}: with -I, -E or -S, Python source lines are not known",
                                         in.names().name_of(of.process)));
             });
           },
       .noted = [&](std::string text) { events.note(text); },
       .before = events.before ? std::function<bool(const call&)>(ask_before) : nullptr,
       .tick = [&] { reports.check(); }},
      options.wait_for_all);
  auto ended = follows.run();
  if (!ended) return ended;
  may_have_secrets = true;
  reports.finish();
  secrets = [] { return std::string(); };
  return ended;
}

}  // namespace netlab::trace
