# SPDX-License-Identifier: MIT
"""Few descriptors, small stacks: what the system refuses is reported with the command and the failed action."""

import resource

import harness
from harness import Case, NETLAB, SYSTEM

# Library functions and objects that need descriptors.
INNER = r"epoll|timerfd|eventfd|interrupter|signal_set|pipe|::"


def limited(which, value):
    """For a child process: sets the soft limit, and the hard limit, so that it cannot be raised again."""
    return lambda: resource.setrlimit(which, (value, value))


class Descriptors(Case):
    def check(self, *words, usual=(harness.DONE,), fewest=5, **how):
        """From the fewest descriptors with which a program can be loaded to as many as the command needs."""
        for count in range(fewest, 40):
            with self.subTest(descriptors=count):
                done = self.netlab(*words, status=None, preexec_fn=limited(resource.RLIMIT_NOFILE, count), **how)
                if done.status in usual:
                    return
                self.assertEqual(done.status, SYSTEM, done.err)
                self.assertEqual(len(done.error_lines), 1, done.err)
                self.assertRegex(done.err, r"^netlab [a-z0-9]+( [a-z0-9]+)?: .*: too many open files")
                self.assertNotRegex(done.err, INNER)
        self.fail(f"{words} needs 40 descriptors")

    @harness.unsanitized
    def test_clients(self):
        """without descriptors each client says so, and never that there is no such host"""
        server = self.serve()
        where = ("--host", "localhost", "-4", "--port", server.port)
        self.check("calc", "query", *where, "sum", 1, 2)
        self.check("calc", "query", "--udp", *where, "sum", 1, 2)
        self.check("calc", "bench", "--quiet", *where, "--connections", 1, "--duration", "10ms")
        self.check("scan", "--host", "localhost", "-4", "--range", server.port, "--no-banner")
        self.check("scan", "udp", "--host", "127.0.0.1", "--range", server.port)
        echo = self.serve(service="echo")
        self.check("echo", "query", "--host", "localhost", "-4", "--port", echo.port, "hello")
        self.check("connect", "-4", "localhost", echo.port, input="hello\n")


class Stack(Case):
    def check(self, *words, **how):
        with self.subTest(words=words):
            self.netlab(*words, preexec_fn=limited(resource.RLIMIT_STACK, 128 * 1024), **how)

    @harness.unsanitized
    def test_small(self):
        """with a stack of 128 KiB, which its threads have too, netlab works"""
        small = limited(resource.RLIMIT_STACK, 128 * 1024)
        calc = self.serve(preexec=small)
        where = ("--host", "localhost", "-4", "--port", calc.port)
        self.check("calc", "query", *where, "-", input="sum 1 2\n")
        self.check("calc", "query", "--udp", *where, "sum", 1, 2)
        self.check("calc", "bench", *where, "--duration", "10ms")
        self.check("scan", "--host", "localhost", "--range", calc.port, "--no-banner")
        self.check("scan", "udp", "--host", "localhost", "--range", calc.port)
        self.check("connect", "127.0.0.1", calc.port, input="sum 1 2\nquit\n")
        self.check("sockets", "--listen")
        state = self.scratch()
        sink = harness.Server([NETLAB, "mail", "sink", "--bind", "127.0.0.1", "--port", "0", "--tls-port", "none", "--state",
                               str(state)], 3, env=harness.environment(), preexec=small)
        self.addCleanup(sink.kill)
        self.check("mail", "send", "--server", f"localhost:{sink.port}", "-4", "--ca-file", state / "ca.pem", "--from",
                   "a@example.org", "--to", "b@example.org", "--body", "x")
        self.check("lab", "tour", "--quiet", "--chapter", 3)
        self.assertEqual(sink.stop().status, harness.DONE)
        self.assertEqual(calc.stop().status, harness.DONE)


if __name__ == "__main__":
    harness.main()
