// SPDX-License-Identifier: MIT
// netlab sockets: which process holds which port.
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/options.hpp"
#include "frame/tables.hpp"
#include "net/run_client.hpp"
#include "sockets/io/owners.hpp"
#include "sockets/io/query.hpp"
#include "sockets/table.hpp"

namespace netlab::app {
namespace {

using sockets::mark;
using sockets::marked_row;
using sockets::row;

constexpr std::array sockets_options{
    option{.name = "interval",
           .argument = "DURATION",
           .help = "with --watch: time between two updates",
           .fallback = "1s",
           .needs = "watch"},
    shared_options::ipv4,
    shared_options::ipv6,
    option{.name = "listen", .letter = 'l', .help = "only listening and unconnected sockets"},
    option{.name = "port",
           .argument = "PORTS",
           .help = "only sockets with one of these local or remote ports: 80,8000-8100"},
    option{.name = "process",
           .argument = "PID|NAME",
           .help = "only sockets of this process, or of all processes of this name"},
    option{.name = "tcp", .help = "only TCP sockets"},
    option{.name = "udp", .help = "only UDP sockets"},
    option{.name = "watch", .letter = 'w', .help = "update continuously and mark changes, until interrupted"},
};

struct sockets_call {
  sockets::filter filter;
  std::string process;
  bool watch = false;
  duration interval{};
};

sockets_call parse_sockets(arguments& args) {
  sockets_call made;
  // Both transports if neither or both are given.
  const bool tcp = args.flag("tcp");
  const bool udp = args.flag("udp");
  made.filter.tcp = tcp || !udp;
  made.filter.udp = udp || !tcp;
  const net::family family = shared_options::read_family(args);
  made.filter.ipv4 = family != net::family::ipv6;
  made.filter.ipv6 = family != net::family::ipv4;
  made.filter.listening = args.flag("listen");
  if (args.has("port")) made.filter.ports = args.as("port", sockets::parse_ports);
  made.process = args.text("process");
  made.watch = args.flag("watch");
  made.interval = args.timeout("interval");
  args.refuse_positionals();
  return made;
}

/// `knows_processes`: see snapshot.
nlohmann::ordered_json row_to_json(const row& one, bool knows_processes) {
  const sockets::entry& socket = one.socket;
  nlohmann::ordered_json owners = knows_processes ? nlohmann::ordered_json::array() : nlohmann::ordered_json(nullptr);
  for (const sockets::owner& each : one.owners)
    owners.push_back({{"pid", each.pid}, {"name", each.name}, {"fd", each.fd}});
  nlohmann::ordered_json object{{"proto", sockets::name_of(socket.protocol)},
                                {"family", socket.local.is_v6 ? "ipv6" : "ipv4"},
                                {"state", sockets::name_of(socket.protocol, socket.state)},
                                {"recv_queue", socket.recv_queue},
                                {"send_queue", socket.send_queue},
                                {"local", sockets::to_string(socket.local, one.interface)},
                                {"remote", nullptr},
                                {"uid", socket.uid},
                                {"inode", socket.inode},
                                {"processes", std::move(owners)}};
  if (socket.has_remote()) object["remote"] = sockets::to_string(socket.remote);
  if (!one.interface.empty()) object["interface"] = one.interface;
  if (socket.timer.kind != sockets::timer_kind::none)
    object["timer"] = {{"kind", sockets::name_of(socket.timer.kind)},
                       {"left_ms", socket.timer.left_ms},
                       {"retries", socket.timer.retries}};
  if (socket.details) {
    object["congestion"] = socket.details->congestion;
    if (!socket.is_listening()) {
      object["rtt_us"] = socket.details->rtt_us;
      object["cwnd"] = socket.details->window;
      object["mss"] = socket.details->mss;
      object["retransmits"] = socket.details->retransmits;
    }
  }
  return object;
}

struct screen_size {
  std::size_t columns = 0;  // 0: not a terminal
  std::size_t lines = 0;
};

screen_size measure_screen() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_col == 0 ? 80U : size.ws_col, size.ws_row == 0 ? 24U : size.ws_row};
}

std::vector<marked_row> unmarked(std::vector<row> rows) {
  std::vector<marked_row> all;
  all.reserve(rows.size());
  for (row& each : rows) all.push_back({std::move(each), mark::same});
  return all;
}

void note_hidden(const sockets::snapshot& now, console& out) {
  if (!now.knows_processes)
    out.note("the processes are unknown: /proc is not mounted");
  else if (now.hidden_sockets > 0)
    out.note(fmt::format("the processes of {} are hidden: they may belong to other users (root sees them)",
                         count_of(now.hidden_sockets, "socket")));
}

void show_snapshot(const sockets::snapshot& now, bool details, console& out) {
  if (out.wants_json()) {
    for (const row& each : now.rows) out.json(row_to_json(each, now.knows_processes));
  } else {
    bool is_heading = true;
    for (const std::string& line :
         sockets::make_table(unmarked(now.rows), {.width = measure_screen().columns, .details = details})) {
      out.line(is_heading ? out.bold(line) : line);
      is_heading = false;
    }
  }
  out.flush();
  note_hidden(now, out);
}

/// Redraws the table on a terminal: moves the cursor home, erases the rest of each line after writing it, and erases
/// the lines below. This avoids flicker, because no text is erased before its replacement is written.
void paint(const std::vector<marked_row>& rows, bool details, console& out) {
  const screen_size screen = measure_screen();
  std::vector<std::string> lines =
      sockets::make_table(rows, {.width = screen.columns, .details = details, .marks = true});
  const std::size_t room = screen.lines > 2 ? screen.lines - 1 : 1;
  std::string text = "\x1b[H";
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (at + 1 == room && lines.size() > room) {
      text += cut_to_columns(fmt::format("… {} more", lines.size() - at), screen.columns) + "\x1b[K\n";
      break;
    }
    const bool is_bold = at == 0 || rows[at - 1].mark != mark::same;
    // Columns that must not be cut may still be too wide: a wrapped line would displace the others.
    const std::string line = cut_to_columns(lines[at], screen.columns);
    text += is_bold ? out.bold(line) : line;
    text += "\x1b[K\n";
  }
  text += "\x1b[J";
  out.raw(text);
}

/// In a pipe: prints the whole table once, then a line for each change.
void print_changes(const std::vector<marked_row>& rows, bool is_first, bool knows_processes, console& out) {
  if (out.wants_json()) {
    for (const marked_row& each : rows) {
      if (!is_first && each.mark == mark::same) continue;
      nlohmann::ordered_json object{{"change", is_first ? "present" : sockets::name_of(each.mark)}};
      object.update(row_to_json(each.row, knows_processes));
      out.json(object);
    }
    return;
  }
  std::vector<marked_row> shown;
  for (const marked_row& each : rows)
    if (is_first || each.mark != mark::same) shown.push_back(each);
  if (shown.empty()) return;
  const auto lines = sockets::make_table(shown, {.details = out.is_verbose(), .marks = true});
  for (std::size_t at = is_first ? 0 : 1; at < lines.size(); ++at) out.line(lines[at]);
}

bool reader_is_gone() {
  pollfd end{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return ::poll(&end, 1, 0) > 0 && (end.revents & POLLERR) != 0;
}

asio::awaitable<result<void>> watch(sockets_call request, console& out) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  std::vector<row> before;
  const bool on_screen = out.can_redraw() && !out.wants_json();
  for (bool is_first = true;; is_first = false) {
    auto now = sockets::query(request.filter, request.process);
    if (!now) co_return unexpected(now.error());
    if (is_first) {
      if (on_screen) out.raw("\x1b[2J");
      note_hidden(*now, out);
    }
    const auto rows = is_first ? unmarked(now->rows) : sockets::compare(before, now->rows);
    if (on_screen)
      paint(rows, out.is_verbose(), out);
    else
      print_changes(rows, is_first, now->knows_processes, out);
    out.flush();
    if (out.output_lost() || reader_is_gone()) co_return result<void>();
    before = std::move(now->rows);
    timer.expires_after(request.interval);
    const auto [error] = co_await timer.async_wait(net::use_tuple);
    if (error) co_return fail(error, {});
  }
}

exit_status run_sockets(arguments& args, console& out) {
  sockets_call request = parse_sockets(args);
  if (args.error()) return out.refuse(*args.error());
  request.filter.details = out.is_verbose() || out.wants_json();
  if (!request.watch) {
    auto now = sockets::query(request.filter, request.process);
    if (!now) return out.refuse(now.error());
    if (now->rows.empty() && !request.process.empty() && !sockets::has_process(request.process)) {
      const bool is_number = parse_integer<std::int32_t>(request.process).has_value();
      return out.refuse(
          {std::make_error_code(std::errc::no_such_process),
           {},
           fmt::format("no process has the {} '{}'", is_number ? "number" : "name", escape(request.process, 60)),
           is_number ? std::string()
                     : fmt::format("the kernel keeps only {} characters of a name", sockets::longest_process_name)});
    }
    show_snapshot(*now, out.is_verbose(), out);
    return exit_status::done;
  }
  asio::io_context loop{1};
  const auto ended = net::run_client(loop, watch(std::move(request), out));
  if (ended) return exit_status::done;
  const exit_status status = status_of(ended.error());
  if (status == exit_status::interrupted || status == exit_status::terminated) return status;  // the normal end
  return out.refuse(ended.error());
}

constexpr std::array sockets_examples{
    example{"netlab sockets", "all sockets: state, queues, addresses and processes"},
    example{"netlab sockets --listen", "which process holds which port"},
    example{"netlab sockets tcp --port 50000 --watch", "a server's connections, as they come and go"},
    example{"netlab sockets --process netlab -v",
            "all sockets of netlab processes, with timers and congestion control"},
};

using enum exit_status;
constexpr auto sockets_statuses = usual_statuses_and(not_permitted);

constexpr std::array sockets_actions{
    action{.path = "sockets",
           .summary = "show this machine's sockets and the processes that hold them",
           .description = "Prints one line per socket: transport, state, octets that wait to be read and to be sent, "
                          "local and remote address, and the processes that have it open. For a listening socket, the "
                          "queues are the number of connections that wait to be accepted, and its limit. With -v also "
                          "timers, congestion control and round-trip times.\n\n"
                          "Needs no privilege, but only root sees "
                          "which processes of other users have a socket open.",
           .options = sockets_options,
           .takes_transport = true,
           .examples = sockets_examples,
           .statuses = sockets_statuses,
           .run = run_sockets},
};

}  // namespace

const command sockets_command{.name = "sockets",
                              .summary = "this machine's sockets, and which process holds which port",
                              .actions = sockets_actions};

}  // namespace netlab::app
