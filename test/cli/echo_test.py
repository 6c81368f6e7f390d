#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab echo serve and netlab echo query."""

import contextlib
import json
import os
import socket
import struct
import threading

import harness
from harness import PROTOCOL, TRY_LATER, UNAVAILABLE, USAGE, Case, needs_ipv6, needs_root


class Serve(Case):
    def test_both(self):
        """echo serve: TCP and UDP on one port number"""
        server = self.serve(service="echo")
        self.assertEqual([each[0] for each in server.sockets], ["tcp", "udp"])
        self.assertEqual(len({each[2] for each in server.sockets}), 1)

    @needs_root
    def test_default_port(self):
        """echo serve: port 7 by default"""
        # A separate loopback address, so that an echo service of this machine does not get in the way.
        server = self.serve(service="echo", bind="127.45.67.89", port=None)
        self.assertEqual({each[2] for each in server.sockets}, {7})
        self.assertEqual(self.netlab("echo", "query", "--host", "127.45.67.89", "hello").out, "hello\n")

    def test_stream(self):
        """echo serve: every octet comes back, whatever it is, until the peer ends"""
        peer = self.tcp(self.serve(service="echo").port)
        for octets in (b"x", bytes(range(256)), b"\r\n\xff\xf4\xff\xfd\x06"):
            peer.sendall(octets)
            self.assertEqual(harness.receive(peer, len(octets)), octets)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(harness.receive(peer), b"")

    def test_half_close(self):
        """echo serve: everything sent before the end comes back, then the end"""
        peer = self.tcp(self.serve(service="echo").port)
        sent = os.urandom(100_000)
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(harness.receive(peer), sent)

    def test_megabytes(self):
        """echo serve: 8 MiB from a peer that reads late"""
        peer = self.tcp(self.serve(service="echo").port)
        sent = os.urandom(8 << 20)
        threading.Thread(target=lambda: (peer.sendall(sent), peer.shutdown(socket.SHUT_WR)), daemon=True).start()
        self.assertEqual(harness.receive(peer), sent)

    def test_datagrams(self):
        """echo serve: datagrams come back whole, the empty one and the largest too"""
        server = self.serve("--udp", service="echo")
        peer = self.udp()
        peer.connect(("127.0.0.1", server.port))
        for octets in (b"x", b"", os.urandom(1472), os.urandom(9000), os.urandom(65507)):
            peer.send(octets)
            self.assertEqual(peer.recv(65536), octets)

    @needs_ipv6
    def test_ipv6(self):
        """echo serve: IPv6 over both transports"""
        server = self.serve(service="echo", bind="::1")
        for transport in ("--tcp", "--udp"):
            self.assertEqual(self.netlab("echo", "query", transport, "--host", "::1", "--port", server.port, "hello").out, "hello\n")

    @needs_root
    def test_low_source_ports(self):
        """echo serve: a packet from a source port below 1024 is never answered, from 1024 on it is"""
        server = self.serve("--udp", "--threads", 1, service="echo")
        lows = []
        for port in (7, 19, 723, 1023):
            with contextlib.suppress(OSError):
                lows.append(self.udp(host="127.0.0.77", port=port))
        self.assertTrue(lows)
        for low in lows:
            low.sendto(b"loop", ("127.0.0.1", server.port))
        high = self.udp(host="127.0.0.77", port=1024)
        high.sendto(b"one", ("127.0.0.1", server.port))
        self.assertEqual(high.recv(100), b"one")
        for low in lows:  # one thread keeps the order: an answer would be here by now
            low.setblocking(False)
            with self.assertRaises(BlockingIOError):
                low.recv(100)
        self.assertIn(f"ignored {len(lows)}", server.stop().err)

    @needs_root
    def test_low_source_ports_over_tcp(self):
        """echo serve: over TCP the source port does not matter"""
        server = self.serve("--tcp", service="echo")
        peer = self.tcp(server.port, source=("127.0.0.78", 723))
        peer.sendall(b"hello")
        self.assertEqual(harness.receive(peer, 5), b"hello")

    def test_idle(self):
        """echo serve: an idle connection is closed in order after --idle-timeout"""
        peer = self.tcp(self.serve("--idle-timeout", "100ms", service="echo").port)
        peer.sendall(b"x")
        self.assertEqual(harness.receive(peer), b"x")

    def test_max_clients(self):
        """echo serve: --max-clients; one too many is closed"""
        server = self.serve("--tcp", "--max-clients", 1, service="echo")
        guest = self.tcp(server.port)
        guest.sendall(b"x")
        harness.receive(guest, 1)
        with self.tcp(server.port) as one_too_many:
            self.assertEqual(harness.receive(one_too_many), b"")
        guest.sendall(b"y")
        self.assertEqual(harness.receive(guest, 1), b"y")
        guest.close()
        self.assertIn("1 turned away", server.stop().err)

    def test_totals(self):
        """echo serve: the totals count octets and connections"""
        server = self.serve(service="echo")
        self.netlab("echo", "query", "--port", server.port, "12345")
        self.netlab("echo", "query", "--udp", "--port", server.port, "123")
        done = server.stop()
        self.assertRegex(done.err, r"8 octets.*1 connection\b")

    def test_unread(self):
        """echo serve: a peer that never reads does not grow the server without bound, nor hold up others"""
        server = self.serve("--tcp", "--threads", 1, service="echo")
        rude = self.tcp(server.port)
        rude.settimeout(0.5)
        total = 0
        with contextlib.suppress(TimeoutError):
            while total < 256 << 20:
                total += rude.send(b"x" * 65536)
        self.assertLess(total, 256 << 20)
        self.assertEqual(self.netlab("echo", "query", "--port", server.port, "polite").out, "polite\n")


class Query(Case):
    def test_reply(self):
        """echo query: prints the reply, over both transports"""
        port = self.serve(service="echo").port
        for transport in ("--tcp", "--udp"):
            done = self.netlab("echo", "query", transport, "--port", port, "hello")
            self.assertEqual((done.out, done.err), ("hello\n", ""))

    def test_several_words(self):
        """echo query: several words are joined by blanks"""
        self.assertEqual(self.netlab("echo", "query", "--port", self.serve(service="echo").port, "a", "b  c", "-5").out, "a b  c -5\n")

    def test_octets(self):
        """echo query: the message is exactly the text"""
        seen = []
        port = self.udp_fake(lambda datagram: (seen.append(datagram), [datagram])[1])
        self.netlab("echo", "query", "--udp", "--port", port, "häll o")
        self.assertEqual(seen, ["häll o".encode()])

    def test_long(self):
        """echo query: 100,000 octets over TCP; over UDP what fits a datagram, and 65 for more"""
        port = self.serve(service="echo").port
        self.assertEqual(self.netlab("echo", "query", "--port", port, "x" * 100_000).out, "x" * 100_000 + "\n")
        self.assertEqual(self.netlab("echo", "query", "--udp", "--port", port, "x" * 65_507).out, "x" * 65_507 + "\n")
        self.refused("echo", "query", "--udp", "--port", port, "x" * 65_508, status=65)

    def test_json(self):
        """echo query: JSON has the reply and both ends"""
        port = self.serve(service="echo").port
        told = json.loads(self.netlab("echo", "query", "--udp", "--json", "--port", port, "hi").out)
        self.assertEqual((told["reply"], told["proto"], told["remote"]), ("hi", "udp", f"127.0.0.1:{port}"))
        self.assertGreaterEqual(told["rtt_us"], 0)
        self.assertRegex(told["local"], r"^127\.0\.0\.1:\d+$")

    def test_verbose(self):
        """echo query: -v shows both ends and the time"""
        port = self.serve(service="echo").port
        self.assertRegex(self.netlab("echo", "query", "-v", "--port", port, "hi").err, rf"tcp 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:{port}, ")

    def test_bind(self):
        """echo query: --bind sets the local end"""
        port = self.serve(service="echo").port
        told = json.loads(self.netlab("echo", "query", "--json", "--bind", "127.0.0.9", "--port", port, "hi").out)
        self.assertTrue(told["local"].startswith("127.0.0.9:"))

    def test_nothing(self):
        """echo query: without a text it is refused with 64"""
        self.refused("echo", "query", "--port", "9", status=USAGE)

    def test_wrong(self):
        """echo query: a reply that differs, is too short or too long, ends with 76"""
        for reply in (b"hellO", b"hello!", b"Xello", b"hell"):
            with self.subTest(reply):
                port = self.udp_fake(lambda datagram, reply=reply: [reply])
                self.refused("echo", "query", "--udp", "--port", port, "hello", status=PROTOCOL)
                port = self.tcp_fake(lambda peer, reply=reply: (peer.recv(100), peer.sendall(reply)))
                self.refused("echo", "query", "--port", port, "hello", status=PROTOCOL)

    def test_pieces(self):
        """echo query: a reply in pieces is put together"""
        def talk(peer):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in peer.recv(100):
                peer.sendall(bytes([octet]))
        self.assertEqual(self.netlab("echo", "query", "--port", self.tcp_fake(talk), "hello").out, "hello\n")

    def test_calc_server(self):
        """echo query: a calc server is no echo service"""
        self.refused("echo", "query", "--port", self.serve().port, "--timeout", "300ms", "hello\n", status=PROTOCOL)

    def test_silence(self):
        """echo query: silence ends with 75 over both transports"""
        self.refused("echo", "query", "--timeout", "100ms", "--port", self.silent_port(), "x", status=TRY_LATER)
        self.refused("echo", "query", "--udp", "--timeout", "100ms", "--port", self.udp_fake(lambda datagram: []), "x",
                     status=TRY_LATER)

    def test_nobody_there(self):
        """echo query: nobody there ends with 69 over both transports"""
        self.refused("echo", "query", "--port", self.closed_port(), "x", status=UNAVAILABLE)
        peer = self.udp()
        port = peer.getsockname()[1]
        peer.close()
        self.refused("echo", "query", "--udp", "--port", port, "x", status=UNAVAILABLE)

    def test_closed(self):
        """echo query: a server that closes, or resets, ends with 69"""
        self.refused("echo", "query", "--port", self.tcp_fake(lambda peer: peer.recv(100)), "x", status=UNAVAILABLE)

        def reset(peer):
            peer.recv(100)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        self.refused("echo", "query", "--port", self.tcp_fake(reset), "x", status=UNAVAILABLE)

    def test_retries(self):
        """echo query: over UDP a lost message is sent again"""
        seen = []

        def answer_second(datagram):
            seen.append(datagram)
            return [datagram] if len(seen) == 2 else []

        self.assertEqual(self.netlab("echo", "query", "--udp", "--timeout", "600ms", "--port", self.udp_fake(answer_second), "x").out, "x\n")
        self.assertEqual(len(seen), 2)


if __name__ == "__main__":
    harness.main()
