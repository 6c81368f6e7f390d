# SPDX-License-Identifier: MIT
"""Parts of a scan, and scans that are killed and go on, of hosts with silent ports: the states must be exactly the same."""

import json
import signal

import world  # first: it sets the path to harness

import harness
from harness import DONE, TRY_LATER, UNAVAILABLE, main
from scan_test import CLOSED, FAR, OPEN, SILENT, UDP_CLOSED, UDP_OPEN, UDP_SILENT, Scan, ScanCase


@world.needs_namespaces
class Resume(ScanCase):
    def setUp(self):
        super().setUp()
        self.folder = self.scratch()
        self.state = self.folder / "state"
        self.report = self.folder / "report"

    def known(self):
        try:
            return sum(json.loads(self.state.read_text())["by_state"])
        except (OSError, ValueError):
            return 0

    def words(self, *more):
        return ("scan", *more, "--json", "--resume", self.state, "-o", self.report)

    def kill(self, *words, findings):
        """Kills a scan once its state has so many findings."""
        scan = harness.Process(self.near.argv(harness.NETLAB, *self.words(*words)))
        self.addCleanup(scan.kill)
        harness.until(lambda: self.known() >= findings, f"{findings} findings")
        scan.send(signal.SIGKILL)
        scan.wait()

    def finish(self, *words):
        self.netlab_in(self.near, *self.words(*words))
        found = Scan(harness.Done(DONE, self.report.read_text(), ""))
        self.assertEqual(found.repeated, [], "ports told twice")
        self.assertTrue(found.summary["complete"])
        return found

    def test_silent_ports(self):
        """scan --resume: killed three times, it comes to the exact states, also of silent ports"""
        self.services_in(self.far, FAR[4], "tcp:7=echo", "tcp:22=banner:SSH-2.0-lab", "tcp:140-143")
        self.far.drop("tcp dport { 3, 30-60 }")
        words = ("tcp", FAR[4], "--range", "1-200", "--rate", "150", "--all")
        for findings in (20, 80, 140):
            self.kill(*words, findings=findings)
        self.assert_states(self.expected(range(1, 201), CLOSED, open=([7, 22, *range(140, 144)], OPEN),
                                         dropped=([3, *range(30, 61)], SILENT)), self.finish().states())

    def test_udp(self):
        """scan --resume: a killed UDP scan, slowed by the host's limit on ICMP errors, comes to the exact states"""
        self.services_in(self.far, FAR[4], "udp:7=echo", "udp:9=deaf")
        words = ("udp", FAR[4], "--range", "1-25", "--all")
        self.kill(*words, findings=8)
        self.kill(*words, findings=12)
        self.assert_states(self.expected(range(1, 26), UDP_CLOSED, open=([7], UDP_OPEN), deaf=([9], UDP_SILENT)),
                           self.finish().states("udp"))

    def test_no_route(self):
        """scan --resume: a scan that could ask nothing is not finished, and is begun again"""
        words = ("tcp", "198.51.100.2", "--range", "1-20", "--all")
        self.netlab_in(self.near, *self.words(*words), status=UNAVAILABLE)
        self.assertFalse(json.loads(self.state.read_text())["finished"])
        self.near.ip("route", "add", "198.51.100.0/24", "dev", "wire")
        self.far.ip("addr", "add", "198.51.100.2/24", "dev", "wire")
        self.assert_states(dict.fromkeys(range(1, 21), CLOSED), self.finish().states())

    def test_terminated(self):
        """scan --resume: SIGTERM while ports are silent is 75, and they are unknown only in the report of that run"""
        self.far.drop("tcp dport 1-50")
        words = ("tcp", FAR[4], "--range", "1-100", "--timeout", "3s", "--all")
        scan = harness.Process(self.near.argv(harness.NETLAB, *self.words(*words)))
        self.addCleanup(scan.kill)
        harness.until(lambda: self.known() >= 50, "the answers")
        scan.send(signal.SIGTERM)
        self.assertEqual(scan.wait().status, TRY_LATER)
        seen = Scan(harness.Done(TRY_LATER, self.report.read_text(), ""))
        self.assertEqual(set(seen.states().values()), {CLOSED, ("unknown", "not-finished")})
        self.assert_states(self.expected(range(1, 101), CLOSED, dropped=(range(1, 51), SILENT)), self.finish().states())


@world.needs_namespaces
class Shards(ScanCase):
    def test_union(self):
        """scan --shard: the parts over two hosts, TCP and UDP, are the whole scan, also of silent ports"""
        self.far.set("net.ipv4.icmp_ratelimit", 0)
        self.services_in(self.far, FAR[4], "tcp:7=echo", "tcp:140-143", "udp:7=echo", "udp:9=deaf")
        self.far.drop("tcp dport { 3, 30-40 }")
        words = ("tcp", "udp", f"{FAR[4]},192.0.2.1", "--range", "1-150", "--all")
        files = []
        for index in range(1, 4):
            files.append(self.scratch() / "part")
            self.netlab_in(self.near, "scan", *words, "--json", "--shard", f"{index}/3", "-o", files[-1])
        merged = Scan(self.netlab_in(self.near, "scan", "--merge", "--json", "--all", *files))
        whole = self.scan(*words)
        self.assertEqual(merged.repeated, [])
        self.assert_states({key: one["state"] for key, one in whole.ports.items()},
                           {key: one["state"] for key, one in merged.ports.items()})
        self.assertEqual(merged.summary["targets"], 2)


if __name__ == "__main__":
    main()
