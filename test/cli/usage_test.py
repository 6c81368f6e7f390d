#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The arguments of every command: help, version, names, spellings, ranges, negative numbers."""

import json
import os
import pathlib

import harness
from harness import BAD_DATA, CONFIG, NETLAB, NO_HOST, TRY_LATER, UNAVAILABLE, USAGE, Case

COMMANDS = ["base64", "calc", "connect", "echo", "lab", "mail", "scan", "sockets", "trace"]
ACTIONS = ["base64", "calc bench", "calc query", "calc serve", "connect", "echo query", "echo serve", "lab demo",
           "lab serve", "lab tour", "mail send", "mail sink", "mail wait", "scan", "sockets", "trace"]


class Help(Case):
    def shows_help(self, *words, about):
        done = self.netlab(*words)
        self.assertEqual(done.err, "")
        self.assertIn("Usage:", done.out)
        self.assertIn(about, done.out)
        for line in done.lines:
            self.assertLessEqual(len(line), 80, line)
        return done

    def test_bare(self):
        """help: netlab alone lists the commands on stdout and ends with 0"""
        done = self.shows_help(about="Commands:")
        for command in COMMANDS:
            self.assertRegex(done.out, rf"(?m)^  {command}\b")

    def test_help_word(self):
        """help: netlab help, --help and -h are what netlab alone is"""
        bare = self.netlab().out
        for word in ("help", "--help", "-h"):
            self.assertEqual(self.shows_help(word, about="Commands:").out, bare)

    def test_help_of_a_command(self):
        """help: netlab help COMMAND and netlab COMMAND --help say the same for every command"""
        for command in COMMANDS:
            with self.subTest(command):
                done = self.shows_help("help", command, about=f"netlab {command}")
                self.assertEqual(self.netlab(command, "--help").out, done.out)

    def test_help_of_an_action(self):
        """help: every subcommand has help within 80 columns, with examples"""
        for action in ACTIONS:
            with self.subTest(action):
                done = self.shows_help(*action.split(), "--help", about=f"netlab {action}")
                self.assertIn("Common options:", done.out)
                self.assertIn("Examples:", done.out)
                self.assertIn("--json", done.out)
                self.assertIn("--quiet", done.out)
                self.assertEqual(self.netlab("help", *action.split()).out, done.out)
                self.assertEqual(self.netlab(*action.split(), "-h").out, done.out)

    def test_help_wins(self):
        """help: --help is answered wherever it stands among other arguments"""
        self.shows_help("calc", "query", "sum", "1", "--help", about="netlab calc query")
        self.shows_help("calc", "query", "--no-such-option", "--help", about="netlab calc query")

    def test_help_is_no_value(self):
        """help: --help behind -- is an argument"""
        self.refused("calc", "query", "--", "--help", status=BAD_DATA)

    def test_help_unknown(self):
        """help: of an unknown command names the nearest and ends with 64"""
        self.refused("help", "calk", says="'calc'")
        self.refused("help", "calc", "quer", says="'query'")

    def test_help_with_broken_file(self):
        """help: a broken configuration file is no obstacle to help and version"""
        broken = self.scratch() / "config"
        broken.write_text("nonsense\n")
        for words in (["--help"], ["calc", "query", "--help"], ["--version"]):
            self.netlab(*words, env={"NETLAB_CONFIG": broken})

    def test_version(self):
        """version: --version prints name and number on stdout and ends with 0"""
        done = self.netlab("--version")
        self.assertRegex(done.out, r"\Anetlab \d+\.\d+")
        self.assertEqual(done.err, "")
        self.assertEqual(self.netlab("-V").out, done.out)

    def test_version_of_a_command(self):
        """version: netlab COMMAND --version is the same"""
        for command in COMMANDS:
            with self.subTest(command):
                self.assertEqual(self.netlab(command, "--version").out, self.netlab("--version").out)


class Unknown(Case):
    def test_command(self):
        """unknown: a command names the nearest known one and ends with 64"""
        for typed, meant in (("calk", "calc"), ("clac", "calc"), ("ecko", "echo"), ("ehco", "echo"), ("base46", "base64"),
                             ("bas64", "base64"), ("lba", "lab")):
            with self.subTest(typed):
                self.refused(typed, says=f"'{meant}'")

    def test_other_words(self):
        """unknown: what is an option, or a subcommand written in one word, is named"""
        for typed, meant in (("version", "--version"), ("verson", "--version"), ("hepl", "help"), ("calc-serve", "calc serve"),
                             ("lab-tour", "lab tour"), ("mailsend", "mail send")):
            with self.subTest(typed):
                self.refused(typed, says=f"(did you mean '{meant}'?)")
        self.refused("calc", "query", "--version", says="(did you mean netlab --version?)")
        self.refused("scan", "--prot", "1", says="(did you mean --range?)")
        self.refused("scan", "-p", "1", says="(did you mean --range?)")
        self.refused("foo", says="see netlab --help")

    def test_subcommand(self):
        """unknown: a subcommand names the nearest known one and ends with 64"""
        for typed, meant in (("qurey", "query"), ("serv", "serve"), ("bensh", "bench")):
            with self.subTest(typed):
                self.refused("calc", typed, says=f"'{meant}'", begins="netlab calc")

    def test_option(self):
        """unknown: an option names the nearest known one and ends with 64"""
        for typed, meant in (("--prot", "--port"), ("--porrt=5", "--port"), ("--jsno", "--json"), ("--time-out", "--timeout"),
                             ("--qiuet", "--quiet"), ("--byteorder", "--byte-order")):
            with self.subTest(typed):
                self.refused("calc", "query", typed, "sum", "1", says=meant, begins="netlab calc query")

    def test_option_before_command(self):
        """unknown: an option before the command is refused, and the nearest named"""
        self.refused("--hlep", says="--help")
        self.refused("--verson", says="--version")

    def test_short_option(self):
        """unknown: a short option ends with 64"""
        self.refused("calc", "query", "-Z", "sum", "1", says="-Z")

    def test_far_from_all(self):
        """unknown: what is near nothing points to the help"""
        self.refused("xyzzyplugh", says="--help")

    def test_missing_subcommand(self):
        """unknown: a missing subcommand lists them and ends with 64"""
        done = self.refused("calc")
        for verb in ("bench", "query", "serve"):
            self.assertIn(verb, done.err)

    def test_missing_value(self):
        """unknown: an option without its value is refused with 64"""
        self.refused("calc", "query", "--port", says="--port")

    def test_value_for_a_flag(self):
        """unknown: a flag with a senseless value is refused with 64"""
        self.refused("calc", "query", "--json=perhaps", "sum", "1", says="--json")

    def test_surplus_argument(self):
        """unknown: a surplus argument is refused with 64"""
        self.refused("calc", "serve", "extra", says="extra")
        self.refused("lab", "tour", "extra", says="extra")
        self.refused("calc", "bench", "extra", says="extra")

    def test_control_characters(self):
        """unknown: what was typed is escaped before it is shown"""
        done = self.refused("ca\x1b[31mlc")
        self.assertNotIn("\x1b", done.err)

    def test_empty_word(self):
        """unknown: an empty command is refused with 64"""
        self.refused("")

    def test_bug_free(self):
        """unknown: odd words end in a usage error, never in 70"""
        for words in (["-"], ["--"], ["---"], ["--="], ["-="], ["=x"], ["calc", "-"], ["calc", "query", "---"],
                      ["calc", "query", "--="], ["calc", "query", "--=5", "sum"], ["calc", "query", "--port=", "sum", "1"],
                      ["calc", "query", "-\xff"], ["calc", "serve", "-v=x"], ["calc", "query", "-vq4Z"]):
            with self.subTest(words):
                self.refused(*words)


class Multicall(Case):
    def link(self, name):
        link = self.scratch() / name
        link.symlink_to(pathlib.Path(NETLAB).resolve())
        return str(link)

    def test_prefixed_link(self):
        """multicall: through a link netlab-calc the binary is that command"""
        done = self.netlab("query", "--help", binary=self.link("netlab-calc"))
        self.assertEqual(done.out, self.netlab("calc", "query", "--help").out)

    def test_plain_link(self):
        """multicall: through a link calc the binary is that command"""
        done = self.netlab("query", "--help", binary=self.link("calc"))
        self.assertEqual(done.out, self.netlab("calc", "query", "--help").out)

    def test_every_command(self):
        """multicall: every command has its name in both spellings"""
        for command in COMMANDS:
            for name in (command, f"netlab-{command}"):
                with self.subTest(name):
                    done = self.netlab("--help", binary=self.link(name))
                    self.assertEqual(done.out, self.netlab(command, "--help").out)

    def test_works(self):
        """multicall: a query through a link works"""
        server = self.serve()
        self.assertEqual(self.netlab("query", "--port", server.port, "sum", 1, 2, binary=self.link("calc")).out, "3\n")
        self.assertEqual(self.netlab("aGk=", "-d", binary=self.link("netlab-base64")).out, "hi")

    def test_other_name(self):
        """multicall: through a link of any other name it is netlab"""
        done = self.netlab("base64", "hi", binary=self.link("lab-tool"))
        self.assertEqual(done.out, "aGk=\n")

    def test_build_directory(self):
        """multicall: the build directory has the links netlab-COMMAND"""
        for command in COMMANDS:
            link = pathlib.Path(NETLAB).with_name(f"netlab-{command}")
            with self.subTest(command):
                self.assertTrue(link.exists(), f"no {link.name} beside netlab")
                self.assertEqual(self.netlab("--help", binary=str(link)).out, self.netlab(command, "--help").out)


class Transport(Case):
    def test_word_and_option(self):
        """transport: query udp and query --udp are the same, and so for tcp"""
        server = self.serve()
        for spelling in ("udp", "--udp", "tcp", "--tcp"):
            with self.subTest(spelling):
                done = self.netlab("calc", "query", spelling, "--json", "--port", server.port, "sum", 1, 2)
                self.assertEqual(json.loads(done.out)["proto"], spelling.strip("-"))

    def test_tcp_is_the_default(self):
        """transport: a query without one goes over TCP"""
        server = self.serve("--tcp")
        done = self.netlab("calc", "query", "--json", "--port", server.port, "sum", 1, 2)
        self.assertEqual(json.loads(done.out)["proto"], "tcp")

    def test_serve(self):
        """transport: serve tcp, serve --tcp, serve udp, serve --udp open that one alone"""
        for service in ("calc", "echo"):
            for spelling in ("udp", "--udp", "tcp", "--tcp"):
                with self.subTest(f"{service} {spelling}"):
                    server = self.serve(spelling, service=service)
                    self.assertEqual([each[0] for each in server.sockets], [spelling.strip("-")])
                    server.stop()

    def test_serve_both(self):
        """transport: serve with neither or with both opens both"""
        for words in ([], ["--tcp", "--udp"], ["tcp", "udp"]):
            with self.subTest(words):
                server = self.serve(*words, lines=2)
                self.assertEqual(sorted(each[0] for each in server.sockets), ["tcp", "udp"])
                server.stop()

    def test_both_for_a_query(self):
        """transport: a query over both at once is refused with 64"""
        self.refused("calc", "query", "--tcp", "--udp", "sum", 1)
        self.refused("calc", "query", "udp", "--tcp", "sum", 1)

    def test_echo_and_bench(self):
        """transport: echo query and calc bench take both spellings"""
        echo = self.serve(service="echo")
        for spelling in ("udp", "--udp", "tcp", "--tcp"):
            with self.subTest(spelling):
                self.assertEqual(self.netlab("echo", "query", spelling, "--port", echo.port, "hello").out, "hello\n")
        calc = self.serve()
        for spelling in ("udp", "--tcp"):
            with self.subTest(spelling):
                done = self.netlab("calc", "bench", spelling, "--port", calc.port, "--duration", "20ms", "--json", "-q")
                self.assertEqual(json.loads(done.out)["proto"], spelling.strip("-"))

    def test_word_anywhere(self):
        """transport: the word counts wherever it stands; to echo query only as the first, for the rest is text"""
        for service in ("calc", "echo"):
            server = self.serve("--port", 0, "tcp", service=service, port=None, lines=1)
            self.assertEqual([each[0] for each in server.sockets], ["tcp"])
            server.stop()
        calc, echo = self.serve(), self.serve(service="echo")
        for words in (["udp", "sum", 1], ["sum", 1, "udp"], ["sum", "udp", 1]):
            done = self.netlab("calc", "query", "--json", "--port", calc.port, *words)
            self.assertEqual((json.loads(done.out)["proto"], json.loads(done.out)["result"]), ("udp", 1))
        done = self.netlab("echo", "query", "--json", "--port", echo.port, "udp", "hi")
        self.assertEqual((json.loads(done.out)["proto"], json.loads(done.out)["reply"]), ("udp", "hi"))
        done = self.netlab("echo", "query", "--json", "--port", echo.port, "hi", "udp")
        self.assertEqual((json.loads(done.out)["proto"], json.loads(done.out)["reply"]), ("tcp", "hi udp"))
        done = self.netlab("echo", "query", "--json", "--port", echo.port, "--", "udp", "hi")
        self.assertEqual((json.loads(done.out)["proto"], json.loads(done.out)["reply"]), ("tcp", "udp hi"))
        self.assertEqual(self.netlab("connect", "127.0.0.1", calc.port, "tcp", input="sum 1 2\n").out, "3\n")
        self.assertEqual(self.netlab("connect", "--idle-timeout", "100ms", f"127.0.0.1:{echo.port}", "udp", input="x").out, "x")
        shown = self.netlab("sockets", "--json", "--listen", "--port", calc.port, "tcp").lines
        self.assertEqual({json.loads(line)["proto"] for line in shown}, {"tcp"})


class Ranges(Case):
    def test_ports(self):
        """ranges: a port outside 0 to 65535, or no number, is refused with 64"""
        for bad in ("70000", "65536", "-1", "nosuchservice", "", "1.5", "0x50", "99999999999999999999", "80 ", "+80"):
            for words in (["calc", "query"], ["calc", "serve"], ["echo", "serve"], ["calc", "bench"]):
                with self.subTest(f"{words} {bad!r}"):
                    rest = ["sum", "1"] if words[1] == "query" else []
                    self.refused(*words, f"--port={bad}", *rest, says="port")

    def test_port_in_two_words(self):
        """ranges: --port 70000 is refused with 64"""
        self.refused("calc", "serve", "--port", "70000", says="70000")

    def test_port_0_of_a_query(self):
        """ranges: port 0 is nothing to ask"""
        self.refused("calc", "query", "--port", "0", "sum", "1", says="port")

    def test_durations(self):
        """ranges: durations take ms, s, m and a bare number of seconds"""
        server = self.serve()
        for good in ("250ms", "2s", "1m", "3", "0.5", "1.5s"):
            with self.subTest(good):
                self.netlab("calc", "query", "--port", server.port, "--timeout", good, "sum", 1)

    def test_bad_durations(self):
        """ranges: a duration that is none is refused with 64"""
        for bad in ("", "soon", "-1s", "5x", "ms", "1e9", "nan", "inf", "1 s", "999999999999999h"):
            with self.subTest(bad):
                self.refused("calc", "query", f"--timeout={bad}", "sum", 1, says="timeout")

    def test_no_time_at_all(self):
        """ranges: a timeout of nothing is refused with 64"""
        self.refused("calc", "query", "--timeout", "0", "sum", 1, says="timeout")

    def test_counts(self):
        """ranges: a count that is none or out of range is refused with 64, naming its option"""
        for words in (["calc", "serve", "--threads", "0"], ["calc", "serve", "--threads", "many"],
                      ["calc", "serve", "--max-clients", "-5"], ["calc", "query", "--retries", "-1", "sum", "1"],
                      ["calc", "query", "--id", "4294967296", "sum", "1"], ["calc", "query", "--id", "-1", "sum", "1"],
                      ["calc", "bench", "--numbers", "256"], ["calc", "bench", "--connections", "0"],
                      ["calc", "bench", "--pipeline", "0"], ["calc", "bench", "--duration", "0"]):
            with self.subTest(words):
                self.refused(*words, says=words[2][2:])

    def test_choices(self):
        """ranges: a word that is no choice is refused with 64, the choices named"""
        self.refused("calc", "query", "--byte-order", "middle", "sum", "1", says="little")
        self.refused("calc", "query", "--color", "mauve", "sum", "1", says="never")

    def test_families(self):
        """ranges: -4 and -6 exclude each other"""
        self.refused("calc", "query", "-4", "-6", "sum", "1")

    def test_endpoints(self):
        """ranges: a local end that is none is refused with 64"""
        for bad in ("[::1", "127.0.0.1:99999", "nonsense", "1.2.3.4.5", "[127.0.0.1]:5", "127.0.0.1:"):
            with self.subTest(bad):
                self.refused("calc", "query", "--bind", bad, "sum", "1")

    def test_link_local(self):
        """ranges: a link-local address without its interface is refused with 64, and says how it is written"""
        cure = "'fe80::1' is a link-local address and needs an interface (write fe80::1%eth0)"
        for words in (["calc", "query", "--host", "fe80::1", "sum", "1"], ["calc", "query", "--udp", "--host", "[fe80::1]", "sum", "1"],
                      ["echo", "query", "--host", "fe80::1", "x"], ["calc", "bench", "--host", "fe80::1", "--duration", "1s"],
                      ["connect", "fe80::1", "1"], ["connect", "udp", "[fe80::1]:1"],
                      ["calc", "query", "--bind", "fe80::1", "sum", "1"], ["connect", "--bind", "[fe80::1]:5", "::1", "1"],
                      ["calc", "serve", "--bind", "fe80::1", "--port", "0"], ["echo", "serve", "--bind", "[fe80::1]", "--port", "0"]):
            with self.subTest(words):
                self.refused(*words, says=cure)

    def test_bind_of_a_server(self):
        """ranges: --bind of a server takes an address or any, nothing else"""
        for bad in ("nonsense", "localhost:5", "", "1.2.3", "[::1"):
            with self.subTest(bad):
                self.refused("calc", "serve", f"--bind={bad}", "--port", "0", says="bind")


class NegativeNumbers(Case):
    def setUp(self):
        self.port = self.serve("--tcp").port

    def result(self, *words):
        return self.netlab("calc", "query", *words).out

    def test_after_the_operation(self):
        """negative numbers: query sum -5 3 prints -2"""
        self.assertEqual(self.result("--port", self.port, "sum", "-5", "3"), "-2\n")

    def test_minus_four(self):
        """negative numbers: after an operation -4 and -6 are numbers"""
        self.assertEqual(self.result("--port", self.port, "sum", "-4", "-6"), "-10\n")
        self.assertEqual(self.result("--port", self.port, "min", "-4"), "-4\n")

    def test_family_before_the_operation(self):
        """negative numbers: before the operation -4 is IPv4"""
        self.assertEqual(self.result("--port", self.port, "-4", "sum", "-4", "1"), "-3\n")

    def test_options_behind(self):
        """negative numbers: options may stand behind the numbers"""
        self.assertEqual(self.result("sum", "-5", "3", "--port", self.port), "-2\n")
        self.assertEqual(self.result("sum", "-5", "--port", self.port, "-4"), "-9\n")

    def test_double_dash(self):
        """negative numbers: everything behind -- is an argument"""
        self.assertEqual(self.result("--port", self.port, "--", "sum", "-5", "-4"), "-9\n")

    def test_lowest(self):
        """negative numbers: the lowest number of 32 bits"""
        self.assertEqual(self.result("--port", self.port, "max", "-2147483648"), "-2147483648\n")


class Errors(Case):
    def test_form(self):
        """errors: one line that names the command, the act, the object, the reason"""
        port = self.closed_port()
        done = self.refused("calc", "query", "--port", port, "--host", "127.0.0.1", "sum", "1", status=UNAVAILABLE,
                            begins="netlab calc query")
        self.assertEqual(done.err, f"netlab calc query: connect 127.0.0.1:{port}: connection refused\n")

    def test_multicall_form(self):
        """errors: through a link the line names the command as netlab COMMAND"""
        link = self.scratch() / "calc"
        link.symlink_to(pathlib.Path(NETLAB).resolve())
        self.refused("query", "--port", self.closed_port(), "sum", "1", status=UNAVAILABLE, binary=str(link),
                     begins="netlab calc query")

    def test_no_such_host(self):
        """errors: a name that cannot exist ends with 68"""
        done = self.netlab("calc", "query", "--host", "no-such-host.invalid", "--timeout", "20s", "sum", "1", status=None)
        self.assert_one_error(done, says="no-such-host.invalid")
        if done.status == TRY_LATER:
            self.skipTest("no name service answers here")
        self.assertEqual(done.status, NO_HOST)

    def test_no_address_of_the_family(self):
        """errors: an address of the other family ends with 68"""
        self.refused("calc", "query", "-6", "--host", "127.0.0.1", "sum", "1", status=NO_HOST, says="IPv6")
        self.refused("calc", "query", "-4", "--host", "::1", "sum", "1", status=NO_HOST, says="IPv4")

    def test_host_alone(self):
        """errors: an empty host, and one with a port where a host alone is meant, are refused with 64"""
        for words in (["calc", "query"], ["echo", "query"], ["calc", "bench"]):
            for bad in ("127.0.0.1:1", "localhost:50000", "[::1]:1"):
                rest = [] if words[1] == "bench" else ["sum", "1"]
                self.refused(*words, "--host", bad, *rest, says=f"--host: '{bad}' has a port (give the port with --port)")
            self.refused(*words, "--host", "", *rest, says="--host: the host is empty")
            self.refused(*words, *rest, env={f"NETLAB_{words[0].upper()}_{words[1].upper()}_HOST": "h:1"}, status=CONFIG,
                         says="'h:1' has a port")
        self.refused("connect", "127.0.0.1:1", "2", says="'127.0.0.1:1' has a port (HOST PORT or HOST:PORT, not both)")
        self.refused("connect", "", "2", says="the host is empty")

    def test_impossible_host(self):
        """errors: what cannot be a host's name ends with 64 or 68, at once"""
        for bad in ("a b", "x" * 300, "exa\x1bmple"):
            with self.subTest(bad[:20]):
                done = self.netlab("calc", "query", f"--host={bad}", "sum", "1", status=None)
                self.assertIn(done.status, (USAGE, NO_HOST))
                self.assert_one_error(done)
                self.assertNotIn("\x1b", done.err)

    def test_cut(self):
        """errors: a megabyte of nonsense makes a short line"""
        done = self.refused("calc", "query", "--port", "9" * 100_000, "sum", "1")
        self.assertLess(len(done.err), 500)


class Machine(Case):
    def test_help_json(self):
        """help: --json describes every command, option and status as one JSON object"""
        done = self.netlab("help", "--json")
        self.assertEqual(len(done.lines), 1)
        described = json.loads(done.out)
        self.assertEqual([each["name"] for each in described["commands"]], COMMANDS)
        paths = [action["path"] for each in described["commands"] for action in each["actions"]]
        self.assertEqual(sorted(paths), sorted(ACTIONS))

    def test_statuses(self):
        """help: the statuses described are those of the table"""
        statuses = json.loads(self.netlab("help", "--json").out)["statuses"]
        self.assertEqual(sorted(map(int, statuses)),
                         [0, 1, 64, 65, 66, 68, 69, 70, 71, 73, 74, 75, 76, 77, 78, 130, 143])


if __name__ == "__main__":
    os.umask(0o022)
    harness.main()
