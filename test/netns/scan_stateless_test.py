# SPDX-License-Identifier: MIT
"""scan --udp --stateless: many hosts at once, and states that are exactly those of their ports."""

import json
import signal

import world  # first: it sets the path to harness

import harness
from harness import main
from scan_test import FAR, OPEN, UDP_CLOSED, UDP_OPEN, UDP_SILENT, Scan, ScanCase

PROHIBITED = ("filtered", "admin-prohibited")


@world.needs_namespaces
class StatelessCase(ScanCase):
    words = ("--udp", "--stateless", "--include-reserved")

    def bulk(self, *words, **how):
        return self.scan(*self.words, *words, "--all", **how)

    def answer_for(self, block):
        """The far host answers for every address of the block, which is behind it."""
        self.far.ip("route", "add", "local", block, "dev", "lo")
        self.near.ip("route", "add", block, "via", FAR[6 if ":" in block else 4])

    def let_icmp_out(self):
        """The far host's limits on ICMP errors: none."""
        self.far.set("net.ipv4.icmp_ratemask", "0")
        self.far.set("net.ipv6.icmp.ratelimit", "0")


@world.needs_namespaces
class Exact(StatelessCase):
    def exact(self, family):
        self.let_icmp_out()
        self.services_in(self.far, FAR[family], "udp:7=echo", "udp:9=deaf", "udp:13=answer:noon", "udp:69=elsewhere:no file",
                         "udp:19=elsewhere:not from here")
        self.far.drop("udp dport { 3, 30-35 }")
        self.far.reject("udp dport 5", "icmpx admin-prohibited")
        seen = self.bulk("--host", FAR[family], "--range", "1-50,69")
        self.assert_states(self.expected(
            [*range(1, 51), 69], UDP_CLOSED, open=([7, 13, 69], UDP_OPEN),
            silent=([3, 9, 19, *range(30, 36)], UDP_SILENT), prohibited=([5], PROHIBITED)), seen.states("udp"))
        self.assertEqual((seen.one(13, "udp")["reply"], seen.one(69, "udp")["reply"]), ("noon", "no file"))
        self.assertTrue(seen.one(7, "udp")["echo"])
        self.assertEqual((seen.one(1, "udp")["origin"], seen.one(1, "udp")["error"]), (FAR[family], "ECONNREFUSED"))
        self.assertGreater(seen.one(7, "udp")["rtt_us"], 0)

    def test_ipv4(self):
        """scan --stateless: open, closed, dropped and refused ports over IPv4"""
        self.exact(4)

    def test_ipv6(self):
        """scan --stateless: open, closed, dropped and refused ports over IPv6"""
        self.exact(6)

    def test_many_hosts(self):
        """scan --stateless: 65,536 addresses, of which half are silent, each found once; silent ones are only counted"""
        block = 18 if harness.is_sanitized() else 16
        self.answer_for("10.9.0.0/16")
        self.services_in(self.far, "0.0.0.0", "udp:53=answer:here")
        self.far.drop("udp dport 53 ip daddr & 0.0.0.1 == 1")
        seen = self.scan(*self.words, "--host", f"10.9.0.0/{block}", "--range", "53")
        self.assertEqual(len(seen.ports), 2 ** (31 - block))
        self.assertEqual({(one["state"], one["reason"]) for one in seen.ports.values()}, {UDP_OPEN})
        self.assertTrue(all(int(key[0].split(".")[3]) % 2 == 0 for key in seen.ports))
        self.assertEqual((seen.summary["open"], seen.summary["open|filtered"]), (2 ** (31 - block), 2 ** (31 - block)))

    def test_ipv6_block(self):
        """scan --stateless: a block of IPv6 addresses"""
        self.answer_for("2001:db8:5::/64")
        self.services_in(self.far, "::", "udp:53=answer:here")
        seen = self.bulk("--host", "2001:db8:5::/118", "--range", "53")
        self.assertEqual({(one["state"], one["reason"]) for one in seen.ports.values()}, {UDP_OPEN})
        self.assertEqual(len(seen.ports), 1024)

    def test_loopback(self):
        """scan --stateless: this machine itself, by 127.0.0.1, ::1 and its own addresses"""
        for address in ("127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"):
            with self.subTest(address):
                services = self.services_in(self.near, address, "udp:7", "udp:20=answer:you")
                seen = self.bulk("--host", address, "--range", "7,20,30")
                self.assert_states({7: UDP_OPEN, 20: UDP_OPEN, 30: UDP_CLOSED}, seen.states("udp"))
                services.kill()

    def test_tun(self):
        """scan --stateless: through a TUN device, which has no link-layer header"""
        network = self.simulate("""
            host 198.18.0.1
              delay 200us
              udp 7,53 open
              udp 20-29 silent
              udp 30 admin-prohibited
        """)
        seen = self.bulk("--host", "198.18.0.1", "--range", "1-60")
        self.assert_states(network.states("198.18.0.1", range(1, 61), "udp"), seen.states("udp"))

    def test_both(self):
        """scan --syn --stateless: both transports in one scan, each by packets"""
        self.let_icmp_out()
        self.services_in(self.far, FAR[4], "tcp:22", "udp:7")
        seen = self.scan("--tcp", "--udp", "--syn", "--stateless", "--host", FAR[4], "--range", "7,22", "--all")
        self.assertEqual(seen.states("tcp"), {7: ("closed", "reset"), 22: OPEN})
        self.assertEqual(seen.states("udp"), {7: UDP_OPEN, 22: UDP_CLOSED})
        self.assertTrue(seen.summary["syn"] and seen.summary["stateless_udp"])

    def test_long_message(self):
        """scan --stateless: the longest message arrives whole, and its echo is known although it is cut for the report"""
        for family in (4, 6):
            self.services_in(self.far, FAR[family], "udp:7=echo")
            seen = self.bulk("--host", FAR[family], "--range", "7", "--send", "x" * 1450)
            self.assertEqual(seen.states("udp"), {7: UDP_OPEN})
            self.assertTrue(seen.one(7, "udp")["echo"])
            self.assertTrue(seen.one(7, "udp")["reply_cut"])


@world.needs_namespaces
class Worlds(StatelessCase):
    def test_late(self):
        """scan --stateless: replies after 400 to 900 ms count, and two replies of a port are one result"""
        network = self.simulate("""
            host 198.18.1.0/25
              delay 200us
              udp 53 open
            host 198.18.1.128/25
              delay 400ms-900ms
              udp 53 open
        """)
        seen = self.bulk("--host", "198.18.1.0/24", "--range", "53", "--retries", 3)
        self.assertEqual({(one["state"], one["reason"]) for one in seen.ports.values()}, {UDP_OPEN})
        self.assertEqual(len(seen.ports), 256)
        self.assertGreater(len(network.probes("udp")), 256)

    def test_loss(self):
        """scan --stateless: of 2048 hosts behind a link that loses a tenth of all packets, each is found"""
        self.answer_for("10.9.0.0/21")
        self.services_in(self.far, "0.0.0.0", "udp:53=answer:here")
        self.far.drop("udp dport 53 numgen random mod 10 == 0")
        seen = self.bulk("--host", "10.9.0.0/21", "--range", "53")
        self.assertEqual({(one["state"], one["reason"]) for one in seen.ports.values()}, {UDP_OPEN})

    def test_second_request(self):
        """scan --stateless: hosts that answer only the second request of a port are not taken for a path with loss"""
        self.answer_for("10.9.0.0/23")
        self.services_in(self.far, "0.0.0.0", "udp:161=only:3027")
        self.far.drop("udp dport 161 ip daddr & 0.0.0.1 == 1")
        seen = self.bulk("--host", "10.9.0.0/23", "--range", "161")
        self.assertEqual({(int(key[0].split(".")[3]) % 2, (one["state"], one["reason"])) for key, one in seen.ports.items()},
                         {(0, UDP_OPEN), (1, UDP_SILENT)})

    def test_strangers(self):
        """scan --stateless: datagrams and ICMP errors that answer no probe are ignored"""
        self.services_in(self.far, FAR[4], "udp:20=answer:me")
        self.far.drop("udp dport 1-10")
        forger = harness.Process(self.far.argv("python3", "-B", "-c", FORGER))
        self.addCleanup(forger.kill)
        forger.until_out("ready")
        # The probes come from ports 1024 to 17407. The forger sends only to other ports: a guess among these would be accepted
        # one time in 1024 (see udp_probes).
        self.near.set("net.ipv4.ip_local_port_range", "17408 65535")
        seen = self.bulk("--host", FAR[4], "--range", "1-10,20")
        self.assert_states(self.expected([*range(1, 11), 20], UDP_SILENT, open=([20], UDP_OPEN)), seen.states("udp"))

    def test_source_ports(self):
        """scan --stateless: source ports are outside the ephemeral range"""
        network = self.simulate("""
            host 198.18.0.1
              udp 1-5 silent
        """)
        self.near.set("net.ipv4.ip_local_port_range", "20000 50000")
        self.bulk("--host", "198.18.0.1", "--range", "1-50", "--retries", 4)
        ports = {one.source_port for one in network.probes("udp")}
        self.assertFalse([port for port in ports if 20000 <= port <= 50000 or port < 1024])

    def test_rate(self):
        """scan --stateless: --rate is kept in every half second, and --bandwidth counts the octets of each datagram"""
        # A message of 46 octets, headers of 28, and what Ethernet adds, 38: that makes 896 bits.
        for words, rate in ((("--rate", 500), 500), (("--bandwidth", "448k", "--send", "x" * 44), 500)):
            network = self.simulate("host 198.18.0.1")
            self.bulk("--host", "198.18.0.1", "--range", "20000-20999", *words)
            times = sorted(one.at for one in network.probes("udp"))
            self.assert_paced(times[:1000], rate)


# Replies and errors to local ports from which no probe came.
FORGER = """
import random, socket, struct, time
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
errors = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("ready", flush=True)
while True:
    local = random.choice((1023, 17408, 17500, 40000))
    for port in range(1, 11):
        try:
            raw.sendto(struct.pack("!HHHH", port, local, 12, 0) + b"mine", ("192.0.2.1", 0))
            quoted = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 32, 0, 0, 64, 17, 0, socket.inet_aton("192.0.2.1"),
                                 socket.inet_aton("192.0.2.2")) + struct.pack("!HHHH", local, port, 12, 0)
            total = sum(struct.unpack(f"!{len(quoted) // 2}H", quoted)) + 0x0303
            total = (total & 0xffff) + (total >> 16)
            errors.sendto(struct.pack("!BBHI", 3, 3, ~((total & 0xffff) + (total >> 16)) & 0xffff, 0) + quoted,
                          ("192.0.2.1", 0))
        except OSError:
            pass
    time.sleep(0.001)
"""


@world.needs_namespaces
class Parts(StatelessCase):
    def test_shards(self):
        """scan --stateless: three shards ask each port once, and their union is the whole scan"""
        network = self.simulate("""
            host 198.18.2.0/23
              udp 53 open
              udp 54 silent
        """)
        words = ("scan", *self.words, "--host", "198.18.2.0/23", "--range", "53-55", "--json", "--retries", 0)
        files = [self.scratch() / f"part{index}" for index in (1, 2, 3)]
        for index, file in enumerate(files, 1):
            self.netlab_in(self.near, *words, "--shard", f"{index}/3", "-o", file)
        self.assertEqual(len({(one.host, one.port) for one in network.probes("udp")}), 512 * 3)
        self.assertEqual(len(network.probes("udp")), 512 * 3)
        merged = Scan(self.netlab_in(self.near, "scan", "--merge", "--json", *files))
        whole = Scan(self.netlab_in(self.near, *words))
        self.assertEqual(sorted(merged.ports), sorted(whole.ports))
        for name in ("open", "closed", "open|filtered", "unknown", "complete", "stateless_udp"):
            self.assertEqual(merged.summary[name], whole.summary[name], name)
        self.assertEqual((merged.summary["open"], merged.summary["open|filtered"]), (512, 512))

    def test_dry_run(self):
        """scan --stateless --dry-run: the probes of the scan in its order"""
        network = self.simulate("host 198.18.1.0/28")
        for part in ((), ("--shard", "2/3")):
            words = ("--host", "198.18.1.0/28", "--range", "53-62", "--seed", 7, "--rate", 1000, *part)
            planned = self.netlab_in(self.near, "scan", *self.words, *words, "--dry-run").lines
            before = len(network.probes("udp"))
            self.bulk(*words)
            asked = [(one.host, one.port) for one in network.probes("udp")[before:]]
            self.assertEqual([(line.split()[2], int(line.split()[3])) for line in planned], asked)

    def test_killed(self):
        """scan --stateless: after kill -9, --resume reports each port once"""
        network = self.simulate("""
            host 198.18.16.0/20
              udp 53 open
        """)
        scratch = self.scratch()
        words = ["scan", *self.words, "--host", "198.18.16.0/20", "--range", "53", "--rate", 1500, "--retries", 0, "--all",
                 "--json", "--resume", scratch / "state", "-o", scratch / "report"]
        scan = harness.Process(self.near.argv(harness.NETLAB, *map(str, words)))
        self.addCleanup(scan.kill)
        harness.until(lambda: len(network.probes("udp")) >= 2500, "2500 probes")
        scan.send(signal.SIGKILL)
        scan.wait()
        self.netlab_in(self.near, *words)
        lines = [json.loads(line) for line in (scratch / "report").read_text().splitlines()]
        found = [one["address"] for one in lines if "port" in one]
        self.assertEqual((len(found), len(set(found))), (4096, 4096))
        self.assertEqual({one["state"] for one in lines if "port" in one}, {"open"})
        self.assertLess(len(network.probes("udp")), 4096 + 2 * 1500)


if __name__ == "__main__":
    main()
