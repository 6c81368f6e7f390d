#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The packets of netlab, captured by Wireshark's tshark on the loopback interface."""

import shutil
import signal
import socket

import harness
from harness import Case, Process, answer, receive, request


def why_not():
    """Why nothing can be captured here, or None."""
    if shutil.which("tshark") is None or shutil.which("dumpcap") is None:
        return "tshark not installed"
    listed = harness.run(["dumpcap", "-D"])
    if listed.status != 0 or "lo" not in listed.out + listed.err:
        return "capturing on lo is not permitted"
    return None


class Wire(Case):
    def capture(self, port):
        """Captures the packets with this port on lo; `self.packets()` ends the capture."""
        self.file = self.scratch() / "capture.pcapng"
        self.port = port
        self.dumpcap = Process(["dumpcap", "-i", "lo", "-f", f"port {port}", "-w", str(self.file)])
        self.addCleanup(self.dumpcap.kill)
        # It prints this when the capture has started; a packet that is captured proves it.
        try:
            self.dumpcap.until_err("File: ")
        except AssertionError as error:
            self.skipTest(f"capturing on lo is not permitted: {str(error).splitlines()[-1]}")
        probe = self.udp()

        def is_captured():
            probe.sendto(b"probe", ("127.0.0.1", self.port))
            return self.file.stat().st_size > 1000

        harness.until(is_captured, "the first captured packet")

    def packets(self, wanted, *fields):
        """Ends the capture when a packet matches `wanted`; returns the fields of every TCP segment with octets or
        RST."""
        def read(display, *names):
            done = harness.run(["tshark", "-n", "-r", str(self.file), "-Y", display, "-T", "fields",
                                *[word for name in names for word in ("-e", name)]])
            return [line.split("\t") for line in done.lines]

        harness.until(lambda: read(wanted, "frame.number"), f"a packet with {wanted}")
        self.dumpcap.stop(signal.SIGINT)
        return read("tcp", *fields)

    def test_one_segment(self):
        """wire: a request is one segment, its answer one of 8 octets, for 0 to 255 numbers"""
        server = self.serve("--tcp")
        self.capture(server.port)
        counts = (0, 3, 255)
        for count in counts:
            self.netlab("calc", "query", "--port", server.port, "sum", *[1] * count)
        seen = self.packets("tcp.flags.fin == 1 && tcp.stream == 2 && tcp.srcport == %d" % server.port, "tcp.stream", "tcp.dstport", "tcp.len")
        lengths = {(stream, side): [] for stream in range(3) for side in ("request", "answer")}
        for stream, to, length in seen:
            if int(length):
                lengths[int(stream), "request" if int(to) == server.port else "answer"].append(int(length))
        for stream, count in enumerate(counts):
            self.assertEqual(lengths[stream, "request"], [8 + 4 * count])
            self.assertEqual(lengths[stream, "answer"], [8])

    def test_orderly(self):
        """wire: a query ends without a reset on either side"""
        server = self.serve("--tcp")
        self.capture(server.port)
        self.netlab("calc", "query", "--port", server.port, "sum", 1)
        seen = self.packets("tcp.flags.fin == 1 && tcp.srcport == %d" % server.port, "tcp.flags.reset")
        self.assertNotIn("1", {flag.lower().replace("true", "1") for flag, in seen})

    def test_no_reset(self):
        """wire: a request without an answer, much unread data behind it: answers, FIN, and no RST"""
        server = self.serve("--tcp", "--threads", 1)
        self.capture(server.port)
        peer = self.tcp(server.port)
        good = b"".join(request(ident, "SUM", ident) for ident in range(100))
        peer.sendall(good + request(7, "AVG", 1) + b"x" * 300_000)
        self.assertEqual(receive(peer), b"".join(answer(ident, ident) for ident in range(100)))
        peer.shutdown(socket.SHUT_WR)
        peer.close()
        seen = self.packets("tcp.flags.fin == 1 && tcp.dstport == %d" % server.port, "tcp.flags.reset")
        server.stop()
        self.assertNotIn("1", {flag.lower().replace("true", "1") for flag, in seen})


if __name__ == "__main__":
    if reason := why_not():
        harness.skip_all(reason)
    harness.main()
