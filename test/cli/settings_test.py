#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Environment and configuration file: every long option, precedence, and errors."""

import json
import os

import harness
from harness import CONFIG, USAGE, Case


class Places(Case):
    """A query's --port is the probe: the server that answers tells which place was read."""

    def setUp(self):
        self.port = self.serve("--tcp").port
        self.place = self.scratch()
        self.nobody = self.closed_port()

    def ask(self, *words, status=0, **env):
        return self.netlab("calc", "query", *words, "sum", 1, 2, env=env, status=status)

    def file(self, text, name="config"):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def port_line(self, port):
        return f"[calc query]\nport = {port}\n"

    def test_environment(self):
        """settings: NETLAB_CALC_QUERY_PORT is --port of netlab calc query"""
        self.assertEqual(self.ask(NETLAB_CALC_QUERY_PORT=self.port).out, "3\n")

    def test_file_named(self):
        """settings: $NETLAB_CONFIG names the file"""
        self.assertEqual(self.ask(NETLAB_CONFIG=self.file(self.port_line(self.port))).out, "3\n")

    def test_file_of_xdg(self):
        """settings: else it is $XDG_CONFIG_HOME/netlab/config"""
        self.file(self.port_line(self.port), "netlab/config")
        self.assertEqual(self.ask(XDG_CONFIG_HOME=self.place).out, "3\n")

    def test_file_at_home(self):
        """settings: else it is ~/.config/netlab/config"""
        self.file(self.port_line(self.port), ".config/netlab/config")
        self.assertEqual(self.ask(HOME=self.place).out, "3\n")

    def test_order_of_files(self):
        """settings: NETLAB_CONFIG beats XDG_CONFIG_HOME beats HOME, and only one file is read"""
        named = self.file(self.port_line(self.port), "named")
        self.file("[calc query]\nno-such-key = 1\n", "xdg/netlab/config")
        self.file("[calc query]\nno-such-key = 1\n", "home/.config/netlab/config")
        env = {"HOME": self.place / "home", "XDG_CONFIG_HOME": self.place / "xdg"}
        self.ask(NETLAB_CONFIG=named, **env)
        self.assertIn("xdg/netlab/config", self.ask(status=CONFIG, **env).err)
        self.file(self.port_line(self.port), "xdg/netlab/config")
        self.ask(**env)

    def test_no_file(self):
        """settings: without any file, or HOME, the defaults hold"""
        self.ask("--port", self.port, HOME=self.place / "nowhere")
        self.ask("--port", self.port, HOME=None)
        self.ask("--port", self.port, XDG_CONFIG_HOME=self.place / "nowhere")

    def test_precedence(self):
        """settings: command line beats environment beats file beats default"""
        good, bad = self.file(self.port_line(self.port), "good"), self.file(self.port_line(self.nobody), "bad")
        self.ask("--port", self.port, NETLAB_CALC_QUERY_PORT=self.nobody, NETLAB_CONFIG=bad)
        self.ask(NETLAB_CALC_QUERY_PORT=self.port, NETLAB_CONFIG=bad)
        self.ask(NETLAB_CONFIG=good)

    def test_other_section(self):
        """settings: a section holds for its own command only"""
        self.ask(NETLAB_CONFIG=self.file(f"[calc bench]\nport = {self.nobody}\n[calc query]\nport = {self.port}\n"))

    def test_every_option(self):
        """settings: every long option of every command has the variable and the key that the help names"""
        described = json.loads(self.netlab("help", "--json").out)
        for command in described["commands"]:
            for action in command["actions"]:
                for option in action["options"]:
                    name = option["name"]
                    if name == "help":
                        continue
                    variable = f"NETLAB_{action['path']}_{name}".upper().replace(" ", "_").replace("-", "_")
                    with self.subTest(f"{action['path']} --{name}"):
                        self.assertEqual(option["variable"], variable)
                        # A value that is invalid for every typed option shows that the variable is read; free text is
                        # always valid.
                        if name in ("alpn", "exclude", "host", "process", "send", "sni", "user") or (
                                option.get("argument") in ("CMD", "DIR", "FILE", "TEXT")):
                            continue
                        words = action["path"].split()
                        done = self.netlab(*words, "surplus", env={variable: "\x01bad"}, status=None)
                        if name == "bind":  # repeatable for a server, single for a client
                            self.assertIn(done.status, (CONFIG, USAGE))
                            continue
                        self.assertEqual(done.status, CONFIG, done.err)
                        self.assertIn(variable, done.err)
                        config = self.file(f"[{action['path']}]\n{name} = bad!\n")
                        done = self.netlab(*words, "surplus", env={"NETLAB_CONFIG": config}, status=CONFIG)
                        self.assertIn("line 2", done.err)
                        self.assertIn(name, done.err)

    def test_flags(self):
        """settings: a flag takes true, yes, on, 1 and their opposites"""
        for word in ("true", "yes", "on", "1", "TRUE"):
            with self.subTest(word):
                json.loads(self.ask("--port", self.port, NETLAB_CALC_QUERY_JSON=word).out)
        for word in ("false", "no", "off", "0", ""):
            with self.subTest(word):
                self.assertEqual(self.ask("--port", self.port, NETLAB_CALC_QUERY_JSON=word).out, "3\n")

    def test_flag_overruled(self):
        """settings: a flag that the environment sets is taken back by --json=false"""
        self.assertEqual(self.ask("--port", self.port, "--json=false", NETLAB_CALC_QUERY_JSON="true").out, "3\n")

    def test_transport_overruled(self):
        """settings: --tcp typed stands against udp = true in the file and in the environment"""
        config = self.file("[calc query]\nudp = true\n")
        self.ask("--port", self.port, "--tcp", NETLAB_CONFIG=config)
        self.ask("tcp", "--port", self.port, NETLAB_CALC_QUERY_UDP="true")

    def test_family_overruled(self):
        """settings: -4 typed stands against ipv6 = true in the file"""
        self.ask("--port", self.port, "-4", NETLAB_CONFIG=self.file("[calc query]\nipv6 = true\n"))

    def test_repeated(self):
        """settings: a repeatable option stands on several lines, and typed ones replace them"""
        config = self.file("[calc serve]\nbind = 127.0.0.1\nbind = 127.0.0.2\nport = 0\ntcp = true\n")
        server = self.serve(bind=None, port=None, lines=2, env={"NETLAB_CONFIG": config})
        self.assertEqual([each[:2] for each in server.sockets], [("tcp", "127.0.0.1"), ("tcp", "127.0.0.2")])
        server = self.serve(bind="127.0.0.3", port=None, lines=1, env={"NETLAB_CONFIG": config})
        self.assertEqual([each[:2] for each in server.sockets], [("tcp", "127.0.0.3")])
        server.stop()
        self.assertEqual(len(server.out.splitlines()), 1)

    def test_forms(self):
        """settings: comments, blank lines, CRLF, a byte order mark, blanks and odd spacing are understood"""
        config = self.place / "config"
        config.write_bytes(b"\xef\xbb\xbf# comment\r\n; comment\r\n\r\n[ calc   query ]\r\n  port=%d  \r\n" % self.port)
        self.ask(NETLAB_CONFIG=config)

    def test_last_line_without_end(self):
        """settings: the last line needs no line end"""
        self.ask(NETLAB_CONFIG=self.file(f"[calc query]\nport = {self.port}"))

    def test_empty_file(self):
        """settings: an empty file is a good one"""
        self.ask("--port", self.port, NETLAB_CONFIG=self.file(""))
        self.ask("--port", self.port, NETLAB_CONFIG="/dev/null")

    def test_server(self):
        """settings: a server takes its options from there too"""
        server = self.serve(bind=None, port=None, lines=1,
                            env={"NETLAB_CALC_SERVE_PORT": "0", "NETLAB_CALC_SERVE_BIND": "127.0.0.1",
                                 "NETLAB_CALC_SERVE_UDP": "true"})
        self.assertEqual([each[:2] for each in server.sockets], [("udp", "127.0.0.1")])


class Refused(Case):
    def config(self, text):
        path = self.scratch() / "config"
        path.write_bytes(harness.octets_of(text))
        return path

    def assert_refused(self, text, line, says=""):
        path = self.config(text)
        done = self.refused("base64", "x", status=CONFIG, env={"NETLAB_CONFIG": path}, begins="netlab base64",
                            says=str(path))
        self.assertRegex(done.err, rf"(line |:){line}\b")
        self.assertIn(says, done.err)
        return done

    def test_unknown_key(self):
        """bad settings: an unknown key names file, line and the nearest key, and ends with 78"""
        self.assert_refused("[calc query]\n\nprot = 5\n", 3, "port")

    def test_unknown_key_elsewhere(self):
        """bad settings: an unknown key in another command's section too"""
        self.assert_refused("[base64]\n[echo serve]\nprot = 5\n", 3, "'prot'")

    def test_unknown_section(self):
        """bad settings: an unknown section names file, line and the nearest section"""
        self.assert_refused("[calc qurey]\nport = 5\n", 1, "calc query")

    def test_key_before_section(self):
        """bad settings: a key before the first section is refused"""
        self.assert_refused("port = 5\n[calc query]\n", 1, "port")

    def test_broken_lines(self):
        """bad settings: a broken line names file and line"""
        self.assert_refused("[calc query]\nnonsense\n", 2, "nonsense")
        self.assert_refused("[calc query\nport = 5\n", 1)
        self.assert_refused("[calc query]\n= 5\n", 2)
        self.assert_refused("[]\n", 1)
        self.assert_refused("\n[calc query]\nport = 5\0\n", 3)

    def test_bytes(self):
        """bad settings: control characters of a broken line are escaped"""
        done = self.assert_refused("[calc query]\n\x1b[31mred\n", 2)
        self.assertNotIn("\x1b", done.err)

    def test_value(self):
        """bad settings: a bad value names file and line, and ends with 78"""
        path = self.config("[calc query]\n\nport = 70000\n")
        done = self.refused("calc", "query", "sum", 1, status=CONFIG, env={"NETLAB_CONFIG": path}, says=str(path))
        self.assertIn("line 3", done.err)
        self.assertIn("70000", done.err)

    def test_environment_value(self):
        """bad settings: a bad value in the environment names its variable and ends with 78"""
        self.refused("calc", "query", "sum", 1, status=CONFIG, env={"NETLAB_CALC_QUERY_PORT": "70000"},
                     says="NETLAB_CALC_QUERY_PORT")
        self.refused("calc", "serve", "--port", "0", status=CONFIG, env={"NETLAB_CALC_SERVE_BIND": "nonsense"},
                     says="NETLAB_CALC_SERVE_BIND")

    def test_missing(self):
        """bad settings: a NETLAB_CONFIG that is not there ends with 78"""
        self.refused("base64", "x", status=CONFIG, env={"NETLAB_CONFIG": "/nowhere/config"}, says="/nowhere/config")

    def test_directory(self):
        """bad settings: a directory in the file's place ends with 78"""
        place = self.scratch()
        self.refused("base64", "x", status=CONFIG, env={"NETLAB_CONFIG": place}, says=str(place))
        (place / "netlab" / "config").mkdir(parents=True)
        self.refused("base64", "x", status=CONFIG, env={"XDG_CONFIG_HOME": place}, says="netlab/config")

    def test_binary(self):
        """bad settings: a program or an endless device in the file's place ends with 78"""
        self.refused("base64", "x", status=CONFIG, env={"NETLAB_CONFIG": harness.NETLAB})
        self.refused("base64", "x", status=CONFIG, env={"NETLAB_CONFIG": "/dev/zero"})

    @harness.needs_root
    @harness.needs_program("setpriv")
    def test_unreadable(self):
        """bad settings: an unreadable file ends with 78"""
        path = self.config("[base64]\n")
        path.chmod(0)
        done = harness.run([*self.as_nobody(), "base64", "x"], env=harness.environment({"NETLAB_CONFIG": path}))
        self.assertEqual(done.status, CONFIG, done.err)
        self.assert_one_error(done, says="ermission denied")


if __name__ == "__main__":
    os.umask(0o022)
    harness.main()
