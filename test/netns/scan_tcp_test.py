# SPDX-License-Identifier: MIT
"""scan tcp in a simulated network, in which every port's true state is known: late answers, limits, loss, local
errors."""

import collections
import time

import world  # first: it sets the path to harness

import harness
from harness import main, needs_program
from scan_test import CLOSED, OPEN, SILENT, Scan, ScanCase

HOST = {4: "198.18.0.1", 6: "2001:db8:18::1"}
QUICK = ("--no-banner", "--no-send")


@world.needs_namespaces
class SimulatedScan(ScanCase):
    def find(self, network, hosts, ports, *words, **how):
        """Scans and compares all states with the true ones."""
        seen = self.scan("tcp", "--host", ",".join(hosts), "--range", ports, "--all", *QUICK, *words, **how)
        for host in hosts:
            first, _, last = ports.partition("-")
            truth = network.states(host, range(int(first), int(last or first) + 1))
            states = {key[2]: (one["state"], one["reason"]) for key, one in seen.ports.items() if key[0] == host}
            self.assert_states(truth, states)
        return seen


@world.needs_namespaces
class Late(SimulatedScan):
    def late(self, family, delay, *words):
        network = self.simulate(f"""
            host {HOST[family]}
              delay 200us
              tcp 191-200 open delay {delay}
              tcp 201-204 silent
        """)
        return self.find(network, [HOST[family]], "1-204", *words)

    def test_ipv4(self):
        """scan tcp: ten open ports that answer after 300, 600 or 900 ms are found beside 190 that are refused at once"""
        for delay, words in (("300ms", ()), ("600ms", ()), ("900ms", ("--timeout", "2s"))):
            seen = self.late(4, delay, *words)
            self.assertGreater(seen.one(195)["rtt_us"], int(delay[:-2]) * 1000)

    def test_ipv6(self):
        """scan tcp: ten open ports that answer after 600 ms are found over IPv6"""
        self.late(6, "600ms")

    def test_options(self):
        """scan tcp: late answers count whatever --timeout, --retries and --rate are"""
        for words in (("--retries", 0), ("--retries", 1), ("--retries", 4), ("--rate", 400), ("--parallel", 40),
                      ("--timeout", "3s"), ("--timeout", "3s", "--retries", 2), ("--timeout", "2s", "--rate", 300)):
            with self.subTest(words):
                self.late(4, "600ms", *words)

    def test_very_late(self):
        """scan tcp: an answer after 2.5 s counts with a longer --timeout"""
        self.late(4, "2500ms", "--timeout", "4s")

    @needs_program("nmap")
    def test_nmap(self):
        """scan tcp: of late ports nmap says the same"""
        network = self.simulate(f"""
            host {HOST[4]}
              delay 200us
              tcp 91-96 open delay 600ms
        """)
        done = harness.run(self.near.argv("nmap", "-n", "-Pn", "-sT", "--min-rtt-timeout", "1s", "-p91-100", "-oG", "-", HOST[4]))
        self.assertEqual([port for port in range(91, 101) if f"{port}/open/" in done.out], list(range(91, 97)), done.out)
        self.find(network, [HOST[4]], "91-100")

    def test_many_targets(self):
        """scan tcp: among 8192 targets, 32 slow ones are found; each has a round trip of its own"""
        slow = [f"198.18.{32 + number % 32}.{7 * (number // 8) + 3}" for number in range(32)]
        self.simulate(f"""
            host 198.18.32.0/19
              delay 300us
            host {','.join(slow)}
              tcp 80 open delay 700ms
        """)
        seen = self.scan("tcp", "--host", "198.18.32.0/19", "--range", "80", "--all", *QUICK, "--timeout",
                         "4s", "--rate", 4000)
        self.assertEqual(len(seen.ports), 8192)
        self.assertEqual(sorted(key[0] for key, one in seen.ports.items() if one["state"] == "open"), sorted(slow))
        self.assertEqual({one["state"] for one in seen.ports.values()}, {"open", "closed"})

    def test_silence_takes_the_timeout(self):
        """scan tcp: no port is told as filtered before --timeout has passed since its last probe"""
        network = self.simulate(f"""
            host {HOST[4]}
              tcp 1-20 silent
        """)
        scan = harness.Process(self.near.argv(harness.NETLAB, "scan", "tcp", "--host", HOST[4], "--range", "1-50",
                                              "--all", "--json", "--timeout", "700ms", *QUICK))
        self.addCleanup(scan.kill)
        done = scan.wait()
        ended = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.assert_states(network.states(HOST[4], range(1, 51)), Scan(done).states())
        sent = max(one.at for one in network.probes())
        self.assertGreaterEqual(ended - network.began - sent, 0.69)


@world.needs_namespaces
class Limits(SimulatedScan):
    def test_few_resets(self):
        """scan tcp: a target that sends 20 or 50 resets a second has its closed ports called closed"""
        for rate, burst in ((50, 5), (20, 10)):
            network = self.simulate(f"""
                host {HOST[4]}
                  delay 300us
                  limit reset {rate}/s burst {burst}
                  tcp 7 open
                  tcp 30-35 silent
            """)
            self.find(network, [HOST[4]], "1-120", "--max-time", "100s")

    def test_five_resets(self):
        """scan tcp: a target that sends 5 resets a second has its closed ports called closed"""
        network = self.simulate(f"""
            host {HOST[4]}
              delay 300us
              limit reset 5/s burst 5
              tcp 7 open
        """)
        self.find(network, [HOST[4]], "1-60", "--max-time", "100s")

    def test_loses_almost_everything(self):
        """scan tcp: a target that loses almost everything has an end, and nothing false is told of it"""
        network = self.simulate(f"""
            host {HOST[4]}
              loss 75%
              tcp 1-20 open
              tcp 21-40 silent
        """)
        seen = self.scan("tcp", "--host", HOST[4], "--range", "1-1024", "--all", "--max-time", "90s", *QUICK)
        self.assertTrue(seen.summary["complete"])
        truth = network.states(HOST[4], range(1, 1025))
        wrong = {port: state for port, state in seen.states().items() if state not in (truth[port], ("unknown",
                                                                                                     "rate-limited"))}
        self.assertEqual(wrong, {})


@world.needs_namespaces
class Counted(SimulatedScan):
    """What arrives at the targets."""

    def silent(self):
        return self.simulate(f"""
            host {HOST[4]}
              tcp 1-1000 silent
        """)

    def syns(self, network):
        return collections.Counter(one.port for one in network.probes())

    def test_retries(self):
        """scan tcp: --retries counts the SYNs that the kernel repeats"""
        for retries, timeout in ((0, "1s"), (0, "5s"), (2, "4s"), (1, "300ms")):
            network = self.silent()
            self.find(network, [HOST[4]], "1-40", "--retries", retries, "--timeout", timeout)
            self.assertEqual(self.syns(network), dict.fromkeys(range(1, 41), retries + 1), (retries, timeout))

    def test_rate(self):
        """scan tcp: --rate counts the SYNs that the kernel repeats"""
        network = self.silent()
        self.scan("tcp", "--host", HOST[4], "--range", "1-60", "--rate", 50, "--timeout", "4s", *QUICK)
        times = sorted(one.at for one in network.probes())
        self.assertGreater(len(times), 120)
        for first in range(len(times)):
            more = sum(time < times[first] + 2 for time in times[first:])
            self.assertLess(more, 2 * 50 * 1.15 + 5, "SYNs in two seconds")

    def test_slow_rate(self):
        """scan tcp: --rate takes less than one a second"""
        network = self.simulate(f"host {HOST[4]}")
        self.find(network, [HOST[4]], "1-3", "--rate", "0.5")
        times = [one.at for one in network.probes()]
        self.assertEqual(len(times), 3)
        self.assertGreater(times[2] - times[0], 3.9)

    def test_sources(self):
        """scan tcp: several --source take turns where ports are closed, too"""
        network = self.simulate(f"host {HOST[4]}")
        sources = ("198.18.0.251", "198.18.0.252", "198.18.0.253")
        for source in sources:
            self.near.ip("addr", "add", f"{source}/15", "dev", "sim")
        self.find(network, [HOST[4]], "1-300", *(word for source in sources for word in ("--source", source)))
        counts = collections.Counter(one.source for one in network.probes())
        self.assertEqual(sorted(counts), sorted(sources))
        self.assertGreater(min(counts.values()), 90)

    def test_seed(self):
        """scan tcp: --seed repeats the order on any number of cores"""
        orders = set()
        for cpus in ("0", f"0-{harness.os.cpu_count() - 1}"):
            network = self.simulate(f"host {HOST[4]}")
            done = harness.run(self.near.argv("taskset", "-c", cpus, harness.NETLAB, "scan", "tcp", "--host", HOST[4],
                                              "--range", "1-4000", "--seed", "7", *QUICK))
            self.assertEqual(done.status, 0, done.err)
            firsts = dict.fromkeys(one.port for one in network.probes())
            self.assertEqual(len(firsts), 4000)
            orders.add(tuple(firsts))
        self.assertEqual(len(orders), 1)

    def test_parallel(self):
        """scan tcp: --parallel bounds connections and conversations together"""
        network = self.simulate(f"""
            host {HOST[4]}
              tcp 1-12 open
        """)
        self.scan("tcp", "--host", HOST[4], "--range", "1-20", "--parallel", 2, "--timeout", "200ms")
        under_way, most = set(), 0
        for one in network.packets():
            key = one.source_port, one.port
            under_way.add(key) if one.flags == "S" else None
            under_way.discard(key) if set(one.flags) & set("FR") or one.port > 12 else None
            most = max(most, len(under_way))
        self.assertLessEqual(most, 2)


@world.needs_namespaces
class Link(SimulatedScan):
    def down_for(self, seconds, status):
        network = self.simulate(f"""
            host {HOST[4]}
              delay 300us
              tcp 1-20 open
              tcp 21-30 silent
        """)
        scan = harness.Process(self.near.argv(harness.NETLAB, "scan", "tcp", "--host", HOST[4], "--range", "1-1500",
                                              "--rate", "700", "--all", "--json", *QUICK))
        self.addCleanup(scan.kill)
        scan.until(lambda out, err: out.count("\n") >= 200, "200 ports")
        self.near.ip("link", "set", "sim", "down")
        if seconds:
            time.sleep(seconds)
            self.near.ip("link", "set", "sim", "up")
        done = scan.wait()
        self.assertEqual(done.status, status, done.err)
        return network.states(HOST[4], range(1, 1501)), Scan(done)

    def test_down_for_a_while(self):
        """scan tcp: what could not be asked while the own link was down is asked again once it is up"""
        truth, seen = self.down_for(3, harness.DONE)
        self.assert_states(truth, seen.states())
        self.assertTrue(seen.summary["complete"])

    def test_stays_down(self):
        """scan tcp: when the own link stays down the rest is unknown, with the reason, and the scan is incomplete"""
        truth, seen = self.down_for(None, harness.PARTLY)
        states = seen.states()
        self.assertEqual(len(states), 1500)
        for port, state in states.items():
            self.assertIn(state, (truth[port], ("unknown", "net-unreachable")))
        self.assertFalse(seen.summary["complete"])


if __name__ == "__main__":
    main()
