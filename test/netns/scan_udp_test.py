# SPDX-License-Identifier: MIT
"""UDP scans of simulated and real hosts whose ports are all known, despite ICMP limits, rates and slow links."""

import collections
import re
import sys
import time

import world  # first: it sets the path to harness

import harness
from harness import PARTLY, main
from scan_test import FAR, UDP_CLOSED, UDP_OPEN, UDP_SILENT, Scan, ScanCase

HOST = {4: "198.18.0.1", 6: "2001:db8:18::1"}
ROUTER = {4: "198.18.255.1", 6: "2001:db8:18::ff"}
PROHIBITED = ("filtered", "admin-prohibited")
UNREACHABLE = ("filtered", "host-unreachable")


class UdpCase(ScanCase):
    def right(self, network, ports, *words, hosts=(HOST[4],), **how):
        """Scans these ports; each must have the state given by the rules."""
        seen = self.scan("udp", "--host", ",".join(hosts), "--range", ports, "--all", *words, **how)
        first, _, last = ports.partition("-")
        for host in hosts:
            self.assert_states(network.states(host, range(int(first), int(last) + 1), "udp"),
                               {key[2]: (one["state"], one["reason"]) for key, one in seen.ports.items()
                                if key[0] == host})
        return seen


@world.needs_namespaces
class IcmpLimits(UdpCase):
    def rejected(self, family):
        """Linux's limit, but ten times as fast; firewalld rejects everything like this."""
        network = self.simulate(f"""
            host {HOST[family]}
              udp 1-65535 admin-prohibited
              udp 7 open
              limit icmp 10/s burst 6
        """)
        seen = self.right(network, "1-50", hosts=[HOST[family]])
        self.assertEqual({one["origin"] for one in seen.ports.values() if one["port"] != 7}, {HOST[family]})

    def test_rejected_ipv4(self):
        """scan udp: ports that a firewall rejects are filtered, each of them, though it limits its ICMP errors"""
        self.rejected(4)

    def test_rejected_ipv6(self):
        """scan udp: ports that a firewall rejects are filtered, each of them, over IPv6, too"""
        self.rejected(6)

    def test_router(self):
        """scan udp: where a router says that nobody is there, it is so in every port"""
        network = self.simulate(f"""
            host {HOST[4]}
              udp 1-65535 host-unreachable by {ROUTER[4]}
            host {ROUTER[4]}
              limit host-unreachable 10/s burst 6
        """)
        seen = self.right(network, "1-30")
        self.assertEqual({one["origin"] for one in seen.ports.values()}, {ROUTER[4]})

    def test_kinds(self):
        """scan udp: each kind of ICMP error has its limit; silent ports are proved against every one"""
        rules = f"""
            host {HOST[4]}
              udp 1-50 closed
              udp 3,6,9,12,45 silent
              udp 7,13 open
              udp 20-29 admin-prohibited
              udp 30-34 host-unreachable by {ROUTER[4]}
              limit port-unreachable 10/s burst 6
              limit admin-prohibited 4/s burst 2
            host {ROUTER[4]}
              limit icmp 5/s burst 1
        """
        self.right(self.simulate(rules), "1-50")

    def test_one_limit(self):
        """scan udp: ICMP errors of several kinds out of one limit, as Linux has it"""
        self.services_in(self.far, FAR[4], "udp:3=deaf", "udp:7=echo")
        self.far.reject("udp dport 8-12", "icmpx admin-prohibited")
        seen = self.scan("udp", "--host", FAR[4], "--range", "1-18", "--all")
        self.assert_states(self.expected(range(1, 19), UDP_CLOSED, open=([7], UDP_OPEN), silent=([3], UDP_SILENT),
                                         rejected=(range(8, 13), PROHIBITED)), seen.states("udp"))


@world.needs_namespaces
class LateAnswers(UdpCase):
    def test_slow_ports(self):
        """scan udp: ports that answer within --timeout are open, however soon the others refuse"""
        network = self.simulate(f"""
            host {HOST[4]}
              delay 200us
              udp 10-13 open delay 300ms
              udp 20-23 open delay 600ms
              udp 30-33 open delay 900ms
              udp 40 silent
              udp 50-53 closed delay 600ms
        """)
        self.right(network, "1-200")

    def test_slow_host(self):
        """scan udp: a host that refuses late is not taken for a silent one"""
        network = self.simulate(f"""
            host {HOST[4]}
              delay 600ms-900ms
              udp 5-6 silent
              udp 7 open
              limit icmp 10/s burst 6
        """)
        self.right(network, "1-30")

    @harness.needs_program("nmap")
    def test_nmap(self):
        """scan udp: nmap finds the same late ports open"""
        network = self.simulate(f"""
            host {HOST[4]}
              delay 200us
              udp 2 open delay 300ms
              udp 4 open delay 600ms
              udp 6 open delay 900ms
        """)
        self.right(network, "1-6")
        done = harness.run(self.near.argv("nmap", "-n", "-Pn", "-sU", "-p1-6", "-oG", "-", HOST[4]))
        self.assertEqual(sorted(re.findall(r"([0-9]+)/open/udp", done.out)), ["2", "4", "6"], done.out)

    def test_timeout(self):
        """scan udp: --timeout is the time that an answer has"""
        network = self.simulate(f"""
            host {HOST[4]}
              udp 7 open delay 1700ms
        """)
        self.right(network, "5-9", "--timeout", "2s")

    def test_many_targets(self):
        """scan udp: so it is with many targets"""
        hosts = [f"198.18.1.{last}" for last in range(200)]
        network = self.simulate("""
            host 198.18.1.0/24
              delay 1ms
              udp 7 open
            host 198.18.1.100-149
              delay 500ms-900ms
              udp 7 open
        """)
        self.right(network, "6-8", hosts=hosts)


@world.needs_namespaces
class Rates(UdpCase):
    def at(self, rate, limit="2/s", last=25):
        """Linux's limit; some runs use a faster one to save time."""
        network = self.simulate(f"""
            host {HOST[4]}
              delay 200us
              udp 4,11 silent
              limit icmp {limit} burst 6
        """)
        begin = time.monotonic()
        self.right(network, f"1-{last}", "--rate", str(rate))
        probes = network.probes("udp")
        self.assertLessEqual(len(probes), rate * (time.monotonic() - begin) + 50)

    def test_5(self):
        """scan udp: closed ports are closed at 5 datagrams a second"""
        self.at(5, limit="5/s", last=12)

    def test_10(self):
        """scan udp: closed ports are closed at 10 datagrams a second"""
        self.at(10, limit="1/s", last=16)

    def test_20(self):
        """scan udp: closed ports are closed at 20 datagrams a second"""
        self.at(20)

    def test_300(self):
        """scan udp: closed ports are closed at 300 datagrams a second"""
        self.at(300)

    def test_linux(self):
        """scan udp: closed ports of a plain Linux host are closed at 20 datagrams a second"""
        self.services_in(self.far, FAR[4], "udp:3=deaf")
        seen = self.scan("udp", "--host", FAR[4], "--range", "1-14", "--all", "--rate", "20")
        self.assert_states(self.expected(range(1, 15), UDP_CLOSED, silent=([3], UDP_SILENT)), seen.states("udp"))


@world.needs_namespaces
class Asked(UdpCase):
    """Which ports are asked, and how often."""

    def silent_network(self):
        return self.simulate(f"""
            host {HOST[4]}
              udp 1-100 silent
        """)

    def test_outside(self):
        """scan udp: a port outside --range is asked to find a closed one, and -v says so"""
        network = self.silent_network()
        done = self.netlab_in(self.near, "scan", "udp", "--host", HOST[4], "--range", "1-5", "-v")
        outside = {one.port for one in network.probes("udp")} - set(range(1, 6))
        self.assertTrue(outside)
        self.assertRegex(done.err, rf"(?m)^{HOST[4]}: port [0-9]+/udp, outside --range, is probed, too")

    def test_strict_range(self):
        """scan udp: with --strict-range no other port is asked, and what that leaves open is unknown"""
        network = self.silent_network()
        seen = self.scan("udp", "--host", HOST[4], "--range", "1-5", "--strict-range")
        self.assert_states(self.expected(range(1, 6), ("unknown", "no-response")), seen.states("udp"))
        self.assertEqual({one.port for one in network.probes("udp")}, set(range(1, 6)))
        self.right(network, "99-101", "--strict-range")  # 101 is closed

    def test_once(self):
        """scan udp: --retries 0 asks each port once"""
        network = self.simulate(f"""
            host {HOST[4]}
              udp 7 open
              udp 1-20 silent
              limit icmp 1/s burst 6
        """)
        for words in ([], ["--strict-range"]):
            seen = self.scan("udp", "--host", HOST[4], "--range", "1-40", "--all", "--retries", "0", *words)
            truth = network.states(HOST[4], range(1, 41), "udp")
            for port, state in seen.states("udp").items():
                self.assertIn(state, (truth[port], ("unknown", "rate-limited"), ("unknown", "no-response")), port)
        asked = collections.Counter(one.port for one in network.probes("udp"))
        self.assertEqual({port: times for port, times in asked.items() if port <= 40}, dict.fromkeys(range(1, 41), 2))


@world.needs_namespaces
class ThisMachine(UdpCase):
    def test_own_sockets(self):
        """scan udp: the scan's own sockets are not among what it finds on this machine"""
        self.services_in(self.near, "127.0.0.1", "udp:40000=echo")
        seen = self.scan("udp", "--host", "127.0.0.1", "--range", "32768-60999", "--no-send")
        self.assertEqual(seen.states("udp"), {40000: UDP_OPEN})

    def test_own_sockets_all_ports(self):
        """scan udp: neither are they where every port is asked, over both families"""
        for host in ("127.0.0.1", "::1", "192.0.2.1"):
            seen = self.scan("udp", "--host", host, "--range", "all", "--timeout", "300ms")
            self.assertEqual(seen.states("udp"), {}, host)
            self.assertEqual(seen.summary["closed"], 65535)

    def test_addresses_that_mean_this_machine(self):
        """scan udp: 0.0.0.0, :: and a mapped address are answered from elsewhere, and heard all the same"""
        self.services_in(self.near, "127.0.0.1", "udp:7=echo")
        self.services_in(self.near, "::1", "udp:7=echo")
        for host in ("0.0.0.0", "::", "::ffff:127.0.0.1"):
            seen = self.scan("udp", "--host", host, "--range", "7-8", "--all")
            self.assert_states({7: UDP_OPEN, 8: UDP_CLOSED}, seen.states("udp"))

    def link_goes_down(self, seconds, *words, status, host=None):
        host = host or self.near
        self.far.set("net.ipv4.icmp_ratelimit", 0)
        self.services_in(self.far, FAR[4], "udp:7=echo")
        scan = harness.Process(self.near.argv(harness.NETLAB, "scan", "udp", "--host", FAR[4], "--range", "1-200",
                                              "--rate", "50", "--all", "--json", *words))
        self.addCleanup(scan.kill)
        scan.until_out('"port"')
        host.ip("link", "set", "wire", "down")
        if seconds:
            time.sleep(seconds)
            host.ip("link", "set", "wire", "up")
        done = scan.wait()
        self.assertEqual(done.status, status, done.err)
        return Scan(done)

    def test_link_down_for_a_while(self):
        """scan udp: what could not be asked while the link was down is asked when it is up again"""
        seen = self.link_goes_down(3, status=harness.DONE)
        self.assert_states(self.expected(range(1, 201), UDP_CLOSED, open=([7], UDP_OPEN)), seen.states("udp"))

    def test_cable_out_for_a_while(self):
        """scan udp: that the link had no carrier for some seconds leaves no port wrong"""
        seen = self.link_goes_down(4, status=harness.DONE, host=self.far)
        self.assert_states(self.expected(range(1, 201), UDP_CLOSED, open=([7], UDP_OPEN)), seen.states("udp"))

    def test_cable_stays_out(self):
        """scan udp: without a carrier what was not known by then is unknown, be it asked or not"""
        seen = self.link_goes_down(0, status=PARTLY, host=self.far)
        self.assertLessEqual({one["state"] for one in seen.ports.values()}, {"open", "closed", "unknown"})

    def test_link_stays_down(self):
        """scan udp: what could not be asked is unknown with its reason, and the scan is incomplete"""
        seen = self.link_goes_down(0, status=PARTLY)
        unknown = {key[2]: one for key, one in seen.ports.items() if one["state"] != "closed" and key[2] != 7}
        self.assertGreater(len(unknown), 20)
        self.assertEqual({(one["state"], one["reason"], one["origin"]) for one in unknown.values()},
                         {("unknown", "net-unreachable", "local")})
        self.assertRegex(seen.summary["because"], "^[0-9]+ ports could not be probed: network is unreachable$")


@world.needs_namespaces
class Replies(UdpCase):
    def test_long_echo(self):
        """scan udp: an echo is named at any length of the message"""
        self.services_in(self.far, FAR[4], "udp:7=echo", "udp:13=answer:noon")
        for length in (1, 2046, 2047, 9000, 60000):
            seen = self.scan("udp", "--host", FAR[4], "--range", "7,13", "--send", "x" * length)
            self.assertTrue(seen.one(7, "udp").get("echo"), length)
            self.assertNotIn("echo", seen.one(13, "udp"))


# A name server that never answers.
DEAF_NAME_SERVER = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("192.0.2.2", 53))
print("ready", flush=True)
server.recv(512)
print("asked", flush=True)
while True:
    server.recv(512)
"""


@world.needs_namespaces
class Signals(UdpCase):
    def test_status_too_early(self):
        """scan: SIGUSR1 while names are still looked up does not end it"""
        self.near.file("resolv.conf", "nameserver 192.0.2.2\noptions timeout:1 attempts:1\n")
        self.near.file("nsswitch.conf", "hosts: dns\n")
        name_server = harness.Process(self.far.argv(sys.executable, "-B", "-c", DEAF_NAME_SERVER))
        self.addCleanup(name_server.kill)
        name_server.until_out("ready")
        scan = harness.Process(self.near.argv(harness.NETLAB, "scan", "--host", "dead.example", "--timeout", "1s"))
        self.addCleanup(scan.kill)
        name_server.until_out("asked")
        scan.send(harness.signal.SIGUSR1)
        self.assertEqual(scan.wait().status, harness.TRY_LATER)


if __name__ == "__main__":
    main()
