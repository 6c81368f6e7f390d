// SPDX-License-Identifier: MIT
// The options of `netlab lab serve` for observing the class: the web page, the journal file and --json.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/mail_sink.hpp"
#include "frame/background_output.hpp"
#include "frame/cli.hpp"
#include "frame/console.hpp"
#include "frame/serving.hpp"
#include "lab/io/journal_loop.hpp"
#include "lab/io/watched_service.hpp"
#include "lab/services.hpp"

namespace netlab::app {

namespace class_options {
inline constexpr option journal{
    .name = "journal",
    .argument = "FILE",
    .help = "append what the class does to this file, and continue from it at the next start"};
inline constexpr option roster{
    .name = "roster",
    .argument = "FILE",
    .help = "names of the teams: an address or a mail user, a comma and the name, one a line",
    .needs = "web journal json"};
inline constexpr option web{.name = "web",
                            .argument = "[ADDR:PORT]",
                            .help = "show the class at work in a browser, by default on 127.0.0.1:8080",
                            .implied = "127.0.0.1:8080"};
inline constexpr option web_token_file{
    .name = "web-token-file",
    .argument = "FILE",
    .help = "keep the teacher's token here, so that the address stays the same; by default a new one at each start",
    .needs = "web"};
}  // namespace class_options

/// The values of these options.
struct class_call {
  std::optional<serve::listen_options> web;
  std::string token_file;
  std::string roster_file;
  std::string journal;

  /// True if anything reads the journal.
  [[nodiscard]] bool is_wanted(const console& out) const noexcept {
    return web.has_value() || !journal.empty() || out.wants_json();
  }
};

[[nodiscard]] class_call read_class(arguments& args);

/// The open journal. It must outlive the services that report to it.
class open_class {
 public:
  /// Reads the roster, the token and the journal. Fails if a file cannot be read or written, or is malformed.
  [[nodiscard]] static result<open_class> make(const class_call& call, const std::vector<lab::service_entry>& services,
                                               const lab::port_plan& ports, byte_order order, const sink_call& mail,
                                               console& out);

  /// The same service, watched. The calculation server, whose sessions have no handler, is returned as it is:
  /// watch_calc() watches it.
  [[nodiscard]] serve::servable& watched(serve::servable& inner, std::string_view name);
  [[nodiscard]] calc::traffic_watch& watch_calc(std::string_view name);
  /// Makes the sessions of the mail sink report to the journal, and shares the output of --json with the sink.
  void connect(sink_call& mail);
  /// The page, if there is one.
  [[nodiscard]] std::optional<served> service(console& out);

  /// Returns the event loop that must run together with those of the services.
  [[nodiscard]] serve::workers& start();
  /// Writes the remaining entries; call it after that loop has ended.
  void finish(console& out, bool has_mail);

 private:
  std::shared_ptr<background_output> events_;  // for --json
  std::unique_ptr<lab::journal_loop> journal_;
  std::unique_ptr<serve::handler> page_;
  std::vector<std::unique_ptr<lab::watched_service>> watched_;
  std::unique_ptr<lab::watched_calc> watched_calc_;
  std::vector<std::pair<std::uint16_t, std::string_view>> mail_ports_;
  std::optional<serve::listen_options> web_;
  std::string token_;
};

}  // namespace netlab::app
