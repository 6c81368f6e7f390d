# SPDX-License-Identifier: MIT
"""Valid and invalid input of netlab scan: ports, targets, limits, ways to end."""

import json
import os
import pathlib
import re
import signal
import socket
import struct

import harness
from harness import BAD_DATA, CANNOT_CREATE, DONE, INTERRUPTED, NO_HOST, NO_INPUT, PARTLY, UNAVAILABLE, USAGE, main


class Connections(harness.Case):
    def end_of(self, *words):
        """How a listening program sees the end of a scan's connection."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(harness.DEADLINE)
            scan = harness.Process([harness.NETLAB, "scan", "--host", "127.0.0.1", "--range",
                                    str(listener.getsockname()[1]), *words])
            self.addCleanup(scan.kill)
            peer, _ = listener.accept()
            scan.wait()
            with peer:
                peer.settimeout(harness.DEADLINE)
                try:
                    while peer.recv(4096):
                        pass
                    return "end"
                except ConnectionResetError:
                    return "reset"

    def test_in_order(self):
        """scan: a program at an open port sees the end of the connection, as from any client"""
        self.assertEqual(self.end_of(), "end")
        self.assertEqual(self.end_of("--no-banner"), "end")

    def test_handshake_only(self):
        """scan: where nothing is said, a reset leaves no TIME_WAIT behind"""
        self.assertEqual(self.end_of("--no-banner", "--no-send"), "reset")


class Resets(harness.Case):
    def breaks(self, said=b""):
        """A port whose program accepts each connection, sends something, and resets it."""
        def talk(peer):
            peer.sendall(said)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        return self.tcp_fake(talk)

    def assert_open(self, ports, *words):
        closed = self.closed_port()
        done = self.netlab("scan", "--host", "127.0.0.1", "--range", ",".join(map(str, [*ports, closed])), "--all",
                           "--json", *words)
        seen = [json.loads(line) for line in done.lines[:-1]]
        self.assertEqual({one["port"]: (one["state"], one["reason"]) for one in seen},
                         dict.fromkeys(ports, ("open", "syn-ack")) | {closed: ("closed", "reset")}, words)
        for one in seen:
            self.assertEqual("errno" in one, one["port"] == closed, one)

    def test_at_once(self):
        """scan: a port that takes the connection and resets it at once is open"""
        ports = [self.breaks() for _ in range(20)]
        for words in (["--no-banner", "--no-send"], ["--no-send"], ["--no-banner"], []):
            self.assert_open(ports, *words)

    def test_while_it_is_listened_to(self):
        """scan: a port whose connection is reset while its banner is waited for is open"""
        self.assert_open([self.breaks(b"421 too many\r\n") for _ in range(5)])


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

    def test_messages(self):
        """scan: what is wrong with a range is said with the way to write it"""
        for text, says in (("80-22", "(write 22-80)"), ("0", "ports are 1 to 65535"), ("65536", "port 65536"),
                           ("", "is empty"), ("1,,2", "an empty entry"), ("nosuchservice", "neither a number nor the name of a service")):
            self.refused("scan", "--range", text, says=says, begins="netlab scan: --range")

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

    def test_settings(self):
        """scan: typed targets stand in place of those in the environment, in either spelling"""
        def addresses(*words):
            lines = self.netlab("scan", *words, "--range", "1", "--all", "--json", env={"NETLAB_SCAN_HOST": "127.0.0.9"}).lines
            return [json.loads(line)["address"] for line in lines[:-1]]

        self.assertEqual(addresses(), ["127.0.0.9"])
        self.assertEqual(addresses("tcp"), ["127.0.0.9"])
        self.assertEqual(addresses("--host", "127.0.0.1"), ["127.0.0.1"])
        self.assertEqual(addresses("127.0.0.1"), ["127.0.0.1"])
        self.assertEqual(sorted(addresses("127.0.0.1", "--host", "127.0.0.2")), ["127.0.0.1", "127.0.0.2"])

    def test_bad_targets(self):
        """scan: a target that cannot be meant, a file that is not there, nothing left: each refused"""
        for text in ("127.0.0.1/33", "127.0.0.9-127.0.0.1", "::1/129", "300.1.1.1/8", ""):
            self.assertIn(self.netlab("scan", "--host", text, "--range", "1", status=None).status, (USAGE, NO_HOST), text)
        self.assert_one_error(self.netlab("scan", "--host", "@/nonexistent/file", status=NO_INPUT), says="/nonexistent")
        self.assert_one_error(self.netlab("scan", "--host", "127.0.0.1", "--exclude", "127.0.0.1", status=USAGE))

    def test_messages(self):
        """scan: what is wrong with a target is said in one line, with the cure"""
        for text, says in (("127.0.0.1:80", "give ports with --range"), ("[::1]:80", "give ports with --range"),
                           ("fe80::1", "%eth0"), ("127.0.0.9-1", "write 127.0.0.1-127.0.0.9"), ("::/0", "2^32"),
                           ("lab/24", "write 192.0.2.0/24"), ("@", "write @FILE"), ("\x1b[2J x", "\\x1b[2J x"),
                           ("1.2.3", "is not an IPv4 address")):
            self.refused("scan", "--host", text, says=says)
        self.refused("scan", "--host", "nowhere.invalid", status=NO_HOST, says="nowhere.invalid")

    def test_target_files(self):
        """scan: a file that is a directory, empty, or wrong in a line is refused, and says where"""
        place = self.scratch()
        self.refused("scan", "--host", f"@{place}", status=NO_INPUT, says=str(place))
        for text, says in (("", "it contains no target"), ("# none\n\n \t\n", "it contains no target"),
                           ("127.0.0.1\n\n127.0.0.1 127.0.0.9-1 # backwards\n", "hosts:3: target '127.0.0.9-1'"),
                           ("\xff\x00\n", "hosts:1: ")):
            (place / "hosts").write_text(text, encoding="latin-1")
            self.refused("scan", "--host", f"@{place}/hosts", status=BAD_DATA, says=says)

    @harness.needs_ipv6
    def test_normalised(self):
        """scan: 0.0.0.0, :: and IPv4-mapped addresses are the addresses that are really reached"""
        for text, meant in (("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::ffff:127.0.0.5", "127.0.0.5"),
                            ("[::ffff:127.0.0.5]", "127.0.0.5"), ("::1%lo", "::1")):
            self.assertEqual(self.addresses(text), [meant])
        self.assertEqual(self.addresses("127.0.0.1", "0.0.0.0"), ["127.0.0.1"])
        udp = self.serve("--udp", service="echo")
        for text in ("0.0.0.0", "::ffff:127.0.0.1"):
            done = self.netlab("scan", "udp", text, "--range", udp.port, "--json")
            self.assertEqual(json.loads(done.lines[0])["state"], "open", text)

    def test_no_hosts(self):
        """scan: multicast and broadcast addresses are refused; inside a larger block they are left out"""
        for text in ("224.0.0.1", "224.0.0.0/24", "239.1.2.3-239.1.2.9", "255.255.255.255", "ff05::2", "::ffff:224.0.0.1"):
            self.refused("scan", text, "--range", "1", says=f"'{text}'")
        self.refused("scan", "127.0.0.1", "255.255.255.255", "--range", "1", says="broadcast")

    def test_excluded_blocks(self):
        """scan: --exclude takes blocks of any size, in both families"""
        for block in ("2001:db8::/32", "::/0", "fe80::/10", "2000::-3fff::", "ff00::/8", "224.0.0.0/4", "8.0.0.0/5"):
            self.assertEqual(self.addresses("127.0.0.1", "--exclude", block), ["127.0.0.1"])
        self.refused("scan", "::1", "--exclude", "::/0", "--range", "1", says="no target left to scan")
        self.refused("scan", "127.0.0.1", "--exclude", "0.0.0.0/0", "--range", "1", says="no target left to scan")
        self.refused("scan", "2001:db8::/64", "--range", "1", says="2^32")

    @harness.needs_ipv6
    def test_interfaces(self):
        """scan: an interface is named after a link-local address, in brackets or not, in --source too"""
        self.refused("scan", "fe80::1%nosuch0", "--range", "1", says="an interface that this machine does not have: 'nosuch0'")
        self.refused("scan", "--source", "fe80::1", "::1", "--range", "1", says="write fe80::1%eth0")
        for text in ("fe80::1%lo", "[fe80::1%lo]"):
            self.assertEqual(self.addresses(text, "--timeout", "100ms", status=None), ["fe80::1%lo"])
        self.refused("scan", "--source", "fe80::1%lo", "::1", "--range", "1", status=UNAVAILABLE, says="fe80::1")

    def test_sources(self):
        """scan: an address to ask from is one of this machine's, and of the target's family"""
        self.refused("scan", "--source", "192.0.2.77", "--range", "1", status=UNAVAILABLE, says="192.0.2.77")
        self.refused("scan", "--source", "lo", "--range", "1", says="'lo' is not an IP address")
        if harness.has_ipv6():
            self.refused("scan", "--source", "::1", "--range", "1", says="IPv4")
            self.netlab("scan", "--host", "::1", "--source", "::1", "--source", "127.0.0.1", "--range", "1")

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
        self.assertLess(usage.ru_maxrss, 200_000)  # KiB; a list of the addresses alone would need as much


class Words(harness.Case):
    def transports(self, *words, **env):
        lines = self.netlab("scan", *words, "--range", "1", "--all", "--json", env=env).lines
        return sorted(json.loads(line)["proto"] for line in lines[:-1])

    def test_transports(self):
        """scan: a transport is a word before or behind the target, or an option; TCP where none is named"""
        for words in ([], ["tcp"], ["--tcp"], ["--host", "127.0.0.1", "tcp"], ["127.0.0.1"]):
            self.assertEqual(self.transports(*words), ["tcp"], words)
        for words in (["udp"], ["--udp"], ["127.0.0.1", "udp"], ["udp", "127.0.0.1"], ["--host", "127.0.0.1", "--udp"]):
            self.assertEqual(self.transports(*words), ["udp"], words)
        for words in (["tcp", "udp"], ["udp", "tcp"], ["--tcp", "--udp"], ["udp", "--tcp"], ["--udp", "tcp"]):
            self.assertEqual(self.transports(*words), ["tcp", "udp"], words)
        for words, seen in (([], "udp"), (["--tcp"], "tcp"), (["tcp"], "tcp"), (["127.0.0.1", "tcp"], "tcp"),
                            (["--udp"], "udp")):
            self.assertEqual(self.transports(*words, NETLAB_SCAN_UDP="true"), [seen], words)

    def test_exclude_each_other(self):
        """scan: options that exclude each other are refused"""
        self.refused("scan", "--no-send", "--send", "x", says="--no-send and --send exclude each other")
        self.refused("scan", "--json", "--format", "csv", says="exclude each other")
        self.netlab("scan", "--no-send", "--range", "1", env={"NETLAB_SCAN_SEND": "x"})

    def test_numbers(self):
        """scan: a number out of range is refused with the range"""
        for name, text in (("rate", "0"), ("rate", "fast"), ("parallel", "0"), ("retries", "-1"), ("retries", "101"),
                           ("seed", "-1"), ("timeout", "0"), ("timeout", "soon"), ("max-time", "0")):
            self.refused("scan", f"--{name}", text, says=name)


class Ends(harness.Case):
    @staticmethod
    def until_ready(scan):
        """Waits until the scan blocks SIGINT and SIGUSR1, to read them from a descriptor (SigBlk in proc(5))."""
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

    def test_progress(self):
        """scan: a terminal sees how far it is, and nothing of that is left at the end; none with --color=never"""
        words = ("scan", "--range", "1-2400", "--rate", "2000")
        status, seen = self.on_terminal(*words)
        self.assertEqual(status, DONE, seen)
        shown = re.findall(r"\r(\d+) of 2400 ports, \d+ %, \d+ probes/s, (\S+ \S+) left\x1b\[K", seen)
        self.assertTrue(shown, seen)
        for _, left in shown:
            self.assertRegex(left, r"^[1-9]\d* s$")
        self.assertIn("left\x1b[K\r\x1b[K", seen)
        self.assertNotIn("left", self.on_terminal(*words, "--color=never")[1])
        self.assertNotIn("left", self.on_terminal(*words, "-q")[1])

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

    def test_reader_goes_away_in_every_format(self):
        """scan: nobody reads the report at all: 0, in every format"""
        for format in ("table", "json", "csv", "nmap-xml", "grepable"):
            done = self.shell(f'{{ "$N" scan --range 1-2000 --all --format {format}; echo $? >&2; }} | true')
            self.assertEqual(done.err, "0\n", format)

    def test_output(self):
        """scan: a report that cannot be written is refused before anything is asked"""
        place = self.scratch()
        for name in (place, place / "no" / "report"):
            self.refused("scan", "-o", name, "--range", "1", status=CANNOT_CREATE, says=str(place))

    def test_max_time(self):
        """scan: --max-time ends it; what was not asked is left out, and the summary says why"""
        done = self.netlab("scan", "--host", "127.0.0.1", "--range", "all", "--rate", "200", "--max-time", "1s",
                           "--json", status=PARTLY)
        summary = json.loads(done.lines[-1])["summary"]
        self.assertFalse(summary["complete"])
        self.assertIn("--max-time", summary["because"])
        counted = sum(summary[name] for name in ("open", "closed", "filtered", "unknown"))
        self.assertGreater(counted, 0)
        self.assertLess(counted, 65535)


if __name__ == "__main__":
    main()
