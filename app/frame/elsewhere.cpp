// SPDX-License-Identifier: MIT
#include "frame/elsewhere.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace netlab::app {
namespace {

constexpr std::string_view no_passwords =
    "!passwords are not accepted as arguments: use --password-file, --password-command or NETLAB_PASSWORD";
constexpr std::string_view not_needed_pace = "!leave it out: the rate adapts to the path; --rate limits it";
constexpr std::string_view listeners = "!netlab connect does not listen; netlab echo serve and netlab calc serve do";
constexpr std::string_view shown_anyway = "!leave it out: processes and numbers are always shown";

constexpr std::array option_meanings = std::to_array<meaning>({
    // telnet, nc, ncat, socat, curl, openssl s_client
    {"connect", "h host hostname p port server target address a connect", "!write netlab connect HOST PORT"},
    {"connect", "l L lp lvp lnvp lvnp nlvp lk kl listen accept", listeners},
    {"connect", "k", "!--insecure accepts an unverified certificate; netlab echo serve listens"},
    {"connect", "z zv vz nz nvz scan", "!write netlab scan HOST --range PORT"},
    {"connect", "w q wait connect-timeout max-time m T timeout-ms", "timeout"},
    {"connect", "i idle keepalive-time", "idle-timeout"},
    {"connect", "s source source-address local local-address interface I", "bind"},
    {"connect", "C crlf line-ends", "crlf"},
    {"connect", "N no-shutdown ign_eof ignore-eof wait-eof", "keep-open idle-timeout"},
    {"connect", "c e exec sh-exec lua-exec", "!running a program is not supported: use a pipe"},
    {"connect", "cacert CAfile CApath ca cafile ssl-trustfile", "ca-file"},
    {"connect", "servername server-name ssl-servername noservername resolve", "sni"},
    {"connect", "ssl t secure https starttls-always", "tls"},
    {"connect", "ssl-cert E certificate", "cert"},
    {"connect", "ssl-key pass private-key", "key"},
    {"connect", "ssl-alpn http2 nextprotoneg", "alpn"},
    {"connect", "keylogfile sslkeylog ssl-keylog", "keylog"},
    {"connect", "showcerts certs chain", "show-certs"},
    {"connect", "sess_out sess_in resume", "reconnect"},
    {"connect", "unix unixsock unix-socket U abstract-unix-socket", "!Unix sockets are not supported"},
    {"connect", "x X proxy proxy-type socks socks5", "!proxies are not supported"},
    {"connect", "tls1 tls1_1 tls1_2 tls1_3 tlsv1.2 tlsv1.3 no_tls1_3 cipher ciphers ciphersuites",
     "!the version and the ciphers of TLS cannot be chosen"},
    {"connect", "msg state tlsextdebug prexit trace", "verbose"},
    {"connect", "n nodns", "!leave it out: an address is never looked up"},
    // nmap, masscan
    {"scan", "sT sS sTU", "!leave it out: TCP is the default; or write netlab scan tcp"},
    {"scan", "sU", "!write netlab scan udp"},
    {"scan", "Pn P0 PN PE PS PA PU PR sn sP n R r randomize-hosts reason", "!leave it out: it is not needed"},
    {"scan", "T0 T1 T2 T3 T4 T5 T min-rate min-parallelism defeat-rst-ratelimit", not_needed_pace},
    {"scan", "open", "!leave it out: closed ports are only counted, unless --all is given"},
    {"scan", "sV sC A O script version-intensity osscan-guess b banners",
     "!leave it out: banners are shown; versions and operating systems are not detected"},
    {"scan", "F fast top-ports", "top"},
    {"scan", "p ports port dport dports P", "range"},
    {"scan", "iL input-file input list targets-file hosts", "!write --host @FILE"},
    {"scan", "excludefile exclude-file", "!write --exclude @FILE"},
    {"scan", "oX xml", "!write --format nmap-xml -o FILE"},
    {"scan", "oG oM grepable", "!write --format grepable -o FILE"},
    {"scan", "oJ oD", "!write --json -o FILE"},
    {"scan", "oN oL", "!write -o FILE"},
    {"scan", "oA", "!write --format FORMAT -o FILE, with one scan for each format"},
    {"scan", "max-rate packets-per-second pps scan-delay max-scan-delay", "rate"},
    {"scan", "max-retries", "retries"},
    {"scan", "host-timeout", "max-time"},
    {"scan", "max-rtt-timeout initial-rtt-timeout min-rtt-timeout wait w", "timeout"},
    {"scan", "max-parallelism max-hostgroup min-hostgroup threads concurrency", "parallel"},
    {"scan", "S e source-ip adapter-ip bind interface", "source"},
    {"scan", "data data-string data-length payload message text", "send"},
    {"scan", "sA sF sX sN sW sM sO sY sZ sI sL",
     "!only connect scans and UDP scans exist: netlab scan tcp, netlab scan udp"},
    // ss, netstat, lsof
    {"sockets", "pid c command program comm", "process"},
    {"sockets", "state states listening L", "listen"},
    {"sockets", "a all", "!leave it out: all sockets are shown; --listen shows only listening and unconnected ones"},
    {"sockets", "p n processes numeric b", shown_anyway},
    {"sockets", "i e m o info extended memory timers options", "verbose"},
    {"sockets", "sport dport ports src dst P", "port"},
    {"sockets", "continuous follow events E n1 refresh", "watch"},
    {"sockets", "delay d seconds", "interval"},
    // swaks, sendmail, mail, curl
    {"mail send", "p port", "!write --server HOST:PORT"},
    {"mail send", "text message msg m t-text b plain body-text", "body"},
    {"mail send", "s title topic h-Subject", "subject"},
    {"mail send", "d data mail-data eml", "raw"},
    {"mail send", "smtp smtp-server host hostname h mailserver relay S url mail-host", "server"},
    {"mail send", "t rcpt rcpt-to recipient recipients mail-rcpt h-To", "to"},
    {"mail send", "f r mail-from sender h-From", "from"},
    {"mail send", "return-path bounce reverse-path F", "envelope-from"},
    {"mail send", "a A attachment file attach-file", "attach"},
    {"mail send", "au auth-user u username login user-name", "user"},
    {"mail send", "ap auth-password password passwd pass P", no_passwords},
    {"mail send", "tlsc tls-on-connect smtps ssl ssl-reqd", "!write --tls implicit"},
    {"mail send", "starttls tls-optional use-tls", "!write --tls starttls, which is the default"},
    {"mail send", "no-tls plaintext", "!write --tls none"},
    {"mail send", "ehlo hello lhlo", "helo"},
    {"mail send", "H add-header headers", "header"},
    {"mail send", "k no-verify no-check-certificate tls-no-verify", "insecure"},
    {"mail send", "quit-after quit dump dry n", "dry-run"},
    {"mail send", "mechanism auth-mechanism", "auth"},
    {"mail send", "notify", "dsn"},
    {"mail send", "c carbon-copy", "cc"},
    {"mail send", "blind", "bcc"},
    {"mail sink", "p smtp-port listen", "port"},
    {"mail sink", "smtps-port ssl-port implicit-port", "tls-port"},
    {"mail sink", "dir directory store path d o output", "maildir"},
    {"mail sink, lab serve", "username login account auth-user", "user"},
    {"mail sink, lab serve", "password passwd pass", no_passwords},
    {"mail sink, lab serve", "size max-message-size message-size", "max-size"},
    {"mail sink, lab serve", "greylist tempfail-rcpt defer", "tempfail"},
    {"mail wait", "dir directory store path d mailbox", "maildir"},
    {"mail wait", "t rcpt recipient", "to"},
    {"mail wait", "f sender mail-from", "from"},
    {"mail wait", "n number messages limit", "count"},
    // the lab's exercise sheet and the students' programs
    {"calc query", "request-id seq sequence", "id"},
    {"calc bench", "n requests count number-of-requests t time d seconds", "duration"},
    {"calc bench", "c C clients conns connection concurrency parallel sockets", "connections"},
    {"calc bench", "depth window inflight P", "pipeline"},
    {"lab serve", "port p calc", "calc-port"},
    {"lab serve", "offset base-port", "port-offset"},
    {"lab serve", "services service s enable", "only"},
    {"lab serve", "exclude skip except disable no", "without"},
    {"lab tour", "n number section step s part exercise lesson", "chapter"},
    {"base64", "D decrypt u", "decode"},
    {"base64", "e encode w wrap i", "!leave it out: netlab base64 encodes, in one line, unless -d is given"},
    // everywhere
    {"", "endian endianness e byteorder order little big le be little-endian big-endian network", "byte-order"},
    {"", "h host hostname server target address addr ip remote destination dst dest listen-address interface",
     "host server bind"},
    {"", "p P port ports dport remote-port", "port range"},
    {"", "bind source source-address source-ip src local laddr s S interface I", "bind source"},
    {"", "w timeout wait t T connect-timeout max-time deadline maxtime m read-timeout", "timeout max-time"},
    {"", "max-time maxtime limit", "max-time timeout"},
    {"", "retry tries attempts max-retries r", "retries"},
    {"", "v d debug trace log verbosity vv vvv", "verbose"},
    {"", "s silent q", "quiet"},
    {"", "inet inet4 ip4 v4 ipv4-only", "ipv4"},
    {"", "inet6 ip6 v6 ipv6-only", "ipv6"},
    {"", "t T", "tcp"},
    {"", "u U", "udp"},
    {"", "o out output-file outfile O", "output"},
    {"", "fmt type output-format", "format"},
    {"", "j J json-output", "json"},
    {"", "password passwd pass", no_passwords},
    {"", "connections conns max-connections max-conn clients backlog", "max-clients connections"},
    {"", "workers jobs j threads-count concurrency parallel", "threads parallel"},
    {"", "idle idletime keepalive idle-time", "idle-timeout"},
    {"", "ca cacert cafile CAfile CApath", "ca-file"},
    {"", "k no-verify no-check-certificate skip-verify", "insecure"},
    {"", "certificate E crt", "cert"},
    {"", "daemon background fork D", "!netlab runs in the foreground: append & to the command, or use systemd"},
    {"", "usage info ?", "help"},
});

constexpr std::array command_meanings = std::to_array<meaning>({
    {"", "telnet nc ncat netcat socat openssl s_client s-client sclient gnutls-cli curl wget putty client-tcp",
     "connect"},
    {"", "netstat ss lsof currports tcpview cports fuser sockstat ports", "sockets"},
    {"", "nmap portscan port-scan portscanner port-scanner masscan zmap rustscan zenmap scanner", "scan"},
    {"", "swaks sendmail msmtp mailx mutt email e-mail smtp sendemail", "mail send"},
    {"", "mailhog mailpit smtpd smtp-sink smtp-server aiosmtpd mailserver", "mail sink"},
    {"", "calculator compute calculate client", "calc query"},
    {"", "server services daemon", "lab serve"},
    {"", "b64 base-64 b64encode uuencode", "base64"},
    {"", "b64decode uudecode", "base64 -d"},
    {"", "tcpdump tshark wireshark strace ltrace dumpcap", "trace"},
    {"", "tutorial exercise exercises guide walkthrough demo learn", "lab tour"},
    {"calc", "server listen run start daemon host", "calc serve"},
    {"calc", "client ask get send compute connect request", "calc query"},
    {"calc", "benchmark load stress perf test measure", "calc bench"},
    {"calc", "add plus total", "calc query sum"},
    {"calc", "product prod mul mult multiply times", "calc query pro"},
    {"calc", "minimum smallest", "calc query min"},
    {"calc", "maximum largest", "calc query max"},
    {"echo", "server listen run start daemon", "echo serve"},
    {"echo", "client ask send ping test connect", "echo query"},
    {"mail", "server receive receiver serve listen smtpd start", "mail sink"},
    {"mail", "post deliver submit client write", "mail send"},
    {"mail", "recv expect await fetch latest inbox watch", "mail wait"},
    {"lab", "server start run up services host", "lab serve"},
    {"lab", "guide tutorial walk exercises learn", "lab tour"},
});

}  // namespace

std::span<const meaning> options_elsewhere() noexcept { return option_meanings; }

std::span<const meaning> commands_elsewhere() noexcept { return command_meanings; }

bool holds_for(const meaning& row, std::string_view path) noexcept {
  if (row.where.empty()) return true;
  for (const std::string_view piece : split(row.where, ',')) {
    const std::string_view each = trim(piece);
    if (path == each || (path.starts_with(each) && path.substr(each.size()).starts_with(' '))) return true;
  }
  return false;
}

}  // namespace netlab::app
