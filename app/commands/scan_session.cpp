// SPDX-License-Identifier: MIT
#include "commands/scan_session.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/endpoint.hpp"
#include "scan/fingerprint.hpp"
#include "scan/io/scan.hpp"
#include "scan/io/socket.hpp"
#include "scan/ports.hpp"
#include "scan/report/read.hpp"

namespace netlab::app {

std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

scan_session::scan_session(const scan::scan_plan& plan, scan_report_options shown, const scan::service_names& services,
                           time_point deadline, std::string max_time, scan_resume* resume, console& out)
    : plan_(plan),
      shown_(std::move(shown)),
      services_(services),
      deadline_(deadline),
      max_time_(std::move(max_time)),
      resume_(resume),
      out_(out),
      file_(out),
      findings_(out),
      began_(clock::now()),
      progress_(shown_.progress, began_) {
  if (resume_ != nullptr) began_ -= resume_->state.elapsed;
}

// A report in lines is appended to its file. Any other report is written as a whole at the end of each run: its
// findings are kept in a file of their own, from which the next run takes them.
result<void> scan_session::open_files() {
  const bool has_lines = shown_.format == scan::report_format::json || shown_.format == scan::report_format::csv;
  const std::uint64_t kept = resume_ != nullptr && has_lines ? resume_->state.report_size : 0;
  if (auto opened = file_.open(shown_.output, kept); !opened) return opened;
  is_muted_ = kept > 0;
  if (resume_ == nullptr || (has_lines && file_.is_regular())) return {};
  if (auto opened = findings_.open(resume_->findings_name(), resume_->state.findings_size); !opened) return opened;
  findings_report_ = scan::make_report(scan::report_format::json, {.all = true},
                                       [this](std::string_view text) { findings_.write(text); });
  return {};
}

result<void> scan_session::begin(std::uint64_t targets) {
  if (auto opened = open_files(); !opened) return opened;
  const bool is_later_run = resume_ != nullptr && !resume_->is_new();
  summary_.tcp_ports = plan_.tcp_ports.size();
  summary_.udp_ports = plan_.udp_ports.size();
  summary_.tcp_range = scan::to_string(plan_.tcp_ports);
  summary_.udp_range = scan::to_string(plan_.udp_ports);
  summary_.is_syn = plan_.syn;
  summary_.is_stateless_udp = plan_.stateless_udp;
  summary_.seed = plan_.seed;
  all_targets_ = targets;
  summary_.part = plan_.part;
  summary_.started = is_later_run ? resume_->state.started : static_cast<std::int64_t>(::time(nullptr));
  report_ = scan::make_report(
      shown_.format,
      {.all = shown_.all,
       .verbose = out_.is_verbose(),
       .bold = [this](std::string_view text) { return shown_.output.empty() ? out_.bold(text) : std::string(text); }},
      [this](std::string_view text) {
        if (!is_muted_) file_.write(text);
      });
  report_->begin({.command_line = command_line(),
                  .version = NETLAB_VERSION,
                  .started = summary_.started,
                  .targets = targets,
                  .tcp_ports = summary_.tcp_range,
                  .tcp_count = plan_.tcp_ports.size(),
                  .udp_ports = summary_.udp_range,
                  .udp_count = plan_.udp_ports.size()});
  is_muted_ = false;
  out_.detail(fmt::format("seed {}", plan_.seed));
  if (resume_ == nullptr) return {};
  if (!is_later_run) {
    resume_->state.started = summary_.started;
    resume_->state.seed = plan_.seed;
    return resume_->save();
  }
  summary_.by_state = resume_->state.by_state;
  not_asked_.restore(resume_->state);
  return replay_findings();
}

result<void> scan_session::replay_findings() {
  if (!findings_report_) return {};
  std::ifstream file(resume_->findings_name(), std::ios::binary);
  std::uint64_t left = resume_->state.findings_size;
  for (std::string line; left > 0 && std::getline(file, line); left -= std::min<std::uint64_t>(left, line.size() + 1)) {
    auto read = scan::parse_report_line(line);
    const auto* const found = read ? std::get_if<scan::finding>(&*read) : nullptr;
    if (found == nullptr)
      return fail(errc::bad_data,
                  fmt::format("{}: it has a line that is not a finding", escape(resume_->findings_name(), 200)));
    report_->add(*found);
  }
  return {};
}

void scan_session::keep_state(const scan::scan_checkpoint& reached) {
  scan::scan_state& state = resume_->state;
  file_.flush();
  findings_.flush();
  if (file_.is_lost() || (findings_report_ && findings_.is_lost())) return;  // the next run repeats these probes
  file_.sync();
  findings_.sync();
  state.reached = reached;
  state.by_state = summary_.by_state;
  state.elapsed = clock::now() - began_;
  state.report_size = findings_report_ ? 0 : file_.size();
  state.findings_size = findings_report_ ? findings_.size() : 0;
  not_asked_.save(state);
  const auto saved = resume_->save();
  // The next checkpoint, a second later, tries again; only a failure at the end of the scan matters.
  if (!saved && !std::exchange(was_save_refused_, true)) out_.error(saved.error());
}

void scan_session::name_hosts(const scan::target_set& targets) {
  if (plan_.part.count == 1 || all_targets_ > scan::many_targets) return;
  const auto skipped = scan::skipped_places(plan_, targets);
  for (std::uint64_t place = 0; place < targets.size(); ++place) {
    if (std::ranges::binary_search(skipped, place)) continue;
    const scan::address address = targets.at(place);
    const std::string_view name = targets.name_at(place);
    const auto others = targets.other_names(address);
    scan::scanned_host& made = summary_.hosts.emplace_back();
    made.address = scan::with_interface(address);
    made.host = name.empty() ? made.address : std::string(name);
    made.other_names.assign(others.begin(), others.end());
  }
}

result<bool> scan_session::round(const scan::target_set& targets) {
  summary_.targets += targets.size() - scan::skipped_places(plan_, targets).size();
  name_hosts(targets);
  identity_ = scan::fingerprint(plan_, targets, identity_);
  summary_.scan = scan::fingerprint_text(identity_);
  const auto sum = [this](scan::engine_progress all) { return all += before_; };
  scan::run_options loop_options;
  loop_options.deadline = deadline_;
  loop_options.on_status = [&](const scan::engine_progress& now_at) {
    progress_.clear();
    out_.note(progress_.text(sum(now_at), clock::now()));
  };
  loop_options.on_interval = [&](const scan::engine_progress& now_at, time_point now) {
    progress_.show(sum(now_at), now);
    file_.flush();
  };
  loop_options.should_stop = [&] { return file_.is_lost() || (findings_report_ && findings_.is_lost()); };
  if (resume_ != nullptr)
    loop_options.on_checkpoint = [this](const scan::scan_checkpoint& reached) { keep_state(reached); };
  const auto outcome = scan::scan(plan_, targets, services_, make_output(targets), loop_options);
  progress_.clear();
  if (!outcome) return unexpected(outcome.error());
  before_ += outcome->progress;
  file_.flush();
  if (outcome->signal != 0) interrupted_by(outcome->signal);
  is_out_of_time_ = outcome->out_of_time;
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

exit_status scan_session::status_of_end() {
  if (signal_ != 0) {
    if (resume_ != nullptr) return exit_status::try_later;
    return signal_ == SIGTERM ? exit_status::terminated : exit_status::interrupted;
  }
  if (is_out_of_time_ && resume_ != nullptr) return exit_status::try_later;
  if (not_asked_.is_every_port()) {
    const exit_status status = out_.refuse(not_asked_.first());
    return status == exit_status::system ? status : exit_status::unavailable;
  }
  return summary_.complete && failed_targets_ == 0 ? exit_status::done : exit_status::partly_done;
}

exit_status scan_session::finish_state(exit_status status) {
  scan::scan_state& state = resume_->state;
  if (not_asked_.is_every_port()) {  // nothing could be asked: the next run begins again
    state.reached = {};
    state.by_state = {};
    state.report_size = state.findings_size = 0;
    local_failures().save(state);
    if (auto saved = resume_->save(); !saved) out_.error(saved.error());
  }
  if (status != exit_status::done && status != exit_status::partly_done) return status;
  state.elapsed = summary_.elapsed;
  state.by_state = summary_.by_state;
  state.report_size = findings_report_ ? 0 : file_.size();
  state.findings_size = findings_.size();
  state.exit_status = static_cast<int>(status);
  if (auto saved = resume_->save(); !saved) return out_.refuse(saved.error());
  if (findings_report_) static_cast<void>(::unlink(resume_->findings_name().c_str()));
  return status;
}

exit_status scan_session::finish() {
  summary_.elapsed = clock::now() - began_;
  if (summary_.complete && not_asked_.is_any()) incomplete(not_asked_.reason());
  report_->finish(summary_);
  file_.flush();
  if (resume_ != nullptr) file_.sync();
  if (const auto closed = file_.close(); !closed) return out_.refuse(closed.error());
  const exit_status status = status_of_end();
  return resume_ == nullptr ? status : finish_state(status);
}

void scan_session::add(const scan::finding& found) {
  report_->add(found);
  if (findings_report_) findings_report_->add(found);
}

scan::scan_output scan_session::make_output(const scan::target_set& targets) {
  scan::scan_output output;
  output.found = [this, &targets](const scan::finding& found) {
    ++summary_.by_state[static_cast<std::size_t>(found.state)];
    not_asked_.add(found);
    if (!targets.has_other_names()) return add(found);
    scan::finding named = found;
    if (const auto address = parse_ip(found.address, net::interface_number)) {
      const auto others = targets.other_names(*address);
      named.other_names.assign(others.begin(), others.end());
    }
    add(named);
  };
  if (!scan::lists_silent(plan_.syn || plan_.stateless_udp, all_targets_, shown_.all)) {
    output.silent = [this](scan::port_state state, std::uint64_t count) {
      summary_.by_state[static_cast<std::size_t>(state)] += count;
      not_asked_.add_others(count);
    };
  }
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
