#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A person with a telnet client on the calc server's TCP port."""

import socket
import threading

import harness
from harness import Case, answer, answers, receive, receive_line, request

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240


class Text(Case):
    def setUp(self):
        self.server = self.serve("--tcp")

    def open(self):
        return self.tcp(self.server.port)

    def ask(self, peer, line):
        peer.sendall(line)
        return receive_line(peer)

    def talk(self, octets, shut=True):
        peer = self.open()
        peer.sendall(octets)
        if shut:
            peer.shutdown(socket.SHUT_WR)
        return receive(peer)

    def test_sum(self):
        """text: SUM 1 2 3 is answered 6"""
        self.assertEqual(self.ask(self.open(), b"SUM 1 2 3\r\n"), b"6\r\n")

    def test_line_ends(self):
        """text: CRLF is answered with CRLF, LF with LF"""
        peer = self.open()
        self.assertEqual(self.ask(peer, b"SUM 1\r\n"), b"1\r\n")
        self.assertEqual(self.ask(peer, b"SUM 1\n"), b"1\n")

    def test_any_case(self):
        """text: upper, lower and mixed case"""
        peer = self.open()
        for line, value in ((b"sum 1 2\n", b"3\n"), (b"Pro 4 5\n", b"20\n"), (b"mIN 3 -7\n", b"-7\n"), (b"MAX -1 -2\n", b"-1\n")):
            self.assertEqual(self.ask(peer, line), value)

    def test_first_line_of_any_case(self):
        """text: each is taken for text as a connection's first line too"""
        for line in (b"sum 1 2\n", b"SUM 1 2\n", b"Sum 1 2\n", b"  sum 1 2\n", b"\tsum 1 2\n", b"sum  1\t2 \n", b"sum +1 +2\n"):
            self.assertEqual(self.ask(self.open(), line), b"3\n")

    def test_bad_lines(self):
        """text: a bad line is answered error: ..., and the connection stays"""
        peer = self.open()
        for line in (b"nonsense\n", b"sum one\n", b"sum 1.5\n", b"min\n", b"max\n", b"sum 2147483648\n", b"sum 2147483647 1\n",
                     b"\n", b"sum 0x10\n", b"avg 1 2\n", b"sum" + b" 1" * 256 + b"\n", b"sum 1,2\n", b"sum -\n", b"sum --1\n"):
            said = self.ask(peer, line)
            self.assertTrue(said.startswith(b"error: "), (line, said))
            self.assertEqual(said.count(b"\n"), 1)
        self.assertEqual(self.ask(peer, b"sum 1 2\n"), b"3\n")

    def test_exact(self):
        """text: exact results, empty ones, 255 numbers, as in binary"""
        peer = self.open()
        for line, value in ((b"pro 1048576 1048576 0\n", b"0\n"), (b"sum\n", b"0\n"), (b"pro\n", b"1\n"),
                            (b"sum" + b" 1" * 255 + b"\n", b"255\n"), (b"sum -2147483648\n", b"-2147483648\n"),
                            (b"max" + b" -2147483648" * 255 + b"\n", b"-2147483648\n")):
            self.assertEqual(self.ask(peer, line), value)

    def test_help(self):
        """text: help explains in a few lines, and the connection stays"""
        peer = self.open()
        peer.sendall(b"help\nsum 1\n")
        said = b""
        while not said.endswith(b"\n1\n"):
            said += receive_line(peer)
        for word in (b"SUM", b"PRO", b"MIN", b"MAX", b"quit"):
            self.assertIn(word, said)

    def test_quit(self):
        """text: quit ends the connection, what is behind it is not answered"""
        for line in (b"quit\n", b"QUIT\r\n", b"sum 1\nquit\nsum 2\n"):
            self.assertNotIn(b"2", self.talk(line, shut=False))

    def test_many_lines(self):
        """text: lines that come together are answered in order"""
        self.assertEqual(self.talk(b"".join(b"sum %d 1\n" % n for n in range(500))), b"".join(b"%d\n" % (n + 1) for n in range(500)))

    def test_one_octet_at_a_time(self):
        """text: a line typed letter by letter"""
        peer = self.open()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in b"pro 4 5\r\n":
            peer.sendall(bytes([octet]))
        self.assertEqual(receive_line(peer), b"20\r\n")

    def test_last_line_without_end(self):
        """text: a last line without its end is answered when the sending side is shut down"""
        self.assertEqual(self.talk(b"sum 1 2").strip(), b"3")
        self.assertEqual(self.talk(b"sum 1\nsum 2").split(), [b"1", b"2"])

    def test_short_first_line(self):
        """text: lines of fewer octets than the decision needs"""
        for line in (b"?\n", b"sum\n", b"pro\n", b"a\n", b"\n"):
            peer = self.open()
            peer.sendall(line + b"quit\n")
            self.assertTrue(receive(peer))

    def test_short_line_answered_at_once(self):
        """text: `sum` alone is answered without waiting for more"""
        self.assertEqual(self.ask(self.open(), b"sum\r\n"), b"0\r\n")

    def test_mebibyte(self):
        """text: a line of 1 MiB is answered error: ..., once, and the connection stays"""
        peer = self.open()
        peer.sendall(b"sum " + b"1 " * (512 * 1024) + b"\n")
        self.assertTrue(receive_line(peer).startswith(b"error: "))
        self.assertEqual(self.ask(peer, b"sum 1 2\n"), b"3\n")

    def test_mebibyte_without_end(self):
        """text: a line of 1 MiB that never ends takes no memory and is answered at the end of input"""
        self.assertTrue(self.talk(b"sum " + b"1" * (1 << 20)).startswith(b"error: "))

    def test_logged(self):
        """text: bad lines are counted and logged with the peer"""
        peer = self.open()
        self.ask(peer, b"nonsense\n")
        port = peer.getsockname()[1]
        peer.close()
        done = self.server.stop()
        self.assertIn(f"tcp 127.0.0.1:{port} refused: ", done.err)
        self.assertIn("refused 1,", done.err)

    def test_escaped(self):
        """text: control characters do not come back from the server"""
        for line in (b"\x1b[31mred\n", b"sum \x07\n", b"sum \x80\xc3\n", b"\x00\x01\x02\x03\x04\x05\n"):
            said = self.talk(line)
            self.assertTrue(said.startswith(b"error: "), said)
            self.assertFalse(set(said) & set(b"\x1b\x07\0\x01\x80"), said)

    def test_http(self):
        """text: a browser gets an error line for each of its lines, no crash"""
        said = self.talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(said.startswith(b"error: "))

    def test_negotiation_first(self):
        """telnet: a negotiation before the first line is understood and refused politely"""
        peer = self.open()
        peer.sendall(bytes([IAC, DO, 3, IAC, WILL, 24, IAC, WILL, 31]) + b"SUM 1 2 3\r\n")
        said = b""
        while not said.endswith(b"\n"):
            said += peer.recv(1)
        self.assertTrue(said.endswith(b"6\r\n"), said)
        replies = said[:-3]
        self.assertEqual(len(replies) % 3, 0, replies)
        for at in range(0, len(replies), 3):
            self.assertEqual(replies[at], IAC)
            self.assertIn(replies[at + 1], (WONT, DONT))

    def test_negotiation_cut(self):
        """telnet: a negotiation cut at every place"""
        sent = bytes([IAC, DO, 3, IAC, SB, 24, 0, IAC, IAC, IAC, SE]) + b"sum 1\r\n"
        for at in range(1, len(sent)):
            peer = self.open()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.sendall(sent[:at])
            peer.sendall(sent[at:])
            said = b""
            while not said.endswith(b"\n"):
                said += peer.recv(1)
            self.assertTrue(said.endswith(b"1\r\n"), (at, said))

    def test_negotiation_within(self):
        """telnet: a command within a line does not disturb it"""
        self.assertEqual(self.ask(self.open(), b"sum 1" + bytes([IAC, 241]) + b" 2\r\n"), b"3\r\n")

    def test_carriage_return_nul(self):
        """telnet: CR NUL does no harm"""
        said = self.talk(b"sum 1 2\r\0\r\nsum 3\r\n")
        self.assertTrue(said.endswith(b"3\r\n"), said)

    def test_no_loop(self):
        """telnet: refusals are not answered, so two ends cannot go on for ever"""
        said = self.talk(bytes([IAC, WONT, 1, IAC, DONT, 3]) * 50 + b"sum 1\r\n")
        self.assertEqual(said, b"1\r\n")

    def test_flood(self):
        """telnet: a megabyte of negotiation is survived"""
        peer = self.open()
        peer.settimeout(harness.DEADLINE)
        sent = bytes([IAC, DO, 3]) * 300_000
        threading.Thread(target=lambda: (peer.sendall(sent), peer.shutdown(socket.SHUT_WR)), daemon=True).start()
        receive(peer)
        self.assertEqual(self.ask(self.open(), b"sum 1\n"), b"1\n")

    def test_decided_after_five_octets(self):
        """decision: `SUM 1` has shown itself after 5 octets"""
        peer = self.open()
        peer.sendall(b"SUM 1")
        peer.sendall(b" 2\n")
        self.assertEqual(receive_line(peer), b"3\n")

    def test_binary_wins(self):
        """decision: what looks like text but has an operation in octets 4 to 6 is binary"""
        # The ID is "SUM ", the count 32, as in a line "SUM SUM  ..."
        got = self.talk(b"SUM SUM " + bytes(4 * 32))
        self.assertEqual(got, b"SUM " + bytes(4))
        for op in (b"SUM", b"PRO", b"MIN", b"MAX"):
            for ident in (b"help", b"quit", b"SUM\n", b"\xff\xfb\x01\xff", b"\r\n\r\n", bytes(4)):
                got = self.talk(ident + op + b"\x01" + b"\0\0\0\x07")
                self.assertEqual(got, ident + b"\0\0\0\x07", (ident, op))

    def test_every_cut_of_binary(self):
        """decision: binary stays binary however its first octets are cut"""
        sent = request(int.from_bytes(b"sum ", "big"), "SUM", 1, 2)
        for at in range(1, len(sent)):
            peer = self.open()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.sendall(sent[:at])
            peer.sendall(sent[at:])
            self.assertEqual(receive(peer, 8), b"sum " + b"\0\0\0\x03")

    def test_decided_once(self):
        """decision: a text line in a binary stream is an unknown operation, a binary request in text a bad line"""
        self.assertEqual(self.talk(request(1, "SUM", 1) + b"sum 1 2\n", shut=False), answer(1, 1))
        peer = self.open()
        self.assertEqual(self.ask(peer, b"sum 1\n"), b"1\n")
        peer.sendall(request(0x41424344, "SUM", 0x41424344) + b"\n")
        self.assertTrue(receive_line(peer).startswith(b"error: "))

    def test_lower_case_binary_first(self):
        """decision: a binary stream with a lower-case operation is told, in words, that it is neither"""
        peer = self.open()
        peer.sendall(request(1, "sum", 1, 2))
        said = receive_line(peer)
        self.assertTrue(said.startswith(b"error: "), said)
        self.server.until_err("refused")

    def test_eight_octet_text(self):
        """decision: no answer to binary is mistaken: 1,000 requests whose IDs are words"""
        sent = b"".join(request(int.from_bytes(word, "big"), "MAX", 5) for word in (b"SUM ", b"quit", b"help", b"MIN\n") * 250)
        self.assertEqual({value for _, value in answers(self.talk(sent))}, {5})


if __name__ == "__main__":
    harness.main()
