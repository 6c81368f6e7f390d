// SPDX-License-Identifier: MIT
// netlab mail: sends mail through a submission server; a mail server to practise with.
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "base/domain.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "commands/mail_send.hpp"
#include "commands/mail_sink.hpp"
#include "commands/mail_wait.hpp"
#include "frame/cli.hpp"
#include "frame/options.hpp"
#include "frame/tables.hpp"

namespace netlab::app {
namespace {

constexpr std::array send_options{
    option{.name = "all-or-nothing", .help = "if any recipient is refused, send to none of them"},
    option{.name = "attach", .argument = "FILE", .help = "file to attach", .fallback = {}, .repeatable = true},
    option{.name = "auth",
           .argument = "MECHANISM",
           .help = "login mechanism",
           .fallback = "auto",
           .choices = "auto plain login cram-md5 scram-sha-256 xoauth2 oauthbearer",
           .needs = "user"},
    option{.name = "batch", .argument = "FILE", .help = "file with one message per line, in JSON; - for stdin"},
    option{.name = "bcc",
           .argument = "ADDRESS",
           .help = "recipient of a copy, hidden from the others",
           .fallback = {},
           .repeatable = true},
    option{.name = "body", .argument = "TEXT", .help = "text of the message; by default it comes from stdin"},
    option{.name = "body-file", .argument = "FILE", .help = "file with the text of the message; - for stdin"},
    option{.name = "ca-file", .argument = "FILE", .help = "CA certificates to trust, in PEM; by default the system's"},
    option{.name = "cc", .argument = "ADDRESS", .help = "recipient of a copy", .fallback = {}, .repeatable = true},
    option{.name = "cert", .argument = "FILE", .help = "client certificate, for a server that asks for one"},
    option{.name = "dry-run", .help = "print the message, but do not send it"},
    option{.name = "dsn",
           .argument = "WHEN",
           .help = "request a notification on success, failure or delay (several with commas), or never",
           .fallback = {},
           .repeatable = false,
           .choices = "success failure delay never"},
    option{.name = "envelope-from",
           .argument = "ADDRESS",
           .help = "envelope sender, if it is not the same as --from; <> for the null sender"},
    option{.name = "from", .argument = "ADDRESS", .help = "sender; by default $USER at this host"},
    option{.name = "header",
           .argument = "'NAME: VALUE'",
           .help = "additional header field",
           .fallback = {},
           .repeatable = true},
    option{.name = "helo", .argument = "NAME", .help = "host name to send in EHLO; by default the name of this host"},
    option{
        .name = "html", .argument = "FILE", .help = "file with the text as HTML, sent in addition to the plain text"},
    option{.name = "insecure", .help = "accept any certificate; allowed only on the command line"},
    shared_options::ipv4,
    shared_options::ipv6,
    option{.name = "key", .argument = "FILE", .help = "private key of --cert, if it is in a separate file"},
    option{.name = "max-time",
           .argument = "DURATION",
           .help = "total time limit for a message, including the connection",
           .fallback = "1h",
           .beside = "timeout"},
    option{.name = "parallel",
           .argument = "N",
           .help = "simultaneous connections for --batch",
           .fallback = "1",
           .needs = "batch"},
    shared_options::password_command,
    shared_options::password_file,
    option{
        .name = "raw", .argument = "FILE", .help = "file with a complete message, including its header; - for stdin"},
    option{.name = "server",
           .argument = "HOST[:PORT]",
           .help = "submission server; the default port is 587, or 465 with --tls implicit",
           .fallback = "localhost"},
    option{.name = "shard",
           .argument = "I/N",
           .help = "send only part I of N parts of the batch: every N-th line, from line I on",
           .needs = "batch"},
    option{.name = "subject", .argument = "TEXT", .help = "subject of the message"},
    option{.name = "timeout",
           .argument = "DURATION",
           .help = "time limit for connecting, for TLS, and for each answer; ten times as long for the answer to the "
                   "end of a message, because the server may scan the message first",
           .fallback = "1m"},
    option{
        .name = "tls",
        .argument = "HOW",
        .help =
            "TLS mode: starttls, implicit (the default on port 465), or none; none is allowed only on the command line",
        .fallback = {},
        .repeatable = false,
        .choices = "starttls implicit none"},
    option{.name = "to", .argument = "ADDRESS", .help = "recipient", .fallback = {}, .repeatable = true},
    option{.name = "user", .argument = "NAME", .help = "user name for the login"},
};

constexpr std::array send_groups{
    option_group{"Recipients and sender", "to cc bcc from envelope-from"},
    option_group{"Message", "subject body body-file attach html header raw dry-run"},
    option_group{"Server", "server tls user auth password-file password-command timeout max-time helo ipv4 ipv6"},
    option_group{"Certificates", "ca-file insecure cert key"},
    option_group{"Delivery", "all-or-nothing dsn batch parallel shard"},
};

result<mail::tls_mode> parse_tls(std::string_view text) {
  if (text == "starttls") return mail::tls_mode::starttls;
  if (text == "implicit") return mail::tls_mode::implicit;
  if (text == "none") return mail::tls_mode::none;
  return fail(errc::usage, fmt::format("unknown TLS mode '{}'", escape(text, 60)), "starttls, implicit or none");
}

/// The mechanisms in order of preference. Over a verified connection, the password itself may be sent: this saves round
/// trips, and every server supports it.
result<std::vector<mail::mechanism>> parse_auth(std::string_view text, bool is_verified) {
  using enum mail::mechanism;
  using list = std::vector<mail::mechanism>;
  const std::string word = to_lower(text);
  if (word == "auto" && is_verified) return list{plain, scram_sha_256_plus, scram_sha_256, cram_md5, login};
  if (word == "auto") return list{scram_sha_256_plus, scram_sha_256, cram_md5, plain, login};
  if (word == "plain") return list{plain};
  if (word == "login") return list{login};
  if (word == "cram-md5") return list{cram_md5};
  if (word == "scram-sha-256") return list{scram_sha_256_plus, scram_sha_256};
  if (word == "xoauth2") return list{xoauth2};
  if (word == "oauthbearer") return list{oauthbearer};
  return fail(errc::usage, fmt::format("unknown login mechanism '{}'", escape(text, 60)),
              "auto, plain, login, cram-md5, scram-sha-256, xoauth2 or oauthbearer");
}

result<mail::dsn_parameters> parse_dsn(std::string_view text) {
  std::string notify;
  for (const std::string_view each : split(text, ',')) {
    const std::string word = to_upper(trim(each));
    if (word != "SUCCESS" && word != "FAILURE" && word != "DELAY" && word != "NEVER")
      return fail(errc::usage, fmt::format("unknown notification condition '{}'", escape(each, 60)),
                  "success, failure, delay or never");
    notify += (notify.empty() ? "" : ",") + word;
  }
  if (notify.find("NEVER") != std::string::npos && notify != "NEVER")
    return fail(errc::usage, "'never' cannot be combined with other conditions");
  return mail::dsn_parameters{.notify = notify, .ret = notify == "NEVER" ? "" : "HDRS"};
}

/// A domain, or an address literal unchanged (RFC 5321 §4.1.3).
result<std::string> parse_helo(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    std::string_view inner = text.substr(1, text.size() - 2);
    if (inner.starts_with("IPv6:")) inner.remove_prefix(5);
    if (net::parse_address(inner)) return std::string(text);
  }
  return to_ascii_domain(text);
}

struct server_name {
  std::string host;
  std::optional<std::uint16_t> port;
};
result<server_name> parse_server(std::string_view text) {
  if (const auto pasted = parse_url(text))
    return fail(errc::usage, fmt::format("'{}' is a URL", escape(text, 80)),
                fmt::format("write --server {}{}", escape(pasted->endpoint(), 80),
                            pasted->is_secure() ? " --tls implicit" : ""));
  auto parsed = net::parse_host_port(text);
  if (!parsed) return unexpected(parsed.error());
  if (text.empty()) return fail(errc::usage, "the server is empty", "HOST or HOST:PORT");
  if (parsed->host.empty()) parsed->host = "localhost";
  if (parsed->port == 0) return fail(errc::usage, "port 0 does not exist", "a port is 1 to 65535");
  if (!net::parse_address(parsed->host)) {
    // TLS and DNS use the name in A-labels.
    auto ascii = to_ascii_domain(parsed->host);
    if (!ascii) {
      ascii.error().code = make_error_code(errc::usage);
      return unexpected(ascii.error());
    }
    parsed->host = std::move(*ascii);
  }
  return server_name{std::move(parsed->host), parsed->port};
}

void read_server(arguments& args, mail_call& call) {
  mail::send_options& smtp = call.smtp;
  const server_name server = args.as("server", parse_server);
  call.is_default_server = !args.has("server");
  smtp.host = server.host;
  smtp.tls = server.port == 465 ? mail::tls_mode::implicit : mail::tls_mode::starttls;
  if (args.has("tls")) smtp.tls = args.as("tls", parse_tls);
  if (smtp.tls == mail::tls_mode::none) args.only_typed("tls");
  smtp.port = server.port.value_or(smtp.tls == mail::tls_mode::implicit ? 465 : 587);
  smtp.restrict_to = shared_options::read_family(args);
  smtp.trust.insecure = args.flag("insecure");
  if (smtp.trust.insecure) args.only_typed("insecure");
  smtp.trust.ca_file = args.text("ca-file");
  smtp.trust.certificate_file = args.text("cert");
  smtp.trust.key_file = args.text("key");
  if (!smtp.trust.key_file.empty() && smtp.trust.certificate_file.empty())
    args.refuse({make_error_code(errc::usage), {}, "--key needs --cert", {}});
  smtp.user = args.text("user");
  smtp.mechanisms = args.as("auth", [&](std::string_view text) { return parse_auth(text, !smtp.trust.insecure); });
  if (smtp.user.find('\0') != std::string::npos || smtp.user.find_first_of("\r\n") != std::string::npos)
    args.refuse({make_error_code(errc::usage), "--user", "it contains a line end or NUL", {}});
  if (!smtp.user.empty() && smtp.tls == mail::tls_mode::none)
    args.refuse({make_error_code(errc::usage),
                 {},
                 "a login cannot be combined with --tls none: credentials are never sent unencrypted",
                 "--user '' sends without a login"});
  if (smtp.user.empty() && (args.is_typed("password-file") || args.is_typed("password-command")))
    args.refuse({make_error_code(errc::usage), {}, "a password needs --user", {}});
  call.password = password_source::read(args);
}

std::vector<mail::mailbox> read_recipients(arguments& args, std::string_view option) {
  std::vector<mail::mailbox> all;
  for (auto& list : args.list_as(option, parse_recipients)) std::ranges::move(list, std::back_inserter(all));
  return all;
}

void read_message_options(arguments& args, mail_call& call) {
  message_fields& fields = call.message;
  if (args.has("from")) fields.from = args.as("from", mail::parse_mailbox);
  if (args.has("envelope-from")) fields.envelope_from = args.as("envelope-from", parse_envelope_sender);
  fields.to = read_recipients(args, "to");
  fields.cc = read_recipients(args, "cc");
  fields.bcc = read_recipients(args, "bcc");
  fields.subject = args.text("subject");
  fields.headers = args.list_as("header", parse_header);
  call.attach = args.texts("attach");
  call.html_file = args.text("html");
  call.raw_file = args.text("raw");
  call.batch = args.text("batch");
  if (args.has("shard")) call.part = args.as("shard", scan::parse_shard);
  call.dry_run = args.flag("dry-run");
  const auto refuse_together = [&](std::string_view one, std::string_view other) {
    args.refuse({make_error_code(errc::usage), {}, fmt::format("--{} and --{} exclude each other", one, other), {}});
  };
  args.prefer_typed("body", "body-file");
  if (args.has("body") && args.has("body-file")) refuse_together("body", "body-file");
  if (args.has("body")) fields.text = args.text("body");
  call.body_file = args.text("body-file");
  if (!call.raw_file.empty()) {
    for (const std::string_view other : {"attach", "batch", "body", "body-file", "header", "html", "subject"})
      if (args.is_typed(other)) refuse_together("raw", other);
    return;
  }
  if (!call.batch.empty()) {
    if (call.dry_run) refuse_together("batch", "dry-run");
    return;
  }
  if (fields.text || !call.body_file.empty()) return;
  // The text is read from stdin, but a user with an attachment is not asked to type one.
  call.may_lack_text = !call.attach.empty() || !call.html_file.empty();
  if (!call.may_lack_text || ::isatty(STDIN_FILENO) != 1) call.body_file = "-";
}

exit_status send(arguments& args, console& out) {
  mail_call call;
  read_server(args, call);
  read_message_options(args, call);
  if (args.has("helo"))
    call.smtp.helo = args.as("helo", parse_helo);
  else
    call.smtp.helo = full_host_name().value_or("");
  if (args.has("dsn")) call.smtp.dsn = args.as("dsn", parse_dsn);
  call.smtp.all_or_nothing = args.flag("all-or-nothing");
  call.smtp.timeout = args.timeout("timeout");
  call.smtp.end_timeout = 10 * call.smtp.timeout;
  call.smtp.max_time = args.timeout("max-time");
  call.smtp.parallel = static_cast<unsigned>(args.number("parallel", 1, 1000));
  args.refuse_positionals();
  if (args.error()) return out.refuse(*args.error());
  return call.batch.empty() ? send_single(call, out) : send_batch(call, out);
}

constexpr std::array send_examples{
    example{"echo 'Hello!' | netlab mail send --to ann@example.org --subject Hello",
            "with the server and user name from the configuration file"},
    example{"netlab mail send --server mail.example.org --user me --to ann@example.org",
            "with STARTTLS on port 587; asks for the password, then reads the text"},
    example{"netlab mail send --to ann@example.org --attach report.pdf --body Hi -v",
            "with an attachment, and the SMTP dialogue on stderr"},
    example{"netlab mail send --batch letters.jsonl --parallel 4", "many messages over four connections"},
};

constexpr auto sink_table = merge_options(
    serving_options, sink_options,
    std::array{
        max_clients_option,
        option{.name = "port", .argument = "N", .help = "port with STARTTLS; 0: any free port", .fallback = "2525"},
        option{.name = "tls-port",
               .argument = "N",
               .help = "port with TLS from the start; none: no such port; 0: any free port, the default with --port 0",
               .fallback = "2465"},
    });

constexpr std::array sink_groups{
    option_group{"Listening", "port tls-port bind name ipv4 ipv6"},
    option_group{"Storage", "maildir state discard"},
    option_group{"Login and TLS", "user password-file password-command require-auth require-tls auth-without-tls"},
    option_group{"Refusals and faults", "fault reject tempfail max-size max-recipients max-rate"},
    option_group{"Clients", "max-clients max-clients-per-address idle-timeout max-time grace threads"},
};

constexpr std::array sink_examples{
    example{"netlab mail sink", "accept all mail on ports 2525 and 2465, and print where it is kept"},
    example{"netlab mail send --server localhost:2525 --ca-file ca.pem --to a@lab.example",
            "send to that sink, with the CA file that it printed"},
    example{"netlab mail sink --user ann --require-auth --reject bob@example.org",
            "a submission server for the user ann, which refuses mail to bob"},
    example{"netlab mail sink --fault tempfail-data:every=2",
            "like greylisting: every second message must be sent again"},
    example{"sudo netlab mail sink --port 587 --tls-port 465 --bind any",
            "on the standard ports, reachable from other machines"},
    example{"netlab mail sink --port 0 --json", "for a test program: free ports, and one JSON object per message"},
};

constexpr std::array wait_table{
    wait_options::count,   wait_options::from,    wait_options::maildir,
    wait_options::subject, wait_options::timeout, wait_options::to,
};

constexpr std::array wait_examples{
    example{"netlab mail wait --to ann@example.org", "wait for a message to Ann in the Maildir of `netlab mail sink`"},
    example{"netlab mail wait --maildir box --subject 'reset your password' --json",
            "its text, parts and header, for a test program"},
    example{"netlab mail wait --maildir box --count 3 --timeout 1m", "wait until three messages have arrived"},
    example{"netlab mail wait --maildir box --from '<>' --timeout 0", "is there a bounce?"},
};

using enum exit_status;
constexpr auto sink_statuses = usual_statuses_and(bad_data, no_input, unavailable, cannot_create, not_permitted);
constexpr auto wait_statuses = usual_statuses_and(partly_done, no_input, try_later);
constexpr auto send_statuses =
    usual_statuses_and(partly_done, bad_data, no_input, no_host, unavailable, try_later, protocol, not_permitted);

constexpr std::array mail_actions{
    action{.path = "mail send",
           .summary = "send mail through a submission server",
           .description =
               "Sends one message, or many with --batch, to a mail server: with STARTTLS on port 587, with TLS "
               "from the start on port 465. The server's certificate must be valid, and credentials are sent "
               "only over TLS. Prints one line when the server has accepted the message. If it refuses some of "
               "the recipients, they are named, the others get the message, and the exit status is 1.\n\n"
               "The "
               "text comes from --body, --body-file or stdin. The envelope sender (--envelope-from) and the "
               "sender in the message's From field (--from) are independent; by default they are the same. If "
               "the connection is lost between the end of a message and the server's answer, it is unknown "
               "whether the message was accepted: the exit status is 74, and the message is not sent again.",
           .options = send_options,
           .groups = send_groups,
           .examples = send_examples,
           .statuses = send_statuses,
           .run = send},
    action{.path = "mail sink",
           .summary = "run a mail server for practice and tests",
           .description =
               "Accepts mail over SMTP as a submission server does, with STARTTLS on one port and TLS from the start "
               "on another, and delivers it to a Maildir; it never forwards mail. A client gets its 250 only when the "
               "message is on disk. On the first start it creates its own CA, which signs the server's certificate; "
               "the first line of output names the CA file that clients have to trust.\n\n"
               "With --user it offers AUTH; "
               "all users have the same password. With --fault it misbehaves as real servers do, at the same points in "
               "every run: --fault list explains the faults. -v shows the dialogue.",
           .options = sink_table,
           .groups = sink_groups,
           .examples = sink_examples,
           .statuses = sink_statuses,
           .run = sink},
    action{.path = "mail wait",
           .summary = "wait until a message is in a Maildir",
           .description =
               "Ends as soon as a message that fits all conditions is in the Maildir, also if it was there before, and "
               "prints its path; with --json, its header and its parts. Exits with 75 if there is none in time. "
               "Programs that test other programs use it after an action that sends mail.",
           .options = wait_table,
           .examples = wait_examples,
           .statuses = wait_statuses,
           .run = wait},
};

}  // namespace

const command mail_command{
    .name = "mail", .summary = "send mail, and receive it for practice", .actions = mail_actions};

}  // namespace netlab::app
