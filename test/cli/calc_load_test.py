#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab calc serve with thousands of clients, few descriptors, a stopped process and a clock that jumps."""

import os
import re
import resource
import select
import signal
import socket
import time

import harness
from harness import Case, answer, receive

FIVE = b"\0\0\0\1SUM\2\0\0\0\2\0\0\0\3"
FIVE_ANSWERED = answer(1, 5)


def descriptors(wanted):
    """Raises this process's limit; skips if the system refuses."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return True


class Load(Case):
    def connect(self, port):
        sock = socket.create_connection(("127.0.0.1", port), harness.DEADLINE)
        self.addCleanup(sock.close)
        return sock

    def gets_five(self, sock):
        sock.sendall(FIVE)
        self.assertEqual(receive(sock, 8), FIVE_ANSWERED)

    @harness.unsanitized
    def test_few_descriptors(self):
        """calc serve: with 1,024 descriptors and 20,000 connection attempts, accepting pauses and resumes, and those who are
        connected are served"""
        if not descriptors(8_000):
            self.skipTest("the limit of open descriptors is below 8,000")
        server = self.serve("--tcp", "--threads", 1, "--max-clients-per-address", 20_000, "--idle-timeout", "0",
                            preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, 1_024)))
        established = [self.connect(server.port) for _ in range(10)]
        for each in established:
            self.gets_five(each)
        waiting = []
        for number in range(20_000):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", server.port))
            waiting.append(one)
            if len(waiting) == 6_000:
                for each in waiting[:4_000]:
                    each.close()
                del waiting[:4_000]
            if number % 1_000 == 0:
                self.gets_five(established[number // 1_000 % len(established)])
        server.until_err("accept: Too many open files|accept: too many open files")
        for each in established:
            self.gets_five(each)
        for each in waiting:
            each.close()
        self.gets_five(self.connect(server.port))
        for each in established:
            self.gets_five(each)
        self.assertEqual(server.stop().status, 0)

    @harness.unsanitized
    def test_idle_memory(self):
        """calc serve: 10,000 idle connections, each of which was answered, take at most 1 KiB of user memory each"""
        if not descriptors(10_500):
            self.skipTest("the limit of open descriptors is below 10,500")
        server = self.serve("--tcp", "--threads", 1, "--max-clients-per-address", 20_000, "--max-clients", 20_000)
        for _ in range(200):  # what the first ones need is the process's
            with socket.create_connection(("127.0.0.1", server.port)) as one:
                self.gets_five(one)
        before = server.memory("RssAnon")
        idle = []
        for _ in range(10_000):
            sock = socket.create_connection(("127.0.0.1", server.port))
            self.gets_five(sock)
            idle.append(sock)
        each = (server.memory("RssAnon") - before) * 1024 / len(idle)
        for sock in idle:
            sock.close()
        self.assertLessEqual(each, 1024)

    def test_process_stopped(self):
        """calc serve: what arrived while the process was stopped for longer than the idle timeout is answered"""
        server = self.serve("--tcp", "--idle-timeout", "2s")
        one = self.connect(server.port)
        self.gets_five(one)
        server.send(signal.SIGSTOP)
        one.sendall(FIVE)
        end = time.monotonic() + 2.5
        while (left := end - time.monotonic()) > 0:
            select.select([], [], [], left)
        server.send(signal.SIGCONT)
        self.assertEqual(receive(one, 8), FIVE_ANSWERED)

    def test_clock_jumps(self):
        """calc serve, calc query: work while the system's clock jumps by years in both directions"""
        library = os.environ.get("NETLAB_CLOCK_JUMPS")
        if not library or harness.is_sanitized():
            self.skipTest("needs the built test/support/clock_jumps.cpp, and no sanitizer")
        environment = {"LD_PRELOAD": library}
        server = self.serve("--idle-timeout", "20s", "-v", env=environment)
        one = self.connect(server.port)
        for count in range(200):
            self.gets_five(one)
            if count % 20 == 0:
                self.netlab("calc", "query", "--port", server.port, "--udp" if count % 40 else "--tcp", "sum", 2, 3, env=environment)
        done = server.stop()
        self.assertEqual(done.status, 0)
        self.assertTrue(re.search(r"answered 210 requests", done.err), done.err)

    def test_stop_under_load(self):
        """calc serve: SIGTERM under calc bench's load ends it with 0, and no answer was wrong"""
        server = self.serve("--tcp", "--grace", "20s")
        started = server.processor_time()  # with sanitizers, starting takes a while
        client = self.start("calc", "bench", "-q", "--json", "--port", server.port, "--duration", "10m", "--connections", 32, "--pipeline", 64)
        harness.until(lambda: server.processor_time() > started + 0.1, "load")
        self.assertEqual(server.stop().status, 0)
        self.assertIn('"wrong":0', client.wait().out)


if __name__ == "__main__":
    harness.main()
