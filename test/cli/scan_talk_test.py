# SPDX-License-Identifier: MIT
"""What netlab scan sends and receives at an open port: banners in pieces, messages of any length, truncated replies."""

import json
import socket
import time

import harness
from harness import main

KEPT = 1024  # octets of a banner or reply in a report


class Talk(harness.Case):
    def one(self, port, *words, transport="tcp"):
        """The finding for a single port over the transport."""
        done = self.netlab("scan", transport, "--host", "127.0.0.1", "--range", port, "--json", "--all", *words)
        found, _ = [json.loads(line) for line in done.lines]
        return found

    def banner_of(self, *pieces, pause=0.02):
        """The finding for a server that sends these pieces with pauses, then echoes its input in capitals."""
        def talk(peer):
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(pause)
                peer.sendall(piece)
            while octets := peer.recv(65536):
                peer.sendall(octets.upper())

        return self.one(self.tcp_fake(talk))

    def test_pieces(self):
        """scan: a banner in several pieces is one, and the reply is what comes after the message"""
        # The scan waits while a banner is visibly incomplete. After a complete line a pause ends it; a busy machine may
        # be too slow for that, so the unit tests cover it without a clock.
        for pieces in ((b"220-one\r\n", b"220-two\r\n", b"220 three\r\n"), (b"hel", b"lo\r\n")):
            found = self.banner_of(*pieces, pause=0.06)
            self.assertEqual((found["banner"], found["reply"]), (b"".join(pieces).decode(), "NETLAB SCAN\r\n"))

    def test_long_banner(self):
        """scan: the rest of a long banner is not the reply, and JSON marks that it was cut"""
        banner = b"".join(b"%04d %s\r\n" % (number, b"x" * 57) for number in range(64))
        for pieces in ((banner,), (banner[:1500], banner[1500:])):
            found = self.banner_of(*pieces)
            self.assertEqual((found["banner"], found["banner_cut"], found["reply"]),
                             (banner[:KEPT].decode(), True, "NETLAB SCAN\r\n"))
            self.assertNotIn("reply_cut", found)

    def test_endless_banner(self):
        """scan: a port that never stops talking has a banner and no reply"""
        def talk(peer):
            while True:
                peer.sendall(b"chargen\r\n" * 100)

        found = self.one(self.tcp_fake(talk))
        self.assertEqual((found["state"], found["banner_cut"], found["reply"]), ("open", True, None))

    def test_long_echo(self):
        """scan: an echo is named at any length of --send, over TCP and UDP"""
        server = self.serve(service="echo")
        for transport, lengths in (("tcp", (1, 1021, 1022, 1023, 5000, 130_000)), ("udp", (1, 2046, 2047, 9000))):
            for length in lengths:
                found = self.one(server.port, "--send", "m" * length, transport=transport)
                self.assertEqual(found.get("echo"), True, (transport, length))
                self.assertEqual(found["reply"], ("m" * length + "\r\n")[:KEPT])
                self.assertEqual(found.get("reply_cut", False), length + 2 > KEPT, (transport, length))

    def test_no_echo(self):
        """scan: what only begins like the message is no echo"""
        def talk(peer):
            octets = peer.recv(65536)
            peer.sendall(octets[:-1] + b"!")

        found = self.one(self.tcp_fake(talk), "--no-banner", "--send", "m" * 3000)
        self.assertNotIn("echo", found)

    def test_one_line(self):
        """scan: a peer's line separators, C1 controls and bidirectional overrides stand escaped in JSON"""
        said = "220 a\u2028b\u2029c\u0085d\u202ee\u2066f \N{TURTLE}\r\n"
        done = self.netlab("scan", "--range", self.tcp_fake(lambda peer: (peer.sendall(said.encode()), peer.recv(1))), "--json")
        self.assertEqual(len(done.out.splitlines()), 2)  # splits at all of those
        self.assertEqual(json.loads(done.lines[0])["banner"], said)
        self.assertIn("\N{TURTLE}", done.out)

    def test_all_open(self):
        """scan: where every port is open the table says so"""
        listeners = []
        for _ in range(200):
            first = socket.create_server(("127.0.0.1", 0))
            self.addCleanup(first.close)
            listeners.append(first.getsockname()[1])
        ports = ",".join(map(str, listeners[:12]))
        done = self.netlab("scan", "--range", ports, "--no-banner", "--no-send")
        self.assertEqual(done.lines[-1], "all 12 tcp ports are open: perhaps a SYN proxy, a firewall or a load balancer "
                                         "answers for the host")
        ports = ",".join(map(str, listeners))
        done = self.netlab("scan", "--range", ports, "--no-banner", "--no-send")
        self.assertEqual(done.lines[1:2], ["not shown: 200 open tcp ports (syn-ack)"])
        done = self.netlab("scan", "--range", f"{ports},{self.closed_port()}", "--no-banner", "--no-send")
        self.assertNotIn("all 20", done.out)


if __name__ == "__main__":
    main()
