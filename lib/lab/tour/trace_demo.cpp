// SPDX-License-Identifier: MIT
#include "lab/tour/trace_demo.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/temporary_directory.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "lab/tour/child_process.hpp"
#include "trace/io/capture.hpp"

namespace netlab::lab {
namespace {

/// A trace takes about half a second; a loaded machine needs longer.
constexpr auto longest_trace = std::chrono::seconds(20);
constexpr int signal_base = 128;  // the exit status of a trace whose program a signal ended
constexpr auto poll_interval = std::chrono::milliseconds(5);

/// Our environment without netlab's settings: options that the user set for traces must not apply here.
std::vector<std::string> make_environment(const temporary_directory& scratch) {
  std::vector<std::string> made;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view one(*each);
    if (!one.starts_with("NETLAB_") && !one.starts_with("TMPDIR=") && !one.starts_with("SSLKEYLOGFILE="))
      made.emplace_back(one);
  }
  made.emplace_back("NETLAB_CONFIG=/dev/null");
  made.emplace_back("TMPDIR=" + scratch.path());
  return made;
}

std::string why_it_failed(int status, std::string_view stderr_text) {
  for (const std::string_view line : split(trim(stderr_text), '\n')) {
    constexpr std::string_view head = "netlab trace: ";
    if (line.starts_with(head)) return escape(line.substr(head.size()), 300);
  }
  return WIFSIGNALED(status) ? fmt::format("signal {} ended the trace", WTERMSIG(status))
                             : "the trace has not seen all packets";
}

asio::awaitable<result<traced_demo>> run_trace(const std::string& netlab, demo which, bool in_own_network) {
  const auto scratch = temporary_directory::make();
  if (!scratch) co_return traced_demo{.made = {}, .refusal = describe(scratch.error())};
  std::vector<std::string> words{"netlab", "trace", "--json"};
  if (in_own_network) words.emplace_back("--own-network");
  for (const std::string& each :
       {std::string("--"), netlab, std::string("lab"), std::string("demo"), std::string(name_of(which))})
    words.push_back(each);
  auto child = child_process::start(netlab, std::move(words), make_environment(*scratch));
  if (!child) co_return traced_demo{.made = {}, .refusal = describe(child.error())};
  const time_point end = clock::now() + longest_trace;
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (true) {
    if (const auto status = child->poll()) {
      traced_demo done{.made = {}, .refusal = {}};
      // The recording has to be complete; the exit status need not be 0: a sanitizer's leak check fails under a tracer.
      if (WIFEXITED(*status) && WEXITSTATUS(*status) < signal_base) done.made = parse_recording(child->out());
      if (done.made)
        done.made->in_own_network = in_own_network;
      else
        done.refusal = why_it_failed(*status, child->err());
      co_return done;
    }
    if (clock::now() >= end)
      co_return traced_demo{.made = {}, .refusal = fmt::format("no end after {}", netlab::to_string(longest_trace))};
    pause.expires_after(poll_interval);
    if (const auto [error] = co_await pause.async_wait(net::use_tuple); error) co_return fail(error, "trace");
  }
}

}  // namespace

asio::awaitable<result<traced_demo>> trace_demo(std::string netlab, demo which) {
  if (netlab.empty()) co_return traced_demo{.made = {}, .refusal = "there is no netlab to run"};
  std::string capturing;
  if (const auto socket = trace::open_packet_socket()) {
    auto done = co_await run_trace(netlab, which, false);
    if (!done || done->made) co_return done;
    capturing = std::move(done->refusal);
  } else {
    capturing = fmt::format("capturing needs CAP_NET_RAW ({})", message_of(socket.error().code));
  }
  auto done = co_await run_trace(netlab, which, true);
  if (done && !done->made && done->refusal != capturing)
    done->refusal = fmt::format("{}; {}", capturing, done->refusal);
  co_return done;
}

std::string trace_command(demo which, bool in_own_network) {
  return fmt::format("netlab trace {}-- netlab lab demo {}", in_own_network ? "--own-network " : "", name_of(which));
}

}  // namespace netlab::lab
