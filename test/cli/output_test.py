#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""stdout, stderr, stdin, colour, and behaviour when one of them is closed, full or gone."""

import json
import os
import pty
import resource
import select
import signal
import socket
import subprocess
import unittest

import harness
from harness import IO, NETLAB, SYSTEM, Case, needs_program


class Streams(Case):
    def test_result_alone(self):
        """output: a result stands alone on stdout, stderr is empty"""
        done = self.netlab("calc", "query", "--port", self.serve().port, "sum", 1, 2)
        self.assertEqual((done.out, done.err), ("3\n", ""))

    def test_verbose(self):
        """output: -v adds detail on stderr and changes nothing on stdout"""
        port = self.serve().port
        for flag in ("-v", "--verbose"):
            done = self.netlab("calc", "query", "--port", port, flag, "sum", 1, 2)
            self.assertEqual(done.out, "3\n")
            self.assertIn(f"127.0.0.1:{port}", done.err)

    def test_quiet(self):
        """output: -q leaves only results; progress and logs are gone, errors are not"""
        port = self.serve().port
        loud = self.netlab("calc", "bench", "--port", port, "--duration", "20ms")
        self.assertNotEqual(loud.err, "")
        for flag in ("-q", "--quiet"):
            done = self.netlab("calc", "bench", "--port", port, "--duration", "20ms", flag)
            self.assertEqual(done.err, "")
            self.assertIn("requests", done.out)
        self.refused("calc", "query", "-q", "--port", self.closed_port(), "sum", 1, status=69)

    def test_quiet_beats_verbose(self):
        """output: -q with -v is quiet"""
        self.assertEqual(self.netlab("calc", "query", "-q", "-v", "--port", self.serve().port, "sum", 1).err, "")

    def test_quiet_server(self):
        """output: a quiet server prints its ready lines and nothing on stderr"""
        server = self.serve("-q")
        with self.tcp(server.port) as peer:
            peer.sendall(b"nonsense\n")
            self.assertIn(b"error", harness.receive_line(peer))
        done = server.stop()
        self.assertEqual(done.err, "")
        self.assertEqual(len(done.lines), 2)

    def test_json(self):
        """output: --json makes stdout one JSON object a line"""
        port = self.serve().port
        for words in (["calc", "query", "--port", port, "sum", "1"], ["calc", "bench", "-q", "--port", port, "--duration", "20ms"],
                      ["base64", "x"], ["base64", "-d", "eA=="], ["lab", "tour", "-q", "--chapter", "1"]):
            with self.subTest(words):
                done = self.netlab(*words[:2], "--json", *words[2:])
                self.assertTrue(done.out.endswith("\n"))
                for line in done.lines:
                    self.assertIsInstance(json.loads(line), dict)

    def test_json_server(self):
        """output: the ready lines of a server are JSON too"""
        server = self.serve("--json", "--tcp")
        ready = json.loads(server.ready[0])
        self.assertEqual(ready["proto"], "tcp")
        self.assertEqual(ready["address"], "127.0.0.1")
        self.tcp(ready["port"]).close()

    def test_json_of_other_bytes(self):
        """output: JSON stays JSON when a peer's bytes are not UTF-8"""
        port = self.serve(service="echo").port
        done = self.netlab("echo", "query", "--json", "--port", port, "\udcff\udc80x\x1b")
        self.assertEqual(json.loads(done.out)["reply"], "\ufffd\ufffdx\x1b")


class Terminal(Case):
    def test_colour_on_a_terminal(self):
        """colour: a terminal gets it"""
        status, seen = self.on_terminal("lab", "tour", "--chapter", "1")
        self.assertEqual(status, 0, seen)
        self.assertIn("\x1b[", seen)

    def test_no_colour_in_a_pipe(self):
        """colour: a pipe gets none"""
        self.assertNotIn("\x1b", self.netlab("lab", "tour", "--chapter", "1").out)

    def test_no_color(self):
        """colour: none with NO_COLOR, none with --color=never, on a terminal either"""
        for words, env in ((["--color=never"], {}), (["--color", "never"], {}), ([], {"NO_COLOR": "1"}),
                           ([], {"NETLAB_LAB_TOUR_COLOR": "never"})):
            with self.subTest(f"{words} {env}"):
                status, seen = self.on_terminal("lab", "tour", "--chapter", "1", *words, env=env)
                self.assertEqual(status, 0, seen)
                self.assertNotIn("\x1b", seen)

    def test_simple_terminals(self):
        """colour: no escape sequence where TERM is dumb, empty or unset, and nothing is written over"""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        for kind in ("dumb", "", None):
            with self.subTest(TERM=kind):
                env = {"TERM": kind}
                status, seen = self.on_terminal("lab", "tour", "--chapter", "1", env=env)
                self.assertEqual(status, 0, seen)
                self.assertNotIn("\x1b", seen)
                self.assertNotIn(b"\x1b", self.watched(port, env))
                # 1.2 s, during which the scan shows its progress
                status, seen = self.on_terminal("scan", "--host", "127.0.0.1", "--range", "1-60", "--rate", "50", env=env)
                self.assertEqual(status, 0, seen)
                self.assertNotIn("\x1b", seen)

    def watched(self, port, env):
        """The output of `sockets --watch` on a terminal until the port is shown, and of some more updates."""
        master, slave = pty.openpty()
        child = subprocess.Popen([NETLAB, "sockets", "--watch", "--interval", "20ms", "--port", str(port)], stdin=slave,
                                 stdout=slave, stderr=slave, env=harness.environment(env), start_new_session=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        seen = b""
        while b"listen" not in seen:
            self.assertTrue(select.select([master], [], [], harness.DEADLINE)[0], seen)
            seen += os.read(master, 65536)
        with socket.create_connection(("127.0.0.1", port)):
            while b"established" not in seen:
                self.assertTrue(select.select([master], [], [], harness.DEADLINE)[0], seen)
                seen += os.read(master, 65536)
        return seen

    def test_empty_no_color(self):
        """colour: an empty NO_COLOR says nothing"""
        self.assertIn("\x1b[", self.on_terminal("lab", "tour", "--chapter", "1", env={"NO_COLOR": ""})[1])

    def test_always(self):
        """colour: --color=always colours a pipe"""
        self.assertIn("\x1b[", self.netlab("lab", "tour", "--chapter", "1", "--color=always").out)

    def test_escaped(self):
        """escaping: bytes of a peer reach a terminal escaped, a pipe as they are"""
        port = self.serve(service="echo").port
        evil = "\x1b]0;owned\x07\x9b31m"
        status, seen = self.on_terminal("echo", "query", "--port", port, evil)
        self.assertEqual(status, 0, seen)
        for bad in ("\x1b", "\x07", "\x9b"):
            self.assertNotIn(bad, seen)
        self.assertIn("owned", seen)
        self.assertEqual(self.netlab("echo", "query", "--port", port, evil).out, evil + "\n")

    def test_escaped_base64(self):
        """escaping: what base64 -d decodes is escaped on a terminal, exact in a pipe"""
        self.assertNotIn("\x1b", self.on_terminal("base64", "-d", "G1szMW0=")[1])
        self.assertEqual(self.netlab("base64", "-d", "G1szMW0=").out, "\x1b[31m")

    def test_escaped_in_errors(self):
        """escaping: bytes of a peer are escaped in diagnostics and in the server's log"""
        port = self.tcp_fake(lambda peer: (peer.recv(100), peer.sendall(b"\x1b[31mHTTP \x07\r\n")))
        self.assertNotIn("\x1b", self.refused("calc", "query", "--port", port, "sum", 1, status=76).err)
        server = self.serve("--tcp", "-v")
        with self.tcp(server.port) as peer:
            peer.sendall(b"\x1b[31mred\n")
            harness.receive_line(peer)
        with self.tcp(server.port) as peer:
            peer.sendall(harness.request(1, "SUM", 1) + harness.request(2, b"\x1b[3"))
            harness.receive(peer)
        self.assertNotIn("\x1b", server.stop().err)

    def test_operation_wanted(self):
        """terminal: a query without an operation on a terminal is refused with 64, not waited for"""
        status, seen = self.on_terminal("calc", "query")
        self.assertEqual(status, 64)
        self.assertIn("operation", seen)


class Lost(Case):
    """stdout, stdin, stderr that are closed, full, or whose other end is gone."""

    def test_stdout_closed(self):
        """lost: a closed stdout ends with 74 and one line"""
        port = self.serve().port
        for line in ('"$N" --version', '"$N" help', '"$N" calc query --help', '"$N" base64 x',
                     f'"$N" calc query --port {port} sum 1', f'"$N" calc query --port {port} --json sum 1',
                     f'"$N" calc bench -q --port {port} --duration 20ms', '"$N" lab tour -q --chapter 1'):
            with self.subTest(line):
                done = self.shell(f"{line} >&-")
                self.assertEqual(done.status, IO, done.err)
                self.assert_one_error(done)

    def test_stdout_full(self):
        """lost: a full disk ends with 74 and one line"""
        port = self.serve().port
        for line in ('"$N" --version', '"$N" base64 x', f'"$N" calc query --port {port} sum 1', '"$N" lab tour -q --chapter 1',
                     f"printf 'sum 1\\nsum 2\\n' | \"$N\" calc query --port {port}"):
            with self.subTest(line):
                done = self.shell(f"{line} >/dev/full")
                self.assertEqual(done.status, IO, done.err)
                self.assert_one_error(done, says="no space left on device")

    def test_server_stdout_closed(self):
        """lost: a server that cannot print its ready line ends with 74"""
        for place in (">&-", ">/dev/full"):
            for service in ("calc", "echo"):
                with self.subTest(f"{service} {place}"):
                    done = self.shell(f'exec "$N" {service} serve --port 0 --bind 127.0.0.1 {place}')
                    self.assertEqual(done.status, IO, done.err)
                    self.assert_one_error(done, says="write to stdout")

    def test_reader_gone(self):
        """lost: a reader that goes away is not an error: 0 and silence"""
        port = self.serve().port
        for words, input in ((["--version"], b""), (["help"], b""), (["base64"], os.urandom(1 << 20)),
                             (["calc", "query", "--port", str(port), "sum", "1"], b""),
                             (["calc", "query", "--port", str(port)], b"sum 1 2\n" * 1000), (["lab", "tour", "--chapter", "1"], b"")):
            with self.subTest(words):
                reader, writer = os.pipe()
                os.close(reader)
                try:
                    done = harness.run([NETLAB, *words], input=input, stdout=writer)
                finally:
                    os.close(writer)
                self.assertEqual((done.status, done.err), (0, ""))

    def test_head(self):
        """lost: netlab ... | head -n 1 prints one line; netlab ends with 0"""
        port = self.serve().port
        done = self.shell(f"{{ yes 'sum 1 2' | \"$N\" calc query --port {port}; echo status $? >&2; }} | head -n 1")
        self.assertEqual(done.out, "3\n")
        self.assertEqual(done.err, "status 0\n")

    def test_server_reader_gone(self):
        """lost: a server whose ready line nobody reads goes on serving"""
        reader, writer = os.pipe()
        place = self.scratch() / "log"
        with open(place, "wb") as log:
            child = subprocess.Popen([NETLAB, "calc", "serve", "--tcp", "--port", "0", "--bind", "127.0.0.1"], stdout=writer,
                                     stderr=log, stdin=subprocess.DEVNULL, env=harness.environment())
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        os.close(writer)
        ready = b""
        while not ready.endswith(b"\n"):
            piece = os.read(reader, 100)
            self.assertTrue(piece, place.read_text())
            ready += piece
        os.close(reader)
        port = int(ready.rsplit(b":", 1)[1])
        self.assertEqual(self.netlab("calc", "query", "--port", port, "sum", 1, 2).out, "3\n")
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(harness.DEADLINE), 0)

    def test_stdin_closed(self):
        """lost: a closed stdin is no obstacle where none is needed, and 66 where it is"""
        port = self.serve().port
        done = self.shell(f'"$N" calc query --port {port} sum 1 2 <&-')
        self.assertEqual((done.status, done.out), (0, "3\n"))
        for line in (f'"$N" calc query --port {port} -', f'"$N" calc query --port {port}', '"$N" base64'):
            with self.subTest(line):
                done = self.shell(f"{line} <&-")
                self.assertEqual(done.status, 66, done.err)
                self.assert_one_error(done, says="stdin")

    def test_stdin_directory(self):
        """lost: a directory as stdin ends with 66"""
        for words in (["base64"], ["calc", "query", "--port", str(self.serve().port)]):
            with self.subTest(words):
                with open(self.scratch() / "file", "w"):
                    place = os.open(str(self.scratch()), os.O_RDONLY)
                try:
                    done = self.netlab(*words, stdin=place, status=66)
                finally:
                    os.close(place)
                self.assert_one_error(done, says="is a directory")

    def test_stderr_closed(self):
        """lost: a closed stderr changes neither result nor status"""
        port = self.serve().port
        done = self.shell(f'"$N" calc query -v --port {port} sum 1 2 2>&-')
        self.assertEqual((done.status, done.out), (0, "3\n"))
        self.assertEqual(self.shell(f'"$N" calc query --port {self.closed_port()} sum 1 2>&-').status, 69)

    def test_all_closed(self):
        """lost: with all three closed no socket is taken for one of them"""
        port = self.serve().port
        done = self.shell(f'"$N" calc query -v --port {port} sum 1 2 <&- >&- 2>&-')
        self.assertEqual(done.status, IO)
        server_port = self.closed_port()
        self.assertEqual(self.shell(f'"$N" calc query --port {server_port} sum 1 <&- >&- 2>&-').status, 69)

    def test_sigpipe_ignored(self):
        """lost: the same when SIGPIPE was set to its default by the caller"""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = harness.run([NETLAB, "--version"], stdout=writer, restore_signals=True)
        finally:
            os.close(writer)
        self.assertEqual(done.status, 0)

    def test_pipe_of_errors_gone(self):
        """lost: a server whose stderr nobody reads goes on serving"""
        reader, writer = os.pipe()
        child = subprocess.Popen([NETLAB, "calc", "serve", "--tcp", "--port", "0", "--bind", "127.0.0.1", "-v"],
                                 stdout=subprocess.PIPE, stderr=writer, stdin=subprocess.DEVNULL, env=harness.environment())
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        os.close(writer)
        os.close(reader)
        port = int(child.stdout.readline().rsplit(b":", 1)[1])
        for _ in range(3):
            self.assertEqual(self.netlab("calc", "query", "--port", port, "sum", 1, 2).out, "3\n")
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(harness.DEADLINE), 0)


@unittest.skipIf(harness.is_sanitized(), "the sanitizers need descriptors of their own")
class Resources(Case):
    @needs_program("prlimit")
    def test_descriptors(self):
        """resources: no descriptor left to open a socket with ends with 71"""
        done = harness.run(["prlimit", "--nofile=4", NETLAB, "calc", "query", "--host", "127.0.0.1", "sum", "1"])
        self.assertEqual(done.status, 71, done.err)
        self.assert_one_error(done)

    def test_few_descriptors(self):
        """resources: whichever descriptor is one too many, the message names the command and the act, and it is 71"""
        port = self.serve(service="echo").port
        sink = ["mail", "sink", "--discard", "--port", "0", "--tls-port", "none", "--bind", "127.0.0.1", "--state",
                self.scratch()]
        for words in (["calc", "query", "--host", "localhost", "--port", port, "sum", 1], ["connect", "localhost", port],
                      ["calc", "bench", "-q", "--port", port, "--duration", "1ms", "--connections", "1"],
                      ["echo", "query", "--udp", "--port", port, "x"], ["sockets", "--port", port],
                      ["scan", "--host", "localhost", "--range", port], ["calc", "serve", "--port", "0"], sink,
                      ["mail", "send", "--server", f"localhost:{port}", "--to", "a@example.org", "--body", "x", "--timeout",
                       "100ms"]):
            refused = 0
            for count in range(3, 25):
                with self.subTest(f"{words} with {count} descriptors"):
                    def limit(count=count):
                        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
                    if "serve" in words or "sink" in words:
                        child = harness.Process([NETLAB, *map(str, words)], preexec=limit)
                        self.addCleanup(child.kill)
                        harness.until(lambda: child.child.poll() is not None or "listening" in child.out, "its start or end")
                        done = child.stop() if child.child.poll() is None else child.wait()
                    else:
                        done = self.netlab(*words, status=None, preexec_fn=limit)
                    if done.status != SYSTEM:
                        continue
                    refused += 1
                    self.assertRegex(done.error_lines[-1], r"^netlab [a-z]+( [a-z]+)?: [a-z]+ .*: too many open files")
                    self.assertNotRegex(done.err, "epoll|eventfd|timerfd|pipe|no such host|internal")
            self.assertGreater(refused, 0, words)

    def test_little_memory_for_threads(self):
        """resources: a thread that is refused is named as such, with the command"""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (100 << 20, 100 << 20))
        done = self.netlab("calc", "bench", "-q", "--threads", 100, "--connections", 100, "--port", self.serve().port,
                           "--duration", "1ms", status=SYSTEM, preexec_fn=limit)
        self.assertRegex(done.err, r"^netlab calc bench: (start a thread: resource temporarily unavailable|out of memory)$")

    @needs_program("prlimit")
    def test_server_goes_on(self):
        """resources: a server without descriptors lets peers wait, says so, and goes on"""
        server = self.serve("--tcp", "--threads", 1)
        harness.run(["prlimit", f"--pid={server.child.pid}", "--nofile=16:16"])
        peers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        try:
            server.until_err("(?i)too many open files")
        finally:
            for peer in peers:
                peer.close()
        self.assertEqual(self.netlab("calc", "query", "--port", server.port, "sum", 1, 2).out, "3\n")
        self.assertEqual(server.stop().status, 0)


if __name__ == "__main__":
    harness.main()
