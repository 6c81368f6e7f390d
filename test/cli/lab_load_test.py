#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab serve with thousands of clients, clients that never read or never close, and without descriptors."""

import contextlib
import os
import resource
import select
import socket
import time

import harness
from harness import DONE, Case

CROWD = 5000


def raise_limit(wanted):
    """The limit of descriptors, for this process and the server that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return True
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return True


def until_readable(peers):
    """Waits until each of the peers has something to read."""
    poll = select.poll()
    left = {peer.fileno() for peer in peers}
    for descriptor in left:
        poll.register(descriptor, select.POLLIN)
    end = time.monotonic() + harness.DEADLINE
    while left:
        for descriptor, _ in poll.poll(1000):
            left.discard(descriptor)
            poll.unregister(descriptor)
        if time.monotonic() > end:
            raise AssertionError(f"waited for {len(left)} of {len(peers)} peers to be sent something")


class Load(Case):
    def connect(self, server, service, source=None):
        peer = socket.socket()
        self.addCleanup(peer.close)
        peer.settimeout(harness.DEADLINE)
        if source is not None:
            # connect() chooses the port, so that one number can be used for connections to several servers.
            peer.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT, ip(7)
            peer.bind((source, 0))
        peer.connect((server.address, server.named[service, "tcp"]))
        return peer

    def is_well(self, server):
        """A new client of each service is served."""
        peer = self.connect(server, "echo")
        peer.sendall(b"hello")
        self.assertEqual(harness.receive(peer, 5), b"hello")
        self.assertTrue(harness.receive(self.connect(server, "daytime")).endswith(b"-UTC\r\n"))
        peer = self.connect(server, "calc")
        peer.sendall(harness.request(1, "SUM", 1, 2))
        self.assertEqual(harness.receive(peer, 8), harness.answer(1, 3))
        where = ("--host", server.address, "--udp", "--port")
        self.assertEqual(self.netlab("calc", "query", *where, server.named["calc", "udp"], "sum", 2, 3).out, "5\n")
        self.assertEqual(self.netlab("echo", "query", *where, server.named["echo", "udp"], "x").out, "x\n")

    def test_crowd(self):
        """lab serve: 5,000 connections held at once, each served, and a new client still gets its answer"""
        if not raise_limit(CROWD + 1000):
            self.skipTest(f"{CROWD} descriptors are more than this process may have")
        server = self.serve_lab("--idle-timeout", 0)
        before = server.memory()
        services = ("echo", "calc", "discard", "smtp")
        peers = {service: [] for service in services}
        for number in range(CROWD):
            service = services[number % 4]
            peers[service].append(self.connect(server, service, f"127.0.{number // 250}.{number % 250 + 1}"))
        for peer in peers["echo"] + peers["discard"]:
            peer.sendall(b"here")
        for peer in peers["calc"]:
            peer.sendall(harness.request(1, "SUM", 1, 2))
        for peer in peers["echo"]:
            self.assertEqual(harness.receive(peer, 4), b"here")
        for peer in peers["calc"]:
            self.assertEqual(harness.receive(peer, 8), harness.answer(1, 3))
        for peer in peers["smtp"]:
            peer.sendall(b"EHLO lab.example\r\nMAIL FROM:<ann@lab.example>\r\n")
        for peer in peers["smtp"]:
            while not harness.receive_line(peer).startswith(b"250 2.1.0"):
                pass
        self.is_well(server)
        if not harness.is_sanitized():
            self.assertLess((server.memory() - before) * 1024 / CROWD, 16 * 1024, "octets for each connection")
        done = server.stop()  # all of them still connected
        self.assertEqual(done.status, DONE)
        for peer in peers["echo"]:
            self.assertEqual(harness.receive(peer), b"")
        self.assertIn("echo: echoed 5006 octets: 1251 connections", done.err)
        self.assertIn("calc: answered 1252 requests, refused 0, 1251 connections", done.err)
        self.assertIn("discard: discarded 5000 octets: 1250 connections", done.err)
        self.assertIn("mail: accepted 0 messages, 0 octets, over 1250 connections", done.err)

    def test_unread(self):
        """lab serve: readers of chargen who stop reading, and senders who never read, cost bounded memory"""
        server = self.serve_lab("--idle-timeout", 0, "--threads", 1)
        self.is_well(server)
        before = server.memory("VmHWM")
        readers = [self.connect(server, "chargen") for _ in range(100)]
        until_readable(readers)
        talker = self.connect(server, "chargen")
        shouter = self.connect(server, "echo")
        for peer in (talker, shouter):
            peer.setblocking(False)
            total = 0
            # Until nothing more can be sent: the buffers of both ends are full.
            while total < 256 << 20 and select.select([], [peer], [], 0.5)[1]:
                with contextlib.suppress(BlockingIOError):
                    total += peer.send(b"x" * 65536)
            self.assertLess(total, 256 << 20)
        self.is_well(server)
        if not harness.is_sanitized():
            self.assertLess(server.memory("VmHWM") - before, 16 * 1024, "KiB")
        for peer in readers:
            self.assertEqual(len(harness.receive(peer, 100_000)), 100_000)
        self.is_well(server)

    def test_idle_crowd(self):
        """lab serve: hundreds who connect and say nothing are all let go after --idle-timeout"""
        server = self.serve_lab("--idle-timeout", "1s")
        crowd = [self.connect(server, service) for _ in range(150) for service in ("echo", "calc", "discard")]
        for peer in crowd:
            self.assertEqual(harness.receive(peer), b"")
            peer.close()
        self.is_well(server)

    def test_descriptors(self):
        """lab serve: without descriptors those in the queue wait, and are served when others go; no core is burnt"""
        if harness.is_sanitized():
            self.skipTest("a sanitizer's own descriptors are too many")
        server = self.serve_lab("--only", "echo,daytime", "--threads", 1, "--idle-timeout", "2s", "--grace", "100ms",
                                "--max-clients-per-address", 100,
                                names=["echo", "daytime"],
                                preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        crowd = [self.connect(server, "echo") for _ in range(60)]
        for peer in crowd:
            peer.sendall(b"me")
        began, computed = time.monotonic(), server.processor_time()
        late = self.connect(server, "daytime")  # in the accept queue
        server.until_err(r"accept: .*\(clients wait in the queue\)")
        # The accepted clients stay idle and are disconnected; then the others are served.
        for peer in crowd:
            self.assertEqual(harness.receive(peer, 2), b"me")
        self.assertTrue(harness.receive(late).endswith(b"-UTC\r\n"))
        elapsed = time.monotonic() - began
        self.assertLess(server.processor_time() - computed, 0.1 + elapsed / 5)
        for peer in crowd:
            peer.close()
        self.assertLess(len(os.listdir(f"/proc/{server.child.pid}/fd")), 65)
        done = server.stop()
        self.assertEqual(done.status, DONE)
        self.assertIn("echo: echoed 120 octets: 60 connections", done.err)

    def test_fair(self):
        """lab serve: readers of chargen who take all they can leave the others their turn"""
        server = self.serve_lab("--threads", 1)
        readers = [self.connect(server, "chargen") for _ in range(200)]
        peer = self.connect(server, "echo")
        for _ in range(20):
            for reader in readers:
                self.assertTrue(reader.recv(65536))
            peer.sendall(b"x")
            self.assertEqual(harness.receive(peer, 1), b"x")

    def test_full(self):
        """lab serve: --max-clients counts for each service by itself"""
        server = self.serve_lab("--max-clients", 1)
        guests = {service: self.connect(server, service) for service in ("echo", "calc")}
        guests["echo"].sendall(b"x")
        harness.receive(guests["echo"], 1)
        guests["calc"].sendall(b"sum 1\n")
        harness.receive(guests["calc"], 2)
        self.assertEqual(harness.receive(self.connect(server, "echo")), b"")
        self.assertTrue(harness.receive(self.connect(server, "calc")).startswith(b"error: too many clients"))
        self.assertTrue(harness.receive(self.connect(server, "daytime")))
        for guest in guests.values():
            guest.close()
        server.until_err(r"echo tcp \S+ turned away: 1 client connected \(--max-clients\)")
        done = server.stop()
        self.assertIn("1 turned away", done.err)


if __name__ == "__main__":
    harness.main()
