#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab calc query with one request: its result, its options, and requests that it refuses to send."""

import json
import re
import signal
import socket
import struct
import threading

import harness
from harness import BAD_DATA, PROTOCOL, TRY_LATER, UNAVAILABLE, USAGE, Case, answer, needs_ipv6, request

HIGHEST, LOWEST = 2**31 - 1, -(2**31)


class Query(Case):
    def ask(self, *words, **how):
        return self.netlab("calc", "query", *words, **how)


class Results(Query):
    def test_operations(self):
        """query: prints the result alone, for each operation and transport"""
        port = self.serve().port
        for transport in ("--tcp", "--udp"):
            for words, value in ((("sum", 1, 2, 3), 6), (("PRO", 4, -5), -20), (("Min", 3, -7), -7), (("max", -3, -7), -3),
                                 (("sum",), 0), (("pro",), 1), (("sum", "+5", "-7"), -2), (("pro", 2**20, 2**20, 0), 0),
                                 (("sum", HIGHEST, LOWEST), -1), (("min", HIGHEST, LOWEST), LOWEST)):
                with self.subTest(f"{transport} {words}"):
                    done = self.ask(transport, "--port", port, *words)
                    self.assertEqual((done.out, done.err), (f"{value}\n", ""))

    def test_255_numbers(self):
        """query: 255 numbers"""
        port = self.serve().port
        for transport in ("--tcp", "--udp"):
            self.assertEqual(self.ask(transport, "--port", port, "sum", *range(255)).out, "32385\n")

    def test_octets(self):
        """query: the request is exactly the octets of the format, ID 1, in network byte order"""
        seen = []
        port = self.tcp_fake(lambda peer: (seen.append(peer.recv(100)), peer.sendall(answer(1, 3))))
        self.ask("--port", port, "sum", 1, 2)
        self.assertEqual(seen, [request(1, "SUM", 1, 2)])
        port = self.udp_fake(lambda datagram: (seen.append(datagram), [answer(1, 3)])[1])
        self.ask("--udp", "--port", port, "sum", 1, 2)
        self.assertEqual(seen[1], request(1, "SUM", 1, 2))

    def test_one_piece(self):
        """query: a request of any size comes in one recv, as a student's server expects"""
        for count in (0, 1, 255):
            seen = []
            port = self.tcp_fake(lambda peer: (seen.append(peer.recv(4096)), peer.sendall(answer(1, count))))
            self.ask("--port", port, "sum", *[1] * count)
            self.assertEqual(len(seen[0]), 8 + 4 * count)

    def test_closes(self):
        """query: ends its connection in order when it has its answer"""
        rest = []

        def talk(peer):
            peer.recv(100)
            peer.sendall(answer(1, 1))
            rest.append(peer.recv(100))
            done.set()

        done = threading.Event()
        self.ask("--port", self.tcp_fake(talk), "sum", 1)
        self.assertTrue(done.wait(harness.DEADLINE))
        self.assertEqual(rest, [b""])

    def test_pieces(self):
        """query: an answer in pieces is put together"""
        def talk(peer):
            peer.recv(100)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in answer(1, 3):
                peer.sendall(bytes([octet]))
        self.assertEqual(self.ask("--port", self.tcp_fake(talk), "sum", 1, 2).out, "3\n")

    def test_answer_and_close(self):
        """query: an answer right before the server's end counts"""
        port = self.tcp_fake(lambda peer: (peer.recv(100), peer.sendall(answer(1, 3)), peer.shutdown(socket.SHUT_RDWR)))
        for _ in range(10):
            self.assertEqual(self.ask("--port", port, "sum", 1, 2).out, "3\n")


class Options(Query):
    def test_default_host(self):
        """query: asks 127.0.0.1 unless told otherwise"""
        self.assertEqual(self.ask("--port", self.serve("--tcp").port, "sum", 1).out, "1\n")

    def test_host_name(self):
        """query: --host takes a name, an address, an address in brackets"""
        server = self.serve("--tcp")
        for host in ("localhost", "127.0.0.1", "127.1"):
            with self.subTest(host):
                self.assertEqual(self.ask("--host", host, "--port", server.port, "sum", 1).out, "1\n")

    @needs_ipv6
    def test_ipv6(self):
        """query: IPv6 over both transports, and -6 alone means ::1"""
        server = self.serve(bind="::1")
        for transport in ("--tcp", "--udp"):
            for words in (["--host", "::1"], ["--host", "[::1]"], ["-6"]):
                with self.subTest(f"{transport} {words}"):
                    self.assertEqual(self.ask(transport, *words, "--port", server.port, "sum", 1).out, "1\n")

    @needs_ipv6
    def test_every_address_is_tried(self):
        """query: a name with several addresses, only the last of which answers"""
        if len({each[4][0] for each in socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)}) < 2:
            self.skipTest("localhost has one address here")
        for bind in ("127.0.0.1", "::1"):
            server = self.serve(bind=bind)
            for transport in ("--tcp", "--udp"):
                with self.subTest(f"{bind} {transport}"):
                    self.assertEqual(self.ask(transport, "--host", "localhost", "--port", server.port, "sum", 1).out, "1\n")

    def test_bind(self):
        """query: --bind sets the local address, --bind ADDR:PORT the port too"""
        server = self.serve()
        for transport in ("--tcp", "--udp"):
            done = self.ask(transport, "--json", "--bind", "127.0.0.9", "--port", server.port, "sum", 1)
            self.assertTrue(json.loads(done.out)["local"].startswith("127.0.0.9:"), done.out)
            port = self.closed_port()
            done = self.ask(transport, "--json", "--bind", f"127.0.0.9:{port}", "--port", server.port, "sum", 1)
            self.assertEqual(json.loads(done.out)["local"], f"127.0.0.9:{port}")

    def test_bind_port_alone(self):
        """query: --bind :PORT sets the port alone"""
        server = self.serve("--udp")
        peer = self.udp()
        port = peer.getsockname()[1]
        peer.close()
        done = self.ask("--udp", "--json", "--bind", f":{port}", "--port", server.port, "sum", 1)
        self.assertEqual(json.loads(done.out)["local"], f"127.0.0.1:{port}")

    @needs_ipv6
    def test_bind_ipv6(self):
        """query: --bind [::1]:PORT"""
        server = self.serve("--tcp", bind="::1")
        done = self.ask("--json", "--host", "::1", "--bind", "[::1]:0", "--port", server.port, "sum", 1)
        self.assertRegex(json.loads(done.out)["local"], r"^\[::1\]:\d+$")

    def test_bind_again(self):
        """query: a local port can be used again at once"""
        server = self.serve("--tcp")
        holder = socket.socket()
        holder.bind(("127.0.0.8", 0))
        port = holder.getsockname()[1]
        holder.close()
        for _ in range(2):
            done = self.ask("--bind", f"127.0.0.8:{port}", "--port", server.port, "sum", 1, status=None)
            self.assertIn(done.status, (0, UNAVAILABLE), done.err)  # 69 if the kernel still holds the pair

    def test_bind_not_ours(self):
        """query: a local address that is not ours ends with 69"""
        self.refused("calc", "query", "--bind", "192.0.2.1", "sum", 1, status=UNAVAILABLE, says="192.0.2.1")

    def test_bind_in_use(self):
        """query: a local port in use ends with 69"""
        peer = self.udp()
        self.refused("calc", "query", "--udp", "--bind", f"127.0.0.1:{peer.getsockname()[1]}", "sum", 1, status=UNAVAILABLE,
                     says="in use")

    def test_bind_of_the_other_family(self):
        """query: a local end of the other family is refused"""
        done = self.netlab("calc", "query", "--bind", "[::1]:0", "--host", "127.0.0.1", "sum", 1, status=None)
        self.assertIn(done.status, (USAGE, UNAVAILABLE))
        self.assert_one_error(done)

    def test_verbose(self):
        """query: -v shows both ends and the time taken on stderr"""
        server = self.serve()
        for transport in ("tcp", "udp"):
            done = self.ask(f"--{transport}", "-v", "--port", server.port, "sum", 1)
            self.assertRegex(done.err, rf"{transport} 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:{server.port}\b.*\d\S* ?(µs|us|ms|s)\b")
            self.assertEqual(done.out, "1\n")

    def test_json(self):
        """query: JSON has id, op, numbers, result, proto, local, remote, rtt_us, in this order"""
        server = self.serve()
        for transport in ("tcp", "udp"):
            done = self.ask(f"--{transport}", "--json", "--port", server.port, "sum", 1, 2, 3)
            self.assertRegex(done.out, r'\A\{"id":1,"op":"SUM","numbers":\[1,2,3\],"result":6,"proto":"' + transport +
                             r'","local":"127\.0\.0\.1:\d+","remote":"127\.0\.0\.1:' + str(server.port) + r'","rtt_us":\d+\}\n\Z')

    def test_id(self):
        """query: --id is the ID sent"""
        seen = []
        port = self.tcp_fake(lambda peer: (seen.append(peer.recv(100)), peer.sendall(seen[-1][:4] + b"\0\0\0\x05")))
        for ident in (0, 7, 0xFFFFFFFF):
            done = self.ask("--id", ident, "--json", "--port", port, "sum", 5)
            self.assertEqual(json.loads(done.out)["id"], ident)
            self.assertEqual(seen[-1], request(ident, "SUM", 5))

    def test_byte_order(self):
        """query: --byte-order little on both sides, over both transports"""
        server = self.serve("--byte-order", "little")
        for transport in ("--tcp", "--udp"):
            self.assertEqual(self.ask(transport, "--byte-order", "little", "--port", server.port, "pro", 4, 5).out, "20\n")

    def test_timeout(self):
        """query: silence ends with 75 after --timeout, over both transports"""
        for transport, port in (("--tcp", self.silent_port()), ("--udp", self.udp_fake(lambda datagram: []))):
            done = self.refused("calc", "query", transport, "--timeout", "100ms", "--port", port, "sum", 1, status=TRY_LATER,
                                says=f"127.0.0.1:{port}")
            self.assertIn("100 ms", done.err)

    def test_timeout_within_answer(self):
        """query: half an answer, then silence, ends with 75 and says how much came"""
        waiting = threading.Event()
        self.addCleanup(waiting.set)
        port = self.tcp_fake(lambda peer: (peer.recv(100), peer.sendall(answer(1, 1)[:5]), waiting.wait(harness.DEADLINE)))
        self.refused("calc", "query", "--timeout", "100ms", "--port", port, "sum", 1, status=TRY_LATER, says="5 of 8")

    def test_retries(self):
        """query: over UDP a lost request is sent again, up to --retries times, with the same octets"""
        for retries, sent in ((0, 1), (1, 2), (3, 4)):
            seen = []
            port = self.udp_fake(lambda datagram: (seen.append(datagram), [])[1])
            self.refused("calc", "query", "--udp", "--retries", retries, "--timeout", "1s", "--port", port, "sum", 1,
                         status=TRY_LATER)
            self.assertEqual(len(seen), sent)
            self.assertEqual(len(set(seen)), 1)

    def test_retry_answered(self):
        """query: the answer to a repeated request counts"""
        seen = []

        def answer_third(datagram):
            seen.append(datagram)
            return [answer(1, 3)] if len(seen) == 3 else []

        port = self.udp_fake(answer_third)
        self.assertEqual(self.ask("--udp", "--timeout", "600ms", "--port", port, "sum", 1, 2).out, "3\n")

    def test_no_retry_over_tcp(self):
        """query: over TCP nothing is sent twice"""
        seen = []
        port = self.tcp_fake(lambda peer: seen.append(harness.receive(peer)))
        self.refused("calc", "query", "--timeout", "300ms", "--port", port, "sum", 1, status=TRY_LATER)
        harness.until(lambda: seen, "the end of the connection")
        self.assertEqual(seen, [request(1, "SUM", 1)])


class Refused(Query):
    def test_range(self):
        """query: a number outside 32 bits is bad data: 65"""
        for number in ("2147483648", "-2147483649", "99999999999999999999999"):
            self.refused("calc", "query", "sum", number, status=BAD_DATA, says=number)

    def test_no_numbers(self):
        """query: what is no whole number is bad data: 65"""
        for number in ("one", "1.5", "0x10", "1e3", "", " 1", "1,2", "--1", "+-1", "١"):
            with self.subTest(number):
                self.refused("calc", "query", "sum", "--", number, status=BAD_DATA)

    def test_256_numbers(self):
        """query: 256 numbers are too many: 65"""
        self.refused("calc", "query", "sum", *[1] * 256, status=BAD_DATA, says="255")

    def test_unknown_operation(self):
        """query: an unknown operation is refused before it is sent: 65"""
        for op in ("avg", "sums", "s", "SUMM", "", "äöü"):
            with self.subTest(op):
                self.refused("calc", "query", op, 1, status=BAD_DATA)

    def test_no_answer(self):
        """query: a request that cannot be answered is refused before it is sent: 65, --send-anyway named"""
        for words in (("sum", HIGHEST, 1), ("pro", 2**16, 2**15), ("min",), ("max",), ("sum", LOWEST, -1)):
            with self.subTest(words):
                port = self.tcp_fake(lambda peer: self.fail("it was sent"))
                self.refused("calc", "query", "--port", port, *words, status=BAD_DATA, says="--send-anyway")

    def test_send_anyway(self):
        """query: --send-anyway sends it, and tells what the server made of it"""
        server = self.serve()
        for words, status, says in ((("sum", HIGHEST, 1), UNAVAILABLE, "closed"), (("min",), UNAVAILABLE, "closed"),
                                    (("avg", 1, 2), PROTOCOL, "error: ")):  # the server takes AVG for text
            self.refused("calc", "query", "--send-anyway", "--port", server.port, *words, status=status, says=says)
            self.refused("calc", "query", "--udp", "--send-anyway", "--timeout", "100ms", "--port", server.port, *words,
                         status=TRY_LATER)
        seen = []
        port = self.tcp_fake(lambda peer: seen.append(peer.recv(100)))
        self.netlab("calc", "query", "--send-anyway", "--port", port, "avg", 1, 2, status=UNAVAILABLE)
        self.assertEqual(seen[0][7:], request(1, "avg", 1, 2)[7:])
        self.assertEqual(seen[0][4:7].upper(), b"AVG")

    def test_send_anyway_still_a_format(self):
        """query: --send-anyway sends nothing that the format cannot hold"""
        for words in (("sum", *[1] * 256), ("sum", HIGHEST + 1), ("operation", 1), ("sum", "one")):
            self.refused("calc", "query", "--send-anyway", *words, status=BAD_DATA)


class Failures(Query):
    def test_refused(self):
        """query: nobody there ends with 69, over both transports"""
        port = self.closed_port()
        self.refused("calc", "query", "--port", port, "sum", 1, status=UNAVAILABLE, says="connection refused")
        peer = self.udp()
        port = peer.getsockname()[1]
        peer.close()
        self.refused("calc", "query", "--udp", "--port", port, "sum", 1, status=UNAVAILABLE, says="connection refused")

    def test_reset(self):
        """query: a reset ends with 69"""
        def talk(peer):
            peer.recv(100)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.refused("calc", "query", "--port", self.tcp_fake(talk), "sum", 1, status=UNAVAILABLE, says="reset")

    def test_closed(self):
        """query: a server that closes without an answer ends with 69"""
        port = self.tcp_fake(lambda peer: peer.recv(100))
        self.refused("calc", "query", "--port", port, "sum", 1, status=UNAVAILABLE, says="closed")

    def test_interrupted(self):
        """query: SIGINT ends it with 130"""
        client = self.start("calc", "query", "--port", self.silent_port(), "--timeout", "10m", "sum", "1")
        client.until_caught()
        self.assertEqual(client.stop(signal.SIGINT).status, 130)


class MaxClients(Query):
    def test_turned_away(self):
        """max clients: one too many is told so in words that a person and netlab understand: 75; the others stay"""
        server = self.serve("--tcp", "--max-clients", 2)
        guests = []
        for ident in range(2):
            peer = self.tcp(server.port)
            peer.sendall(request(ident, "SUM", ident))
            self.assertEqual(harness.receive(peer, 8), answer(ident, ident))
            guests.append(peer)
        with self.tcp(server.port) as one_too_many:
            told = harness.receive(one_too_many)
        self.assertRegex(told.decode(), r"\Aerror: too many clients.*\r\n\Z")
        self.refused("calc", "query", "--port", server.port, "sum", 1, status=TRY_LATER, says="too many clients")
        for ident, peer in enumerate(guests):
            peer.sendall(request(ident, "SUM", 5))
            self.assertEqual(harness.receive(peer, 8), answer(ident, 5))
        guests.pop().close()

        def has_room():
            return self.netlab("calc", "query", "--port", server.port, "sum", 1, status=None).status == 0

        harness.until(has_room, "room after a guest has left")
        server.until_err("turned away")
        for peer in guests:
            peer.close()
        self.assertTrue(re.search(r"[2-9]\d* turned away", server.stop().err))

    def test_words_arrive(self):
        """max clients: the words arrive also when a request is already on its way: no reset"""
        server = self.serve("--tcp", "--max-clients", 1)
        guest = self.tcp(server.port)
        guest.sendall(b"sum 1\n")
        harness.receive_line(guest)
        for _ in range(20):
            peer = self.tcp(server.port)
            peer.sendall(request(1, "SUM", 1) * 100)
            self.assertTrue(harness.receive(peer).startswith(b"error: too many clients"))
            peer.close()

    def test_udp(self):
        """max clients: UDP has no connections to count"""
        server = self.serve("--max-clients", 1)
        guest = self.tcp(server.port)
        guest.sendall(b"sum 1\n")
        harness.receive_line(guest)
        self.assertEqual(self.ask("--udp", "--port", server.port, "sum", 1).out, "1\n")


class ServerLog(Query):
    def test_verbose(self):
        """serve: -v logs each connection, its peer and what it was given; without it nothing"""
        server = self.serve("-v", "--tcp")
        local = json.loads(self.ask("--json", "--port", server.port, "sum", 1).out)["local"]
        server.until_err(rf"tcp {re.escape(local)} .*1 answer")
        self.assertRegex(server.stop().err, rf"tcp {re.escape(local)} connected")
        quiet = self.serve("--tcp")
        self.ask("--port", quiet.port, "sum", 1)
        self.assertEqual(len(quiet.stop().error_lines), 1)

    def test_threads(self):
        """serve: --threads 1 and many serve alike"""
        for threads in (1, 2, 8):
            server = self.serve("--threads", threads)
            for transport in ("--tcp", "--udp"):
                for _ in range(5):
                    self.assertEqual(self.ask(transport, "--port", server.port, "sum", 1, 2).out, "3\n")


if __name__ == "__main__":
    harness.main()
