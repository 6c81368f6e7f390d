// SPDX-License-Identifier: MIT
#include "lab/scan_chapter.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <span>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "calc/query.hpp"
#include "calc/serve.hpp"
#include "echo/serve.hpp"
#include "lab/local_service.hpp"
#include "lab/odd_ports.hpp"
#include "net/dial.hpp"
#include "scan/payloads.hpp"
#include "scan/report/report.hpp"
#include "scan/scan_host.hpp"

namespace netlab::lab {
namespace {

using scan::port_state;
using scan::reason;
using scan::transport;
using port_list = std::vector<std::uint16_t>;
using findings = std::vector<scan::finding>;

constexpr auto patience = std::chrono::seconds(5);        // for what must come
constexpr auto silence = std::chrono::milliseconds(150);  // for what must not
constexpr std::size_t crowd = 24;                         // silent ports at once
constexpr std::string_view message = "netlab scan\r\n";   // as netlab scan sends it

/// The scan has a loop of its own, so it runs in a thread of its own; a tour that is cancelled ends it.
asio::awaitable<result<findings>> run_scan(scan::host_scan what, scan::stop_condition until = {}) {
  auto done = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, never);
  std::optional<result<findings>> outcome;
  std::exception_ptr thrown;
  std::jthread worker([&, done](const std::stop_token& stop) {
    try {
      outcome = scan::scan_host(
          what, [&](std::span<const scan::finding> known) { return stop.stop_requested() || (until && until(known)); });
    } catch (...) {
      thrown = std::current_exception();
    }
    asio::post(done->get_executor(), [done] { done->cancel(); });
  });
  co_await done->async_wait(net::use_tuple);
  worker.request_stop();
  worker.join();
  if (thrown) std::rethrow_exception(thrown);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return fail(asio::error::operation_aborted, "scan");
  co_return std::move(*outcome);
}

/// The chapter's steps; each observes one thing.
class chapter {
 public:
  explicit chapter(narrator& tell)
      : tell_(tell), calc_({}, [](const std::string&) {}), echo_({}, [](const std::string&) {}) {}

  asio::awaitable<result<void>> run() {
    if (auto started = start(calc_service_, calc_); !started) co_return started;
    if (auto started = start(echo_service_, echo_); !started) co_return started;
    auto closed = closed_port::make(co_await asio::this_coro::executor);
    if (!closed) co_return unexpected(closed.error());
    closed_ = std::move(*closed);
    for (std::size_t count = 0; count < crowd; ++count) {
      auto silent = co_await silent_port::make();
      if (!silent) co_return unexpected(silent.error());
      silent_.push_back(std::move(*silent));
    }
    const std::array steps{&chapter::handshake,    &chapter::refusal,      &chapter::no_answer,   &chapter::in_parallel,
                           &chapter::messages,     &chapter::over_udp,     &chapter::udp_silence, &chapter::unmoved,
                           &chapter::against_echo, &chapter::stopped_early};
    for (const auto step : steps)
      if (auto done = co_await (this->*step)(); !done) co_return done;
    co_return result<void>();
  }

 private:
  using step_result = asio::awaitable<result<void>>;

  /// On a port for which the scan has no request of its own.
  template <class Server>
  static result<void> start(std::unique_ptr<local_service>& service, Server& handler) {
    for (std::unique_ptr<local_service> before = {};; before = std::move(service)) {
      auto started = local_service::start(handler, handler.limits());
      if (!started) return unexpected(started.error());
      service = std::move(*started);
      if (scan::payload_for(service->port()).empty()) return {};
    }
  }

  [[nodiscard]] std::uint16_t echo_at() const { return echo_service_->port(); }
  [[nodiscard]] std::uint16_t calc_at() const { return calc_service_->port(); }
  [[nodiscard]] std::uint16_t closed_at() const { return closed_->number(); }
  [[nodiscard]] std::uint16_t silent_at() const { return silent_.front().number(); }

  /// As a user would type it: `words` behind the command.
  void show_command(std::string_view words, const port_list& ports) {
    tell_.show(fmt::format("$ netlab scan {} --range {}", words, fmt::join(ports, ",")));
  }
  /// As netlab scan shows them. `because`: why it ended early.
  void show(const findings& found, bool verbose, std::string because = {}) {
    std::string text;
    const auto table = scan::make_report(scan::report_format::table, {.all = true, .verbose = verbose},
                                         [&](std::string_view piece) { text += piece; });
    table->begin({});
    for (const scan::finding& each : found) table->add(each);
    table->finish({.targets = 1, .complete = because.empty(), .incomplete_because = std::move(because)});
    for (const std::string_view line : split(trim(text), '\n')) tell_.show(line);
  }

  static scan::host_scan ask(port_list tcp, port_list udp, duration timeout = patience) {
    return {.host = scan::address::v4(asio::ip::address_v4::loopback().to_uint()),
            .tcp_ports = std::move(tcp),
            .udp_ports = std::move(udp),
            .timeout = timeout,
            .listen = false};
  }
  static bool is(const findings& all, transport protocol, std::uint16_t port, port_state state, reason why) {
    return std::ranges::any_of(all, [&](const scan::finding& one) {
      return one.protocol == protocol && one.port == port && one.state == state && one.why == why;
    });
  }
  /// Exactly one port was asked, and its error is this one here and there.
  static bool is_error(const findings& all, int system_error, int winsock) {
    return all.size() == 1 && all[0].system_error == system_error &&
           scan::winsock_number(all[0].protocol, all[0].system_error) == winsock;
  }

  step_result handshake() {
    tell_.step("An open and a closed TCP port");
    tell_.say(
        "A scan is a connect() to every port. Open: SYN, SYN+ACK, ACK: connect() returns, and the scan closes the "
        "connection with RST. Closed: SYN, and RST+ACK comes back from the system, for no program is there: connect() "
        "fails at once. Both are answers: the host is there.");
    const port_list ports{echo_at(), closed_at()};
    show_command("tcp --no-banner --no-send --all -v", ports);
    auto what = ask(ports, {});
    const auto found = co_await run_scan(std::move(what));
    if (!found) co_return unexpected(found.error());
    show(*found, true);
    tell_.check("the echo service's port is open (syn-ack), the other one closed (reset)",
                is(*found, transport::tcp, echo_at(), port_state::open, reason::syn_ack) &&
                    is(*found, transport::tcp, closed_at(), port_state::closed, reason::reset));
    co_return result<void>();
  }

  step_result refusal() {
    tell_.step("What a program sees of RST");
    tell_.say(
        "An error number. Linux calls it ECONNREFUSED, 111; Windows WSAECONNREFUSED, 10061; Python raises "
        "ConnectionRefusedError on both.");
    net::tcp::socket socket(co_await asio::this_coro::executor);
    const net::tcp::endpoint to(asio::ip::address_v4::loopback(), closed_at());
    const auto [error] = co_await socket.async_connect(to, net::use_tuple);
    tell_.show(fmt::format("connect to port {}: {} ({})", closed_at(), message_of(to_standard(error)), error.value()));
    auto what = ask({closed_at()}, {});
    const auto found = co_await run_scan(std::move(what));
    if (!found) co_return unexpected(found.error());
    tell_.check("connect() failed with ECONNREFUSED, and the scan names the same with Windows' 10061",
                error.value() == ECONNREFUSED && is_error(*found, ECONNREFUSED, 10061));
    co_return result<void>();
  }

  step_result no_answer() {
    tell_.step("A TCP port that does not answer");
    tell_.say(
        "Neither SYN+ACK nor RST: a firewall drops the SYN, or nobody has the address. (Here it is a server that does "
        "not call accept() and whose queue is full: its system drops the SYN as well.) The system sends the SYN again "
        "after a second, two, four, …; connect() alone would wait two minutes, so a scan has a timeout of its own, and "
        "asks a second time before it says filtered. ETIMEDOUT is 110, on Windows WSAETIMEDOUT, 10060.");
    show_command(fmt::format("tcp --timeout {}ms -v", silence.count()), {silent_at()});
    auto what = ask({silent_at()}, {}, silence);
    const auto found = co_await run_scan(std::move(what));
    if (!found) co_return unexpected(found.error());
    show(*found, true);
    tell_.check("the port is filtered (no-response), and the error is a timeout",
                is(*found, transport::tcp, silent_at(), port_state::filtered, reason::no_response) &&
                    is_error(*found, ETIMEDOUT, 10060));
    co_return result<void>();
  }

  step_result in_parallel() {
    tell_.step(fmt::format("{} silent ports at once", crowd));
    tell_.say(
        "One after the other, each silent port costs its timeout. A scan therefore has many sockets under way: "
        "non-blocking ones, or a thread for each connect(). Then all wait at the same time.");
    port_list ports;
    for (const silent_port& each : silent_) ports.push_back(each.number());
    const time_point begin = clock::now();
    auto what = ask(ports, {}, silence);
    const auto found = co_await run_scan(std::move(what));
    if (!found) co_return unexpected(found.error());
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begin);
    const auto all_filtered =
        std::ranges::all_of(*found, [](const scan::finding& one) { return one.state == port_state::filtered; });
    tell_.show(fmt::format("{} filtered in {} ms; one after the other, each asked once: {} ms",
                           count_of(found->size(), "port"), took.count(), crowd * silence.count()));
    tell_.check("together they took less time than in a row",
                found->size() == crowd && all_filtered && took < crowd * silence);
    co_return result<void>();
  }

  step_result messages() {
    tell_.step("A message to an open port");
    tell_.say(
        "An open port says nothing of what stands behind it, and its registered name is a habit. So the scan listens "
        "whether the service speaks first, as mail servers do, and then sends a line. The echo service sends it back; "
        "the calculation service takes it for a line from telnet.");
    const port_list ports{echo_at(), calc_at()};
    show_command("tcp", ports);
    auto what = ask(ports, {});
    what.listen = true;
    what.message = message;
    const auto found = co_await run_scan(std::move(what));
    if (!found) co_return unexpected(found.error());
    show(*found, false);
    const auto at = [&](std::uint16_t port) { return std::ranges::find(*found, port, &scan::finding::port); };
    const auto from_echo = at(echo_at());
    const auto from_calc = at(calc_at());
    tell_.check("the echo is recognised, and the calculation service answers with a line of its own",
                from_echo != found->end() && from_echo->is_echo && from_calc != found->end() && !from_calc->is_echo &&
                    from_calc->reply.starts_with("error: "));
    co_return result<void>();
  }

  step_result over_udp() {
    tell_.step("An open and a closed UDP port");
    tell_.say(
        "No handshake: one datagram goes out. Open: what comes back is the service's own answer. Closed: the system "
        "sends ICMP type 3, code 3 (port unreachable), which has the first octets of the datagram in it, so that the "
        "sender's system knows whose it was. The next call on that socket fails: on Linux with ECONNREFUSED, on "
        "Windows "
        "with WSAECONNRESET, 10054, although nothing was ever connected.");
    const port_list ports{echo_at(), closed_at()};
    show_command("udp --all -v", ports);
    auto what = ask({}, ports);
    what.message = message;
    const auto found = co_await run_scan(what);
    if (!found) co_return unexpected(found.error());
    show(*found, true);
    tell_.check("the echo service's port is open (reply), the other one closed (port-unreachable)",
                is(*found, transport::udp, echo_at(), port_state::open, reason::reply) &&
                    is(*found, transport::udp, closed_at(), port_state::closed, reason::port_unreachable));
    what.udp_ports = {closed_at()};
    const auto refused = co_await run_scan(std::move(what));
    if (!refused) co_return unexpected(refused.error());
    tell_.check("its error is ECONNREFUSED here and 10054 on Windows", is_error(*refused, ECONNREFUSED, 10054));
    co_return result<void>();
  }

  step_result udp_silence() {
    tell_.step("UDP's silence");
    tell_.say(
        "It is not TCP's: a TCP server's system always answers, a UDP service only when it likes. So silence is an "
        "open "
        "port, or a filter: open|filtered. And even that only where a closed port would have been heard: across a "
        "network a Linux host sends one ICMP error a second, after six at once, and a scan that asks faster finds "
        "closed ports silent. netlab asks a closed port beside the silent ones; where that proof fails it says "
        "unknown.");
    const port_list ports{silent_at(), closed_at()};
    show_command(fmt::format("udp --timeout {}ms --all", silence.count()), ports);
    auto what = ask({}, ports, silence);
    what.message = message;
    const auto found = co_await run_scan(std::move(what));
    if (!found) co_return unexpected(found.error());
    show(*found, false);
    tell_.check("the silent port is open|filtered, the closed one was heard",
                is(*found, transport::udp, silent_at(), port_state::open_filtered, reason::no_response) &&
                    is(*found, transport::udp, closed_at(), port_state::closed, reason::port_unreachable));
    co_return result<void>();
  }

  step_result unmoved() {
    tell_.step("The calculation service over UDP");
    tell_.say(
        "It drops what is no request, and the scan's line is none: the open port looks like a filtered one. Only its "
        "own "
        "protocol moves it. That is why scans send DNS to 53 and NTP to 123; to 50000, the calculation service's usual "
        "port, netlab scan sends a request.");
    show_command(fmt::format("udp --timeout {}ms", silence.count()), {calc_at()});
    auto what = ask({}, {calc_at()}, silence);
    what.message = message;
    const auto dropped = calc_.totals().refused;
    const auto found = co_await run_scan(std::move(what));
    if (!found) co_return unexpected(found.error());
    show(*found, false);
    tell_.check("the scan says open|filtered, and the server counted datagrams without an answer",
                is(*found, transport::udp, calc_at(), port_state::open_filtered, reason::no_response) &&
                    calc_.totals().refused > dropped);
    tell_.show(fmt::format("$ netlab calc query --udp --port {} sum 1 2 3", calc_at()));
    const calc::query_options how{.protocol = net::transport::udp, .port = calc_at(), .timeout = patience};
    const calc::request asked{.id = 1, .op = "SUM", .numbers = {1, 2, 3}};
    const auto got = co_await calc::query_one(how, asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(got->what.value ? fmt::format("{}", *got->what.value) : describe(got->what.value.error()));
    tell_.check("a request is answered: the port was open all along", got->what.value && *got->what.value == 6);
    co_return result<void>();
  }

  step_result against_echo() {
    tell_.step("The calculation client against an echo port");
    tell_.say(
        "Whoever knows no more than that a port is open may send it what he likes. Over UDP, too, the echo service "
        "returns the request, and a client has to look.");
    tell_.show(fmt::format("$ netlab calc query --udp --port {} max 4 9", echo_at()));
    const calc::query_options how{.protocol = net::transport::udp, .port = echo_at(), .timeout = patience};
    const calc::request asked{.id = 2, .op = "MAX", .numbers = {4, 9}};
    const auto got = co_await calc::query_one(how, asked);
    if (!got) co_return unexpected(got.error());
    tell_.show(got->what.value ? fmt::format("{}", *got->what.value) : describe(got->what.value.error()));
    tell_.check("netlab sees that the request came back",
                !got->what.value && got->what.value.error().code == errc::peer_protocol);
    co_return result<void>();
  }

  step_result stopped_early() {
    tell_.step("Stopping a scan");
    tell_.say(
        "Ctrl-C in the middle: what is known is printed, and a port that was asked but has not answered is unknown "
        "(not-finished), for nobody waited long enough to call it filtered.");
    const port_list ports{echo_at(), closed_at(), silent_at()};
    show_command("tcp --no-banner --no-send --all", ports);
    const auto all_but_one = [](std::span<const scan::finding> known) { return known.size() == 2; };
    auto what = ask(ports, {});
    const auto found = co_await run_scan(std::move(what), all_but_one);
    if (!found) co_return unexpected(found.error());
    show(*found, false, "interrupted");
    tell_.check("two ports are known, and of the third it is said that it is not",
                is(*found, transport::tcp, echo_at(), port_state::open, reason::syn_ack) &&
                    is(*found, transport::tcp, closed_at(), port_state::closed, reason::reset) &&
                    is(*found, transport::tcp, silent_at(), port_state::unknown, reason::not_finished));
    co_return result<void>();
  }

  narrator& tell_;
  calc::server calc_;
  echo::server echo_;
  std::unique_ptr<local_service> calc_service_;
  std::unique_ptr<local_service> echo_service_;
  std::optional<closed_port> closed_;
  std::vector<silent_port> silent_;
};

}  // namespace

asio::awaitable<result<void>> scan_chapter(narrator& tell) {
  chapter one(tell);
  co_return co_await one.run();
}

}  // namespace netlab::lab
