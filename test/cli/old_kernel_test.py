#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab on a kernel, or in a sandbox, without the system calls that are newer than Linux 5.4 (old_kernel.cpp)."""

import os
import re
import sys
import unittest

import harness
import mail_sinking
from harness import DONE, NETLAB

OLD_KERNEL = os.environ.get("NETLAB_OLD_KERNEL") or sys.exit("NETLAB_OLD_KERNEL is not set: the path of the built "
                                                             "test/cli/old_kernel.cpp")


class OldKernel(mail_sinking.Sinking):
    @classmethod
    def setUpClass(cls):
        probe = harness.run([OLD_KERNEL, NETLAB, "--version"])
        if probe.status == 77:
            raise unittest.SkipTest(f"no filter for system calls is allowed here: {probe.err.strip()}")

    def old(self, *words, status=DONE, **how):
        return self.program(OLD_KERNEL, NETLAB, *words, status=status, env=harness.environment(), **how)

    def test_filter(self):
        """old kernel: the calls are really refused"""
        script = "import ctypes, os; print(ctypes.CDLL(None, use_errno=True).syscall(437, -1, 0, 0, 0), ctypes.get_errno())"
        self.assertEqual(self.program(OLD_KERNEL, sys.executable, "-c", script).out, "-1 38\n")

    def test_scan(self):
        """old kernel: scan tcp and udp, where it waits for answers and where it keeps a rate"""
        server = self.serve(service="echo")
        silent = self.udp().getsockname()[1]
        for words in ([], ["--rate", "50"]):
            done = self.old("scan", "tcp", "udp", "--host", "127.0.0.1", "--range", f"{server.port},{silent}", "--all",
                            "--timeout", "300ms", *words)
            for transport in ("tcp", "udp"):
                self.assertRegex(done.out, rf"(?m)^{server.port}/{transport} +open ")
            self.assertRegex(done.out, rf"(?m)^{silent}/udp +open\|filtered ")

    def test_tour(self):
        """old kernel: lab tour"""
        self.assertNotIn("[FAILED]", self.old("lab", "tour", "-q").out)

    def test_calc(self):
        """old kernel: calc serve, query over both transports, bench; echo, connect, sockets"""
        server = harness.Server([OLD_KERNEL, NETLAB, "calc", "serve", "--bind", "127.0.0.1", "--port", "0"], 2)
        self.addCleanup(server.kill)
        for transport in ("--tcp", "--udp"):
            self.assertEqual(self.old("calc", "query", transport, "--port", server.port, "sum", 1, 2).out, "3\n")
            self.old("calc", "bench", transport, "--port", server.port, "--duration", "50ms", status=None)
        self.assertEqual(self.old("connect", "127.0.0.1", server.port, input="sum 1 2\n").out, "3\n")
        self.assertIn(f":{server.port} ", self.old("sockets", "--listen").out)
        self.assertEqual(server.stop().status, DONE)

    def test_mail(self):
        """old kernel: mail sink and mail send"""
        sink = self.sink(wrap=[OLD_KERNEL])
        self.old("mail", "send", "--server", f"127.0.0.1:{sink.port}", "--tls", "none", "--from", "a@example.org", "--to",
                 "b@example.org", "--body", "hello")
        done = sink.stop()
        self.assertEqual(done.status, DONE, done.err)
        self.assertTrue(re.search("1 message", done.err), done.err)


if __name__ == "__main__":
    harness.main()
