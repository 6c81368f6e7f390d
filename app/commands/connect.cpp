// SPDX-License-Identifier: MIT
// netlab connect: telnet, netcat and openssl s_client in one.
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/services.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "connect/io/connect.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/options.hpp"
#include "frame/tables.hpp"
#include "net/run_client.hpp"

namespace netlab::app {
namespace {

using connect::certificate_report;
using connect::run_options;
using connect::telnet_mode;
using connect::tls_report;

constexpr std::uint16_t telnet_port = 23;

constexpr std::array connect_options{
    option{
        .name = "alpn", .argument = "NAMES", .help = "with TLS: ALPN protocols to offer, preferred first: h2,http/1.1"},
    shared_options::local_bind,
    option{.name = "ca-file",
           .argument = "FILE",
           .help = "with TLS: trust the certificates in this PEM file instead of the system's"},
    option{.name = "cert", .argument = "FILE", .help = "with TLS: client certificate in PEM, followed by its chain"},
    option{.name = "crlf", .help = "send CR LF for each LF that has no CR"},
    option{.name = "idle-timeout",
           .argument = "DURATION",
           .help = "end the connection after waiting this long for the peer; 0: wait for ever (by default 30s; over "
                   "UDP 1s after the end of the input)"},
    option{.name = "insecure", .help = "with TLS: continue even if the certificate cannot be verified"},
    shared_options::ipv4,
    shared_options::ipv6,
    option{.name = "keep-open",
           .help = "keep the sending side open after the end of the input, until the peer closes or --idle-timeout has "
                   "passed"},
    option{.name = "key", .argument = "FILE", .help = "private key of --cert, if it is in a separate file"},
    option{.name = "keylog",
           .argument = "FILE",
           .help = "with TLS: append the session secrets to this file, for Wireshark"},
    shared_options::max_time,
    option{.name = "no-telnet", .help = "never treat 0xFF as a Telnet command, not even on port 23"},
    option{.name = "raw", .help = "write the peer's data to the terminal without escaping it"},
    option{.name = "reconnect", .help = "with TLS: connect twice, and resume the session the second time"},
    option{.name = "show-certs", .help = "with TLS: print the peer's certificates in PEM, on stderr"},
    option{.name = "sni", .argument = "NAME", .help = "with TLS: server name to request (SNI), instead of HOST"},
    option{.name = "starttls",
           .argument = "PROTOCOL",
           .help = "begin in plaintext, then start TLS as this protocol defines it",
           .choices = "ftp imap ldap lmtp mysql nntp pop3 postgres sieve smtp xmpp"},
    shared_options::tcp,
    option{.name = "telnet", .help = "speak Telnet from the start"},
    option{.name = "timeout",
           .argument = "DURATION",
           .help = "time limit for connecting, and for each step until the TLS handshake is complete",
           .fallback = "10s"},
    option{.name = "tls", .help = "use TLS from the start"},
    shared_options::udp,
};

constexpr std::array connect_groups{
    option_group{"Connection", "tcp udp ipv4 ipv6 bind timeout max-time idle-timeout keep-open"},
    option_group{"TLS", "tls starttls insecure ca-file sni alpn cert key show-certs keylog reconnect"},
    option_group{"Data", "crlf raw telnet no-telnet"},
};

failure misuse(std::string detail, std::string hint = {}) {
  return {make_error_code(errc::usage), {}, std::move(detail), std::move(hint)};
}

/// A URL from a browser, in the form for this command: `netlab connect --tls localhost:4711`.
failure pasted_url(const url& from, std::string_view text) {
  url shown = from;
  if (!shown.port) shown.port = port_of_service(shown.scheme);
  return misuse(fmt::format("'{}' is a URL", escape(text, 60)),
                fmt::format("write {}{}", escape(shown.endpoint(), 80), shown.is_secure() ? " --tls" : ""));
}

void read_target(arguments& args, run_options& connection) {
  const auto& words = args.positionals();
  for (const std::string& word : words)
    if (const auto pasted = parse_url(word)) return args.refuse(pasted_url(*pasted, word));
  if (words.empty() || words.size() > 2) {
    args.refuse(
        misuse(words.empty() ? "the destination is missing" : "too many arguments", "netlab connect HOST PORT"));
    return;
  }
  const std::string_view named = words.front();
  std::optional<std::uint16_t> port;
  if (words.size() == 2) {
    // The host is a separate argument, so an IPv6 address needs no brackets.
    const auto host = net::parse_host(named, "HOST PORT or HOST:PORT, not both");
    if (!host) return args.refuse(host.error());
    connection.host = *host;
    const auto parsed = net::parse_remote_port(words[1]);
    if (!parsed) return args.refuse(parsed.error());
    port = *parsed;
  } else {
    const auto parsed = net::parse_host_port(named);
    if (!parsed) return args.refuse(parsed.error());
    connection.host = parsed->host;
    port = parsed->port;
  }
  if (connection.host.empty()) connection.host = connection.restrict_to == net::family::ipv6 ? "::1" : "127.0.0.1";
  if (port == 0) return args.refuse(misuse("port 0 does not exist", "a port is 1 to 65535"));
  if (!port) {
    // A single number is most likely the port of a server on this machine.
    const bool is_port = parse_integer<std::uint16_t>(named).has_value();
    return args.refuse(is_port
                           ? misuse("the host is missing", fmt::format("netlab connect localhost {}", named))
                           : misuse("the port is missing", fmt::format("netlab connect {} PORT", escape(named, 60))));
  }
  connection.port = *port;
}

result<std::vector<std::string>> parse_alpn(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view each : split(text, ',')) {
    if (each.empty() || each.size() > 255)
      return fail(errc::usage, fmt::format("'{}' is not a list of protocols", escape(text, 60)), "write h2,http/1.1");
    names.emplace_back(each);
  }
  return names;
}

void read_tls(arguments& args, run_options& connection, bool show_certificates) {
  args.prefer_typed("tls", "starttls");
  connection.tls = args.flag("tls");
  if (connection.tls && args.has("starttls")) args.refuse(misuse("--tls and --starttls exclude each other"));
  if (args.has("starttls")) connection.starttls = args.as("starttls", connect::parse_starttls);
  connection.trust.insecure = args.flag("insecure");
  connection.reconnect = args.flag("reconnect");
  if (args.has("alpn")) connection.trust.alpn = args.as("alpn", parse_alpn);
  connection.trust.ca_file = args.text("ca-file");
  connection.trust.certificate_file = args.text("cert");
  connection.trust.key_file = args.text("key");
  connection.trust.keylog_file = args.text("keylog");
  connection.trust.ask_for_ocsp = true;
  connection.sni = args.text("sni");
  const bool is_secure = connection.tls || connection.starttls;
  if (is_secure && connection.protocol == net::transport::udp) args.refuse(misuse("TLS over UDP is not supported"));
  if (!connection.trust.key_file.empty() && connection.trust.certificate_file.empty())
    args.refuse(misuse("--key needs a certificate", "--cert FILE"));
  if (is_secure) return;
  const std::array<std::pair<std::string_view, bool>, 9> given{{{"alpn", !connection.trust.alpn.empty()},
                                                                {"ca-file", !connection.trust.ca_file.empty()},
                                                                {"cert", !connection.trust.certificate_file.empty()},
                                                                {"insecure", connection.trust.insecure},
                                                                {"key", !connection.trust.key_file.empty()},
                                                                {"keylog", !connection.trust.keylog_file.empty()},
                                                                {"reconnect", connection.reconnect},
                                                                {"show-certs", show_certificates},
                                                                {"sni", !connection.sni.empty()}}};
  for (const auto& [name, is_given] : given)
    if (is_given) args.refuse(misuse(fmt::format("--{} needs TLS", name), "--tls or --starttls"));
}

/// Also reads the target, because its port may be Telnet's. Reports errors in the options first.
void read_telnet_and_target(arguments& args, run_options& connection) {
  const bool wanted = args.flag("telnet");
  const bool unwanted = args.flag("no-telnet");
  const bool is_raw = args.flag("raw");
  args.exclude("telnet", "no-telnet");
  read_target(args, connection);
  const bool on_terminal = ::isatty(STDOUT_FILENO) == 1;
  connection.relay.escape = on_terminal && !is_raw;
  const bool is_udp = connection.protocol == net::transport::udp;
  if (wanted && is_udp) args.refuse(misuse("--telnet cannot be used over UDP"));
  const bool may_be = !unwanted && !is_udp && !connection.tls && !connection.starttls;
  if (wanted || (may_be && connection.port == telnet_port))
    connection.relay.telnet = telnet_mode::on;
  else if (may_be && on_terminal)
    connection.relay.telnet = telnet_mode::automatic;
}

struct connect_call {
  run_options connection;
  duration max_time{0};
  bool show_certificates = false;
};

connect_call parse_connect(arguments& args) {
  connect_call made;
  run_options& connection = made.connection;
  connection.protocol = shared_options::read_transport(args);
  connection.restrict_to = shared_options::read_family(args);
  connection.local = shared_options::read_local_end(args);
  connection.timeout = args.timeout("timeout");
  connection.relay.idle_timeout =
      connection.protocol == net::transport::udp ? std::chrono::seconds(1) : std::chrono::seconds(30);
  if (args.has("idle-timeout")) connection.relay.idle_timeout = args.duration("idle-timeout");
  connection.relay.crlf = args.flag("crlf");
  connection.relay.keep_open = args.flag("keep-open");
  if (connection.relay.keep_open && connection.protocol == net::transport::udp)
    args.refuse(misuse("--keep-open cannot be used over UDP, which has no end of stream"));
  made.max_time = shared_options::read_max_time(args);
  made.show_certificates = args.flag("show-certs");
  read_tls(args, connection, made.show_certificates);
  read_telnet_and_target(args, connection);
  return made;
}

nlohmann::ordered_json report_to_json(const tls_report& report, bool with_pem) {
  nlohmann::ordered_json chain = nlohmann::ordered_json::array();
  for (const certificate_report& each : report.chain) {
    nlohmann::ordered_json one{{"subject", each.subject},       {"issuer", each.issuer},       {"names", each.names},
                               {"not_before", each.not_before}, {"not_after", each.not_after}, {"key", each.key},
                               {"signature", each.signature},   {"serial", each.serial},       {"sha256", each.sha256}};
    if (with_pem) one["pem"] = each.pem;
    chain.push_back(std::move(one));
  }
  nlohmann::ordered_json object{{"version", report.version},
                                {"cipher", report.cipher},
                                {"key_exchange", nullptr},
                                {"alpn", nullptr},
                                {"sni", nullptr},
                                {"resumed", report.resumed},
                                {"verified", report.verified},
                                {"verification", report.verification},
                                {"ocsp", nullptr},
                                {"client_certificate_wanted", nullptr},
                                {"chain", std::move(chain)}};
  if (!report.key_exchange.empty()) object["key_exchange"] = report.key_exchange;
  if (!report.ocsp.empty()) object["ocsp"] = report.ocsp;
  if (report.client_certificate_wanted) object["client_certificate_wanted"] = *report.client_certificate_wanted;
  if (!report.alpn.empty()) object["alpn"] = report.alpn;
  if (!report.sni.empty()) object["sni"] = report.sni;
  return object;
}

void show_report(const tls_report& report, bool with_pem, console& out) {
  if (out.wants_json()) {
    out.note(to_line({{"tls", report_to_json(report, with_pem)}}));
    return;
  }
  std::string text;
  for (const std::string& line : connect::to_lines(report)) text += line + "\n";
  if (with_pem)
    for (const certificate_report& each : report.chain) text += each.pem;
  text.pop_back();
  out.note(text);
}

struct tls_request {
  bool from_start = false;
  bool starttls = false;
  std::uint16_t port = 0;
};

/// A hint if the server on this port is likely to expect the other kind of TLS: `try --starttls smtp`.
std::string other_way_to_tls(const tls_request& asked, const failure& why) {
  const bool is_no_tls = why.code == errc::peer_protocol || why.code == errc::closed_by_peer;
  const bool is_silence = why.code == errc::timed_out || why.code == std::errc::timed_out;
  const auto usual = connect::usual_tls(asked.port);
  if (asked.from_start && is_no_tls && usual && !usual->empty()) return fmt::format("try --starttls {}", *usual);
  if (asked.starttls && (is_silence || is_no_tls) && usual && usual->empty()) return "try --tls";
  if (asked.starttls && is_silence) return "try --tls: the peer may wait for TLS from the first octet";
  return {};
}

exit_status run_connect(arguments& args, console& out) {
  connect_call made = parse_connect(args);
  if (args.error()) return out.refuse(*args.error());
  const bool with_pem = made.show_certificates;
  const tls_request asked{made.connection.tls, made.connection.starttls.has_value(), made.connection.port};
  connect::run_events events{
      .detail = [&out](const std::string& line) { out.detail(line); },
      .warning = [&out](const std::string& line) { out.note(line); },
      .report = [&out, with_pem](const tls_report& report) { show_report(report, with_pem, out); }};
  asio::io_context loop{1};
  const auto ended = net::run_client(loop, connect::run(std::move(made.connection), std::move(events)), made.max_time);
  if (ended) return exit_status::done;
  const exit_status status = status_of(ended.error());
  if (status == exit_status::interrupted || status == exit_status::terminated)
    return status;  // Ctrl-C is the normal way to leave
  failure why = ended.error();
  if (why.hint.empty()) why.hint = other_way_to_tls(asked, why);
  return out.refuse(why);
}

constexpr std::array connect_examples{
    example{"netlab connect lab.example.org 50000", "talk to a server, as with telnet"},
    example{"netlab connect --starttls smtp --crlf mail.example.org:587", "an SMTP session by hand, over TLS"},
    example{"printf 'quit\\n' | netlab connect --keep-open localhost 4711",
            "the server ends the session, not the end of the input"},
    example{"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | netlab connect --tls example.org 443", "send a request from a pipe"},
    example{"netlab connect udp 127.0.0.1 7", "one datagram per line"},
    example{"netlab connect --tls --show-certs -v example.org 443 </dev/null",
            "show the server's certificates and TLS parameters"},
};

using enum exit_status;
constexpr auto connect_statuses =
    usual_statuses_and(bad_data, no_input, no_host, unavailable, cannot_create, try_later, protocol, not_permitted);

constexpr std::array connect_actions{
    action{.path = "connect",
           .summary = "talk to a peer over TCP, TLS or UDP",
           .operands = "HOST PORT",
           .description = "Sends its standard input to the peer and writes the peer's data to its standard output. "
                          "HOST:PORT is accepted, too. No typed character is a command. On a terminal, control "
                          "characters from the peer are escaped, and Ctrl-C ends the connection.\n\n"
                          "The end of the "
                          "input closes only our sending side: all answers still arrive. A report on TLS goes to "
                          "stderr, with --json as JSON. If the certificate cannot be verified, the connection ends "
                          "after the report, with status 77 and without sending anything, unless --insecure is given.",
           .options = connect_options,
           .groups = connect_groups,
           .takes_transport = true,
           .examples = connect_examples,
           .statuses = connect_statuses,
           .run = run_connect},
};

}  // namespace

const command connect_command{
    .name = "connect", .summary = "telnet, netcat and a TLS client in one", .actions = connect_actions};

}  // namespace netlab::app
