#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab tour when some of its services cannot run, and when its observations are not as expected."""

import itertools
import json
import os

import world
import harness

harness.trace_without_leak_check()

_numbers = itertools.count()


@world.needs_namespaces
class Tour(harness.Case):
    def setUp(self):
        self.host = world.Namespace(f"netlab-{os.getpid()}-{next(_numbers)}t")
        self.addCleanup(self.host.remove)

    def tour(self, *words, status=harness.DONE, netlab=None):
        done = harness.run(self.host.argv(*(netlab or [self.binary()]), "lab", "tour", "--json", *words))
        self.assertEqual(done.status, status, done.out + done.err)
        return [each for each in map(json.loads, done.lines) if "held" in each]

    def binary(self):
        return harness.NETLAB

    def test_loopback_alone(self):
        """tour: holds with nothing but IPv4 on the loopback interface"""
        self.host.set("net.ipv6.conf.all.disable_ipv6", 1)
        self.assertTrue(all(each["held"] for each in self.tour()))

    @harness.needs_program("setpriv")
    def test_without_privilege(self):
        """tour: holds for a user without any privilege"""
        self.assertTrue(all(each["held"] for each in self.tour(netlab=self.as_nobody())))

    def shown(self, title, *words, **how):
        return "\n".join(next(each["shown"] for each in self.tour(*words, **how) if each["title"] == title))

    def test_recorded(self):
        """tour: where capturing is permitted, the packets of the calculation are recorded, each with its call"""
        trace = harness.run(self.host.argv(self.binary(), "trace", "--json", "--", "true"))
        if trace.status != harness.DONE or json.loads(trace.lines[-1])["summary"]["packets"] is None:
            self.skipTest(trace.err.strip())
        text = self.shown("Which call is responsible for each packet?", "--chapter", "1")
        self.assertIn("$ netlab trace -- netlab lab demo calc", text)
        self.assertRegex(text, r"client > server +20 octets +client's send\(\)")

    @harness.needs_program("setpriv")
    def test_recorded_without_privilege(self):
        """tour: without privilege they are recorded in a network of their own, as far as the system permits that"""
        nobody = self.as_nobody()
        trace = harness.run(self.host.argv(*nobody, "trace", "--json", "--own-network", "--", "true"))
        if trace.status != harness.DONE:
            self.skipTest(trace.err.strip())
        text = self.shown("Which packet completes each blocking call?", "--chapter", "1", netlab=nobody)
        self.assertIn("$ netlab trace --own-network -- netlab lab demo calc", text)
        self.assertRegex(text, r"client's recv\(\) = 8 .*, 8 octets")

    def test_recorded_without_icmp(self):
        """tour: where ICMP is dropped, the recording shows a recv() that waited in vain"""
        self.host.drop("ip protocol icmp")
        text = self.shown("What is the packet sequence of an open and of a closed UDP port?", "--chapter", "2",
                          status=harness.PARTLY)
        if "netlab trace" in text:
            self.assertRegex(text, r"client's recv\(\) EAGAIN +waited .* in vain")

    def test_another_range(self):
        """tour: holds where the system gives clients other ports"""
        self.host.set("net.ipv4.ip_local_port_range", "10000 11000")
        ports = next(each["shown"] for each in self.tour("--chapter", "1") if each["title"].startswith("When does it"))
        self.assertEqual(ports[1], "10000 11000")

    def test_without_icmp(self):
        """tour: where ICMP is dropped, what depends on it fails and nothing else does, 1"""
        self.host.drop("ip protocol icmp")
        fallen = {each["title"] for each in self.tour("--chapter", "2", status=harness.PARTLY) if not each["held"]}
        self.assertEqual(fallen, {"What is the packet sequence of an open and of a closed UDP port?",
                                  "How does a program tell silence and ICMP apart?",
                                  "What does UDP's silence mean?"})

    def test_without_resets(self):
        """tour: where resets are dropped, a closed TCP port is no longer told from a silent one, 1"""
        self.host.drop("tcp flags & rst == rst")
        fallen = {each["title"] for each in self.tour("--chapter", "2", status=harness.PARTLY) if not each["held"]}
        self.assertIn("What is the packet sequence of an open and of a closed TCP port?", fallen)
        self.assertIn("What does a program see of a closed port?", fallen)


if __name__ == "__main__":
    harness.main()
