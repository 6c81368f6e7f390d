# SPDX-License-Identifier: MIT
"""What can be asked of netlab scan, and what not: ports, targets, limits, ways to end."""

import json
import os
import pathlib
import re
import signal

import harness
from harness import DONE, INTERRUPTED, NO_HOST, NO_INPUT, PARTLY, USAGE, main


class Ports(harness.Case):
    def ports(self, text, *words):
        done = self.netlab("scan", "tcp", "--host", "127.0.0.1", "--range", text, "--all", "--json", *words)
        return sorted(json.loads(line)["port"] for line in done.lines[:-1])

    def test_ranges(self):
        """scan: ranges, single ports and open ends; what comes twice is asked once"""
        self.assertEqual(self.ports("1-3,7"), [1, 2, 3, 7])
        self.assertEqual(self.ports("5-8,7-9,7"), [5, 6, 7, 8, 9])
        self.assertEqual(self.ports("65530-"), list(range(65530, 65536)))
        self.assertEqual(self.ports("-3"), [1, 2, 3])

    def test_bad_ranges(self):
        """scan: a range that cannot be meant is refused, and says why"""
        for text in ("80-22", "0", "0-5", "65536", "1-65536", "", ",", "1,,2", "a", "1-2-3", "1.5", "99999999999999999999"):
            done = self.netlab("scan", "--host", "127.0.0.1", "--range", text, status=USAGE)
            self.assert_one_error(done)

    def test_top(self):
        """scan: --top takes the ports most often open, and not together with --range"""
        done = self.netlab("scan", "tcp", "--host", "127.0.0.1", "--top", "5", "--all", "--json")
        self.assertEqual(sorted(json.loads(line)["port"] for line in done.lines[:-1]), [21, 22, 25, 80, 443])
        for text in ("0", "65536", "x"):
            self.assert_one_error(self.netlab("scan", "--top", text, status=USAGE))
        self.assert_one_error(self.netlab("scan", "--top", "5", "--range", "1-5", status=USAGE))

    def test_seed(self):
        """scan: the order is random, the same again from the same seed, and leaves nothing out"""
        def order(seed):
            done = self.netlab("scan", "tcp", "--host", "127.0.0.1", "--range", "1-500", "--all", "--json", "--seed",
                               seed, "--rate", "5000")
            return [json.loads(line)["port"] for line in done.lines[:-1]]

        first, other = order(1), order(2)
        self.assertEqual(sorted(first), list(range(1, 501)))
        self.assertNotEqual(first, sorted(first))
        self.assertNotEqual(first, other)


class Targets(harness.Case):
    def addresses(self, *words, status=DONE):
        done = self.netlab("scan", "tcp", "--range", "1", "--all", "--json", *words, status=status)
        return sorted(json.loads(line)["address"] for line in done.lines if "summary" not in line)

    def test_kinds(self):
        """scan: an address, a block, a range, a file; excluded ones are left out"""
        self.assertEqual(self.addresses("--host", "127.0.0.1"), ["127.0.0.1"])
        self.assertEqual(self.addresses("--host", "127.0.0.0/30"), [f"127.0.0.{n}" for n in range(4)])
        self.assertEqual(self.addresses("--host", "127.0.0.3-127.0.0.5"), [f"127.0.0.{n}" for n in (3, 4, 5)])
        self.assertEqual(self.addresses("--host", "127.0.0.3-5"), [f"127.0.0.{n}" for n in (3, 4, 5)])
        self.assertEqual(self.addresses("--host", "127.0.0.0/29", "--exclude", "127.0.0.2-6"),
                         [f"127.0.0.{n}" for n in (0, 1, 7)])
        file = self.scratch() / "hosts"
        file.write_text("127.0.0.8 # a comment\n\n127.0.0.9\n")
        self.assertEqual(self.addresses("--host", f"@{file}"), ["127.0.0.8", "127.0.0.9"])

    @harness.needs_ipv6
    def test_ipv6(self):
        """scan: an IPv6 address"""
        self.assertEqual(self.addresses("--host", "::1"), ["::1"])

    def test_bad_targets(self):
        """scan: a target that cannot be meant, a file that is not there, nothing left: each refused"""
        for text in ("127.0.0.1/33", "127.0.0.9-127.0.0.1", "::1/129", "300.1.1.1/8", ""):
            self.assertIn(self.netlab("scan", "--host", text, "--range", "1", status=None).status, (USAGE, NO_HOST), text)
        self.assert_one_error(self.netlab("scan", "--host", "@/nonexistent/file", status=NO_INPUT), says="/nonexistent")
        self.assert_one_error(self.netlab("scan", "--host", "127.0.0.1", "--exclude", "127.0.0.1", status=USAGE))

    def test_one_name_unknown(self):
        """scan: of several targets one does not resolve: the others are scanned, it is named"""
        done = self.netlab("scan", "--host", "nowhere.invalid", "--host", "127.0.0.1", "--range", "1", "--all",
                           status=PARTLY)
        self.assertIn("1/tcp", done.out)
        self.assertIn("nowhere.invalid", done.err)
        self.netlab("scan", "--host", "nowhere.invalid", "--range", "1", status=NO_HOST)

    def test_many_targets(self):
        """scan: sixteen million addresses need no more memory than one"""
        process = os.posix_spawn(harness.NETLAB, [harness.NETLAB, "scan", "--host", "127.0.0.0/8", "--range", "1",
                                                  "--max-time", "2s", "-o", "/dev/null"], harness.environment())
        _, status, usage = os.wait4(process, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), PARTLY)
        if "asan" not in os.environ.get("LD_PRELOAD", ""):
            self.assertLess(usage.ru_maxrss, 200_000)  # KiB; a list of the addresses alone would be as much


class Ends(harness.Case):
    @staticmethod
    def until_ready(scan):
        """Waits until it holds SIGINT and SIGUSR1 back to read them from a descriptor (SigBlk in proc(5))."""
        wanted = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGUSR1 - 1)

        def is_ready():
            status = pathlib.Path(f"/proc/{scan.child.pid}/status").read_text(encoding="ascii")
            return int(re.search(r"SigBlk:\s*([0-9a-f]+)", status)[1], 16) & wanted == wanted

        harness.until(is_ready, "blocked signals")

    def test_interrupt(self):
        """scan: SIGINT ends a scan with what is known; every format stays whole"""
        for format, end in (("table", "incomplete: interrupted\n"), ("json", "}}\n"), ("nmap-xml", "</nmaprun>\n"),
                            ("grepable", " seconds\n")):
            scan = self.start("scan", "--host", "127.0.0.1", "--range", "all", "--rate", "500", "--format", format)
            self.until_ready(scan)
            done = scan.stop(signal.SIGINT)
            self.assertEqual(done.status, INTERRUPTED, done.err)
            self.assertTrue(done.out.endswith(end), (format, done.out[-200:]))

    def test_status_line(self):
        """scan: SIGUSR1 prints how far it is"""
        scan = self.start("scan", "--host", "127.0.0.1", "--range", "all", "--rate", "500")
        self.until_ready(scan)
        scan.send(signal.SIGUSR1)
        scan.until_err(r"\d+ of 65535 ports")
        scan.stop(signal.SIGINT)

    def test_reader_goes_away(self):
        """scan: when the reader of stdout goes away it ends, with 0"""
        done = self.shell('{ "$N" scan --host 127.0.0.1 --range all --all --json; echo $? >&2; } | head -n 1')
        self.assertEqual(done.error_lines[-1], "0")
        self.assertEqual(len(done.lines), 1)

    def test_max_time(self):
        """scan: --max-time ends it; what was not asked is unknown, and the summary says why"""
        done = self.netlab("scan", "--host", "127.0.0.1", "--range", "all", "--rate", "200", "--max-time", "1s",
                           "--json", status=PARTLY)
        summary = json.loads(done.lines[-1])["summary"]
        self.assertFalse(summary["complete"])
        self.assertIn("--max-time", summary["because"])
        counted = sum(summary[name] for name in ("open", "closed", "filtered", "unknown"))
        self.assertIn(counted, (65535, summary["closed"]))


if __name__ == "__main__":
    main()
