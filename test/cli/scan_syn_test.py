# SPDX-License-Identifier: MIT
"""scan --syn and --stateless: their options, and what they say without privilege."""

import json
import os

from harness import NOT_PERMITTED, USAGE, Case, environment, main, run


class Options(Case):
    def test_useless(self):
        """scan --syn: options without a use are refused, with the reason"""
        for words, says in ((("--bandwidth", "1M"), "--syn"), (("--banner",), "--syn"),
                            (("--syn", "--parallel", "3"), "--banner"), (("--syn", "--send", "x"), "--banner"),
                            (("--syn", "--udp"), "TCP"), (("--syn", "udp"), "TCP"),
                            (("--syn", "--banner", "--no-banner"), "--no-banner"),
                            (("--stateless",), "UDP"), (("--stateless", "--tcp"), "UDP"),
                            (("--stateless", "--udp", "--banner"), "--syn"),
                            (("--stateless", "--udp", "--send", "x" * 1451), "1452 octets"),
                            (("--syn", "tcp", "udp", "--bandwidth", "1M"), "--stateless"),
                            (("--stateless", "tcp", "udp", "--bandwidth", "1M"), "--syn")):
            self.refused("scan", *words, "--range", "1", says=says)

    def test_transports(self):
        """scan --syn: the words tcp and udp, and the message for UDP ports"""
        for words, protos in ((("--syn", "tcp"), {"tcp"}), (("tcp", "--syn"), {"tcp"}), (("--syn", "--tcp"), {"tcp"}),
                              (("--syn", "tcp", "udp"), {"tcp", "udp"}), (("--syn", "--no-send"), {"tcp"}),
                              (("--syn", "tcp", "udp", "--send", "x"), {"tcp", "udp"}),
                              (("--syn", "--banner", "--send", "x"), {"tcp"}),
                              (("--stateless", "udp"), {"udp"}), (("--udp", "--stateless", "--send", "x"), {"udp"}),
                              (("--syn", "--stateless", "tcp", "udp"), {"tcp", "udp"})):
            lines = self.netlab("scan", *words, "--range", "1-3", "--dry-run").lines
            self.assertEqual({line.split()[1] for line in lines}, protos, words)

    def test_bandwidth(self):
        """scan --syn: --bandwidth is bits a second with a decimal unit"""
        for bad in ("", "x", "0", "-1", "999", "10x", "10 M", "10MB", "1.2.3M", "nan", "1e300", "M"):
            self.refused("scan", "--syn", "--bandwidth", bad, "--range", "1", status=USAGE, says="bandwidth")


class Privilege(Case):
    def test_without(self):
        """scan --syn: 77 without CAP_NET_RAW, in one line that names it and the scan that needs none, and no report begun"""
        if os.geteuid() != 0:
            self.skipTest("not root: setpriv needs it")
        for form in ("table", "json", "csv", "nmap-xml", "grepable"):
            for words, way_out in ((("--syn",), "the connect scan"), (("--udp", "--stateless"), "the UDP scan")):
                done = run([*self.as_nobody(), "scan", *words, "--range", "1", "--format", form], env=environment())
                self.assertEqual(done.status, NOT_PERMITTED)
                self.assert_one_error(done, says=f"{words[-1]} needs the capability CAP_NET_RAW")
                self.assertIn(way_out, done.err)

    def test_with(self):
        """scan --syn: this machine's own ports, by packets"""
        done = self.netlab("scan", "--syn", "--host", "127.0.0.1", "--range", "1", "--all", "--json", status=None)
        if done.status == NOT_PERMITTED:
            self.skipTest("no CAP_NET_RAW here")
        self.assertEqual(json.loads(done.lines[0])["reason"], "reset")

    def test_banner(self):
        """scan --syn --banner: open ports are asked for their banners by the connect scan, and each is reported once"""
        server = self.serve_lab("--only", "echo,daytime", names=("echo", "daytime"))
        ports = [server.named["echo", "tcp"], server.named["daytime", "tcp"]]
        done = self.netlab("scan", "--syn", "--banner", "--host", server.address, "--range", ",".join(map(str, ports)),
                           "--json", status=None)
        if done.status == NOT_PERMITTED:
            self.skipTest("no CAP_NET_RAW here")
        found = [json.loads(line) for line in done.lines[:-1]]
        self.assertEqual(sorted(one["port"] for one in found), sorted(ports))
        self.assertTrue(any(one.get("echo") for one in found))
        self.assertTrue(any(one.get("banner") for one in found))


if __name__ == "__main__":
    main()
