// SPDX-License-Identifier: MIT
#include "commands/mail_sink.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/domain.hpp"
#include "base/text.hpp"
#include "commands/mail_message.hpp"
#include "net/endpoint.hpp"

namespace netlab::app {
namespace {

/// Makes a path absolute, because its reader may be in another directory.
std::string absolute(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error);
  return error ? path : whole.lexically_normal().string();
}

/// A name for a certificate: an address in its usual form, or a domain in A-labels.
result<std::string> parse_name(std::string_view text) {
  std::string_view bare = text;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  if (const auto address = net::parse_address(bare)) return address->to_string();
  auto ascii = to_ascii_domain(text);
  if (ascii) return to_lower(*ascii);
  ascii.error().code = make_error_code(errc::usage);
  return ascii;
}

/// Only checks the value, because a failure here can name its origin; the sink builds the plan itself.
result<std::string> parse_fault(std::string_view text) {
  mail::fault_plan trial;
  if (text != "list")
    if (auto added = trial.add(text); !added) {
      std::string& cure = added.error().hint;
      if (cure.find("--fault list") == std::string::npos)
        cure += cure.empty() ? "--fault list explains them" : " --fault list explains them";
      return unexpected(added.error());
    }
  return std::string(text);
}

result<std::string> parse_user(std::string_view text) {
  if (text.empty() || text.find_first_of("\r\n") != std::string_view::npos || text.find('\0') != std::string_view::npos)
    return fail(errc::usage, "a user name is empty, or contains a line end or NUL");
  return std::string(text);
}

/// The server's name in its greeting.
std::string own_host(const std::vector<std::string>& names) {
  if (!names.empty()) {
    const auto address = net::parse_address(names.front());
    return address ? net::address_literal(*address) : names.front();
  }
  return full_host_name().value_or("localhost");
}

/// 0 means never.
duration limit_of(duration given) { return given == duration(0) ? duration(std::chrono::hours(1000)) : given; }

nlohmann::ordered_json event_to_json(const mail::sink_refusal& event) {
  nlohmann::ordered_json recipient;
  if (event.recipient != nullptr) recipient = event.recipient->to_string();
  return {{"event", "refused"},        {"peer", net::to_string(event.peer)},   {"helo", event.so_far.helo},
          {"user", event.so_far.user}, {"sender", event.so_far.sender_text()}, {"recipient", std::move(recipient)},
          {"reply", event.reply}};
}

nlohmann::ordered_json event_to_json(const mail::sink_failed_login& event) {
  return {{"event", "login_failed"},
          {"peer", net::to_string(event.peer)},
          {"user", event.user},
          {"mechanism", event.mechanism},
          {"reason", event.why}};
}

nlohmann::ordered_json event_to_json(const mail::sink_totals& all) {
  return {{"event", "totals"},      {"messages", all.accepted},
          {"octets", all.octets},   {"connections", all.connections},
          {"refused", all.refused}, {"failed_logins", all.failed_logins},
          {"faults", all.faults},   {"turned_away", all.turned_away}};
}

nlohmann::ordered_json event_to_json(const mail::sink_message& event) {
  nlohmann::ordered_json recipients = nlohmann::ordered_json::array();
  for (const mail::recipient& each : event.of.recipients) recipients.push_back(each.address.to_string());
  nlohmann::ordered_json object{{"event", "message"},
                                {"id", event.id},
                                {"peer", net::to_string(event.peer)},
                                {"helo", event.of.helo},
                                {"tls", event.of.tls},
                                {"user", event.of.user},
                                {"sender", event.of.sender_text()},
                                {"recipients", std::move(recipients)},
                                {"size", event.octets}};
  if (!event.file.empty()) object["file"] = event.file;
  return object;
}

}  // namespace

std::string default_state() {
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg != nullptr && xdg[0] == '/')
    return std::string(xdg) + "/netlab";
  std::string home;
  if (const char* named = std::getenv("HOME"); named != nullptr) home = named;
  if (home.empty())
    if (const passwd* entry = ::getpwuid(::geteuid()); entry != nullptr) home = entry->pw_dir;
  return home + "/.local/state/netlab";
}

sink_call read_sink(arguments& args, const serving& common) {
  sink_call call;
  const auto faults = args.list_as("fault", parse_fault);
  for (const std::string& each : faults)
    if (each == "list")
      call.lists_faults = true;
    else
      call.with.faults.push_back(each);

  mail::server_parameters& server = call.with.server;
  const auto names = args.list_as("name", parse_name);
  server.host = own_host(names);
  call.names = tls::own_names();
  const auto add_name = [&](const std::string& name) {
    if (std::find(call.names.begin(), call.names.end(), name) == call.names.end()) call.names.push_back(name);
  };
  for (const std::string& each : names) add_name(each);
  for (const asio::ip::address& each : common.listen.addresses)
    if (!each.is_unspecified()) add_name(each.to_string());

  server.starttls = args.flag("require-tls") ? mail::starttls_offer::required : mail::starttls_offer::offered;
  server.login_required = args.flag("require-auth");
  server.login_in_clear = args.flag("auth-without-tls");
  if (server.login_in_clear) args.only_typed("auth-without-tls");
  call.with.users = args.list_as("user", parse_user);
  call.password = password_source::read(args);
  if (call.with.users.empty() && server.login_required)
    args.refuse({make_error_code(errc::usage), {}, "--require-auth needs --user", {}});
  if (call.with.users.empty() && (args.is_typed("password-file") || args.is_typed("password-command")))
    args.refuse({make_error_code(errc::usage), {}, "a password needs --user", {}});

  server.limits.message = args.as("max-size", parse_size);
  server.limits.recipients = args.number("max-recipients", 1, 1'000'000);
  const duration idle = limit_of(common.idle_timeout);
  server.timeouts = {.command = idle, .content = idle, .session = limit_of(args.duration("max-time"))};
  server.reject = args.list_as("reject", mail::address_pattern::parse);
  server.tempfail = args.list_as("tempfail", mail::address_pattern::parse);
  if (args.has("max-rate")) call.with.max_rate = args.as("max-rate", mail::rate_limit::parse);
  call.with.max_clients = common.max_clients;

  call.state = args.text("state");
  call.state = absolute(call.state.empty() ? default_state() : call.state);
  call.discards = args.flag("discard");
  if (call.discards && args.is_typed("maildir"))
    args.refuse({make_error_code(errc::usage), {}, "--discard and --maildir exclude each other", {}});
  if (!call.discards)
    call.with.maildir = absolute(args.has("maildir") ? args.text("maildir") : call.state + "/maildir");
  return call;
}

void list_faults(console& out) {
  std::size_t width = 0;
  for (const mail::fault& each : mail::all_faults()) width = std::max(width, each.name.size());
  for (const mail::fault& each : mail::all_faults())
    if (out.wants_json())
      out.json({{"fault", each.name}, {"at", name_of(each.at)}, {"what", each.description}});
    else
      out.line(fmt::format("{:{}}  {}", each.name, width, each.description));
}

result<open_sink> open_sink::make(sink_call call, console& out, const std::string& log_name) {
  if (!call.with.users.empty()) {
    const std::string whose = call.with.users.size() == 1 ? call.with.users.front() : "every user";
    auto password = get_password(call.password, fmt::format("Password for {}: ", escape(whose)), out);
    if (!password) return unexpected(password.error());
    call.with.password = std::move(*password);
  }
  const auto authority = tls::authority::open(call.state);
  if (!authority) return unexpected(authority.error());

  open_sink made;
  made.ca_file_ = authority->file();
  made.maildir_ = call.with.maildir;
  mail::sink_observer observer{.log = [&out, before = log_name.empty() ? std::string() : log_name + ' '](
                                          const std::string& line) { out.note(before + line); },
                               .dialogue = {},
                               .accepted = {},
                               .refused = {},
                               .login_failed = {},
                               .watch = call.watch};
  if (out.is_verbose()) observer.dialogue = observer.log;
  if (out.wants_json()) {
    made.events_ = call.events ? call.events : std::make_shared<background_output>(STDOUT_FILENO);
    const auto write_event = [to = made.events_.get()](const auto& event) { to->line(to_line(event_to_json(event))); };
    observer.accepted = write_event;
    observer.refused = write_event;
    observer.login_failed = write_event;
  }
  auto opened = mail::sink::open(std::move(call.with), std::move(observer));
  if (!opened) return unexpected(opened.error());
  made.sink_ = std::move(*opened);
  auto identities = made.sink_->identities(*authority, call.names);
  if (!identities) return unexpected(identities.error());
  made.identities_ = std::move(*identities);
  return made;
}

served open_sink::service(serve::listen_options on, bool starttls) const {
  on.tcp = true;
  on.udp = false;
  return {.listen = std::move(on),
          .handler = starttls ? sink_->starttls_side() : sink_->implicit_side(),
          .identities = identities_,
          .implicit_tls = !starttls,
          .tls = starttls ? "starttls" : "tls"};
}

void open_sink::announce(console& out) const {
  if (out.wants_json()) {
    out.json({{"event", "ca"}, {"file", ca_file_}});
    if (!maildir_.empty()) out.json({{"event", "maildir"}, {"directory", maildir_}});
    return;
  }
  out.line("ca " + escape(ca_file_));
  if (!maildir_.empty()) out.line("maildir " + escape(maildir_));
}

std::string open_sink::conclude(console& out) const {
  sink_->finish_log();
  const mail::sink_totals all = sink_->totals();
  if (events_) {
    events_->line(to_line(event_to_json(all)));
    if (const std::uint64_t dropped = events_->finish(); dropped > 0)
      out.note(fmt::format("{} of --json dropped: the reader was too slow", count_of(dropped, "line")));
  }
  return fmt::format("accepted {}, {}, over {}; {} refused, {}, {}, {} turned away", count_of(all.accepted, "message"),
                     count_of(all.octets, "octet"), count_of(all.connections, "connection"), all.refused,
                     count_of(all.failed_logins, "failed login"), count_of(all.faults, "fault"), all.turned_away);
}

exit_status sink(arguments& args, console& out) {
  serving common = serving::read(args);
  sink_call call = read_sink(args, common);
  std::optional<std::uint16_t> tls_port;
  if (args.text("tls-port") != "none") {
    // If a free port was requested, the TLS port is a free one, too.
    const bool is_free = common.listen.port == 0 && !args.has("tls-port");
    tls_port = is_free ? std::uint16_t{0} : args.as("tls-port", net::parse_port);
  }
  args.refuse_positionals();
  if (args.error()) return out.refuse(*args.error());
  if (call.lists_faults) {
    list_faults(out);
    return exit_status::done;
  }
  const auto opened = open_sink::make(std::move(call), out);
  if (!opened) return out.refuse(opened.error());
  std::vector<served> services{opened->service(common.listen, true)};
  if (tls_port) {
    serve::listen_options on = common.listen;
    on.port = *tls_port;
    on.port_option = "--tls-port";
    services.push_back(opened->service(std::move(on), false));
  }
  common.ready_first = [&] { opened->announce(out); };
  const auto ended = app::serve(common, services, out);
  if (!ended) return out.refuse(ended.error());
  out.note(opened->conclude(out));
  return exit_status::done;
}

}  // namespace netlab::app
