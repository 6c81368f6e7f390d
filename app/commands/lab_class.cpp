// SPDX-License-Identifier: MIT
#include "commands/lab_class.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "lab/io/page.hpp"
#include "lab/journal/roster.hpp"
#include "lab/web/viewer.hpp"

namespace netlab::app {
namespace {

constexpr std::uint16_t default_web_port = 8080;
constexpr std::size_t largest_roster = 1024 * 1024;
constexpr std::uint16_t last_scanned_port = 50;  // of the exercise: scan ports 1 to 50

/// `127.0.0.1:8080`, `any:8080`, `[::1]`, `:8080`, `8080`.
result<serve::listen_options> parse_web(std::string_view text) {
  if (!lab::has_page())
    return fail(errc::usage, "this netlab was built without the page", "meson setup -Dweb=enabled builds it");
  serve::listen_options made{.addresses = {asio::ip::address_v4::loopback()}, .port = default_web_port};
  made.port_option = "--web ADDR:PORT";
  std::string_view host = text;
  if (!text.empty() && std::ranges::all_of(text, is_digit)) {
    host = {};
    auto port = net::parse_port(text);
    if (!port) return unexpected(port.error());
    made.port = *port;
  }
  std::string name;
  if (!host.empty()) {
    auto parsed = net::parse_host_port(host);
    if (!parsed) return unexpected(parsed.error());
    if (parsed->port) made.port = *parsed->port;
    name = std::move(parsed->host);
  }
  if (name.empty() || name == "localhost") return made;
  auto addresses = serve::parse_bind(name);
  if (!addresses) return unexpected(addresses.error());
  made.addresses = std::move(*addresses);
  return made;
}

std::string random_token() { return encode_base64url(random_octets<24>()); }

/// Reads the token, or writes a new one to a file that only its owner may read.
result<std::string> read_token(const std::string& file) {
  if (file.empty()) return random_token();
  const std::string shown = escape(file, 200);
  const auto text = read_file(file, largest_roster);
  if (!text && text.error() == std::errc::no_such_file_or_directory) {
    std::string token = random_token();
    if (const std::error_code error = replace_file(file, token + '\n', 0600))
      return unexpected(
          failure{make_error_code(errc::cannot_create), fmt::format("create {}", shown), message_of(error), {}});
    return token;
  }
  if (!text)
    return unexpected(
        failure{make_error_code(errc::no_input), fmt::format("read {}", shown), message_of(text.error()), {}});
  std::string token(trim(*text));
  if (!lab::is_token(token))
    return fail(errc::bad_data, fmt::format("{} has no token", shown),
                "a token has at least 16 letters, digits, - or _; without the file, a new one is made");
  return token;
}

result<lab::roster> read_roster(const std::string& file) {
  if (file.empty()) return lab::roster();
  const std::string shown = escape(file, 200);
  const auto text = read_file(file, largest_roster);
  if (!text)
    return unexpected(
        failure{make_error_code(errc::no_input), fmt::format("read {}", shown), message_of(text.error()), {}});
  auto parsed = lab::roster::parse(*text);
  if (!parsed) parsed.error().context = shown;
  return parsed;
}

/// The address to type on this machine.
std::string url_of(const serve::bound& socket, const std::string& token) {
  asio::ip::address address = socket.address;
  if (address.is_unspecified())
    address = address.is_v6() ? asio::ip::address(asio::ip::address_v6::loopback())
                              : asio::ip::address(asio::ip::address_v4::loopback());
  return fmt::format("http://{}/?token={}", net::to_string(address, socket.port), token);
}

}  // namespace

class_call read_class(arguments& args) {
  class_call call;
  if (args.has("web")) call.web = args.as("web", parse_web);
  call.token_file = args.text("web-token-file");
  call.roster_file = args.text("roster");
  call.journal = args.text("journal");
  return call;
}

result<open_class> open_class::make(const class_call& call, const std::vector<lab::service_entry>& services,
                                    const lab::port_plan& ports, byte_order order, const sink_call& mail,
                                    console& out) {
  open_class made;
  auto names = read_roster(call.roster_file);
  if (!names) return unexpected(names.error());
  lab::journal_parameters with{.names = std::move(*names), .file = call.journal};
  with.recognized.order = order;
  for (const lab::service_entry& each : services) {
    const std::uint16_t port = lab::port_of(each, ports);
    if (lab::is_mail(each)) made.mail_ports_.emplace_back(port, each.name);
    if (each.port > last_scanned_port) continue;
    with.recognized.scanned.push_back({.service = each.name, .port = port, .udp = false});
    if (each.udp) with.recognized.scanned.push_back({.service = each.name, .port = port, .udp = true});
  }
  with.note = [&out](const std::string& line) { out.note(line); };
  if (out.wants_json()) {
    made.events_ = std::make_shared<background_output>(STDOUT_FILENO);
    with.json = [to = made.events_](const std::string& line) { to->line(line); };
  }
  auto opened = lab::journal_loop::open(std::move(with));
  if (!opened) return unexpected(opened.error());
  made.journal_ = std::move(*opened);
  if (const std::string summary = made.journal_->summary(); !summary.empty()) out.note(summary);
  if (!call.web) return made;
  auto token = read_token(call.token_file);
  if (!token) return unexpected(token.error());
  made.token_ = std::move(*token);
  made.web_ = call.web;
  made.page_ =
      lab::make_page(*made.journal_, {.token = made.token_, .hosts = mail.names, .maildir = mail.with.maildir});
  return made;
}

serve::servable& open_class::watched(serve::servable& inner, std::string_view name) {
  serve::handler* const sessions = inner.sessions();
  if (sessions == nullptr) return inner;
  return *watched_.emplace_back(std::make_unique<lab::watched_service>(*sessions, name, journal_->queue()));
}

calc::traffic_watch& open_class::watch_calc(std::string_view name) {
  watched_calc_ = std::make_unique<lab::watched_calc>(name, journal_->queue());
  return *watched_calc_;
}

void open_class::connect(sink_call& mail) {
  mail.events = events_;
  mail.watch = [ports = mail_ports_, &queue = journal_->queue()](const serve::visitor& who) {
    const auto found = std::ranges::find(ports, who.local.port(), &std::pair<std::uint16_t, std::string_view>::first);
    return lab::watch_mail(who, found == ports.end() ? std::string_view("submission") : found->second, queue);
  };
}

std::optional<served> open_class::service(console& out) {
  if (!page_) return std::nullopt;
  served made{.listen = *web_, .handler = *page_};
  made.cure = "netlab sockets --listen --tcp shows which process uses it; --web ADDR:PORT chooses another";
  made.privilege_cure = "ports below 1024 need root or CAP_NET_BIND_SERVICE; --web ADDR:8080 avoids them";
  made.on = &journal_->workers();
  made.shown_protocol = "http";
  made.announced = [token = token_, &out](const serve::bound& first) {
    if (out.wants_json())
      out.json({{"event", "teacher"}, {"url", url_of(first, token)}});
    else
      out.line(fmt::format("teacher {}", url_of(first, token)));
    out.flush();
  };
  return made;
}

serve::workers& open_class::start() {
  journal_->start();
  return journal_->workers();
}

void open_class::finish(console& out, bool has_mail) {
  journal_->finish();
  if (!events_ || has_mail) return;  // the mail sink finishes the output, because it adds its totals
  if (const std::uint64_t dropped = events_->finish(); dropped > 0)
    out.note(fmt::format("{} of --json dropped: the reader was too slow", count_of(dropped, "line")));
}

}  // namespace netlab::app
