# SPDX-License-Identifier: MIT
"""The lab's host in a namespace of its own, and clients outside: each tests the other."""

import re
import xml.etree.ElementTree

import world  # first: it sets the path to harness

import harness
from harness import LAB, main, needs_program
from scan_test import CLOSED, FAR, OPEN, UDP_CLOSED, UDP_OPEN, UDP_SILENT, ScanCase

SCANNED = "1-50,450-600,50000"
NUMBERS = [*range(1, 51), *range(450, 601), 50000]
# Services that answer any datagram. Discard never answers; calc answers valid requests, which netlab knows.
TALKATIVE_BY_DATAGRAM = ("echo", "daytime", "time")


def served(transport):
    return {port: name for name, (port, transports) in LAB.items() if transport in transports}


@world.needs_namespaces
class Lab(ScanCase):
    def setUp(self):
        super().setUp()
        self.far.set("net.ipv4.icmp_ratelimit", 0)
        self.far.set("net.ipv6.icmp.ratelimit", 0)

    def lab(self, *words):
        """Runs it as a teacher does: all addresses, the ports of the exercise sheet."""
        lines = 2 * sum(len(transports) for _, transports in LAB.values()) + 2
        server = self.serve_in(self.far, "lab", "serve", "--bind", "any", "--state", self.scratch(), *words, lines=lines)
        self.assertEqual(server.named, {(name, transport): port for name, (port, transports) in LAB.items()
                                        for transport in transports})
        return server

    def find(self, family):
        server = self.lab()
        seen = self.scan("tcp", "udp", "--host", FAR[family], "--range", SCANNED, "--all")
        self.assert_states(self.expected(NUMBERS, CLOSED, open=(served("tcp"), OPEN)), seen.states("tcp"))
        talkative = [LAB[name][0] for name in (*TALKATIVE_BY_DATAGRAM, "calc")]
        silent = served("udp").keys() - talkative
        self.assert_states(self.expected(NUMBERS, UDP_CLOSED, open=(talkative, UDP_OPEN), silent=(silent, UDP_SILENT)),
                           seen.states("udp"))
        for transport in ("tcp", "udp"):
            for port, name in served(transport).items():
                if name != "calc":  # 50000 is not a registered port
                    self.assertEqual(seen.one(port, transport).get("service"), name)
        for transport in ("tcp", "udp"):
            self.assertEqual([port for port in NUMBERS if seen.one(port, transport).get("echo")], [7], transport)
            self.assertRegex(self.heard(seen.one(13, transport)), r"^[A-Z][a-z]+day, .*-UTC\r\n$")
        self.assertTrue(self.heard(seen.one(19)).startswith(" !\"#$%&'()*+,-./0123456789"))
        self.assertIn("error: unknown operation 'netlab'", self.heard(seen.one(50000)))
        for port in (25, 587):
            self.assertRegex(seen.one(port).get("banner", ""), r"^220 \S+ ESMTP")
        self.assertTrue(seen.summary["complete"])
        # The host has logged the scan's connections, each at its service.
        done = server.stop()
        self.assertEqual(done.status, harness.DONE)
        for name, (_, transports) in LAB.items():
            told = "mail" if name in harness.LAB_MAIL else name
            self.assertRegex(done.err, rf"(?m)^{told} tcp {re.escape(self.near_address(family))}:\d+ ")
            if "udp" in transports:
                self.assertRegex(done.err, rf"(?m)^{name} udp {re.escape(self.near_address(family))}:\d+")

    @staticmethod
    def near_address(family):
        return {4: "192.0.2.1", 6: "[2001:db8::1]"}[family]

    @staticmethod
    def heard(one):
        return one.get("banner") or one.get("reply") or ""

    def test_scan_ipv4(self):
        """lab serve: netlab scan finds exactly what it serves, by state, name and words, over IPv4"""
        self.find(4)

    def test_scan_ipv6(self):
        """lab serve: netlab scan finds exactly what it serves over IPv6"""
        self.find(6)

    @needs_program("nmap")
    def test_nmap(self):
        """lab serve: nmap finds the same"""
        self.lab()
        done = harness.run(self.near.argv("nmap", "-n", "-Pn", "-sT", "-sU", f"-pT:{SCANNED},U:{SCANNED}", "-oX", "-",
                                          FAR[4]))
        self.assertEqual(done.status, 0, done.err)
        found = {(port.get("protocol"), int(port.get("portid"))): port.find("state").get("state")
                 for port in xml.etree.ElementTree.fromstring(done.out).iter("port")}
        notable = {key: state for key, state in found.items() if state != "closed"}
        expected = {("tcp", port): "open" for port in served("tcp")}
        expected |= {("udp", port): "open" if name in TALKATIVE_BY_DATAGRAM else "open|filtered"
                     for port, name in served("udp").items()}
        self.assertEqual(notable, expected)

    def test_client_elsewhere(self):
        """lab serve: netlab's clients on another host do the sheet's first exercise against it"""
        self.lab()
        for family in (4, 6):
            for transport in ("--tcp", "--udp"):
                where = (transport, "--host", FAR[family])
                self.assertEqual(self.netlab_in(self.near, "calc", "query", *where, "pro", -4, 5, 6).out, "-120\n")
                self.assertEqual(self.netlab_in(self.near, "echo", "query", *where, "hello").out, "hello\n")
            # The question of the exercise sheet: what does the echo service do with the calculation client's requests?
            done = self.netlab_in(self.near, "calc", "query", "--host", FAR[family], "--port", 7, "sum", 1, 2, 3,
                                  status=harness.PROTOCOL)
            self.assertIn("echo", done.err)

    def test_forged_circle(self):
        """lab serve: a datagram forged from its own service's address starts no endless talk between services"""
        server = self.lab("--threads", 1)
        script = ("import socket, struct, sys\n"
                  "raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)\n"
                  "for source, to in ((7, 7), (13, 7), (37, 7), (7, 13), (37, 13), (19, 7), (50000, 7)):\n"
                  "    udp = struct.pack('!HHHH', source, to, 9, 0) + b'x'\n"
                  "    ends = socket.inet_aton('192.0.2.2') * 2\n"
                  "    raw.sendto(struct.pack('!BBHHHBBH', 0x45, 0, 29, 0, 0, 9, 17, 0) + ends + udp, ('192.0.2.2', 0))\n")
        done = harness.run(self.far.argv("python3", "-c", script))
        self.assertEqual(done.status, 0, done.err)
        # The last datagram was not from a low port: its echo went to calc, which refuses what is not a request.
        server.until_err(r"calc udp 192\.0\.2\.2:7 refused")
        done = server.stop()
        self.assertIn("echo: echoed 1 octet: 0 connections, 1 datagram; ignored 4 from services' ports", done.err)
        self.assertRegex(done.err, r"daytime: sent 0 octets: 0 connections, 0 datagrams; ignored 2")


if __name__ == "__main__":
    main()
