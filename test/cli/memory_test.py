# SPDX-License-Identifier: MIT
"""Out of memory: the n-th allocation fails, for each n; a client ends with 71 and a line, a server continues.

A preloaded library ($NETLAB_FAIL_ALLOCATION) makes malloc() fail, which C++'s operator new uses, too."""

import json
import mailbox
import mmap
import os
import re
import socket
import ssl
import struct
import sys

import classroom
import harness
from harness import NETLAB, SYSTEM

LIBRARY = os.environ.get("NETLAB_FAIL_ALLOCATION") or sys.exit("NETLAB_FAIL_ALLOCATION is not set: the library to be preloaded")
MOST = 400      # each of them fails once
SAMPLES = 100   # of the later ones
# Without memory, creating a thread may also fail.
LINE = re.compile(r"(?:\A|\n)netlab(?: [a-z0-9]+){0,2}: .*(?:memory|start a thread).*\n\Z")


class Allocations:
    """The shared memory that tells the library which allocation fails."""

    def __init__(self, place):
        self.file = place / "allocations"
        self.file.write_bytes(bytes(32))
        with open(self.file, "r+b") as opened:
            self.memory = mmap.mmap(opened.fileno(), 32)

    def set(self, left, for_good=0):
        self.memory[:] = struct.pack("=qqqq", 0, for_good, 0, 0)
        self.memory[0:8] = struct.pack("=q", left)

    @property
    def total(self):
        return struct.unpack("=q", self.memory[16:24])[0]

    @property
    def failed(self):
        return struct.unpack("=q", self.memory[24:32])[0]

    @property
    def environment(self):
        return {"LD_PRELOAD": LIBRARY, "NETLAB_TEST_ALLOCATIONS": self.file}


@harness.unsanitized
class MemoryCase(harness.Case):
    def setUp(self):
        self.allocations = Allocations(self.scratch())


class Clients(MemoryCase):
    def sweep(self, *words, usual=(harness.DONE,), env=None, **how):
        """Makes each allocation of this command fail in turn: it ends as usual if it can continue, else with 71."""
        refused = 0
        self.allocations.set(0)
        self.netlab(*words, status=None, env={**(env or {}), **self.allocations.environment}, **how)
        total = self.allocations.total
        for number in (*range(1, MOST + 1), *range(MOST + 1, total, max(1, (total - MOST) // SAMPLES))):
            self.allocations.set(number)
            done = self.netlab(*words, status=None, env={**(env or {}), **self.allocations.environment}, **how)
            if not self.allocations.failed:
                break
            with self.subTest(allocation=number):
                self.assertIn(done.status, (*usual, SYSTEM), f"allocation {number}\n{done.out}{done.err}")
                if done.status == SYSTEM:
                    refused += 1
                    self.assertRegex(done.err, LINE)
        self.assertGreater(refused, 20)

    def test_calc_query(self):
        """calc query, over TCP and UDP"""
        server = self.serve()
        for transport in ("--tcp", "--udp"):
            self.sweep("calc", "query", transport, "--port", server.port, "sum", 1, 2)

    def test_calc_batch(self):
        """calc query with requests from a pipe, which a thread reads"""
        server = self.serve("--tcp")
        self.sweep("calc", "query", "--port", server.port, "-", input="sum 1 2\nmax 3 4\n")

    def test_calc_bench(self):
        """calc bench, whose threads are several"""
        server = self.serve("--tcp")
        self.sweep("calc", "bench", "--port", server.port, "--connections", 2, "--threads", 2, "--duration", "10ms")

    def test_echo_query(self):
        """echo query, by name"""
        server = self.serve(service="echo")
        self.sweep("echo", "query", "--host", "localhost", "-4", "--port", server.port, "hello")

    def test_connect(self):
        """connect"""
        server = self.serve("--tcp", service="echo")
        self.sweep("connect", "127.0.0.1", server.port, input="hello\n")

    def test_scan(self):
        """scan, TCP and UDP"""
        server = self.serve(service="echo")
        for transport in ("tcp", "udp"):
            self.sweep("scan", transport, "--host", "127.0.0.1", "--range", server.port, "--timeout", "100ms")

    def test_mail_send(self):
        """mail send, with TLS and a login"""
        state = self.scratch()
        server = harness.Server([NETLAB, "mail", "sink", "--bind", "127.0.0.1", "--port", "0", "--tls-port", "none", "--discard",
                                 "--state", str(state), "--user", "ann"], 2,
                                env=harness.environment({"NETLAB_PASSWORD": "secret"}))
        self.addCleanup(server.kill)
        self.sweep("mail", "send", "--server", f"localhost:{server.port}", "-4", "--ca-file", state / "ca.pem", "--user", "ann",
                   "--from", "a@example.org", "--to", "b@example.org", "--body", "x", env={"NETLAB_PASSWORD": "secret"})

    def test_sockets(self):
        """sockets"""
        self.sweep("sockets", "--listen")

    def test_base64(self):
        """base64"""
        self.sweep("base64", "hello")


class Servers(MemoryCase):
    def start_server(self, *words, lines, env=None):
        self.allocations.set(0)
        server = harness.Server([NETLAB, *map(str, words)], lines,
                                env=harness.environment({**(env or {}), **self.allocations.environment}))
        self.addCleanup(server.kill)
        return server

    def sweep(self, start, visit):
        """Makes each allocation fail in turn during a session with a running server. The session may be lost, but the
        server continues, or ends with 71 if Asio does not let the exception be caught."""
        server = start()
        ended = 0
        for number in range(1, MOST + 1):
            with self.subTest(allocation=number):
                self.allocations.set(number)
                try:
                    visit(server)
                except (OSError, EOFError):
                    pass
                has_failed = self.allocations.failed
                self.allocations.set(0)
                if server.child.poll() is not None or not self.still_serves(server, visit):
                    done = server.wait()
                    self.assertEqual(done.status, SYSTEM, f"allocation {number}\n{done.err}")
                    self.assertRegex(done.err, LINE)
                    ended += 1
                    server = start()
                if not has_failed:
                    break
        self.assertEqual(server.stop().status, harness.DONE)
        self.assertLess(ended, number / 3)

    def still_serves(self, server, visit):
        try:
            visit(server)
            return True
        except (OSError, EOFError):
            harness.until(lambda: server.child.poll() is not None, "the server's end, since it does not serve")
            return False

    def ask(self, port, octets, wanted):
        """Sends these octets and reads the answer. EOFError: it was a different one."""
        with socket.create_connection(("127.0.0.1", port), harness.DEADLINE) as peer:
            peer.sendall(octets)
            peer.shutdown(socket.SHUT_WR)
            taken = harness.receive(peer)
            if not re.fullmatch(wanted, taken, re.DOTALL):
                raise EOFError(f"{taken!r} is no answer")

    def test_calc(self):
        """calc serve: a session over TCP and a datagram"""
        def visit(server):
            self.ask(server.port, harness.request(1, "SUM", 1, 2), re.escape(harness.answer(1, 3)))
            peer = self.udp()
            peer.settimeout(0.2)
            peer.sendto(harness.request(1, "SUM", 1, 2), ("127.0.0.1", server.port))
            peer.recv(100)
            peer.close()

        self.sweep(lambda: self.start_server("calc", "serve", "--bind", "127.0.0.1", "--port", 0, "--threads", 1, lines=2), visit)

    def test_echo(self):
        """echo serve"""
        self.sweep(lambda: self.start_server("echo", "serve", "--tcp", "--bind", "127.0.0.1", "--port", 0, "--threads", 1, lines=1),
                   lambda server: self.ask(server.port, b"hello", b"hello"))

    def test_mail(self):
        """mail sink: what cannot be stored is answered 451, what was answered 250 is there"""
        place = self.scratch()
        acknowledged = []

        def visit(server):
            with socket.create_connection(("127.0.0.1", server.port), harness.DEADLINE) as peer:
                reader = peer.makefile("rb")
                for line, wanted in ((None, b"220"), ("EHLO c", b"250"), ("MAIL FROM:<a@example.org>", b"250"),
                                     ("RCPT TO:<b@example.org>", b"250"), ("DATA", b"354"),
                                     (f"Subject: {len(acknowledged)}\r\n\r\nx\r\n.", b"250"), ("QUIT", b"221")):
                    if line:
                        peer.sendall(line.encode() + b"\r\n")
                    while (answer := reader.readline())[3:4] == b"-":
                        pass
                    if answer[:3] == wanted:
                        pass
                    elif answer[:1] in (b"4", b""):
                        raise EOFError(f"{line}: {answer}")
                    else:
                        raise AssertionError(f"{line}: {answer}")
                    if line and line.endswith("."):
                        acknowledged.append(len(acknowledged))

        self.sweep(lambda: self.start_server("mail", "sink", "--bind", "127.0.0.1", "--port", 0, "--tls-port", "none", "--state",
                                             place / "state", "--maildir", place / "box", "--threads", 1, lines=3), visit)
        stored = {int(message["Subject"]) for message in mailbox.Maildir(place / "box", create=False)}
        self.assertEqual([number for number in acknowledged if number not in stored], [])
        self.assertEqual(os.listdir(place / "box/tmp"), [])

    def test_tls(self):
        """mail sink where TLS comes first"""
        place = self.scratch()

        def visit(server):
            context = ssl.create_default_context(cafile=str(place / "ca.pem"))
            with socket.create_connection(("127.0.0.1", server.sockets[1][2]), harness.DEADLINE) as raw, \
                    context.wrap_socket(raw, server_hostname="localhost") as peer:
                if not peer.recv(100).startswith(b"220 "):
                    raise EOFError("no greeting")

        self.sweep(lambda: self.start_server("mail", "sink", "--bind", "127.0.0.1", "--port", 0, "--discard", "--state", place,
                                             "--threads", 1, lines=3), visit)

    @classroom.needs_page
    def test_lab(self):
        """lab serve --web --journal: a request of calc, the table of the class, and a stream of events"""
        journal = self.scratch() / "journal"

        def visit(server):
            web = int(server.ready[-2].rpartition(":")[2])
            token = server.ready[-1].rpartition("=")[2].encode()
            self.ask(server.port, harness.request(1, "SUM", 1, 2), re.escape(harness.answer(1, 3)))
            self.ask(web, b"GET /api/teams?token=%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % token,
                     rb"HTTP/1\.1 200 OK\r\n.*\r\n\r\n\{.*\}\n")
            with socket.create_connection(("127.0.0.1", web), harness.DEADLINE) as peer:
                # An unknown event is answered at once.
                peer.sendall(b"GET /events?token=%s HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\r\n\r\n" % token)
                taken = b""
                while b"event: reset\n" not in taken:
                    piece = peer.recv(65536)
                    if not piece:
                        raise EOFError("no events")
                    taken += piece

        self.sweep(lambda: self.start_server("lab", "serve", "--bind", "127.0.0.1", "--only", "calc", "--calc-port", 0, "--threads", 1,
                                             "--web", "127.0.0.1:0", "--journal", journal, lines=4), visit)
        with open(journal, encoding="utf-8") as lines:
            self.assertTrue(all(json.loads(line)["record"] == "event" for line in lines))

    def test_start(self):
        """each server, while it starts: 71 or ready"""
        place = self.scratch()
        for words, lines in ((["calc", "serve", "--port", 0], 2), (["echo", "serve", "--port", 0], 2),
                             (["mail", "sink", "--port", 0, "--state", place], 4),
                             (["lab", "serve", "--only", "calc", "--calc-port", 0, "--journal", place / "journal",
                               *(["--web", "127.0.0.1:0"] if harness.has_page() else [])], 4 if harness.has_page() else 2)):
            for number in range(1, MOST + 1):
                with self.subTest(server=words, allocation=number):
                    self.allocations.set(number)
                    server = harness.Process([NETLAB, *map(str, words), "--bind", "127.0.0.1", "--threads", "2"],
                                             env=harness.environment(self.allocations.environment))
                    self.addCleanup(server.kill)
                    harness.until(lambda: server.child.poll() is not None or server.out.count("\n") >= lines, "the end or ready lines")
                    done = server.stop() if server.child.poll() is None else server.wait()
                    self.assertIn(done.status, (harness.DONE, SYSTEM), f"allocation {number}\n{done.err}")
                    if done.status == SYSTEM:
                        self.assertRegex(done.err, LINE)
                if not self.allocations.failed:
                    break


if __name__ == "__main__":
    harness.main()
