// SPDX-License-Identifier: MIT
#include "frame/settings.hpp"

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "support/call.hpp"
#include "support/failure.hpp"

namespace netlab::app::settings_test {

using namespace test;
using namespace std::string_view_literals;

namespace {

std::string parsed(std::string_view text) {
  const auto from = settings::parse(environment_of({}), text, "/f");
  if (!from) CHECK(from.error().code == errc::bad_configuration);
  return why(from);
}

std::string show(const settings& from, std::string_view path, std::string_view name) {
  const action& of = action_of(path);
  std::string all;
  for (const setting& each : from.find(of, *find_option(of, name))) all += each.value + " (" + each.origin + ");";
  return all;
}

/// A directory for one test.
class scratch {
 public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "netlab-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  std::string write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = path / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file.string();
  }

  std::filesystem::path path;
};

}  // namespace

TEST_CASE("settings: an unknown section is named with its line and the nearest known one", "[app][unit]") {
  CHECK(parsed("[calc server]\nport = 1\n") ==
        "/f: line 1: unknown section [calc server] (did you mean 'calc serve'?)");
  CHECK(parsed("[nonsense]\nport = 1\n") == "/f: line 1: unknown section [nonsense]");
}

TEST_CASE("settings: an unknown key is named with its line and the nearest known one", "[app][unit]") {
  CHECK(parsed("[calc serve]\n\nprot = 1\n") ==
        "/f: line 3: unknown key 'prot' in [calc serve] (did you mean 'port'?)");
  CHECK(parsed("[calc serve]\nhelp = 1\n").starts_with("/f: line 2: unknown key 'help' in [calc serve]"));
  CHECK(parsed("[base64]\nport = 1\n").starts_with("/f: line 2: unknown key 'port' in [base64]"));
  CHECK(parsed("[calc serve]\n\x1b[2J = 1\n").starts_with("/f: line 2: unknown key '\\x1b[2J' in [calc serve]"));
}

TEST_CASE("settings: a broken line and a NUL are named", "[app][unit]") {
  CHECK(parsed("[calc serve]\nport\n") == "/f: line 2: 'port' is neither [section] nor key = value");
  CHECK(parsed("[calc serve]\nport = 1\0\n"sv) == "/f: line 2: a NUL byte: not a text file");
}

TEST_CASE("settings: a file that is good", "[app][unit]") {
  CHECK(parsed("") == "no failure");
  CHECK(parsed("# mine\n[calc serve]\nport = 1\nquiet = yes\n[lab tour]\ncolor = never\n") == "no failure");
}

TEST_CASE("settings: every long option of every action has a variable and a key of its own", "[app][unit]") {
  std::map<std::string, std::string> seen;
  for (const command& each : commands())
    for (const action& of : each.actions)
      for (const auto options : {of.options, common_options()})
        for (const option& which : options) {
          const std::string name = variable_name(of, which);
          INFO(name);
          CHECK(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos);
          CHECK(seen.emplace(name, of.path).second);
          if (which.name != "help")
            CHECK(parsed("[" + std::string(of.path) + "]\n" + std::string(which.name) + " = x\n") == "no failure");
        }
  CHECK(seen.contains("NETLAB_CALC_SERVE_IDLE_TIMEOUT"));
}

TEST_CASE("settings: the environment stands before the file, and each value knows its place", "[app][unit]") {
  const std::string text = "[calc serve]\nport = 1\nport = 2\n[calc query]\nport = 3\n";
  const auto file = settings::parse(environment_of({}), text, "/f").value();
  CHECK(show(file, "calc serve", "port") == "2 (/f: line 3: port);");
  CHECK(show(file, "calc query", "port") == "3 (/f: line 5: port);");
  CHECK(show(file, "echo serve", "port").empty());
  const auto both = settings::parse(environment_of({{"NETLAB_CALC_SERVE_PORT", "9"}}), text, "/f").value();
  CHECK(show(both, "calc serve", "port") == "9 (NETLAB_CALC_SERVE_PORT);");
}

TEST_CASE("settings: a repeatable option has a value a line, in the file as in a variable", "[app][unit]") {
  const std::string text = "[calc serve]\nbind = ::1\nbind = 127.0.0.1\n";
  const auto file = settings::parse(environment_of({}), text, "/f").value();
  CHECK(show(file, "calc serve", "bind") == "::1 (/f: line 2: bind);127.0.0.1 (/f: line 3: bind);");
  const auto both = settings::parse(environment_of({{"NETLAB_CALC_SERVE_BIND", "a\n\nb\n"}}), text, "/f").value();
  CHECK(show(both, "calc serve", "bind") == "a (NETLAB_CALC_SERVE_BIND);b (NETLAB_CALC_SERVE_BIND);");
}

TEST_CASE("settings: the file is $NETLAB_CONFIG, else below $XDG_CONFIG_HOME, else below $HOME", "[app][unit]") {
  const scratch all;
  const std::string named = all.write("mine", "[calc serve]\nport = 1\n");
  all.write("xdg/netlab/config", "[calc serve]\nport = 2\n");
  all.write("home/.config/netlab/config", "[calc serve]\nport = 3\n");
  std::map<std::string, std::string> variables{{"NETLAB_CONFIG", named},
                                               {"XDG_CONFIG_HOME", (all.path / "xdg").string()},
                                               {"HOME", (all.path / "home").string()}};
  const auto port = [&] {
    return show(settings::load(environment_of(variables)).value(), "calc serve", "port").substr(0, 1);
  };
  CHECK(port() == "1");
  variables["NETLAB_CONFIG"] = "";  // none at all
  CHECK(port().empty());
  variables.erase("NETLAB_CONFIG");
  CHECK(port() == "2");
  variables["XDG_CONFIG_HOME"] = "relative";  // the XDG specification requires ignoring it
  CHECK(port() == "3");
  variables.erase("XDG_CONFIG_HOME");
  CHECK(port() == "3");
  variables.clear();
  CHECK(port().empty());
}

TEST_CASE("settings: a file that may be missing may, one that was named may not", "[app][unit]") {
  const scratch all;
  CHECK(settings::load(environment_of({{"HOME", all.path.string()}})));
  const std::string file = (all.path / "mine").string();
  const auto named = settings::load(environment_of({{"NETLAB_CONFIG", file}}));
  CHECK(failed_with(named, errc::bad_configuration));
  CHECK(why(named) == file + ": no such file or directory");
}

TEST_CASE("settings: a directory or a huge file in its place is refused", "[app][unit]") {
  const scratch all;
  const auto directory = settings::load(environment_of({{"NETLAB_CONFIG", all.path.string()}}));
  CHECK(failed_with(directory, errc::bad_configuration));
  CHECK(why(directory) == all.path.string() + ": is a directory");
  const std::string file = all.write("huge", std::string(1024 * 1024 + 1, '\n'));
  const auto huge = settings::load(environment_of({{"NETLAB_CONFIG", file}}));
  CHECK(why(huge) == file + ": longer than 1 MiB: not a configuration file");
}

}  // namespace netlab::app::settings_test
