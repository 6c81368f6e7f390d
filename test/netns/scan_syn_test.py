# SPDX-License-Identifier: MIT
"""scan --syn: the states must be exactly those that the ports have, whatever the link is and whoever answers."""

import errno
import ipaddress
import json
import signal
import socket
import subprocess
import time
import unittest

import world  # first: it sets the path to harness

import harness
from harness import DONE, INTERRUPTED, TERMINATED, main
from scan_test import CLOSED, FAR, OPEN, SILENT, SLOW, Scan, ScanCase

NO_HOST = ("filtered", "host-unreachable")
SIMULATED = {4: "198.18.0.1", 6: "2001:db8:18::1"}
LINK_DOWN = ("unknown", "net-unreachable")


@world.needs_namespaces
class SynCase(ScanCase):
    reserved = ("--include-reserved",)  # the tests' networks are, and some lie behind a router

    def syn(self, *words, **how):
        return self.scan("--syn", *self.reserved, *words, "--all", **how)

    def begin(self, *words):
        scan = harness.Process(self.near.argv(harness.NETLAB, "scan", "--syn", *self.reserved, *map(str, words), "--json"))
        self.addCleanup(scan.kill)
        return scan

    def answer_for(self, block):
        """The far host answers for every address of the block, which is behind it."""
        self.far.ip("route", "add", "local", block, "dev", "lo")
        self.near.ip("route", "add", block, "via", FAR[6 if ":" in block else 4])


@world.needs_namespaces
class Exact(SynCase):
    def exact(self, family):
        self.services_in(self.far, FAR[family], "tcp:7=echo", "tcp:22", "tcp:40-43")
        self.far.drop("tcp dport { 3, 30-35 }")
        self.far.reject("tcp dport 5", "icmpx admin-prohibited")
        self.far.reject("tcp dport 6", "icmpx host-unreachable")
        self.far.reject("tcp dport 8", "tcp reset")
        seen = self.syn("--host", FAR[family], "--range", "1-50")
        self.assert_states(self.expected(
            range(1, 51), CLOSED,
            open=([7, 22, *range(40, 44)], OPEN), dropped=([3, *range(30, 36)], SILENT),
            prohibited=([5], ("filtered", "admin-prohibited")),
            unreachable=([6], ("filtered", "host-unreachable")),
        ), seen.states())
        self.assertEqual(seen.one(5)["origin"], FAR[family])
        self.assertGreater(seen.one(7)["rtt_us"], 0)
        self.assertLess(seen.one(7)["rtt_us"], 1_000_000)
        self.assertIsNone(seen.one(7)["reply"])  # it says nothing

    def test_ipv4(self):
        """scan --syn: open, closed, dropped and refused ports over IPv4"""
        self.exact(4)

    def test_ipv6(self):
        """scan --syn: open, closed, dropped and refused ports over IPv6"""
        self.exact(6)

    def test_all_ports(self):
        """scan --syn: 65535 ports with 23 open and 197 dropped, none missed and none invented"""
        opened = [7, 9, 13, 19, 22, 25, 37, 53, 80, 110, 143, 443, 587, 993, 1723, 3306, 5432, 8080, 9100, 20000,
                  40000, 50000, 65535]
        self.services_in(self.far, FAR[4], *(f"tcp:{port}" for port in opened))
        self.far.drop("tcp dport 1000-1196")
        seen = self.syn("--host", FAR[4], "--range", "all")
        self.assert_states(self.expected(range(1, 65536), CLOSED, open=(opened, OPEN),
                                         dropped=(range(1000, 1197), SILENT)), seen.states())

    def test_many_hosts(self):
        """scan --syn: 65,536 addresses that all answer, each found once"""
        block = 18 if harness.is_sanitized() else 16
        self.answer_for("10.9.0.0/16")
        self.services_in(self.far, "0.0.0.0", "tcp:80")
        seen = self.syn("--host", f"10.9.0.0/{block}", "--range", "80")
        self.assertEqual(len(seen.ports), 2 ** (32 - block))
        self.assertEqual({(one["state"], one["reason"]) for one in seen.ports.values()}, {OPEN})

    def test_half_silent(self):
        """scan --syn: 65,536 addresses of which half are silent, which is not taken for a path that loses packets"""
        block = 18 if harness.is_sanitized() else 16
        self.answer_for("10.9.0.0/16")
        self.services_in(self.far, "0.0.0.0", "tcp:80")
        self.far.drop("tcp dport 80 ip daddr & 0.0.0.1 == 1")
        seen = self.scan("--syn", *self.reserved, "--host", f"10.9.0.0/{block}", "--range", "80")
        self.assertEqual((seen.summary["open"], seen.summary["filtered"]), (2 ** (31 - block), 2 ** (31 - block)))

    def test_loopback(self):
        """scan --syn: this machine itself, by 127.0.0.1, ::1 and its own addresses"""
        for address in ("127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"):
            with self.subTest(address):
                services = self.services_in(self.near, address, "tcp:7", "tcp:20")
                seen = self.syn("--host", address, "--range", "1-20")
                self.assert_states(self.expected(range(1, 21), CLOSED, open=([7, 20], OPEN)), seen.states())
                services.kill()

    def test_tun(self):
        """scan --syn: through a TUN device, which has no link-layer header"""
        for family in (4, 6):
            with self.subTest(family):
                network = self.simulate(f"""
                    host {SIMULATED[family]}
                      delay 200us
                      tcp 7,80 open
                      tcp 20-29 silent
                      tcp 30 admin-prohibited
                """)
                seen = self.syn("--host", SIMULATED[family], "--range", "1-100")
                self.assert_states(network.states(SIMULATED[family], range(1, 101)), seen.states())

    def test_vlan(self):
        """scan --syn: through a VLAN interface"""
        for host, last in ((self.near, 1), (self.far, 2)):
            try:
                host.ip("link", "add", "link", "wire", "name", "wire.5", "type", "vlan", "id", "5")
            except subprocess.CalledProcessError as refused:
                self.skipTest(f"this kernel makes no VLAN interface: {refused.stderr.strip()}")
            host.ip("addr", "add", f"203.0.113.{last}/24", "dev", "wire.5")
            host.ip("link", "set", "wire.5", "up")
        self.services_in(self.far, "203.0.113.2", "tcp:7")
        seen = self.syn("--host", "203.0.113.2", "--range", "1-20")
        self.assert_states(self.expected(range(1, 21), CLOSED, open=([7], OPEN)), seen.states())

    def test_link_local(self):
        """scan --syn: a link-local address is told with its interface's name"""
        self.near.ip("addr", "add", "fe80::1/64", "dev", "wire", "nodad")
        self.far.ip("addr", "add", "fe80::2/64", "dev", "wire", "nodad")
        self.services_in(self.far, "::", "tcp:7")
        seen = self.syn("--host", "fe80::2%wire", "--range", "7-8")
        self.assertEqual({key[0]: None for key in seen.ports}, {"fe80::2%wire": None})
        self.assertEqual(seen.states(), {7: OPEN, 8: CLOSED})

    def test_gateways(self):
        """scan --syn: each target goes the way that the kernel would send it: by prefix, metric and policy rule"""
        self.far.ip("addr", "add", "192.0.2.3/24", "dev", "wire")
        self.far.ip("route", "add", "local", "10.1.0.0/16", "dev", "lo")
        self.near.ip("route", "add", "10.1.0.0/16", "via", "192.0.2.99", "metric", "200")  # nobody is there
        self.near.ip("route", "add", "10.1.0.0/16", "via", "192.0.2.3", "metric", "100")
        self.near.ip("route", "add", "prohibit", "10.1.2.0/24")
        self.near.ip("route", "add", "unreachable", "10.1.3.0/24")
        self.near.ip("route", "add", "10.1.4.0/24", "via", "192.0.2.99")
        self.near.ip("route", "add", "10.1.4.0/24", "via", "192.0.2.2", "table", "77")
        self.near.ip("rule", "add", "to", "10.1.4.128/25", "lookup", "77")
        self.services_in(self.far, "0.0.0.0", "tcp:80")
        seen = self.syn("--host", "10.1.1.1,10.1.2.1,10.1.3.1,10.1.4.1,10.1.4.200,10.77.0.1", "--range", "80",
                        status=harness.PARTLY)
        states = {key[0]: (one["state"], one["reason"]) for key, one in seen.ports.items()}
        self.assertEqual(states["10.1.1.1"], OPEN)
        self.assertEqual(states["10.1.2.1"][0], "unknown")
        self.assertEqual(states["10.1.3.1"], ("unknown", "host-unreachable"))
        self.assertEqual(states["10.1.4.1"], NO_HOST)
        self.assertEqual(states["10.1.4.200"], OPEN)
        self.assertEqual(states["10.77.0.1"], LINK_DOWN)  # no route
        self.assertEqual(seen.ports["10.77.0.1", "tcp", 80]["origin"], "local")

    def test_connected_block(self):
        """scan --syn: a block on the link is asked host by host; who does not answer ARP is unreachable"""
        self.far.ip("route", "add", "local", "10.5.0.0/26", "dev", "lo")
        self.near.ip("route", "add", "10.5.0.0/24", "dev", "wire")
        self.services_in(self.far, "0.0.0.0", "tcp:80")
        self.far.set("net.ipv4.conf.wire.arp_ignore", "0")
        seen = self.syn("--host", "10.5.0.0/24", "--range", "80-81")
        for last in range(1, 255):
            states = [seen.ports[f"10.5.0.{last}", "tcp", port] for port in (80, 81)]
            wanted = [OPEN, CLOSED] if last < 64 else [NO_HOST, NO_HOST]
            self.assertEqual([(one["state"], one["reason"]) for one in states], wanted, last)

    def test_connected_block_ipv6(self):
        """scan --syn: neighbours on an IPv6 link are asked by solicitations"""
        for last in range(16, 24):
            self.far.ip("addr", "add", f"2001:db8::{last:x}/64", "dev", "wire", "nodad")
        self.services_in(self.far, "::", "tcp:80")
        seen = self.syn("--host", "2001:db8::10/124", "--range", "80")
        states = {ipaddress.ip_address(key[0]): (one["state"], one["reason"]) for key, one in seen.ports.items()}
        for last in range(16, 32):
            self.assertEqual(states[ipaddress.ip_address(f"2001:db8::{last:x}")], OPEN if last < 24 else NO_HOST, last)

    def test_sources(self):
        """scan --syn: --source addresses are used in turn, each port always from the same one"""
        for last in (11, 12):
            self.near.ip("addr", "add", f"192.0.2.{last}/24", "dev", "wire")
        self.services_in(self.far, FAR[4], "tcp:7")
        self.far.drop("ip saddr 192.0.2.1")
        seen = self.syn("--host", FAR[4], "--range", "1-100", "--source", "192.0.2.11", "--source", "192.0.2.12")
        self.assert_states(self.expected(range(1, 101), CLOSED, open=([7], OPEN)), seen.states())


@world.needs_namespaces
class Losses(SynCase):
    def lossy(self, family, *forward):
        opened = range(100, 2300, 100)
        self.slow_link(*forward)
        self.services_in(self.far, SLOW[family], *(f"tcp:{port}" for port in opened))
        self.far.drop("tcp dport 1500-1510")
        self.far.drop("tcp dport != 0 numgen random mod 20 == 0")
        self.near.drop("tcp sport != 0 numgen random mod 20 == 0")
        seen = self.syn("--host", SLOW[family], "--range", "1-3000")
        self.assert_states(self.expected(range(1, 3001), CLOSED, open=(opened, OPEN),
                                         dropped=(range(1500, 1511), SILENT)), seen.states())

    def test_loss_and_delay(self):
        """scan --syn: 5 % loss each way and 20 ms delay, IPv4 and IPv6"""
        self.lossy(4, "--delay", 10)

    def test_loss_and_delay_ipv6(self):
        """scan --syn: 5 % loss each way and 20 ms delay over IPv6"""
        self.lossy(6, "--delay", 10)

    def test_bottleneck(self):
        """scan --syn: a bottleneck of 20,000 packets a second loses no state"""
        self.slow_link("--rate", 20000, "--delay", 1)
        self.scan_slow(1 if harness.is_sanitized() else 3)

    def test_shallow_bottleneck(self):
        """scan --syn: a bottleneck that holds only 50 packets loses no state"""
        self.slow_link("--rate", 20000, "--queue", 50, "--delay", 5)
        self.scan_slow(1)

    def scan_slow(self, times):
        last = 16000 if harness.is_sanitized() else 65535  # the sanitizers are slow
        opened = [*range(1000, last, 3000)]
        self.services_in(self.far, SLOW[4], *(f"tcp:{port}" for port in opened))
        for _ in range(times):
            seen = self.syn("--host", SLOW[4], "--range", f"1-{last}")
            self.assert_states(self.expected(range(1, last + 1), CLOSED, open=(opened, OPEN)), seen.states())

    def test_policer(self):
        """scan --syn: a firewall that lets 5,000 SYNs a second through, without a queue, hides no port"""
        self.services_in(self.far, FAR[4], "tcp:7", "tcp:7000")
        self.far.drop("tcp flags syn limit rate over 5000/second burst 100 packets")
        seen = self.syn("--host", FAR[4], "--range", "1-8000")
        self.assert_states(self.expected(range(1, 8001), CLOSED, open=([7, 7000], OPEN)), seen.states())

    def test_slow_target(self):
        """scan --syn: a target a second away is not taken for a silent one"""
        self.slow_link("--delay", 500)
        self.services_in(self.far, SLOW[4], "tcp:10", "tcp:20")
        seen = self.syn("--host", SLOW[4], "--range", "1-30", "--timeout", "5s")
        self.assert_states(self.expected(range(1, 31), CLOSED, open=([10, 20], OPEN)), seen.states())

    def test_stopped(self):
        """scan --syn: a scan that is stopped while its answers overrun the ring repeats what it lost"""
        self.answer_for("10.9.0.0/16")
        self.services_in(self.far, "0.0.0.0", "tcp:80")
        block = 18 if harness.is_sanitized() else 16
        scan = self.begin("--host", f"10.9.0.0/{block}", "--range", "79-80", "--rate", 100000, "--all")
        for _ in range(3):
            time.sleep(0.2)
            scan.send(signal.SIGSTOP)
            time.sleep(0.3)
            scan.send(signal.SIGCONT)
        seen = Scan(scan.wait())
        self.assertEqual(seen.repeated, [])
        self.assertEqual(len(seen.ports), 2 * 2 ** (32 - block))
        self.assertEqual({(key[2], one["state"]) for key, one in seen.ports.items()}, {(79, "closed"), (80, "open")})


@world.needs_namespaces
class Answers(SynCase):
    def late(self, delay, *words):
        network = self.simulate(f"""
            host 198.18.0.1
              delay 200us
              tcp 191-200 open delay {delay}
              tcp 201-204 silent
        """)
        seen = self.syn("--host", "198.18.0.1", "--range", "1-204", *words)
        self.assert_states(network.states("198.18.0.1", range(1, 205)), seen.states())
        self.assertGreater(seen.one(195)["rtt_us"], int(delay[:-2]) * 1000)

    def test_late(self):
        """scan --syn: answers after 300, 600, 900 ms and 2.5 s count until --timeout"""
        for delay, words in (("300ms", ()), ("600ms", ("--retries", 0)), ("900ms", ()), ("2500ms", ("--timeout", "3s"))):
            with self.subTest(delay):
                self.late(delay, *words)

    def test_duplicates(self):
        """scan --syn: late answers to both probes of a port are one result"""
        network = self.simulate("""
            host 198.18.0.0/25
              delay 200us
              tcp 80 open
            host 198.18.0.128/25
              delay 400ms-900ms
              tcp 80 open
        """)
        seen = self.syn("--host", "198.18.0.0/24", "--exclude", "198.18.0.254", "--range", "79-80", "--retries", 3)
        self.assertEqual(len(seen.ports), 2 * 255)
        self.assertEqual({(key[2], one["state"]) for key, one in seen.ports.items()}, {(79, "closed"), (80, "open")})
        self.assertGreater(len(network.probes()), 2 * 255)

    def test_retries(self):
        """scan --syn: --retries N asks a silent port N times more, and nobody who answered"""
        for retries in (0, 1, 3):
            network = self.simulate("""
                host 198.18.0.1
                  tcp 1-5 silent
                  tcp 6 open
            """)
            self.syn("--host", "198.18.0.1", "--range", "1-10", "--retries", retries)
            asked = [one.port for one in network.probes()]
            self.assertEqual({port: asked.count(port) for port in range(1, 11)},
                             {port: 1 + (retries if port <= 5 else 0) for port in range(1, 11)})

    def test_source_ports(self):
        """scan --syn: probes come from ports that connect() never uses"""
        network = self.simulate("""
            host 198.18.0.1
              tcp 1-5 silent
        """)
        self.near.set("net.ipv4.ip_local_port_range", "20000 50000")
        self.syn("--host", "198.18.0.1", "--range", "1-50", "--retries", 4)
        ports = {one.source_port for one in network.probes()}
        self.assertFalse([port for port in ports if 20000 <= port <= 50000 or port < 1024])

    def test_rate(self):
        """scan --syn: --rate and --bandwidth are kept, to the packet, in every half second"""
        for words, rate in ((("--rate", 500), 500), (("--bandwidth", "336k"), 500)):
            network = self.simulate("host 198.18.0.1")
            self.syn("--host", "198.18.0.1", "--range", "1-1000", *words)
            times = sorted(one.at for one in network.probes())
            self.assertEqual(len(times), 1000)
            self.assert_paced(times, rate)

    def test_strangers(self):
        """scan --syn: SYN-ACKs and resets that answer no probe of this scan are ignored"""
        self.simulate("host 198.18.0.9")
        self.services_in(self.far, FAR[4], "tcp:20")
        self.far.drop("tcp dport 1-10")
        forger = harness.Process(self.far.argv("python3", "-B", "-c", FORGER))
        self.addCleanup(forger.kill)
        forger.until_out("ready")
        self.near.set("net.ipv4.ip_local_port_range", "1040 65535")  # probes come from ports 1024 to 1039
        seen = self.syn("--host", FAR[4], "--range", "1-20")
        self.assert_states(self.expected(range(1, 21), CLOSED, dropped=(range(1, 11), SILENT), open=([20], OPEN)),
                           seen.states())


# Answers for silent ports, without having seen a probe.
FORGER = """
import random, socket, struct, time
def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
here, there = socket.inet_aton("192.0.2.2"), socket.inet_aton("192.0.2.1")
print("ready", flush=True)
while True:
    for port in range(1, 11):
        for flags in (0x12, 0x14):
            for local in range(1024, 1040):
                head = struct.pack("!HHIIBBHHH", port, local, 1, random.getrandbits(32), 0x50, flags, 1000, 0, 0)
                sum = checksum(here + there + struct.pack("!BBH", 0, 6, len(head)) + head)
                try:
                    raw.sendto(head[:16] + struct.pack("!H", sum) + head[18:], ("192.0.2.1", 0))
                except OSError:
                    pass
    time.sleep(0.01)
"""


@world.needs_namespaces
class Parts(SynCase):
    def test_shards(self):
        """scan --syn: three shards ask each port once"""
        network = self.simulate("""
            host 198.18.0.0/28
              tcp 80 open
        """)
        found = {}
        for index in (1, 2, 3):
            seen = self.syn("--host", "198.18.0.0/28", "--range", "70-99", "--seed", 5, "--shard", f"{index}/3")
            self.assertFalse(found.keys() & seen.ports.keys())
            found.update(seen.ports)
        self.assertEqual(len(found), 16 * 30)
        self.assertEqual({(key[2] == 80, one["state"]) for key, one in found.items()}, {(True, "open"), (False, "closed")})
        self.assertEqual(len(network.probes()), 16 * 30)

    def findings(self, done):
        *lines, last = [json.loads(line) for line in done.lines]
        summary = {name: value for name, value in last["summary"].items() if name not in ("elapsed_us", "seed", "started")}
        return sorted((one["address"], one["port"], one["state"], one["reason"]) for one in lines), summary

    def test_merge(self):
        """scan --merge: the shards of a half-open scan of many hosts are the report of the whole, silent ports only counted"""
        self.simulate("""
            host 198.18.2.0/24
              tcp 80 open
              tcp 81 silent
            host 198.18.3.0/24
              tcp 79-82 silent
        """)
        words = ("scan", "--syn", "198.18.2.0/23", "--range", "79-82", "--json")
        files = {}
        for more in ((), ("--all",)):
            files[more] = [self.scratch() / f"part{index}" for index in (1, 2, 3)]
            for index, file in enumerate(files[more], 1):
                self.netlab_in(self.near, *words, *more, "--shard", f"{index}/3", "-o", file)
        for more, parts in (((), ()), ((), ("--all",)), (("--all",), ("--all",))):
            with self.subTest(f"union {more}, parts {parts}"):
                whole = self.findings(self.netlab_in(self.near, *words, *more))
                merged = self.findings(self.netlab_in(self.near, "scan", "--merge", "--json", *more, *files[parts]))
                self.assertEqual(merged, whole)
                self.assertEqual((whole[1]["filtered"], len(whole[0])), (5 * 256, 8 * 256 if more else 256))

    def test_dry_run(self):
        """scan --syn --dry-run: the probes of the scan in its order, without the broadcast address and what is excluded"""
        self.far.ip("route", "add", "local", "10.9.0.240/28", "dev", "lo")
        self.far.ip("route", "add", "10.9.0.200", "dev", "wire")
        self.near.ip("addr", "add", "10.9.0.200/25", "broadcast", "10.9.0.255", "dev", "wire")
        shown = subprocess.run(self.far.argv("ip", "-j", "link", "show", "wire"), capture_output=True, check=True)
        for last in range(240, 255):  # known, so that no probe waits for an answer to ARP
            self.near.ip("neigh", "replace", f"10.9.0.{last}", "lladdr", json.loads(shown.stdout)[0]["address"],
                         "nud", "permanent", "dev", "wire")
        for part in ((), ("--shard", "2/3")):
            words = ("10.9.0.240/28", "--exclude", "10.9.0.250-252", "--range", "80-89", "--seed", 7, "--rate", 400, *part)
            planned = self.netlab_in(self.near, "scan", "--syn", *words, "--dry-run")
            seen = self.syn(*words)
            # Every port is closed and known at once, so the report has them in the order of the probes.
            self.assertEqual([(line.split()[2], int(line.split()[3])) for line in planned.lines],
                             [(key[0], key[2]) for key in seen.ports])
            times = [float(line.split()[0]) for line in planned.lines]
            for at, time_of in enumerate(times):
                self.assertAlmostEqual(time_of, at / 400, places=5)

    def test_killed(self):
        """scan --syn: after kill -9, --resume reports each port once, and repeats no more than a second of probes"""
        network = self.simulate("""
            host 198.18.0.1
              tcp 1-100 open
              tcp 2001-2100 silent
        """)
        scratch = self.scratch()
        words = ["scan", "--syn", "--host", "198.18.0.1", "--range", "1-6000", "--rate", 1500, "--retries", 0, "--all",
                 "--json", "--resume", scratch / "state", "-o", scratch / "report"]
        for probes in (2500, 4500):
            scan = harness.Process(self.near.argv(harness.NETLAB, *map(str, words)))
            self.addCleanup(scan.kill)
            harness.until(lambda: len(network.probes()) >= probes, f"{probes} probes")
            scan.send(signal.SIGKILL)
            scan.wait()
        self.netlab_in(self.near, *words)
        lines = [json.loads(line) for line in (scratch / "report").read_text().splitlines()]
        ports = [one["port"] for one in lines if "port" in one]
        self.assertEqual(sorted(ports), list(range(1, 6001)))
        states = {one["port"]: (one["state"], one["reason"]) for one in lines if "port" in one}
        self.assert_states(network.states("198.18.0.1", range(1, 6001)), states)
        self.assertLess(len(network.probes()), 6000 + 2 * 2 * 1500)


@world.needs_namespaces
class Reserved(SynCase):
    reserved = ()
    blocks = ("10.9.0.0/24", "198.18.7.0/24", "fd00:9::/120")

    def setUp(self):
        super().setUp()
        for block in self.blocks:
            self.answer_for(block)

    def addresses(self, *words, **how):
        return {key[0] for key in self.syn(*words, "--range", "80", **how).ports}

    def test_routed(self):
        """scan --syn: special-purpose blocks beyond a router are refused by name, RFC and cure"""
        for target, count, block, rfc in (("10.9.0.0/24", "256 addresses", "10.0.0.0/8", 1918),
                                          ("198.18.7.1", "1 address", "198.18.0.0/15", 2544),
                                          ("fd00:9::/120", "256 addresses", "fc00::/7", 4193)):
            done = self.netlab_in(self.near, "scan", "--syn", target, "--range", "80", "--json", status=harness.USAGE)
            line, = done.err.splitlines()
            for says in (f"{count} of {block}, ", f"(RFC {rfc})", "--include-reserved"):
                self.assertIn(says, line)
            self.assertEqual(len(self.addresses("--include-reserved", target)), 1 if "/" not in target else 256)

    def test_connected(self):
        """scan --syn: what is on a link of this machine, its own, or without a route is asked"""
        self.assertEqual(self.addresses(FAR[4], FAR[6], "127.0.0.1", "192.0.2.1", "::1"),
                         {FAR[4], FAR[6], "127.0.0.1", "192.0.2.1", "::1"})
        done = self.netlab_in(self.near, "scan", "--syn", "10.77.0.1", status=harness.UNAVAILABLE)
        self.assertNotIn("--include-reserved", done.err)
        # A more specific route within a block.
        self.near.ip("route", "add", "10.9.0.64/26", "dev", "wire")
        seen = self.addresses("10.9.0.0/24", FAR[4])
        self.assertEqual(seen, {FAR[4], *(f"10.9.0.{last}" for last in range(64, 128))})

    def test_mixture(self):
        """scan --syn: of several targets those that are reserved and routed are left out, and the status says so"""
        seen = self.syn("10.9.0.1,10.9.0.2", FAR[4], "198.18.7.1", "--range", "80", status=harness.PARTLY)
        self.assertEqual({key[0] for key in seen.ports}, {FAR[4]})
        self.assertEqual(seen.summary["targets"], 1)
        self.assertEqual(len(seen.done.err.splitlines()), 2, seen.done.err)
        self.assertIn("2 addresses of 10.0.0.0/8, private use (RFC 1918), are not directly connected", seen.done.err)

    def test_counted_once(self):
        """scan --syn: a reserved address counts once, however often it is named, and not if it is excluded"""
        for words, count in ((("10.9.0.1,10.9.0.1,10.9.0.0/31",), "2 addresses"),
                             (("10.9.0.0/24", "--exclude", "10.9.0.4-10.9.0.255"), "4 addresses")):
            done = self.netlab_in(self.near, "scan", "--syn", *words, "--range", "80", status=harness.USAGE)
            self.assertIn(f"{count} of 10.0.0.0/8, ", done.err)
        seen = self.syn(FAR[4], "10.9.0.0/24", "--exclude", "10.9.0.0/24", "--range", "80")
        self.assertEqual({key[0] for key in seen.ports}, {FAR[4]})
        self.assertNotIn("10.0.0.0/8", seen.done.err)

    def test_larger_block(self):
        """scan --syn: inside a larger target they are skipped, with a note"""
        self.near.ip("route", "add", "10.9.1.0/24", "dev", "wire")
        seen = self.syn("10.9.0.254-10.9.1.1", "--range", "80")
        self.assertEqual({key[0] for key in seen.ports}, {"10.9.1.0", "10.9.1.1"})
        self.assertIn("2 addresses of 10.0.0.0/8", seen.done.err)

    def test_connect_scan(self):
        """scan: the connect scan leaves nothing out"""
        found = Scan(self.netlab_in(self.near, "scan", "10.9.0.1", "--range", "80", "--all", "--json"))
        self.assertEqual(found.states(), {80: CLOSED})

    def test_parts(self):
        """scan --syn: shards, the dry run and a resumed scan leave out the same; with other routes it is another scan"""
        words = (FAR[4], "10.9.0.0/24", "--range", "80-89")
        planned = self.netlab_in(self.near, "scan", "--syn", *words, "--dry-run", status=harness.PARTLY)
        self.assertEqual({line.split()[2] for line in planned.lines}, {FAR[4]})
        shards = [self.syn(*words, "--shard", f"{index}/2", status=harness.PARTLY) for index in (1, 2)]
        self.assertEqual({key[0] for seen in shards for key in seen.ports}, {FAR[4]})
        self.assertEqual(sum(len(seen.ports) for seen in shards), 10)
        whole = self.syn("--include-reserved", *words, "--shard", "1/2")
        self.assertNotEqual(whole.summary["scan"], shards[0].summary["scan"])
        state = self.scratch() / "state"
        resumable = ("scan", "--syn", *words, "--rate", 20, "--resume", state)
        self.netlab_in(self.near, *resumable, "--max-time", "100ms", status=harness.TRY_LATER)
        self.near.ip("route", "add", "10.9.0.64/26", "dev", "wire")
        done = self.netlab_in(self.near, *resumable, status=harness.CONFIG)
        self.assertIn("the routes have changed", done.err)


@world.needs_namespaces
class Sending(SynCase):
    XDP = getattr(socket, "AF_XDP", 44)

    @harness.needs_program("strace")
    @unittest.skipIf(harness.is_sanitized(), "the leak sanitizer needs ptrace")
    def test_xdp(self):
        """scan --syn: where the kernel offers AF_XDP, packets leave by it"""
        try:
            socket.socket(self.XDP, socket.SOCK_RAW).close()
        except OSError as error:
            self.skipTest(f"this kernel has no AF_XDP: {error}")
        calls = self.scratch() / "calls"
        harness.run(self.near.argv("strace", "-f", "-e", "trace=bind,sendmmsg", "-o", calls, harness.NETLAB, "scan", "--syn",
                                   *self.reserved, "--host", FAR[4], "--range", "1-300"))
        self.assertIn("sa_family=AF_XDP", calls.read_text())
        self.assertNotIn("sendmmsg", calls.read_text())

    def test_without_xdp(self):
        """scan --syn: where the kernel does not offer AF_XDP, packets leave by a packet socket"""
        refuse = harness.refusing_call({"x86_64": 41, "aarch64": 198}, errno.EAFNOSUPPORT, self.XDP)
        self.services_in(self.far, FAR[4], "tcp:7=echo", "tcp:22")
        self.far.drop("tcp dport 3")
        seen = self.syn("--host", FAR[4], "--range", "1-500", preexec_fn=refuse)
        self.assert_states(self.expected(range(1, 501), CLOSED, open=([7, 22], OPEN), dropped=([3], SILENT)), seen.states())


@world.needs_namespaces
class Ends(SynCase):
    def test_link_goes_down(self):
        """scan --syn: ports asked after the link went down are unknown, none of them filtered"""
        for end in (self.near, self.far):  # set down here, or without a carrier
            with self.subTest(end.name):
                scan = self.begin("--host", FAR[4], "--range", "1-2000", "--rate", 1000, "--all")
                scan.until(lambda out, err: out.count("\n") >= 300, "300 ports")
                end.ip("link", "set", "wire", "down")
                done = scan.wait()
                self.assertEqual(done.status, harness.PARTLY, done.err)
                states = Scan(done).states()
                self.assertEqual(len(states), 2000)
                self.assertEqual(set(states.values()), {CLOSED, LINK_DOWN})
                end.ip("link", "set", "wire", "up")
                for host, last in ((self.near, 1), (self.far, 2)):
                    host.ip("addr", "replace", f"192.0.2.{last}/24", "dev", "wire")

    def test_link_comes_back(self):
        """scan --syn: a link that is down for a moment costs no port"""
        scan = self.begin("--host", FAR[4], "--range", "1-2000", "--rate", 1000, "--all", "--retries", 4)
        scan.until(lambda out, err: out.count("\n") >= 300, "300 ports")
        self.far.ip("link", "set", "wire", "down")
        time.sleep(0.3)
        self.far.ip("link", "set", "wire", "up")
        done = scan.wait()
        self.assertEqual(done.status, DONE, done.err)
        self.assertEqual(set(Scan(done).states().values()), {CLOSED})

    def test_nothing_to_ask(self):
        """scan --syn: 69 when no port could be asked at all"""
        done = self.netlab_in(self.near, "scan", "--syn", "--host", "10.77.0.1", status=harness.UNAVAILABLE)
        self.assertIn("10.77.0.1", done.err)

    def test_signals(self):
        """scan --syn: SIGINT and SIGTERM report what is known, well-formed, in each format"""
        self.services_in(self.far, FAR[4], "tcp:1-1000")
        for stop, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
            for form in ("json", "table", "csv", "nmap-xml", "grepable"):
                with self.subTest(f"{stop.name} {form}"):
                    scan = harness.Process(self.near.argv(harness.NETLAB, "scan", "--syn", "-v", "--host", FAR[4],
                                                          "--range", "1-2000", "--rate", 300, "--format", form))
                    self.addCleanup(scan.kill)
                    scan.until(lambda out, err: err.count("is open") >= 20, "20 open ports")
                    done = scan.stop(stop)
                    self.assertEqual(done.status, status, done.err)
                    self.assert_well_formed(form, done.out)

    def test_signals_during_banners(self):
        """scan --syn --banner: SIGINT while banners are read ends it at once, with each open port in every format"""
        # Each host has open ports of its own, so that there is a connect scan for each.
        opened = {f"192.0.2.{last}": range(10 * last, 10 * last + 3) for last in range(11, 15)}
        for address, ports in opened.items():
            self.far.ip("addr", "add", f"{address}/24", "dev", "wire")
            self.services_in(self.far, address, *(f"tcp:{port}" for port in ports))
        for stop, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
            for form in ("json", "table", "csv", "nmap-xml", "grepable"):
                with self.subTest(f"{stop.name} {form}"):
                    scan = harness.Process(self.near.argv(harness.NETLAB, "scan", "--syn", "--banner", "-v", "--host",
                                                          ",".join(opened), "--range", "100-150", "--timeout", "30s",
                                                          "--retries", 0, "--format", form))
                    self.addCleanup(scan.kill)
                    scan.until(lambda out, err: err.count("is open") >= 12, "12 open ports")
                    done = scan.stop(stop)
                    self.assertEqual(done.status, status, done.err)
                    self.assert_well_formed(form, done.out)
                    if form == "json":
                        # The last answers of closed ports may come later than the signal.
                        self.assertEqual({key[2] for key, one in Scan(done).ports.items() if one["state"] == "open"},
                                         {port for ports in opened.values() for port in ports})

    def assert_well_formed(self, form, text):
        if form == "json":
            objects = [json.loads(line) for line in text.splitlines()]
            self.assertFalse(objects[-1]["summary"]["complete"])
        elif form == "nmap-xml":
            import xml.etree.ElementTree
            self.assertEqual(xml.etree.ElementTree.fromstring(text).find("runstats/finished").get("exit"), "error")
        elif form == "table":
            self.assertIn("incomplete: interrupted", text)
        else:
            self.assertTrue(text.endswith("\n"))

    def test_max_time(self):
        """scan --syn: --max-time ends it, and what was asked is unknown"""
        self.far.drop("tcp dport 1-1000")
        seen = self.syn("--host", FAR[4], "--range", "1-1000", "--rate", 500, "--max-time", "1s",
                        status=harness.PARTLY)
        self.assertEqual(set(seen.states().values()), {("unknown", "not-finished")})


@world.needs_namespaces
class Report(SynCase):
    def test_nmap_xml(self):
        """scan --syn: nmap-xml names the scan and its reasons as nmap -sS does"""
        import xml.etree.ElementTree
        self.services_in(self.far, FAR[4], "tcp:80")
        done = self.netlab_in(self.near, "scan", "--syn", "--host", FAR[4], "--range", "79-80", "--all", "--format",
                              "nmap-xml")
        read = xml.etree.ElementTree.fromstring(done.out)
        self.assertEqual([(one.get("type"), one.get("protocol"), one.get("numservices"), one.get("services"))
                          for one in read.findall("scaninfo")], [("syn", "tcp", "2", "79-80")])
        self.assertEqual({port.get("portid"): (port.find("state").get("state"), port.find("state").get("reason"))
                          for port in read.iter("port")},
                         {"79": ("closed", "reset"), "80": ("open", "syn-ack")})


if __name__ == "__main__":
    main()
