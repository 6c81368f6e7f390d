#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab calc query against faulty servers: it knows the numbers, and says what is wrong. Status 76."""

import json
import contextlib
import struct
import threading

import harness
from harness import PROTOCOL, TRY_LATER, UNAVAILABLE, Case, answer


def other_order_server(octets):
    """The answer of a server that reads and writes in the PC's byte order."""
    ident, op, count = struct.unpack("<I3sB", octets[:8])
    numbers = struct.unpack(f"<{count}i", octets[8:8 + 4 * count])
    value = sum(numbers)
    if op == b"PRO":
        value = 1
        for number in numbers:
            value *= number
    elif op in (b"MIN", b"MAX"):
        value = (min if op == b"MIN" else max)(numbers)
    return struct.pack("<I", ident) + struct.pack("<q", value)[:4]  # as native arithmetic wraps


class Diagnosis(Case):
    def both(self, reply):
        """(option, port) for a fake server of each transport, which answers a request's octets with `reply(octets)`."""
        yield "--tcp", self.tcp_fake(lambda peer: (peer.sendall(reply(peer.recv(4096))), peer.recv(100)))
        yield "--udp", self.udp_fake(lambda datagram: [reply(datagram)])

    def assert_diagnosed(self, reply, *says, words=("pro", 4, 5), status=PROTOCOL, options=()):
        for transport, port in self.both(reply):
            with self.subTest(transport):
                done = self.refused("calc", "query", transport, "--timeout", "300ms", *options, "--port", port, *words,
                                    status=status, says=f"127.0.0.1:{port}")
                for word in says:
                    self.assertIn(word, done.err)

    def test_other_byte_order(self):
        """diagnosis: the right value for the other byte order: try --byte-order little"""
        self.assert_diagnosed(other_order_server, "byte order", "try --byte-order little", words=("sum", 4, 255))
        self.assert_diagnosed(other_order_server, "try --byte-order little", words=("min", 1, 256))

    def test_no_byte_order(self):
        """diagnosis: a product that starts at 0, whatever the byte order, is wrong, and no order is named for it"""
        for order in ("network", "little"):
            for transport, port in self.both(lambda octets: octets[:4] + bytes(4)):
                with self.subTest(f"{transport} {order}"):
                    done = self.refused("calc", "query", transport, "--byte-order", order, "--port", port, "pro", 4, 5,
                                        status=PROTOCOL, says="answered 0, but PRO 4 5 is 20")
                    self.assertNotIn("order", done.err)

    def test_other_byte_order_from_little(self):
        """diagnosis: and asked in little, try --byte-order network"""
        server = self.serve()
        for transport in ("--tcp", "--udp"):
            self.refused("calc", "query", transport, "--byte-order", "little", "--port", server.port, "pro", 4, 1024,
                         "--timeout", "300ms", status=None, says="--byte-order network")

    def test_own_server_in_the_other_order(self):
        """diagnosis: our own server with --byte-order little, asked in network order"""
        server = self.serve("--byte-order", "little")
        for transport in ("--tcp", "--udp"):
            with self.subTest(transport):
                done = self.refused("calc", "query", transport, "--port", server.port, "--timeout", "200ms", "pro", 4, 5,
                                    status=None)
                self.assertIn(done.status, (PROTOCOL, UNAVAILABLE, TRY_LATER))
                self.assertIn("--byte-order little", done.err)

    def test_sum_is_right_in_either(self):
        """diagnosis: SUM 1 2 3 is right in either order, as the lab teaches"""
        for transport, port in self.both(other_order_server):
            self.assertEqual(self.netlab("calc", "query", transport, "--port", port, "sum", 1, 2, 3).out, "6\n")

    def test_only_the_answer_swapped(self):
        """diagnosis: a server that reads right and writes the result in the other order"""
        self.assert_diagnosed(lambda octets: octets[:4] + struct.pack("<i", 20), "--byte-order little")

    def test_echo(self):
        """diagnosis: the request sent back is an echo service"""
        self.assert_diagnosed(lambda octets: octets, "echo")
        self.assert_diagnosed(lambda octets: octets, "echo", words=("sum", 1))
        self.assert_diagnosed(lambda octets: octets, "echo", words=("sum",))

    def test_our_echo(self):
        """diagnosis: our own echo service is one"""
        server = self.serve(service="echo")
        for transport in ("--tcp", "--udp"):
            self.refused("calc", "query", transport, "--port", server.port, "sum", 1, 2, status=PROTOCOL, says="echo")

    def test_another_id(self):
        """diagnosis: another ID, both named"""
        self.assert_diagnosed(lambda octets: answer(7, 20), "ID 7", "1")
        self.assert_diagnosed(lambda octets: answer(0, 20), "ID 0", options=("--id", "12345"))

    def test_swapped_id(self):
        """diagnosis: an ID with its octets in the other order"""
        self.assert_diagnosed(lambda octets: octets[:4][::-1] + answer(1, 20)[4:], "ID", "order")

    def test_wrong_value(self):
        """diagnosis: a value that is just wrong, with the right one beside it"""
        self.assert_diagnosed(lambda octets: answer(1, 21), "21", "20")

    def test_answer_to_what_has_none(self):
        """diagnosis: an answer to a request that has none"""
        self.assert_diagnosed(lambda octets: answer(1, -2147483648), "-2147483648", words=("sum", 2147483647, 1),
                              options=("--send-anyway",))

    def test_too_long(self):
        """diagnosis: an answer that is too long"""
        self.assert_diagnosed(lambda octets: answer(1, 20) + b"\0", "9 octets")
        self.assert_diagnosed(lambda octets: answer(1, 20) * 2, "16 octets")

    def test_too_short(self):
        """diagnosis: a datagram that is too short, a connection that ends within the answer"""
        for transport, port in (("--udp", self.udp_fake(lambda datagram: [answer(1, 20)[:7]])),
                                ("--tcp", self.tcp_fake(lambda peer: (peer.recv(100), peer.sendall(answer(1, 20)[:7]))))):
            self.refused("calc", "query", transport, "--port", port, "pro", 4, 5, status=PROTOCOL, says="7")

    def test_empty_datagram(self):
        """diagnosis: an empty datagram"""
        port = self.udp_fake(lambda datagram: [b""])
        self.refused("calc", "query", "--udp", "--port", port, "pro", 4, 5, status=PROTOCOL, says="0 octets")

    def test_text(self):
        """diagnosis: a peer that speaks something else, its words shown and escaped"""
        for words in (b"220 mail.example.org ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"error: what\x1b[31m?\r\n"):
            port = self.tcp_fake(lambda peer, words=words: (peer.recv(100), peer.sendall(words), peer.recv(100)))
            done = self.refused("calc", "query", "--port", port, "sum", 1, status=PROTOCOL)
            self.assertIn(words[:8].decode().strip(), done.err)
            self.assertNotIn("\x1b", done.err)

    def test_greeting(self):
        """diagnosis: a peer that speaks first"""
        port = self.tcp_fake(lambda peer: (peer.sendall(b"220 mail.example.org ESMTP\r\n"), peer.recv(100), peer.recv(100)))
        self.refused("calc", "query", "--port", port, "sum", 1, status=PROTOCOL, says="220 mail")

    def test_text_server_over_udp(self):
        """diagnosis: text in a datagram"""
        port = self.udp_fake(lambda datagram: [b"what do you want?"])
        self.refused("calc", "query", "--udp", "--port", port, "sum", 1, status=PROTOCOL)

    def test_silence_that_is_right(self):
        """diagnosis: silence after --send-anyway is what the format says"""
        port = self.udp_fake(lambda datagram: [])
        self.refused("calc", "query", "--udp", "--send-anyway", "--timeout", "100ms", "--port", port, "min",
                     status=TRY_LATER, says="no result")

    def test_no_stdout(self):
        """diagnosis: a wrong value is no result: nothing on stdout, and null in JSON"""
        port = self.tcp_fake(lambda peer: (peer.recv(100), peer.sendall(answer(1, 21))))
        self.assertEqual(self.netlab("calc", "query", "--port", port, "pro", 4, 5, status=PROTOCOL).out, "")
        done = self.netlab("calc", "query", "--json", "--port", port, "pro", 4, 5, status=PROTOCOL)
        told = json.loads(done.out)
        self.assertIsNone(told["result"])
        self.assertIn("answered 21", told["error"])

    def test_stranger(self):
        """diagnosis: a datagram from a third party is not taken for the answer"""
        stranger = self.udp()
        server = self.udp()

        def serve():
            datagram, sender = server.recvfrom(100)
            stranger.sendto(answer(1, 666), sender)
            server.sendto(answer(1, 20), sender)

        threading.Thread(target=serve, daemon=True).start()
        done = self.netlab("calc", "query", "--udp", "--port", server.getsockname()[1], "pro", 4, 5)
        self.assertEqual(done.out, "20\n")

    def test_endless(self):
        """diagnosis: a peer that never stops sending ends with 76"""
        def talk(peer):
            peer.recv(100)
            with contextlib.suppress(OSError):
                while True:
                    peer.sendall(b"\0" * 65536)
        self.refused("calc", "query", "--port", self.tcp_fake(talk), "pro", 4, 5, status=PROTOCOL)

    def test_second_answer(self):
        """diagnosis: a duplicate of a UDP answer is no harm"""
        port = self.udp_fake(lambda datagram: [answer(1, 20), answer(1, 20)])
        self.assertEqual(self.netlab("calc", "query", "--udp", "--port", port, "pro", 4, 5).out, "20\n")


if __name__ == "__main__":
    harness.main()
