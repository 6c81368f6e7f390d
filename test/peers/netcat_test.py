#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nc (netcat-openbsd), ncat and socat as clients and servers of netlab."""

import contextlib
import os
import re
import shutil
import unittest

import harness
from harness import PROTOCOL, Case, answer, needs_program, request


def listening_port(pid):
    """The IPv4 TCP port that this process listens on, or None: not every program prints it."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}")))
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                return int(fields[1].rpartition(":")[2], 16)
    return None


def is_openbsd():
    if shutil.which("nc.openbsd"):
        return "nc.openbsd"
    if shutil.which("nc") and "OpenBSD" in harness.run(["nc", "-h"]).err:
        return "nc"
    return None


NC = is_openbsd()


@unittest.skipUnless(NC, "netcat-openbsd not installed")
class Netcat(Case):
    def test_text(self):
        """nc: lines of text through a pipe, answered and closed"""
        port = self.serve("--tcp").port
        self.assertEqual(self.program(NC, "-N", "127.0.0.1", port, input=b"sum 1 2 3\nPRO 4 5\n").out, "6\n20\n")

    def test_crlf(self):
        """nc: -C sends CRLF and gets it back"""
        port = self.serve("--tcp").port
        self.assertEqual(self.program(NC, "-C", "-N", "127.0.0.1", port, input=b"sum 1 2 3\n").out, "6\r\n")

    def test_quit(self):
        """nc: without -N, quit ends it"""
        port = self.serve("--tcp").port
        self.assertTrue(self.program(NC, "127.0.0.1", port, input=b"sum 1\nquit\n").out.startswith("1\n"))

    def test_binary(self):
        """nc: binary requests from a file, every answer after the half-close"""
        port = self.serve("--tcp").port
        sent = b"".join(request(ident, "SUM", ident) for ident in range(1000))
        done = self.program(NC, "-N", "127.0.0.1", port, input=sent)
        self.assertEqual(harness.octets_of(done.out), b"".join(answer(ident, ident) for ident in range(1000)))

    def test_no_answer(self):
        """nc: everything before a request without an answer arrives"""
        port = self.serve("--tcp").port
        sent = request(1, "SUM", 5) + request(2, "AVG", 1) + b"x" * 1_000_000
        self.assertEqual(harness.octets_of(self.program(NC, "-N", "127.0.0.1", port, input=sent, status=None).out), answer(1, 5))

    def test_datagram(self):
        """nc: -u asks over UDP"""
        port = self.serve("--udp").port
        reader, writer = os.pipe()
        client = self.background(NC, "-u", "127.0.0.1", port, stdin=reader)
        os.close(reader)
        os.write(writer, request(0x41414141, "SUM", 0x42424242 - 1, 1))
        client.until_out("AAAABBBB")
        os.close(writer)

    def test_scan(self):
        """nc: -z, a connection that is closed at once, leaves the server as it was"""
        server = self.serve("--tcp")
        for _ in range(10):
            self.program(NC, "-z", "127.0.0.1", server.port)
        done = server.stop()
        self.assertIn("refused 0, 10 connections", done.err)

    def test_echo(self):
        """nc: the echo service"""
        port = self.serve("--tcp", service="echo").port
        self.assertEqual(self.program(NC, "-N", "127.0.0.1", port, input=b"hello\n" * 1000).out, "hello\n" * 1000)


@needs_program("ncat")
class Ncat(Case):
    def test_text(self):
        """ncat: lines of text through a pipe"""
        port = self.serve("--tcp").port
        self.assertEqual(self.program("ncat", "127.0.0.1", port, input=b"sum 1 2 3\nquit\n").out, "6\nbye\n")

    def test_echo_server(self):
        """ncat: an ncat that echoes is diagnosed as an echo service, and echo query is content with it"""
        server = self.background("ncat", "-v", "-l", "-k", "127.0.0.1", 0, "-e", shutil.which("cat"))
        port = harness.until(lambda: listening_port(server.child.pid), "ncat to listen")
        self.refused("calc", "query", "--port", port, "sum", 1, 2, status=PROTOCOL, says="echo")
        self.assertEqual(self.netlab("echo", "query", "--port", port, "hello").out, "hello\n")


@needs_program("socat")
class Socat(Case):
    def test_text(self):
        """socat: a line of text, half-closed"""
        port = self.serve("--tcp").port
        self.assertEqual(self.program("socat", "-t", "30", "-", f"TCP:127.0.0.1:{port}", input=b"sum 1 2 3\n").out, "6\n")

    def test_between(self):
        """socat: netlab's client and server on either side of a relay"""
        port = self.serve("--tcp").port
        relay = self.background("socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork", f"TCP:127.0.0.1:{port}")
        found = relay.until(lambda out, err: re.search(r"listening on AF=2 127\.0\.0\.1:(\d+)", err), "its port")
        lines = "".join(f"sum {n}\n" for n in range(100))
        done = self.netlab("calc", "query", "--port", found[1], input=lines)
        self.assertEqual(done.lines, [str(n) for n in range(100)])


if __name__ == "__main__":
    harness.main()
