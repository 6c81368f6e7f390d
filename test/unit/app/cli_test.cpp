// SPDX-License-Identifier: MIT
#include "frame/cli.hpp"

#include <catch2/catch_test_macros.hpp>

#include "frame/options.hpp"
#include "net/endpoint.hpp"
#include "support/call.hpp"
#include "support/failure.hpp"

namespace netlab::app::cli_test {

using namespace test;
using namespace std::chrono_literals;

namespace {

using words = std::vector<std::string>;

arguments good(std::string_view path, const words& typed, const surroundings& around = {}) {
  auto parsed = call(path, typed, around);
  INFO(why(parsed));
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::string refused(std::string_view path, const words& typed) {
  const auto parsed = call(path, typed);
  CHECK(failed_with(parsed, errc::usage));
  return why(parsed);
}

// The failure that the getters kept, in words.
std::string kept(const arguments& from) { return from.error() ? describe(*from.error()) : "no failure"; }

}  // namespace

TEST_CASE("cli: what is no option is an argument, in order", "[app][unit]") {
  const auto args = good("calc query", {"sum", "1", "--port", "5", "2", "-v", "3"});
  CHECK(args.positionals() == words{"sum", "1", "2", "3"});
}

TEST_CASE("cli: negative numbers are arguments", "[app][unit]") {
  CHECK(good("calc query", {"sum", "-5", "3"}).positionals() == words{"sum", "-5", "3"});
  CHECK(good("calc query", {"-5", "-10", "-2147483648"}).positionals() == words{"-5", "-10", "-2147483648"});
}

TEST_CASE("cli: -4 and -6 are options before the first argument, and numbers behind it", "[app][unit]") {
  auto before = good("calc query", {"-4", "sum", "1"});
  CHECK(before.flag("ipv4"));
  CHECK(before.positionals() == words{"sum", "1"});
  auto behind = good("calc query", {"sum", "-4", "-6"});
  CHECK_FALSE(behind.flag("ipv4"));
  CHECK_FALSE(behind.flag("ipv6"));
  CHECK(behind.positionals() == words{"sum", "-4", "-6"});
  auto mixed = good("calc query", {"--port", "5", "-6", "sum", "-4"});
  CHECK(mixed.flag("ipv6"));
  CHECK_FALSE(mixed.flag("ipv4"));
  auto in_full = good("calc query", {"sum", "1", "--ipv4"});
  CHECK(in_full.flag("ipv4"));
}

TEST_CASE("cli: a lone dash is an argument", "[app][unit]") {
  CHECK(good("calc query", {"-", "-v"}).positionals() == words{"-"});
}

TEST_CASE("cli: behind -- everything is an argument", "[app][unit]") {
  auto args = good("echo query", {"-v", "--", "--port", "-v", "--"});
  CHECK(args.positionals() == words{"--port", "-v", "--"});
  CHECK(args.flag("verbose"));
}

TEST_CASE("cli: both spellings of a transport mean the same", "[app][unit]") {
  CHECK(good("calc query", {"udp", "sum", "1"}).flag("udp"));
  CHECK(good("calc query", {"--udp", "sum", "1"}).flag("udp"));
  CHECK(good("calc query", {"sum", "1", "--udp"}).flag("udp"));
  auto both = good("calc serve", {"tcp", "udp"});
  CHECK((both.flag("tcp") && both.flag("udp")));
  CHECK(both.positionals().empty());
}

TEST_CASE("cli: a transport's word counts wherever it stands", "[app][unit]") {
  for (const words& typed :
       {words{"--port", "5", "udp", "sum", "1"}, words{"sum", "udp", "1"}, words{"sum", "1", "udp"}}) {
    auto args = good("calc query", typed);
    CHECK(args.flag("udp"));
    CHECK(args.positionals() == words{"sum", "1"});
  }
  CHECK(good("connect", {"host", "5", "tcp"}).flag("tcp"));
  CHECK(good("calc query", {"udp", "-4", "sum", "1"}).flag("ipv4"));
  auto behind = good("calc query", {"--", "udp", "1"});
  CHECK(behind.positionals() == words{"udp", "1"});
  CHECK_FALSE(behind.flag("udp"));
  CHECK(good("calc query", {"--host", "udp", "sum"}).text("host") == "udp");
}

TEST_CASE("cli: where any text may stand, a transport's word is one only at its beginning", "[app][unit]") {
  auto args = good("echo query", {"hello", "udp"});
  CHECK(args.positionals() == words{"hello", "udp"});
  CHECK_FALSE(args.flag("udp"));
  auto first = good("echo query", {"--port", "5", "udp", "-v", "udp", "hi"});
  CHECK(first.flag("udp"));
  CHECK(first.positionals() == words{"udp", "hi"});
}

TEST_CASE("cli: a value stands in the next word or behind an equals sign, whatever it looks like", "[app][unit]") {
  CHECK(good("calc query", {"--host", "a"}).text("host") == "a");
  CHECK(good("calc query", {"--host=a"}).text("host") == "a");
  CHECK(good("calc query", {"--host=a=b"}).text("host") == "a=b");
  CHECK(good("calc query", {"--host", "-5"}).text("host") == "-5");
  CHECK(good("calc query", {"--host", "--port"}).text("host") == "--port");
  CHECK(good("calc query", {"--host", "--"}).text("host") == "--");
  CHECK(good("calc query", {"--host="}).text("host").empty());
  CHECK(good("calc query", {"--host", ""}).text("host").empty());
}

TEST_CASE("cli: the last of several counts, a repeatable option has them all", "[app][unit]") {
  CHECK(good("calc query", {"--host", "a", "--host", "b"}).text("host") == "b");
  const auto as_is = [](std::string_view text) -> result<std::string> { return std::string(text); };
  CHECK(good("calc serve", {"--bind", "a", "--bind=b"}).list_as("bind", as_is) == words{"a", "b"});
}

TEST_CASE("cli: letters may stand together", "[app][unit]") {
  auto args = good("calc query", {"-v4", "sum"});
  CHECK((args.flag("ipv4") && args.flag("verbose")));
}

TEST_CASE("cli: a flag can be told no", "[app][unit]") {
  for (const auto text : {"false", "no", "off", "0", "FALSE"})
    CHECK_FALSE(good("calc query", {std::string("--json=") + text}).flag("json"));
  for (const auto text : {"true", "yes", "on", "1"})
    CHECK(good("calc query", {std::string("--json=") + text}).flag("json"));
  auto args = good("calc query", {"--json=perhaps"});
  CHECK_FALSE(args.flag("json"));
  CHECK(kept(args) == "--json: 'perhaps' is neither true nor false");
}

TEST_CASE("cli: an unknown option comes with the nearest known one", "[app][unit]") {
  CHECK(refused("calc query", {"--prot", "5"}) == "unknown option '--prot' (did you mean --port?)");
  CHECK(refused("calc query", {"--prot=5"}) == "unknown option '--prot=5' (did you mean --port?)");
  CHECK(refused("scan", {"--prot", "1"}) == "unknown option '--prot' (did you mean --range?)");
  CHECK(refused("scan", {"-p80"}) == "unknown option '-p80' (did you mean --range?)");
  CHECK(refused("calc query", {"-r", "1", "sum"}) == "unknown option '-r' (did you mean --retries?)");
  CHECK(refused("calc query", {"-Q", "sum"}) == "unknown option '-Q' (did you mean -q?)");
  CHECK(refused("calc query", {"-x", "sum"}) == "unknown option '-x' (see netlab calc query --help)");
  CHECK(refused("calc query", {"-p", "5"}) == "unknown option '-p' (did you mean --port?)");
  CHECK(refused("calc query", {"--qq"}) == "unknown option '--qq' (see netlab calc query --help)");
  CHECK(refused("calc query", {"--version"}) == "unknown option '--version' (did you mean netlab --version?)");
  CHECK(refused("calc query", {"-V"}) == "unknown option '-V' (did you mean netlab --version?)");
  CHECK(refused("calc serve", {"--max-client", "5"}) == "unknown option '--max-client' (did you mean --max-clients?)");
  CHECK(refused("calc query", {"--nonsense"}) == "unknown option '--nonsense' (see netlab calc query --help)");
  CHECK(refused("calc query", {"sum", "1", "-x"}) == "unknown option '-x' (see netlab calc query --help)");
  CHECK(refused("calc query", {"-vx"}) == "unknown option '-x' (see netlab calc query --help)");
  CHECK(refused("calc query", {"--\x1b[2J"}).starts_with("unknown option '--\\x1b[2J'"));
}

TEST_CASE("cli: a long dash is named, but not where any text may stand", "[app][unit]") {
  CHECK(refused("calc query", {"—port", "4711"}) == "'—port' begins with a long dash (write --port)");
  CHECK(refused("calc query", {"sum", "−5"}) == "'−5' begins with a long dash (write -5)");
  CHECK(good("calc query", {"--", "—port"}).positionals() == std::vector<std::string>{"—port"});
  CHECK(good("echo query", {"—", "hello"}).positionals().size() == 2);
  CHECK(refused("echo query", {"—port", "7"}) == "'—port' begins with a long dash (write --port)");
}

TEST_CASE("cli: an option of another program that ours would take for another is refused", "[app][unit]") {
  CHECK(refused("scan", {"-oX", "f.xml"}) == "unknown option '-oX' (write --format nmap-xml -o FILE)");
  CHECK(good("scan", {"-oY"}).text("output") == "Y");
  CHECK(good("scan", {"-o", "X"}).text("output") == "X");
}

TEST_CASE("cli: an option that has no effect is told", "[app][unit]") {
  CHECK(good("sockets", {"--interval", "2s"}).ignored_options() ==
        std::vector<std::string>{"--interval is ignored without --watch"});
  CHECK(good("sockets", {"--interval", "2s", "--watch"}).ignored_options().empty());
  CHECK(good("sockets", {}).ignored_options().empty());
}

TEST_CASE("cli: words with dashes that are no option are refused", "[app][unit]") {
  for (const auto word : {"---", "--=", "--=5", "---port", "-="}) {
    INFO(word);
    refused("calc query", {word});
  }
}

TEST_CASE("cli: an option without its value says so", "[app][unit]") {
  CHECK(refused("calc query", {"sum", "--port"}) == "option '--port' needs a value");
}

TEST_CASE("cli: help is asked for by an option, not by a value or an argument", "[app][unit]") {
  const auto asks = [](const words& typed) { return asks_for_help(action_of("calc query"), typed); };
  CHECK(asks({"--help"}));
  CHECK(asks({"sum", "-h"}));
  CHECK(asks({"--nonsense", "--help"}));
  CHECK(asks({"-vh"}));
  CHECK_FALSE(asks({"-4h"}));  // a word that starts like a number is an operand
  CHECK(asks({"--help=yes"}));
  CHECK_FALSE(asks({"--host", "--help"}));
  CHECK_FALSE(asks({"--", "--help"}));
  CHECK_FALSE(asks({"help"}));
  CHECK_FALSE(asks({}));
}

TEST_CASE("cli: a default counts where nothing is given", "[app][unit]") {
  auto args = good("calc query", {});
  CHECK(args.number("port", 1, 65535) == 50000);
  CHECK(args.timeout("timeout") == 5s);
  CHECK_FALSE(args.has("port"));
  CHECK_FALSE(args.error());
}

TEST_CASE("cli: command line beats environment beats file beats default", "[app][unit]") {
  const std::string file = "[calc query]\nport = 3\n";
  const std::map<std::string, std::string> variables{{"NETLAB_CALC_QUERY_PORT", "2"}};
  const auto port = [](arguments args) { return args.number("port", 1, 65535); };
  CHECK(port(good("calc query", {"--port", "1"}, {variables, file})) == 1);
  CHECK(port(good("calc query", {}, {variables, file})) == 2);
  CHECK(port(good("calc query", {}, {{}, file})) == 3);
  CHECK(port(good("calc query", {}, {})) == 50000);
}

TEST_CASE("cli: a flag in the file can be taken back in the environment and on the command line", "[app][unit]") {
  const std::string file = "[calc query]\njson = yes\n";
  CHECK(good("calc query", {}, {{}, file}).flag("json"));
  CHECK_FALSE(good("calc query", {}, {{{"NETLAB_CALC_QUERY_JSON", "no"}}, file}).flag("json"));
  CHECK_FALSE(good("calc query", {"--json=no"}, {{}, file}).flag("json"));
}

TEST_CASE("cli: of two that exclude each other the typed one stands against the file's", "[app][unit]") {
  auto args = good("calc query", {"--tcp"}, {{}, "[calc query]\nudp = yes\n"});
  CHECK(shared_options::read_transport(args) == net::transport::tcp);
  CHECK_FALSE(args.error());
  auto family = good("calc query", {"-6"}, {{{"NETLAB_CALC_QUERY_IPV4", "1"}}, {}});
  CHECK(shared_options::read_family(family) == net::family::ipv6);
  CHECK_FALSE(family.error());
}

TEST_CASE("cli: two that exclude each other in one place are refused", "[app][unit]") {
  auto args = good("calc query", {"--tcp", "--udp"});
  static_cast<void>(shared_options::read_transport(args));
  CHECK(kept(args) == "--tcp and --udp exclude each other");
  CHECK(args.error()->code == errc::usage);
}

TEST_CASE("cli: a bad value is named with its option, and is a usage error", "[app][unit]") {
  auto args = good("calc query", {"--port", "70000", "--timeout", "x"});
  CHECK(args.number("port", 1, 65535) == 0);
  static_cast<void>(args.timeout("timeout"));
  CHECK(kept(args) == "port '70000' is not a number from 1 to 65535");  // the first one
  CHECK(args.error()->code == errc::usage);
  auto time = good("calc query", {"--timeout", "-1s"});
  static_cast<void>(time.timeout("timeout"));
  CHECK(kept(time) == "--timeout: '-1s' is not a duration (write 250ms, 2s or 1m)");
}

TEST_CASE("cli: a bad value that was not typed is a configuration error, named with its place", "[app][unit]") {
  auto variable = good("calc query", {}, {{{"NETLAB_CALC_QUERY_PORT", "70000"}}, {}});
  static_cast<void>(variable.number("port", 1, 65535));
  CHECK(kept(variable) == "NETLAB_CALC_QUERY_PORT: port '70000' is not a number from 1 to 65535");
  CHECK(variable.error()->code == errc::bad_configuration);
  auto file = good("calc query", {}, {{}, "\n[calc query]\nport = x\n"});
  static_cast<void>(file.number("port", 1, 65535));
  CHECK(kept(file) == "/etc/netlab: line 3: port: port 'x' is not a number from 1 to 65535");
  CHECK(file.error()->code == errc::bad_configuration);
}

TEST_CASE("cli: a timeout is at least a millisecond, another duration may be 0", "[app][unit]") {
  auto args = good("calc query", {"--timeout", "0"});
  static_cast<void>(args.timeout("timeout"));
  CHECK(kept(args) == "--timeout: '0' is too short (at least 1ms)");
  auto idle = good("calc serve", {"--idle-timeout", "0"});
  CHECK(idle.duration("idle-timeout") == 0s);
  CHECK_FALSE(idle.error());
}

TEST_CASE("cli: an action without arguments refuses them", "[app][unit]") {
  auto args = good("calc serve", {"now"});
  args.refuse_positionals();
  CHECK(kept(args) == "unexpected argument 'now' (see netlab calc serve --help)");
}

}  // namespace netlab::app::cli_test
