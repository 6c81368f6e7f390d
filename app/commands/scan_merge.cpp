// SPDX-License-Identifier: MIT
#include "commands/scan_merge.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <bitset>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "frame/report_output.hpp"
#include "scan/merge.hpp"
#include "scan/ports.hpp"
#include "scan/report/report.hpp"

namespace netlab::app {
namespace {

// Many times the longest line of a report: 1024 octets of banner and of reply, each escaped.
constexpr std::size_t longest_line = 1 << 20;

using stdio_file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// A report that can be read twice.
struct merge_input {
  std::string name;
  stdio_file file{nullptr, &std::fclose};
};

failure cannot_read(const std::string& name) {
  return {
      make_error_code(errc::no_input), fmt::format("read {}", escape(name, 200)), message_of(last_system_error()), {}};
}

// A pipe or other file that cannot be read twice is copied to an unnamed temporary file.
result<merge_input> open_input(const std::string& name) {
  merge_input made{.name = name == "-" ? "stdin" : name};
  made.file.reset(name == "-" ? ::fdopen(::dup(STDIN_FILENO), "rb") : std::fopen(name.c_str(), "rbe"));
  struct stat about{};
  if (!made.file || ::fstat(::fileno(made.file.get()), &about) != 0) return unexpected(cannot_read(made.name));
  if (S_ISREG(about.st_mode) && name != "-") return made;
  stdio_file copy(std::tmpfile(), &std::fclose);
  if (!copy) return fail(last_system_error(), fmt::format("copy {}", escape(made.name, 200)));
  std::string block(64 * 1024, '\0');
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), made.file.get()))
    if (std::fwrite(block.data(), 1, size, copy.get()) != size)
      return fail(last_system_error(), fmt::format("copy {}", escape(made.name, 200)));
  if (std::ferror(made.file.get()) != 0) return unexpected(cannot_read(made.name));
  made.file = std::move(copy);
  return made;
}

/// Calls `take` for each line; false if the file cannot be read.
bool read_lines(std::FILE* file, const std::function<void(std::string_view, bool is_torn)>& take) {
  std::rewind(file);
  char* buffer = nullptr;
  std::size_t room = 0;
  for (ssize_t size = 0; (size = ::getline(&buffer, &room, file)) > 0;) {
    std::string_view line(buffer, static_cast<std::size_t>(size));
    const bool is_torn = !line.ends_with('\n');
    if (!is_torn) line.remove_suffix(1);
    take(line.substr(0, longest_line), is_torn);
  }
  std::free(buffer);  // NOLINT: getline's
  return std::ferror(file) == 0;
}

/// A silent port of a stateless scan, as for lists_silent().
bool is_silent(const scan::finding& found, const scan::scan_summary& of) {
  const bool is_stateless = found.protocol == scan::transport::tcp ? of.is_syn : of.is_stateless_udp;
  return is_stateless && found.why == scan::reason::no_response;
}

/// Reports do not list closed ports unless they were made with --all. But every other port of a complete scan is
/// listed, so on a host that the reports name the rest is closed.
class closed_ports {
 public:
  void add(const scan::scanned_host& one) {
    hosts_[one.address + ' ' + one.host].like = {
        .host = one.host, .other_names = one.other_names, .address = one.address};
  }
  void add(const scan::finding& found) {
    host& its = hosts_[found.address + ' ' + found.host];
    if (its.like.address.empty())
      its.like = {.host = found.host, .other_names = found.other_names, .address = found.address};
    its.known[found.protocol == scan::transport::tcp ? 0 : 1].set(found.port);
  }
  void add_to(scan::report& report, const scan::scan_summary& sum) const {
    const std::string* const ranges[] = {&sum.tcp_range, &sum.udp_range};
    for (const auto protocol : {scan::transport::tcp, scan::transport::udp}) {
      const std::size_t which = protocol == scan::transport::tcp ? 0 : 1;
      const auto ports = scan::parse_ports(*ranges[which]);
      if (!ports) continue;
      for (const auto& [key, each] : hosts_)
        for (const std::uint16_t port : *ports) {
          if (each.known[which].test(port)) continue;
          scan::finding closed = each.like;
          closed.protocol = protocol;
          closed.port = port;
          closed.state = scan::port_state::closed;
          closed.why = which == 0 ? scan::reason::reset : scan::reason::port_unreachable;
          closed.system_error = ECONNREFUSED;
          report.add(closed);
        }
    }
  }

 private:
  struct host {
    scan::finding like;
    std::bitset<65536> known[2];
  };
  std::map<std::string, host> hosts_;
};

}  // namespace

exit_status merge_reports(const std::vector<std::string>& files, const scan_report_options& shown, console& out) {
  std::vector<merge_input> inputs;
  for (const std::string& each : files) {
    auto opened = open_input(each);
    if (!opened) return out.refuse(opened.error());
    inputs.push_back(*std::move(opened));
  }
  scan::report_merge merge;
  for (const merge_input& each : inputs) {
    merge.begin_file(each.name);
    if (!read_lines(each.file.get(), [&](std::string_view line, bool is_torn) { merge.add(line, is_torn); }))
      return out.refuse(cannot_read(each.name));
    merge.end_file();
  }
  if (merge.is_empty())
    return out.refuse({make_error_code(errc::bad_data),
                       {},
                       fmt::format("no line of a scan report in {}",
                                   files.size() == 1 ? escape(inputs.front().name, 200) : "these files"),
                       "merge reports made with --json"});
  merge.conclude();
  for (const std::string& each : merge.problems()) out.note(each);

  report_output file(out);
  if (auto opened = file.open(shown.output); !opened) return out.refuse(opened.error());
  const scan::scan_summary& sum = merge.summary();
  const auto report = scan::make_report(
      shown.format,
      {.all = shown.all,
       .verbose = out.is_verbose(),
       .bold = [&](std::string_view text) { return shown.output.empty() ? out.bold(text) : std::string(text); }},
      [&](std::string_view text) { file.write(text); });
  report->begin({.command_line = command_line(),
                 .version = NETLAB_VERSION,
                 .started = sum.started,
                 .targets = sum.targets,
                 .tcp_ports = sum.tcp_range,
                 .tcp_count = sum.tcp_ports,
                 .udp_ports = sum.udp_range,
                 .udp_count = sum.udp_ports});
  const bool is_by_host = shown.format != scan::report_format::json && shown.format != scan::report_format::csv;
  const bool adds_closed = is_by_host && sum.complete && sum.targets <= scan::many_targets;
  const bool has_silent = scan::lists_silent(sum.is_syn || sum.is_stateless_udp, sum.targets, shown.all);
  closed_ports closed;
  for (const merge_input& each : inputs) {
    const bool good = read_lines(each.file.get(), [&](std::string_view line, bool) {
      const auto found = merge.keeps(line);
      if (!found || (!has_silent && is_silent(*found, sum))) return;
      report->add(*found);
      if (adds_closed) closed.add(*found);
    });
    if (!good) return out.refuse(cannot_read(each.name));
  }
  if (adds_closed) {
    for (const scan::scanned_host& each : merge.hosts()) closed.add(each);
    closed.add_to(*report, sum);
  }
  report->finish(sum);
  if (const auto closed_file = file.close(); !closed_file) return out.refuse(closed_file.error());
  return sum.complete ? exit_status::done : exit_status::partly_done;
}

}  // namespace netlab::app
