# SPDX-License-Identifier: MIT
"""netlab scan --shard: each probe in exactly one part, whatever the other options."""

import json

import harness
from harness import DONE, USAGE, main


class Shards(harness.Case):
    def scan(self, *words, status=DONE):
        """The ports in the order in which they were known, as (transport, address, port), and the summary."""
        *ports, summary = [json.loads(line) for line in self.netlab("scan", *words, "--json", "--all", "--no-banner",
                                                                    "--no-send", status=status).lines]
        return [(one["proto"], one["address"], one["port"]) for one in ports], summary["summary"]

    def union(self, count, *words):
        whole, about = self.scan(*words)
        self.assertEqual(about["shard"], "1/1")
        seen, seeds, scans, closed = [], set(), set(), 0
        for index in range(1, count + 1):
            part, its = self.scan(*words, "--shard", f"{index}/{count}")
            self.assertEqual(its["shard"], f"{index}/{count}")
            self.assertTrue(its["complete"])
            seen += part
            seeds.add(its["seed"])
            scans.add(its["scan"])
            closed += its["closed"]
        self.assertEqual(len(seeds), 1, "parts with different seeds")
        self.assertEqual(scans, {about["scan"]})
        self.assertEqual(sorted(seen), sorted(whole))
        self.assertEqual(len(set(seen)), len(seen), "a probe in two parts")
        self.assertEqual(closed, about["closed"])
        return seeds.pop()

    def test_tcp(self):
        """scan: the parts of a TCP scan are the whole scan, and no probe is in two parts"""
        for count in (2, 3, 7):
            self.union(count, "127.0.0.1-127.0.0.3", "--range", "1-100")

    def test_udp(self):
        """scan: the parts of a UDP scan are the whole scan, with more hosts than parts, and with fewer"""
        for count in (2, 5):
            self.union(count, "udp", "127.0.0.1-127.0.0.3", "--range", "1-40")

    def test_both(self):
        """scan: parts of a scan over both transports"""
        self.union(3, "tcp", "udp", "127.0.0.1", "--range", "1-30")

    def test_more_parts_than_probes(self):
        """scan: a part may be empty, and is then complete"""
        self.union(5, "127.0.0.1", "--range", "1-3")
        self.union(5, "udp", "127.0.0.1", "--range", "1-3")

    def test_seed(self):
        """scan: without --seed all parts have one that follows from the scan; with --seed, its order is kept"""
        one = self.union(2, "127.0.0.1", "--range", "1-20")
        self.assertEqual(one, self.union(2, "127.0.0.1", "--range", "1-20"))
        self.assertNotEqual(one, self.union(2, "127.0.0.1", "--range", "1-21"))
        self.assertEqual(self.union(2, "127.0.0.1", "--range", "1-20", "--seed", "7"), "7")
        words = ("127.0.0.1", "--range", "1-200", "--seed", "7", "--shard", "2/3", "--parallel", "1")
        self.assertEqual(self.scan(*words)[0], self.scan(*words)[0])

    def test_scan_name(self):
        """scan: what decides a port's state changes the scan's name; who asks when does not"""
        def name(*words):
            return self.scan("127.0.0.1", "--range", "1-3", *words)[1]["scan"]

        self.assertEqual(name(), name("--rate", "500", "--parallel", "2", "--seed", "5"))
        for words in (["--timeout", "2s"], ["--retries", "3"]):
            self.assertNotEqual(name(), name(*words))
        planned = [json.loads(self.netlab("scan", "127.0.0.1", "--range", "1-3", "--dry-run", "--json", *words).lines[-1])
                   ["summary"]["scan"] for words in ([], ["--syn"], ["--syn", "--banner"])]
        self.assertEqual(len(set(planned)), 3, "the way of asking is part of the scan")
        self.assertNotEqual(self.scan("127.0.0.1", "--range", "1-3")[1]["scan"],
                            self.scan("127.0.0.2", "--range", "1-3")[1]["scan"])

    def probes(self, *words):
        done = self.netlab("scan", *words, "--dry-run")
        return [line.split() for line in done.lines]

    def test_dry_run(self):
        """scan --dry-run: the probes of all parts are those of the scan, and nothing is sent"""
        words = ("tcp", "udp", "192.0.2.0/28", "127.0.0.1", "--range", "1-20")
        whole = self.probes(*words)
        self.assertEqual(len(whole), 17 * 20 * 2)
        self.assertEqual({line[0] for line in whole}, {"-"})
        parts = [self.probes(*words, "--shard", f"{index}/5") for index in range(1, 6)]
        self.assertEqual(sorted(sum(parts, [])), sorted(whole))
        self.assertEqual(self.probes(*words, "--seed", "3"), self.probes(*words, "--seed", "3"))
        self.assertNotEqual(self.probes(*words, "--seed", "3"), self.probes(*words, "--seed", "4"))

    def test_dry_run_order(self):
        """scan --dry-run: with a seed, the order is that in which a scan asks"""
        words = ("127.0.0.1", "--range", "1-200", "--seed", "7")
        planned = [int(line[3]) for line in self.probes(*words)]
        asked = [port for _, _, port in self.scan(*words, "--parallel", "1", "--rate", "2000")[0]]
        self.assertEqual(planned, asked)

    def test_dry_run_rate(self):
        """scan --dry-run: the times keep the rate, over both transports together"""
        for words, last in ((["udp"], 1.98), (["tcp"], 1.98), (["tcp", "udp"], 3.96)):
            times = [float(line[0]) for line in self.probes(*words, "192.0.2.1", "--range", "1-100", "--rate", "50")]
            self.assertEqual(times, sorted(times))
            self.assertAlmostEqual(times[-1], last)

    def test_dry_run_json(self):
        """scan --dry-run: --json, and what it does not go with"""
        done = self.netlab("scan", "192.0.2.1", "--range", "7,9", "--dry-run", "--json", "--rate", "10", "--seed", "1")
        *probes, summary = [json.loads(line) for line in done.lines]
        self.assertEqual(sorted(one["port"] for one in probes), [7, 9])
        self.assertEqual([one["at_us"] for one in probes], [0, 100000])
        self.assertEqual((summary["summary"]["probes"], summary["summary"]["seed"]), (2, "1"))
        self.refused("scan", "192.0.2.1", "--dry-run", "--resume", "x", status=USAGE, says="exclude each other")
        self.refused("scan", "192.0.2.1", "--dry-run", "--format", "csv", status=USAGE, says="--json")

    def test_bad(self):
        """scan: a shard that is none is refused with the cure"""
        for text, says in (("0/4", "parts are numbered from 1 to 4"), ("5/4", "parts are numbered from 1 to 4"),
                           ("4", "write 3/8 for the third of eight parts"), ("/", "write 3/8"), ("1/0", "1 to 1000000")):
            self.refused("scan", "127.0.0.1", "--shard", text, status=USAGE, says=says)


if __name__ == "__main__":
    main()
