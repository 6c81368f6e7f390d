#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The calc server over UDP: one request per datagram, no answer to invalid ones."""

import re

import harness
from harness import Case, answer, needs_ipv6, request


class Datagrams(Case):
    def open(self, *words, host="127.0.0.1", **how):
        self.server = self.serve("--udp", *words, bind=host, **how)
        self.peer = self.udp(host)
        self.peer.connect((host, self.server.port))

    def ask(self, octets):
        self.peer.send(octets)
        return self.peer.recv(65536)

    def assert_silent(self, *datagrams):
        """None of them is answered: a valid datagram sent after them is answered first (one thread keeps the order)."""
        for octets in datagrams:
            self.peer.send(octets)
        self.assertEqual(self.ask(request(4711, "SUM", 4, 7)), answer(4711, 11))

    def test_operations(self):
        """datagram: every operation is answered"""
        self.open()
        for ident, (op, numbers, value) in enumerate((("SUM", (1, 2, 3), 6), ("PRO", (4, -5), -20), ("MIN", (3, -7), -7),
                                                      ("MAX", (-3, -7), -3), ("SUM", (), 0), ("PRO", (), 1),
                                                      ("SUM", tuple(range(255)), 32385), ("PRO", (2**20, 2**20, 0), 0))):
            self.assertEqual(self.ask(request(ident, op, *numbers)), answer(ident, value))

    def test_little(self):
        """datagram: --byte-order little"""
        self.open("--byte-order", "little")
        self.assertEqual(self.ask(request(1, "PRO", 4, 5, order="<")), answer(1, 20, order="<"))

    @needs_ipv6
    def test_ipv6(self):
        """datagram: the same over IPv6"""
        self.open(host="::1")
        self.assertEqual(self.ask(request(1, "SUM", 1, 2)), answer(1, 3))

    def test_same_port_as_tcp(self):
        """datagram: TCP and UDP are served on one port number at once"""
        server = self.serve()
        peer = self.udp()
        peer.sendto(request(1, "SUM", 1), ("127.0.0.1", server.port))
        self.assertEqual(peer.recv(100), answer(1, 1))
        stream = self.tcp(server.port)
        stream.sendall(request(2, "SUM", 2))
        self.assertEqual(harness.receive(stream, 8), answer(2, 2))

    def test_short(self):
        """datagram: one shorter than its N says gets no answer"""
        self.open("--threads", 1)
        whole = request(1, "SUM", 1, 2)
        self.assert_silent(*[whole[:length] for length in range(1, len(whole))])

    def test_long(self):
        """datagram: one longer than its N says gets no answer, two requests in one neither"""
        self.open("--threads", 1)
        whole = request(1, "SUM", 1, 2)
        self.assert_silent(whole + b"\0", whole + b"\0\0\0\0", whole + whole, request(1, "SUM", *range(255)) + b"\0")

    def test_empty(self):
        """datagram: an empty one gets no answer"""
        self.open("--threads", 1)
        self.assert_silent(b"", b"", b"")

    def test_largest(self):
        """datagram: one of 65,507 octets gets no answer, and its size is logged"""
        self.open("--threads", 1)
        self.assert_silent(request(1, "SUM", 1).ljust(65507, b"\0"), b"\xff" * 65507)
        self.assertIn("65507 octets", self.server.stop().err)

    def test_without_result(self):
        """datagram: what has no result gets no answer"""
        self.open("--threads", 1)
        self.assert_silent(request(1, "SUM", 2**31 - 1, 1), request(2, "PRO", 2**16, 2**15), request(3, "MIN"),
                           request(4, "MAX"), request(5, "AVG", 1), request(6, "sum", 1))

    def test_text(self):
        """datagram: a line of text is no request"""
        self.open("--threads", 1)
        self.assert_silent(b"SUM 1 2 3\n", b"help\n", b"quit\n")

    def test_reason(self):
        """datagram: each reason is logged with the peer and counted"""
        self.open("--threads", 1)
        self.assert_silent(b"short", request(1, "MIN"), request(2, "AVG", 1), request(3, "SUM", 2**31 - 1, 1))
        done = self.server.stop()
        host, port = self.peer.getsockname()
        lines = [line for line in done.error_lines if "refused: " in line]
        self.assertEqual(len(lines), 4, done.err)
        for line in lines:
            self.assertTrue(line.startswith(f"udp {host}:{port} refused: "), line)
        self.assertEqual(len({line.partition("refused: ")[2] for line in lines}), 4, lines)
        self.assertIn("answered 1 request, refused 4,", done.err)

    def test_bounded_log(self):
        """datagram: thousands of bad ones are all counted, and logged at a bounded rate"""
        self.open("--threads", 1)
        for _ in range(100):
            self.assert_silent(*[b"bad"] * 50)
        done = self.server.stop()
        self.assertIn("answered 100 requests, refused 5000,", done.err)
        # 10 a second and some more; this test takes far less than the 100 seconds that 1,000 lines would need.
        self.assertLess(len(done.error_lines), 1000)
        self.assertGreater(len(done.error_lines), 1)
        self.assertTrue(re.search(r"not shown", done.err) or len(done.error_lines) < 25, done.err)

    def test_many_peers(self):
        """datagram: many peers each get their own answers"""
        self.open()
        peers = [self.udp() for _ in range(50)]
        for ident, peer in enumerate(peers):
            peer.sendto(request(ident, "SUM", ident), ("127.0.0.1", self.server.port))
        for ident, peer in enumerate(peers):
            self.assertEqual(peer.recv(100), answer(ident, ident))

    def test_peer_gone(self):
        """datagram: a peer that is gone before its answer costs nobody else anything"""
        self.open("--threads", 1)
        for _ in range(20):
            gone = self.udp()
            gone.sendto(request(1, "SUM", 1), ("127.0.0.1", self.server.port))
            gone.close()
        self.assertEqual(self.ask(request(2, "SUM", 2)), answer(2, 2))
        self.assertEqual(self.server.stop().status, 0)


if __name__ == "__main__":
    harness.main()
