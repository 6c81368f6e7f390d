#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab calc bench: short runs, text and JSON, wrong servers, interrupted."""

import json
import re
import signal
import socket
import struct

import harness
from harness import INTERRUPTED, PARTLY, PROTOCOL, TRY_LATER, UNAVAILABLE, Case, answer

PERCENTILES = ["p50", "p90", "p99", "p99.9", "max"]


class Bench(Case):
    def bench(self, *words, status=0):
        return self.netlab("calc", "bench", *words, status=status)

    def test_text(self):
        """bench: prints requests a second and the latencies on stdout"""
        done = self.bench("--port", self.serve().port, "--duration", "100ms")
        self.assertRegex(done.out, r"\d+ a second")
        for name in PERCENTILES:
            self.assertRegex(done.out, rf"{name} [0-9.]+ ?(µs|us|ms|s)")

    def test_json(self):
        """bench: JSON has the rate, the percentiles, what was asked"""
        port = self.serve().port
        for transport in ("tcp", "udp"):
            done = self.bench(f"--{transport}", "--json", "--port", port, "--duration", "100ms", "--connections", 3, "--pipeline", 4,
                              "--numbers", 5)
            self.assertEqual(len(done.lines), 1)
            told = json.loads(done.out)
            self.assertEqual((told["proto"], told["connections"], told["pipeline"], told["numbers"], told["wrong"]),
                             (transport, 3, 4, 5, 0))
            self.assertGreater(told["answers"], 0)
            self.assertGreater(told["requests_per_second"], 0)
            self.assertEqual(list(told["latency_us"]), PERCENTILES)
            values = list(told["latency_us"].values())
            self.assertEqual(values, sorted(values))

    def test_shapes(self):
        """bench: one connection, many, deep pipelines, no numbers, 255, several threads, little-endian"""
        port, little = self.serve().port, self.serve("--byte-order", "little").port
        for words in (["--connections", 1], ["--connections", 64], ["--pipeline", 100], ["--numbers", 0], ["--numbers", 255],
                      ["--threads", 3, "--connections", 7], ["--threads", 8, "--connections", 1],
                      ["--port", little, "--byte-order", "little"]):
            for transport in ("--tcp", "--udp"):
                with self.subTest(f"{words} {transport}"):
                    done = self.bench(transport, "--json", "--port", port, "--duration", "50ms", *words, status=None)
                    self.assertIn(done.status, (0, PARTLY) if transport == "--udp" else (0,), done.err)
                    self.assertEqual(json.loads(done.out)["wrong"], 0)

    def test_counted_by_the_server(self):
        """bench: what it counts is what the server counted"""
        server = self.serve("--tcp")
        told = json.loads(self.bench("--json", "--port", server.port, "--duration", "50ms").out)
        answered = int(re.search(r"answered (\d+) request", server.stop().err)[1])
        self.assertGreaterEqual(answered, told["answers"])

    def test_progress_on_stderr(self):
        """bench: what it does stands on stderr, nothing of it with -q"""
        port = self.serve().port
        self.assertNotEqual(self.bench("--port", port, "--duration", "20ms").err, "")
        self.assertEqual(self.bench("-q", "--port", port, "--duration", "20ms").err, "")

    def test_interrupted(self):
        """bench: SIGINT prints the report so far and ends with 130"""
        for words in ([], ["--json"]):
            server = self.serve("-v", "--tcp")
            client = self.start("calc", "bench", "--port", server.port, "--duration", "10m", *words)
            client.until_caught()
            server.until_err("connected")
            done = client.stop(signal.SIGINT)
            self.assertEqual(done.status, INTERRUPTED, done.err)
            self.assertNotIn("netlab calc bench:", done.err)
            if words:
                told = json.loads(done.out)
                self.assertGreaterEqual(told["answers"], 0)
                self.assertEqual((told["wrong"], told["lost"]), (0, 0))
            else:
                self.assertRegex(done.out, r"\d+ a second")

    def test_interrupted_under_way(self):
        """bench: what is under way when SIGINT comes is not lost, over UDP and where no connection has come about"""
        for words in (["--udp", "--port", self.udp_fake(lambda datagram: [])], ["--port", self.silent_port()],
                      ["--port", self.full_port()]):
            client = self.start("calc", "bench", "--duration", "10m", "--timeout", "10m", "--json", *words)
            client.until_caught()
            client.until_err("connections")
            done = client.stop(signal.SIGINT)
            self.assertEqual(done.status, INTERRUPTED, done.err)
            self.assertNotIn("netlab calc bench:", done.err)
            told = json.loads(done.out)
            self.assertEqual((told["answers"], told["wrong"], told["lost"]), (0, 0, 0))

    def full_port(self):
        """A port whose accept queue is full: connections get no answer."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(listener.close)
        for _ in range(4):
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return listener.getsockname()[1]

    def test_turned_away(self):
        """bench: a server that turns every connection away ends it as it ends a query, with the report"""
        server = self.serve("--tcp", "--max-clients", 1)
        with socket.create_connection(("127.0.0.1", server.port)) as guest:
            guest.sendall(b"sum 1 2\n")
            self.assertEqual(guest.recv(16), b"3\n")
            self.netlab("calc", "query", "--port", server.port, "sum", "1", status=TRY_LATER)
            done = self.bench("-q", "--json", "--port", server.port, "--duration", "200ms", status=TRY_LATER)
        self.assertIn(f"netlab calc bench: 127.0.0.1:{server.port}: the server says: error: too many clients", done.err)
        self.assertEqual(len(done.error_lines), 1, done.err)
        self.assertEqual(json.loads(done.out)["answers"], 0)

    def test_wrong_answers(self):
        """bench: every answer is checked; wrong ones are counted and end with 76"""
        server = self.serve("--byte-order", "little")
        for transport in ("--tcp", "--udp"):
            done = self.bench(transport, "--json", "--port", server.port, "--duration", "100ms", "--timeout", "200ms", "--numbers", 3,
                              status=None)
            self.assertIn(done.status, (PROTOCOL, PARTLY), done.err)
        port = self.udp_fake(lambda datagram: [datagram[:4] + answer(0, 123456)[4:]])
        done = self.bench("--udp", "--json", "--port", port, "--duration", "50ms", status=PROTOCOL)
        self.assertGreater(json.loads(done.out)["wrong"], 0)

    def test_echo(self):
        """bench: an echo service ends with 76"""
        port = self.serve(service="echo").port
        for transport in ("--tcp", "--udp"):
            done = self.bench(transport, "--port", port, "--duration", "50ms", "--timeout", "1s", status=PROTOCOL)
            self.assertIn("echo", done.err)

    def test_nobody_there(self):
        """bench: nobody there ends with 69"""
        self.bench("-q", "--port", self.closed_port(), "--duration", "50ms", status=UNAVAILABLE)
        peer = self.udp()
        port = peer.getsockname()[1]
        peer.close()
        done = self.bench("--udp", "-q", "--port", port, "--duration", "50ms", "--timeout", "100ms", status=None)
        self.assertIn(done.status, (UNAVAILABLE, PARTLY), done.err)

    def test_silence(self):
        """bench: a silent server ends the run with 75, and says so"""
        for transport, port in (("--tcp", self.silent_port()), ("--udp", self.udp_fake(lambda datagram: []))):
            done = self.bench(transport, "-q", "--port", port, "--duration", "50ms", "--timeout", "100ms",
                              status=TRY_LATER)
            self.assertNotEqual(done.err, "")

    def test_one_answer_a_connection(self):
        """bench: a server that closes after each answer is named, connected to again at once, and measured"""
        def talk(peer):
            asked = harness.receive(peer, 8 + 4 * 3)
            ident, op, _, *numbers = struct.unpack("!I3sB3i", asked)
            product = numbers[0] * numbers[1] * numbers[2]
            peer.sendall(answer(ident, {b"SUM": sum(numbers), b"PRO": product, b"MIN": min(numbers), b"MAX": max(numbers)}[op]))

        port = self.tcp_fake(talk)
        done = self.bench("--port", port, "--connections", 1, "--duration", "1s")
        self.assertRegex(done.out, r"(?m)^lost       0$")
        self.assertRegex(done.out, r"(?m)^closed     \d+ connections? by the server, after one answer each; connected again")
        told = json.loads(self.bench("--json", "--port", port, "--connections", 1, "--duration", "1s").out)
        self.assertGreater(told["answers"], 12)  # with a pause of 100 ms after each it would be 10
        self.assertEqual((told["wrong"], told["lost"]), (0, 0))
        self.assertIn(told["answers"] - told["closed"], (0, 1))

    def test_no_latencies(self):
        """bench: where nothing was answered there are no latencies; lost is explained"""
        words = ["-q", "--port", self.silent_port(), "--duration", "50ms", "--timeout", "100ms", "--connections", 2]
        done = self.bench(*words, status=TRY_LATER)
        self.assertRegex(done.out, r"(?m)^latency    p50 -, p90 -, p99 -, p99\.9 -, max -$")
        self.assertRegex(done.out, r"(?m)^lost       2 \(no answer within 100 ms, or the connection failed before it\)$")
        told = json.loads(self.bench(*words, "--json", status=TRY_LATER).out)
        self.assertEqual(told["latency_us"], dict.fromkeys(PERCENTILES))

    def test_server_ends(self):
        """bench: a server that goes away in the middle: the report so far, the reason, and a status that is not 0"""
        server = self.serve("-v", "--tcp", "--grace", "0")
        client = self.start("calc", "bench", "-q", "--port", server.port, "--duration", "1s", "--timeout", "300ms", "--json")
        server.until_err("connected")
        server.stop()
        done = client.wait()
        self.assertIn(done.status, (PARTLY, UNAVAILABLE), done.err)
        self.assertNotEqual(done.err, "")

    def test_server_dies(self):
        """bench: a server that dies is said to have ended, and nothing more is measured"""
        server = self.serve("-v", "--tcp")
        client = self.start("calc", "bench", "-q", "--port", server.port, "--duration", "10m", "--json")
        server.until_err("connected")
        server.kill()
        done = client.wait()
        answers = json.loads(done.out)["answers"] if done.out else 0  # the server may have died before the first answer
        self.assertEqual(done.status, PARTLY if answers else UNAVAILABLE, done.err)
        self.assertIn("connection refused", done.err)
        if done.status == PARTLY:
            self.assertIn("the server has stopped", done.err)

    def test_server_dies_early(self):
        """bench: a server that dies while connections still wait for it has ended for them, too"""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        client = self.start("calc", "bench", "-q", "--port", port, "--duration", "10m", "--connections", 64,
                            "--timeout", "2s")
        listener.accept()[0].close()
        listener.close()
        done = client.wait()
        self.assertEqual(done.status, UNAVAILABLE, done.err)
        self.assertIn("connection refused", done.err)


if __name__ == "__main__":
    harness.main()
