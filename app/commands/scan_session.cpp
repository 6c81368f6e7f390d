// SPDX-License-Identifier: MIT
#include "commands/scan_session.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "net/endpoint.hpp"
#include "scan/io/scan.hpp"
#include "scan/ports.hpp"

namespace netlab::app {
namespace {

std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

}  // namespace

scan_session::scan_session(const scan::scan_plan& plan, scan_report_options shown, const scan::service_names& services,
                           time_point deadline, std::string max_time, console& out)
    : plan_(plan),
      shown_(std::move(shown)),
      services_(services),
      deadline_(deadline),
      max_time_(std::move(max_time)),
      out_(out),
      file_(out),
      began_(clock::now()),
      progress_(shown_.progress, began_) {}

result<void> scan_session::begin(std::uint64_t targets) {
  if (auto opened = file_.open(shown_.output); !opened) return opened;
  report_ = scan::make_report(
      shown_.format,
      {.all = shown_.all,
       .verbose = out_.is_verbose(),
       .bold = [this](std::string_view text) { return shown_.output.empty() ? out_.bold(text) : std::string(text); }},
      [this](std::string_view text) { file_.write(text); });
  report_->begin({.command_line = command_line(),
                  .version = NETLAB_VERSION,
                  .started = static_cast<std::int64_t>(::time(nullptr)),
                  .targets = targets,
                  .tcp_ports = scan::to_string(plan_.tcp_ports),
                  .tcp_count = plan_.tcp_ports.size(),
                  .udp_ports = scan::to_string(plan_.udp_ports),
                  .udp_count = plan_.udp_ports.size()});
  out_.detail(fmt::format("seed {}", plan_.seed));
  summary_.tcp_ports = plan_.tcp_ports.size();
  summary_.udp_ports = plan_.udp_ports.size();
  return {};
}

result<bool> scan_session::round(const scan::target_set& targets) {
  summary_.targets += targets.size();
  const auto sum = [this](scan::engine_progress all) { return all += before_; };
  scan::run_options how;
  how.deadline = deadline_;
  how.on_status = [&](const scan::engine_progress& now_at) {
    progress_.clear();
    out_.note(progress_.text(sum(now_at), clock::now()));
  };
  how.on_interval = [&](const scan::engine_progress& now_at, time_point now) {
    progress_.show(sum(now_at), now);
    file_.flush();
  };
  how.should_stop = [&] { return file_.is_lost(); };
  const auto outcome = scan::scan(plan_, targets, services_, make_output(targets), how);
  progress_.clear();
  if (!outcome) return unexpected(outcome.error());
  before_ += outcome->progress;
  file_.flush();
  if (outcome->signal != 0) interrupted_by(outcome->signal);
  if (outcome->out_of_time) incomplete(fmt::format("--max-time {} has passed", max_time_));
  if (outcome->stopped) incomplete("the report cannot be written");
  return summary_.complete;
}

void scan_session::interrupted_by(int signal) {
  signal_ = signal;
  incomplete("interrupted");
}

void scan_session::incomplete(std::string why) {
  summary_.complete = false;
  summary_.incomplete_because = std::move(why);
}

exit_status scan_session::finish() {
  summary_.elapsed = clock::now() - began_;
  if (summary_.complete && not_asked_.is_any()) incomplete(not_asked_.reason());
  report_->finish(summary_);
  if (const auto closed = file_.close(); !closed) return out_.refuse(closed.error());
  if (signal_ != 0) return signal_ == SIGTERM ? exit_status::terminated : exit_status::interrupted;
  if (not_asked_.is_every_port()) {
    const exit_status status = out_.refuse(not_asked_.first());
    return status == exit_status::system ? status : exit_status::unavailable;
  }
  return summary_.complete ? exit_status::done : exit_status::partly_done;
}

scan::scan_output scan_session::make_output(const scan::target_set& targets) {
  scan::scan_output output;
  output.found = [this, &targets](const scan::finding& found) {
    ++summary_.by_state[static_cast<std::size_t>(found.state)];
    not_asked_.add(found);
    if (!targets.has_other_names()) return report_->add(found);
    scan::finding named = found;
    if (const auto address = parse_ip(found.address, net::interface_number)) {
      const auto others = targets.other_names(*address);
      named.other_names.assign(others.begin(), others.end());
    }
    report_->add(named);
  };
  if (out_.is_verbose()) {
    output.note = [this](std::string_view text) {
      progress_.clear();
      out_.detail(text);
    };
    output.opened = [this](const scan::finding& found) {
      progress_.clear();
      out_.detail(
          fmt::format("{} {} is open", scan::name_of(found.protocol), net::to_string(found.address, found.port)));
    };
  }
  return output;
}

}  // namespace netlab::app
