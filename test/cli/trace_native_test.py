# SPDX-License-Identifier: MIT
"""netlab trace on compiled programs: the lines of their source by libdw, else their functions."""
import ctypes
import os
import pathlib
import socket
import threading

import harness
from trace_test import Trace, TraceCase

SOURCE = pathlib.Path(__file__).with_name("traced.cpp")


def line_of(mark):
    """The number and the text of a line of traced.cpp that ends in this comment."""
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    (at,) = [number for number, line in enumerate(lines, 1) if line.endswith(f"// {mark}")]
    return at, lines[at - 1].strip()


def has_libdw():
    """Whether netlab was built to use it, and it is here."""
    try:
        ctypes.CDLL("libdw.so.1")
    except OSError:
        return False
    with open(harness.NETLAB, "rb") as binary:
        return b"libdw.so.1" in binary.read()


class Lines(TraceCase):
    def setUp(self):
        if not has_libdw():
            self.skipTest("no libdw here, or netlab was built without it")

    def run_traced(self, name, *options, change=lambda program: program):
        """One of the two builds of traced.cpp, with a server that answers and closes."""
        program = change(os.environ.get(name) or self.skipTest(f"{name} is not set"))

        def talk(connection):
            connection.recv(10)
            connection.sendall(b"answer")

        return self.netlab("trace", *options, "--", program, "connect", self.tcp_fake(talk))

    def test_line(self):
        """trace: a call of a compiled program has its function, file and line, and the line's text"""
        trace = Trace(self.run_traced("NETLAB_TRACED", "--json"))
        for name, function, mark in (("connect", "connect_to", "the line of connect"), ("sendto", "talk", "the line of send")):
            number, text = line_of(mark)
            line = trace.one(name)["line"]
            self.assertEqual((line["function"], line["line"], line["text"]), (function, number, text[:120]))
            self.assertEqual(pathlib.Path(line["file"]).name, SOURCE.name)
        reads = trace.named("recvfrom")
        self.assertEqual(len({(each["line"]["file"], each["line"]["line"]) for each in reads}), 1)

    @harness.needs_program("objcopy")
    def test_no_aranges(self):
        """trace: the line is found without .debug_aranges, which clang does not write"""
        def strip(program):
            changed = self.scratch() / "traced"
            self.program("objcopy", "--remove-section=.debug_aranges", program, changed)
            return str(changed)

        number, _ = line_of("the line of connect")
        line = Trace(self.run_traced("NETLAB_TRACED", "--json", change=strip)).one("connect")["line"]
        self.assertEqual((line["function"], line["line"]), ("connect_to", number))

    def test_text(self):
        """trace: and so it stands in the timeline"""
        number, text = line_of("the line of send")
        done = self.run_traced("NETLAB_TRACED")
        self.assertIn(f"[traced.cpp:{number}  {text[:40]}", done.out)

    def test_function(self):
        """trace: without debugging information it is the function alone"""
        trace = Trace(self.run_traced("NETLAB_TRACED_PLAIN", "--json"))
        for name, function in (("connect", "connect_to"), ("sendto", "talk"), ("close", "talk")):
            self.assertEqual(trace.one(name)["line"], {"file": "", "line": 0, "function": function, "text": ""})
        self.assertIn("   [connect_to]", self.run_traced("NETLAB_TRACED_PLAIN").out)

    def test_servers_asked(self):
        """trace: no server is asked for debugging information, whatever DEBUGINFOD_URLS says"""
        asked = threading.Event()
        port = self.tcp_fake(lambda _: asked.set())
        program = os.environ.get("NETLAB_TRACED_PLAIN") or self.skipTest("NETLAB_TRACED_PLAIN is not set")
        self.netlab("trace", "--json", "--", program, "connect", self.tcp_fake(lambda peer: peer.recv(10)),
                    env={"DEBUGINFOD_URLS": f"http://127.0.0.1:{port}"})
        self.assertFalse(asked.is_set())


if __name__ == "__main__":
    harness.main()
