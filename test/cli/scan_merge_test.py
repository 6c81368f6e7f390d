# SPDX-License-Identifier: MIT
"""netlab scan --merge: one report of the parts of a scan, and what is missing in it."""

import json
import re
import socket
import subprocess
import xml.etree.ElementTree

import harness
from harness import BAD_DATA, DONE, NO_INPUT, PARTLY, USAGE, main


class Merge(harness.Case):
    def setUp(self):
        self.folder = self.scratch()
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        for each in listeners:
            self.addCleanup(each.close)
        self.open = sorted(each.getsockname()[1] for each in listeners)
        self.words = ("scan", "127.0.0.1", "127.0.0.2", "--range", f"1-60,{','.join(map(str, self.open))}", "--no-banner",
                      "--no-send")

    def parts(self, count, *words):
        files = []
        for index in range(1, count + 1):
            files.append(self.folder / f"{index}.json")
            self.netlab(*self.words, *words, "--json", "--shard", f"{index}/{count}", "-o", files[-1])
        return files

    def merge(self, *words, status=DONE, **how):
        return self.netlab("scan", "--merge", *words, status=status, **how)

    def findings(self, text):
        *lines, summary = [json.loads(line) for line in text.splitlines()]
        for one in lines:
            one.pop("rtt_us")
        kept = summary["summary"]
        for name in ("elapsed_us", "seed", "started"):
            kept.pop(name)
        return sorted(lines, key=lambda one: (one["address"], one["port"])), kept

    def test_json(self):
        """scan --merge: the union of all parts is the report of the whole scan"""
        for words in ([], ["--all"]):
            files = self.parts(4, *words)
            whole = self.findings(self.netlab(*self.words, *words, "--json").out)
            self.assertEqual(self.findings(self.merge("--json", *words, *files).out), whole)
            joined = self.folder / "joined"
            joined.write_bytes(b"".join(each.read_bytes() for each in files))
            self.assertEqual(self.findings(self.merge("--json", *words, joined).out), whole)
            self.assertEqual(self.findings(self.merge("--json", *words, "-", stdin=open(joined, "rb")).out), whole)

    def test_formats(self):
        """scan --merge: each format shows what the whole scan shows"""
        files = self.parts(3)  # 127.0.0.2 has no open port to be known by

        def plain(text):
            text = re.sub(r'args="[^"]*"|(start|end)?time(str)?="[^"]*"|start(str)?="[^"]*"|elapsed="[^"]*"', "", text)
            return re.sub(r"scan initiated.*|done at .*? -- |in [0-9.]+ seconds", "", text)

        for form in ("table", "nmap-xml", "grepable"):
            whole = self.netlab(*self.words, "--format", form).out
            self.assertEqual(plain(self.merge("--format", form, *files).out), plain(whole))
        text = self.merge("--format", "nmap-xml", *files).out
        self.assertEqual(len(xml.etree.ElementTree.fromstring(text).findall(".//port")), len(self.open))
        self.assertEqual(len(self.merge("--format", "csv", *files).lines), 1 + len(self.open))

    def test_missing(self):
        """scan --merge: parts that are missing, incomplete or of another scan are named, and the status is 1"""
        one, two, three, four = self.parts(4)
        other = self.folder / "other"
        self.netlab(*self.words, "--json", "--timeout", "2s", "--shard", "3/4", "-o", other)
        part = self.folder / "part"
        part.write_bytes(two.read_bytes().replace(b'"complete":true', b'"complete":false,"because":"interrupted"'))
        done = self.merge(one, part, other, status=PARTLY)
        for says in (f"{part}: shard 2/4 is incomplete: interrupted", f"{other}: it is of scan ", "shard 3/4 is missing",
                     "shard 4/4 is missing"):
            self.assertIn(says, done.err)
        self.assertIn("incomplete: ", done.out)
        cut = self.folder / "cut"
        cut.write_bytes(four.read_bytes()[:-10])
        done = self.merge(one, two, three, cut, status=PARTLY)
        self.assertIn(f"{cut}: its last line is cut off", done.err)
        self.assertIn("shard 4/4 is missing", done.err)

    def test_input(self):
        """scan --merge: a pipe and a file from an editor can be merged"""
        one, two = self.parts(2)
        edited = self.folder / "edited"
        edited.write_bytes(b"\xef\xbb\xbf" + one.read_bytes().replace(b"\n", b"\r\n"))
        with subprocess.Popen(["cat", two], stdout=subprocess.PIPE) as cat:
            done = self.merge("--json", edited, "-", stdin=cat.stdout)
        self.assertTrue(json.loads(done.lines[-1])["summary"]["complete"])

    def test_output(self):
        """scan --merge: -o and --quiet"""
        files = self.parts(2)
        self.merge("-q", *files, "-o", self.folder / "table")
        self.assertIn(f"{self.open[0]}/tcp", (self.folder / "table").read_text())

    def test_refused(self):
        """scan --merge: what cannot be merged is refused"""
        self.refused("scan", "--merge", says="--merge needs a file")
        self.refused("scan", "--merge", self.folder / "none", status=NO_INPUT, says="none")
        self.refused("scan", "--merge", self.folder, status=NO_INPUT)
        (self.folder / "text").write_text("hello\n")
        self.refused("scan", "--merge", self.folder / "text", status=BAD_DATA, says="no line of a scan report")
        for words in (["--range", "1"], ["--shard", "1/2"], ["--resume", "x"], ["udp"], ["--host", "127.0.0.1"]):
            self.refused("scan", "--merge", self.folder / "text", *words, status=USAGE, says="exclude each other")


if __name__ == "__main__":
    main()
