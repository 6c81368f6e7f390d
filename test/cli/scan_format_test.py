# SPDX-License-Identifier: MIT
"""The formats of scan, read by the programs that they are for: csv, json, and readers of nmap's XML and grepable
files."""

import csv
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import unittest

import harness
from harness import CANNOT_CREATE, DONE, IO, USAGE, main

DTD = pathlib.Path("/usr/share/nmap/nmap.dtd")  # of Debian's package nmap

# Octets that need escaping, some of them in each format.
HOSTILE = b"220 <b>&\"'],\x1b]0;x\x07 caf\xc3\xa9 \xff\xfe \xef\xbf\xbf ]]>\r\n"


def needs_module(name):
    return unittest.skipIf(importlib.util.find_spec(name) is None, f"Python's {name} not installed")


class Formats(harness.Case):
    def setUp(self):
        super().setUp()

        def talk(connection):
            connection.sendall(HOSTILE)
            harness.receive(connection)

        self.open = self.tcp_fake(talk)
        self.closed = self.closed_port()
        self.range = f"{self.open},{self.closed}"

    def scan(self, *words, status=DONE, **how):
        return self.netlab("scan", "tcp", "--host", "127.0.0.1", "--range", self.range, *words, status=status, **how)

    def test_table(self):
        """scan: the table escapes what a service says, and sums the closed ports up in its last line"""
        done = self.scan()
        self.assertEqual(done.lines[0], "127.0.0.1")
        self.assertEqual(done.lines[1].split(), ["PORT", "STATE", "SERVICE", "REASON", "REPLY"])
        self.assertEqual(done.lines[2].split()[:2], [f"{self.open}/tcp", "open"])
        self.assertIn(r"\x1b]0;x\x07 café \xff\xfe", done.lines[2])
        self.assertEqual(done.lines[-1], "not shown: 1 closed tcp port (reset)")
        self.assertNotIn("\x1b", done.out)

    def test_error_numbers(self):
        """scan: -v names the system's error and Winsock's number, where all ports are listed and where not"""
        self.assertIn("reset (ECONNREFUSED, 10061)", self.scan("-v", "--all").out)
        self.assertIn("1 closed tcp port (reset, ECONNREFUSED, 10061)", self.scan("-v").lines[-1])

    def test_json(self):
        """scan: --json is a line a port, then the summary, and keeps every octet"""
        *ports, summary = [json.loads(line) for line in self.scan("--json", "--all").lines]
        self.assertEqual({port["port"]: port["state"] for port in ports}, {self.open: "open", self.closed: "closed"})
        opened = next(port for port in ports if port["port"] == self.open)
        self.assertEqual(list(opened)[:6], ["host", "address", "proto", "port", "state", "reason"])
        self.assertGreater(opened["rtt_us"], 0)
        for port in ports:
            self.assertLessEqual({"service", "rtt_us", "reply"}, port.keys())
            self.assertIsNone(port["reply"])
        self.assertIn("caf\u00e9", opened["banner"])
        self.assertIn("banner_base64", opened)
        self.assertEqual((summary["summary"]["open"], summary["summary"]["closed"]), (1, 1))
        self.assertEqual(self.scan("--format", "json").lines[0].split(",")[3], f'"port":{self.open}')

    def test_csv(self):
        """scan: CSV is read by a CSV reader, a record a port"""
        done = self.scan("--format", "csv", "--all")
        rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
        self.assertEqual({row["port"]: row["state"] for row in rows},
                         {str(self.open): "open", str(self.closed): "closed"})
        self.assertIn(r"caf", next(row for row in rows if row["state"] == "open")["banner"])

    @harness.needs_program("xmllint")
    @unittest.skipUnless(DTD.exists(), "nmap's DTD not installed")
    def test_dtd(self):
        """scan: nmap-xml is valid by nmap's own DTD, also with nothing open"""
        for words in ([], ["--all"], ["-v"]):
            file = self.scratch() / "scan.xml"
            self.scan("--format", "nmap-xml", "-o", file, *words)
            checked = subprocess.run(["xmllint", "--noout", "--nonet", "--dtdvalid", DTD, file], capture_output=True,
                                     text=True, timeout=harness.DEADLINE, check=False)
            self.assertEqual(checked.returncode, 0, checked.stderr + file.read_text())

    @harness.needs_program("ndiff")
    def test_ndiff(self):
        """scan: ndiff compares two reports, with a banner and a reply at one port, and says what has changed"""
        def talk(connection):
            connection.sendall(b"220 hello\r\n")
            connection.sendall(connection.recv(65536).upper())

        both = self.tcp_fake(talk)
        first, second = self.scratch() / "1.xml", self.scratch() / "2.xml"
        self.range = f"{self.open},{both}"
        self.scan("--format", "nmap-xml", "-o", first)
        self.scan("--format", "nmap-xml", "-o", second)
        self.assertEqual(first.read_text().count("<script "), 2)

        def compare(*words):
            return subprocess.run(["ndiff", *words, first, second], capture_output=True, text=True,
                                  timeout=harness.DEADLINE, check=False)

        same = compare()
        self.assertEqual((same.returncode, same.stderr), (0, ""), same.stdout)
        self.range = f"{self.open},{self.closed}"
        self.scan("--format", "nmap-xml", "-o", second, "--all")
        for words in ([], ["-v"], ["--xml"]):
            changed = compare(*words)
            self.assertEqual((changed.returncode, changed.stderr), (1, ""), changed.stdout)
            self.assertIn(str(both), changed.stdout)

    @needs_module("libnmap")
    def test_libnmap(self):
        """scan: nmap-xml is read by python-libnmap"""
        from libnmap.parser import NmapParser
        report = NmapParser.parse_fromstring(self.scan("--format", "nmap-xml").out)
        (host,) = report.hosts
        self.assertEqual((host.address, host.is_up()), ("127.0.0.1", True))
        self.assertEqual(host.get_open_ports(), [(self.open, "tcp")])
        self.assertIn("caf\u00e9", str(host.services[0].scripts_results))
        self.assertEqual(report.hosts_total, 1)

    @needs_module("nmap")
    def test_python_nmap(self):
        """scan: nmap-xml is read by python-nmap"""
        from nmap import PortScanner
        reader = PortScanner() if harness.shutil.which("nmap") else None
        if reader is None:
            self.skipTest("python-nmap wants nmap installed")
        reader.analyse_nmap_xml_scan(self.scan("--format", "nmap-xml").out)
        self.assertEqual(reader["127.0.0.1"]["tcp"][self.open]["state"], "open")

    def test_grepable(self):
        """scan: grepable is a line a host, as the usual one-liners cut it"""
        lines = self.scan("--format", "grepable").lines
        (line,) = [line for line in lines if "Ports: " in line]
        host, ports, ignored = line.split("\t")
        self.assertEqual(host, "Host: 127.0.0.1 ()")
        self.assertRegex(ports, rf"^Ports: {self.open}/open/tcp//[^/]*///$")
        self.assertEqual(ignored, "Ignored State: closed (1)")
        self.assertTrue(lines[0].startswith("# ") and lines[-1].startswith("# "))

    def test_unknown_format(self):
        """scan: an unknown format is refused with those that there are"""
        self.assert_one_error(self.scan("--format", "xml", status=USAGE), says="nmap-xml")

    def test_output_file(self):
        """scan: -o writes the file and leaves stdout empty; one that cannot be made, or filled, is an error"""
        file = self.scratch() / "report"
        self.assertEqual(self.scan("-o", file).out, "")
        self.assertIn(f"{self.open}/tcp", file.read_text(encoding="utf-8"))
        self.scan("-o", file.parent / "no" / "report", status=CANNOT_CREATE)
        if os.path.exists("/dev/full"):
            for format in ("table", "json", "csv", "nmap-xml", "grepable"):
                self.assert_one_error(self.scan("--format", format, "-o", "/dev/full", status=IO), says="/dev/full")


if __name__ == "__main__":
    main()
