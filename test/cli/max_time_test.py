#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--max-time of connect, calc query and echo query: no peer can exceed it. All other timeouts are ten minutes here, so
that a client that continues meets the harness's deadline."""

import contextlib
import os
import socket
import threading

import harness
from harness import DEADLINE, DONE, TRY_LATER, USAGE, Case, answer

LONG = ["--timeout", "10m"]
SHORT = ["--max-time", "300ms"]
SAYS = "not done within 300 ms (--max-time)"


class MaxTime(Case):
    def setUp(self):
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def flood(self, peer):
        while not self.over.is_set():
            peer.sendall(bytes(65536))

    def trickle(self, peer):
        while not self.over.wait(0.05):
            peer.sendall(b"x")

    def late_answers(self, peer):
        while octets := peer.recv(4096):
            self.over.wait(0.1)
            peer.sendall(octets[:4] + answer(0, 3)[4:])

    def udp_flood(self):
        peer = self.udp()

        def send():
            with contextlib.suppress(OSError):
                _, sender = peer.recvfrom(65536)
                while not self.over.is_set():
                    with contextlib.suppress(ConnectionRefusedError):
                        peer.sendto(b"?" * 12, sender)

        threading.Thread(target=send, daemon=True).start()
        return peer.getsockname()[1]

    def open_input(self):
        """A pipe that stays empty."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        self.addCleanup(os.close, reader)
        return reader

    def late(self, *words, **how):
        done = self.netlab(*words, *SHORT, *LONG, status=TRY_LATER, **how)
        self.assertRegex(done.error_lines[-1], r"^netlab [a-z ]+: .*: not done within 300 ms \(--max-time\)$")
        return done

    def test_connect(self):
        """connect --max-time: a peer that floods, trickles, is silent, does not read"""
        for talk in (self.flood, self.trickle):
            for source in (self.open_input(), None):
                with self.subTest(talk.__name__, input=source), open("/dev/null", "wb") as target:
                    self.late("connect", "127.0.0.1", self.tcp_fake(talk), "--idle-timeout", "10m", stdin=source,
                              stdout=target)
        self.late("connect", "127.0.0.1", self.silent_port(), "--idle-timeout", "10m")
        self.late("connect", "127.0.0.1", self.silent_port(), "--idle-timeout", "10m", "--keep-open")
        with open("/dev/zero", "rb") as source:
            self.late("connect", "127.0.0.1", self.silent_port(), "--idle-timeout", "10m", stdin=source)
        self.late("connect", "--udp", "127.0.0.1", self.udp_flood(), "--idle-timeout", "10m", input="x")

    def test_before_tls(self):
        """connect --max-time: a peer that never finishes the STARTTLS dialogue or the handshake"""
        self.late("connect", "--tls", "127.0.0.1", self.silent_port())
        self.late("connect", "--starttls", "smtp", "127.0.0.1", self.silent_port())
        self.late("connect", "--starttls", "smtp", "127.0.0.1", self.tcp_fake(self.trickle))

    def test_no_connection(self):
        """--max-time: a host that does not answer at all"""
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(listener.close)
        for _ in range(4):  # its accept queue is full
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        self.late("connect", "127.0.0.1", port)
        self.late("echo", "query", "--port", port, "hello")
        self.late("calc", "query", "--port", port, "sum", 1)

    def test_query(self):
        """calc query, echo query --max-time: a peer that is silent or says too little, over both transports"""
        for words in (["calc", "query", "sum", 1, 2], ["echo", "query", "hello"]):
            self.late(*words, "--port", self.silent_port())
            self.late(*words, "--udp", "--port", self.udp().getsockname()[1])
        self.late("echo", "query", "xxxxxxxxxxxx", "--port", self.tcp_fake(self.trickle))
        self.netlab("calc", "query", *SHORT, *LONG, "--udp", "--port", self.udp_flood(), "sum", 1, status=None)

    def test_batch(self):
        """calc query --max-time: a line for each line of the input, with what was answered by then"""
        port = self.tcp_fake(self.late_answers)
        done = self.late("calc", "query", "--pipeline", 1, "--port", port, input="sum 1 2\n" * 20)
        self.assertEqual(len(done.lines), 20)
        self.assertEqual(done.lines[0], "3")
        self.assertEqual(done.lines[-1], "-")
        source = self.open_input()
        done = self.late("calc", "query", "--port", port, stdin=source)
        self.assertEqual(done.out, "")

    def test_in_time(self):
        """--max-time: what is done in time is not touched by it"""
        port = self.tcp_fake(self.late_answers)
        self.assertEqual(self.netlab("calc", "query", "--max-time", DEADLINE, "--port", port, "sum", 1, 2).out, "3\n")
        self.assertEqual(self.netlab("connect", "--max-time", DEADLINE, "127.0.0.1", self.serve("--tcp").port,
                                     input="sum 1 2\n", status=DONE).out, "3\n")

    def test_usage(self):
        """--max-time: no time at all is refused"""
        for words in (["connect", "h:1"], ["calc", "query", "sum", 1], ["echo", "query", "x"]):
            self.refused(*words, "--max-time", "0", status=USAGE, says="--max-time")


if __name__ == "__main__":
    harness.main()
