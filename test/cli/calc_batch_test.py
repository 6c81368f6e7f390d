#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab calc query with requests from stdin: one line in, one line out, in the same order."""

import json
import os
import signal
import struct

import harness
from harness import BAD_DATA, INTERRUPTED, PARTLY, PROTOCOL, TRY_LATER, UNAVAILABLE, Case, answer


def compute(octets):
    """(answers, rest) for the complete SUM requests in these octets."""
    replies = b""
    while len(octets) >= 8 and len(octets) >= 8 + 4 * octets[7]:
        ident, _, count = struct.unpack("!I3sB", octets[:8])
        replies += answer(ident, sum(struct.unpack(f"!{count}i", octets[8:8 + 4 * count])))
        octets = octets[8 + 4 * count:]
    return replies, octets


class Batch(Case):
    def ask(self, lines, *words, port=None, status=0, **how):
        text = lines if isinstance(lines, (str, bytes)) else "".join(f"{line}\n" for line in lines)
        port = port or self.serve().port
        return self.netlab("calc", "query", "--port", port, *words, input=text, status=status, **how)

    def test_order(self):
        """batch: one output line for each input line, in the same order, over both transports"""
        port = self.serve().port
        for transport in ("--tcp", "--udp"):
            done = self.ask(["sum 1 2 3", "PRO 4 5", "min 3 -7", "Max -1 -2", "sum"], transport, port=port)
            self.assertEqual((done.lines, done.err), (["6", "20", "-7", "-1", "0"], ""))

    def test_dash(self):
        """batch: with - for the operation too"""
        self.assertEqual(self.ask(["sum 1", "sum 2"], "-").lines, ["1", "2"])

    def test_dash_on_a_terminal(self):
        """batch: - reads a terminal as well"""
        status, seen = self.on_terminal("calc", "query", "-", "--port", self.serve("--tcp").port, typed=b"sum 1 2\n\x04")
        self.assertEqual(status, 0, seen)
        self.assertIn("3", seen.replace("sum 1 2", ""))

    def test_thousands(self):
        """batch: 20,000 requests, pipelined, over both transports"""
        port = self.serve().port
        for transport in ("--tcp", "--udp"):
            done = self.ask([f"sum {n} 1" for n in range(20_000)], transport, port=port)
            self.assertEqual(done.lines, [str(n + 1) for n in range(20_000)])

    def test_nothing(self):
        """batch: an empty input gives an empty output and 0"""
        done = self.ask("")
        self.assertEqual((done.out, done.err), ("", ""))
        self.assertEqual(self.netlab("calc", "query", "--port", self.closed_port(), input="", status=None).out, "")

    def test_last_line_without_end(self):
        """batch: a last line without its end counts; CRLF is a line end too"""
        self.assertEqual(self.ask("sum 1\r\nsum 2").lines, ["1", "2"])

    def test_bad_lines(self):
        """batch: - where there is no result, the reason with its line on stderr, exit 1 at the end"""
        done = self.ask(["sum 1", "nonsense", "min", "sum 2147483647 1", "", "sum one", "sum" + " 1" * 256, "sum 2"], status=PARTLY)
        self.assertEqual(done.lines, ["1", "-", "-", "-", "-", "-", "-", "2"])
        self.assertEqual(len(done.error_lines), 6, done.err)
        for number, line in zip((2, 3, 4, 5, 6, 7), done.error_lines):
            self.assertTrue(line.startswith("netlab calc query: "), line)
            self.assertIn(f"line {number}:", line)

    def test_quiet(self):
        """batch: -q still tells the reasons: they are errors"""
        done = self.ask(["nonsense"], "-q", status=PARTLY)
        self.assertEqual(len(done.error_lines), 1)

    def test_all_bad(self):
        """batch: with every line unanswered it is 1 as well"""
        self.assertEqual(self.ask(["nonsense", "min"], status=PARTLY).lines, ["-", "-"])

    def test_escaped(self):
        """batch: control characters of a bad line are escaped"""
        self.assertNotIn("\x1b", self.ask("\x1b[31m\n\xff\0\n", status=PARTLY).err)

    def test_long_line(self):
        """batch: a line of 1 MiB is one bad line"""
        done = self.ask("sum 1\nsum " + "1 " * (512 * 1024) + "\nsum 2\n", status=PARTLY)
        self.assertEqual(done.lines, ["1", "-", "2"])
        self.assertLess(len(done.err), 1000)

    def test_json(self):
        """batch: JSON has one object a line, with an error where there is no result"""
        port = self.serve().port
        for transport in ("tcp", "udp"):
            done = self.ask(["sum 1 2", "nonsense", "min", "sum 5"], f"--{transport}", "--json", port=port, status=PARTLY)
            objects = [json.loads(line) for line in done.lines]
            self.assertEqual([each["result"] for each in objects], [3, None, None, 5])
            self.assertEqual(objects[0]["numbers"], [1, 2])
            self.assertEqual(objects[0]["proto"], transport)
            for bad in objects[1:3]:
                self.assertTrue(bad["error"])
            self.assertEqual([each["id"] for each in objects], [1, 2, 3, 4])

    def test_ids(self):
        """batch: IDs count up from --id, past the highest to 0"""
        done = self.ask(["sum 1", "sum 2", "sum 3"], "--json", "--id", 2**32 - 2)
        self.assertEqual([json.loads(line)["id"] for line in done.lines], [2**32 - 2, 2**32 - 1, 0])

    def test_verbose(self):
        """batch: -v names the line, both ends and the time of each"""
        done = self.ask(["sum 1", "sum 2"], "-v")
        self.assertEqual(len(done.error_lines), 2)
        self.assertIn("line 2", done.error_lines[1])

    def test_pipelined(self):
        """batch: requests go out without waiting for answers"""
        seen = []

        def talk(peer):
            octets = b""
            while len(octets) < 5 * 12:  # no answer before all five requests are here
                octets += peer.recv(4096)
            seen.append(len(octets))
            peer.sendall(compute(octets)[0])
            peer.recv(1)

        done = self.ask([f"sum {n}" for n in range(5)], port=self.tcp_fake(talk))
        self.assertEqual(done.lines, [str(n) for n in range(5)])
        self.assertEqual(seen, [60])

    def test_one_at_a_time(self):
        """batch: --pipeline 1 waits for each answer, as a server of one recv a request needs it"""
        sizes = []

        def talk(peer):
            while octets := peer.recv(4096):
                sizes.append(len(octets))
                peer.sendall(compute(octets)[0])

        done = self.ask([f"sum {n}" for n in range(20)], "--pipeline", 1, port=self.tcp_fake(talk))
        self.assertEqual(done.lines, [str(n) for n in range(20)])
        self.assertEqual(sizes, [12] * 20)

    def test_interactive(self):
        """batch: each line is answered when it comes, with the input still open"""
        port = self.serve().port
        for transport in ("--tcp", "--udp"):
            reader, writer = os.pipe()
            client = self.start("calc", "query", transport, "--port", port, stdin=reader)
            os.close(reader)
            for number in range(5):
                os.write(writer, b"sum %d\n" % number)
                client.until_out(rf"(?m)^{number}$")
            os.close(writer)
            self.assertEqual(client.wait().status, 0)

    def test_server_that_answers_once(self):
        """batch: a server that closes after each answer is asked again for the rest"""
        def talk(peer):
            octets = peer.recv(4096)
            peer.sendall(compute(octets[:12])[0])
        done = self.ask([f"sum {n}" for n in range(5)], "--pipeline", 1, port=self.tcp_fake(talk))
        self.assertEqual(done.lines, [str(n) for n in range(5)])

    def test_nobody_there(self):
        """batch: nobody there: a - for each line, 69"""
        done = self.ask(["sum 1", "sum 2"], port=self.closed_port(), status=UNAVAILABLE)
        self.assertEqual(done.lines, ["-", "-"])
        self.assertIn("connection refused", done.err)

    def test_server_ends(self):
        """batch: a server that goes away in the middle: a - for each line without a result, a reason, not 0"""
        served = []

        def talk(peer):
            if served:
                return
            served.append(1)
            octets = b""
            while len(octets) < 24:
                octets += peer.recv(4096)
            peer.sendall(compute(octets[:24])[0])

        done = self.ask([f"sum {n}" for n in range(6)], "--timeout", "2s", port=self.tcp_fake(talk), status=None)
        self.assertIn(done.status, (PARTLY, UNAVAILABLE))
        self.assertEqual(done.lines, ["0", "1", "-", "-", "-", "-"])
        self.assertNotEqual(done.err, "")

    def test_silence(self):
        """batch: a silent server: a - for each line, the reason, and an end"""
        for transport, port in (("--tcp", self.silent_port()), ("--udp", self.udp_fake(lambda datagram: []))):
            with self.subTest(transport):
                done = self.ask(["sum 1", "sum 2", "sum 3"], transport, "--timeout", "100ms", port=port, status=None)
                self.assertIn(done.status, (PARTLY, TRY_LATER))
                self.assertEqual(done.lines, ["-", "-", "-"])
                self.assertIn("no answer", done.err)

    def test_lost_datagrams(self):
        """batch: over UDP lost requests are sent again, answers in any order find their lines"""
        held, seen = [], set()

        def reply(datagram):
            if datagram not in seen:  # the first copy of each request is dropped
                seen.add(datagram)
                return []
            held.append(compute(datagram)[0])
            if len(held) < 8:
                return []
            replies = held[::-1]
            held.clear()
            return replies

        done = self.ask([f"sum {n}" for n in range(16)], "--udp", "--timeout", "1500ms", "--pipeline", 8, port=self.udp_fake(reply))
        self.assertEqual(done.lines, [str(n) for n in range(16)])

    def test_wrong_answer(self):
        """batch: a wrong answer is a - with its diagnosis, and the others stand"""
        def talk(peer):
            while octets := peer.recv(4096):
                replies = compute(octets)[0]
                peer.sendall(replies.replace(answer(2, 2), answer(2, 7)))
        done = self.ask(["sum 1", "sum 2", "sum 3"], port=self.tcp_fake(talk), status=PARTLY)
        self.assertEqual(done.lines, ["1", "-", "3"])
        self.assertIn("line 2", done.err)

    def test_echo(self):
        """batch: an echo service is diagnosed"""
        done = self.ask(["sum 1", "sum 2"], port=self.serve(service="echo").port, status=None)
        self.assertIn(done.status, (PARTLY, PROTOCOL))
        self.assertEqual(done.lines, ["-", "-"])
        self.assertIn("echo", done.err)

    def test_send_anyway(self):
        """batch: --send-anyway sends what has no answer; the lines behind it are asked on a new connection"""
        done = self.ask(["sum 1", "min", "sum 2", "sum 3"], "--send-anyway", "--timeout", "5s", status=PARTLY)
        self.assertEqual(done.lines, ["1", "-", "2", "3"])
        self.assertIn("line 2", done.err)

    def test_send_anyway_udp(self):
        """batch: the same over UDP"""
        done = self.ask(["sum 1", "min", "sum 2"], "--udp", "--send-anyway", "--timeout", "100ms", status=PARTLY)
        self.assertEqual(done.lines, ["1", "-", "2"])

    def test_interrupted(self):
        """batch: SIGINT prints what there is so far and ends with 130"""
        port = self.serve().port
        reader, writer = os.pipe()
        client = self.start("calc", "query", "--port", port, stdin=reader)
        os.close(reader)
        os.write(writer, b"sum 1\nsum 2\n")
        client.until_out("2\n")
        done = client.stop(signal.SIGINT)
        os.close(writer)
        self.assertEqual(done.status, INTERRUPTED, done.err)
        self.assertEqual(done.lines[:2], ["1", "2"])

    def test_slow_first_line(self):
        """batch: an input that is slow to begin is no silence of the server"""
        port = self.serve("--tcp").port
        done = self.shell(f"{{ sleep 0.4; echo sum 1; sleep 0.4; echo sum 2; }} | \"$N\" calc query --timeout 100ms --port {port}")
        self.assertEqual((done.status, done.lines), (0, ["1", "2"]), done.err)

    def test_idle_server(self):
        """batch: a server that closes idle connections is connected to again"""
        port = self.serve("--tcp", "--idle-timeout", "100ms").port
        done = self.shell(f"{{ echo sum 1; sleep 0.5; echo sum 2; }} | \"$N\" calc query --port {port}")
        self.assertEqual((done.status, done.lines), (0, ["1", "2"]), done.err)

    def test_single_option_still_refused(self):
        """batch: a bad option is refused before any line is read"""
        self.refused("calc", "query", "--port", "x", input="sum 1\n")
        self.refused("calc", "query", "-", "1", input="sum 1\n", status=BAD_DATA)


if __name__ == "__main__":
    harness.main()
