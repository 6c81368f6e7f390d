#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The calc server over TCP with raw sockets: any cut of the stream, and every reason for no answer."""

import itertools
import random
import socket
import struct
import threading

import harness
from harness import Case, answer, answers, needs_ipv6, receive, request


class Stream(Case):
    def serve_tcp(self, *words, **how):
        return self.serve("--tcp", *words, **how)

    def talk(self, octets, *words, cut=None, shut=True, server=None, **how):
        """All answers of the server to these octets until it closes gracefully; a reset is an error."""
        server = server or self.serve_tcp(*words, **how)
        peer = self.tcp(server.port)
        if cut is None:
            peer.sendall(octets)
        else:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in cut(octets):
                peer.sendall(piece)
        if shut:
            peer.shutdown(socket.SHUT_WR)
        got = receive(peer)
        peer.close()
        return got


class Answers(Stream):
    def results(self, *requests, order="!", words=()):
        sent = b"".join(request(index, *each, order=order) for index, each in enumerate(requests))
        got = answers(self.talk(sent, *words), order)
        self.assertEqual([ident for ident, _ in got], list(range(len(got))))
        return [value for _, value in got]

    def test_operations(self):
        """stream: SUM, PRO, MIN and MAX of several numbers"""
        self.assertEqual(self.results(("SUM", 1, 2, 3), ("PRO", 4, -5), ("MIN", 3, -7, 5), ("MAX", -3, -7)), [6, -20, -7, -3])

    def test_octets(self):
        """stream: an answer is exactly the eight octets that the format says"""
        sent = bytes.fromhex("01020304") + b"SUM" + bytes.fromhex("02 00000005 fffffffd")
        self.assertEqual(self.talk(sent), bytes.fromhex("01020304 00000002"))

    def test_id(self):
        """stream: any ID comes back as sent, 0 and 4294967295 too"""
        sent = b"".join(request(ident, "SUM", 1) for ident in (0, 0xFFFFFFFF, 0x80000000))
        self.assertEqual(self.talk(sent), b"".join(struct.pack("!Ii", ident, 1) for ident in (0, 0xFFFFFFFF, 0x80000000)))

    def test_empty(self):
        """stream: an empty SUM is 0, an empty PRO 1"""
        self.assertEqual(self.results(("SUM",), ("PRO",)), [0, 1])

    def test_exact(self):
        """stream: results are exact, whatever the sums and products on the way"""
        big = 2**31 - 1
        self.assertEqual(self.results(("PRO", 2**20, 2**20, 0), ("PRO", *[big] * 254, 0), ("SUM", big, big, -big),
                                      ("SUM", -(2**31), big, 1), ("PRO", -(2**16), 2**15), ("PRO", -(2**31), 1),
                                      ("PRO", *[-1] * 255), ("MIN", big, -(2**31)), ("SUM", *[big] * 127, *[-big] * 128)),
                         [0, 0, big, 0, -(2**31), -(2**31), -1, -(2**31), -big])

    def test_255_numbers(self):
        """stream: N = 255"""
        self.assertEqual(self.results(("SUM", *range(255)), ("PRO", *[1] * 255), ("MIN", *range(255)), ("MAX", *range(255))),
                         [255 * 254 // 2, 1, 0, 254])

    def test_little(self):
        """stream: --byte-order little is what native struct.pack sends on a PC"""
        self.assertEqual(self.results(("SUM", 1, 2, 3), ("PRO", 4, 5), order="<", words=("--byte-order", "little")), [6, 20])

    def test_big_is_network(self):
        """stream: --byte-order network and big are the default"""
        for word in ("network", "big"):
            self.assertEqual(self.results(("PRO", 4, 5), words=("--byte-order", word)), [20])

    @needs_ipv6
    def test_ipv6(self):
        """stream: the same over IPv6"""
        server = self.serve_tcp(bind="::1")
        peer = self.tcp(server.port, host="::1")
        peer.sendall(request(1, "SUM", 1, 2))
        self.assertEqual(receive(peer, 8), answer(1, 3))

    def test_answered_at_once(self):
        """stream: each answer comes when its request is whole, with nothing more sent"""
        server = self.serve_tcp()
        peer = self.tcp(server.port)
        for ident in range(100):
            peer.sendall(request(ident, "SUM", ident, 1))
            self.assertEqual(receive(peer, 8), answer(ident, ident + 1))


class Cuts(Stream):
    def mixed(self, count, seed=1):
        chance = random.Random(seed)
        sent, expected = b"", []
        for ident in range(count):
            numbers = [chance.randrange(-1000, 1000) for _ in range(chance.choice([0, 1, 3, 255]))]
            sent += request(ident, "SUM", *numbers)
            expected.append((ident, sum(numbers)))
        return sent, expected

    def test_one_octet_at_a_time(self):
        """stream: fragmented, one octet a segment"""
        sent = request(1, "SUM", 1, 2, 3) + request(2, "PRO") + request(3, "MIN", *range(20))
        got = self.talk(sent, cut=lambda octets: [octets[at:at + 1] for at in range(len(octets))])
        self.assertEqual(answers(got), [(1, 6), (2, 1), (3, 0)])

    def test_cut_everywhere(self):
        """stream: two requests cut at every place"""
        sent = request(1, "SUM", 1, 2) + request(2, "MAX", 5)
        server = self.serve_tcp()
        for at in range(1, len(sent)):
            got = self.talk(sent, cut=lambda octets, at=at: (octets[:at], octets[at:]), server=server)
            self.assertEqual(answers(got), [(1, 3), (2, 5)], at)

    def test_random_cuts(self):
        """stream: hundreds of requests in random pieces"""
        sent, expected = self.mixed(300)
        chance = random.Random(2)

        def cut(octets):
            at = 0
            while at < len(octets):
                size = chance.choice([1, 2, 7, 100, 1000, 5000])
                yield octets[at:at + size]
                at += size

        self.assertEqual(answers(self.talk(sent, cut=cut)), expected)

    def test_1000_in_one_write(self):
        """stream: 1,000 requests pipelined in one write are answered in order"""
        sent = b"".join(request(ident, "SUM", ident, -1) for ident in range(1000))
        self.assertEqual(answers(self.talk(sent)), [(ident, ident - 1) for ident in range(1000)])

    def test_100000_unread(self):
        """stream: a peer that sends 100,000 requests before it reads gets every answer"""
        count = 100_000
        server = self.serve_tcp()
        peer = self.tcp(server.port)
        sent = b"".join(request(ident, "SUM", 1) for ident in range(count))
        sender = threading.Thread(target=lambda: (peer.sendall(sent), peer.shutdown(socket.SHUT_WR)), daemon=True)
        sender.start()
        got = receive(peer)
        sender.join(harness.DEADLINE)
        self.assertEqual(len(got), 8 * count)
        self.assertEqual(got[-8:], answer(count - 1, 1))


class Ends(Stream):
    def test_half_close(self):
        """stream: a client that shuts down its sending side still gets every answer, then the end"""
        sent = b"".join(request(ident, "SUM", ident) for ident in range(500))
        self.assertEqual(answers(self.talk(sent, shut=True)), [(ident, ident) for ident in range(500)])

    def test_nothing_sent(self):
        """stream: connect and close leaves no trace but a connection"""
        server = self.serve_tcp()
        peer = self.tcp(server.port)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(receive(peer), b"")
        self.assertIn("refused 0, 1 connection", server.stop().err)

    def test_half_a_request_then_close(self):
        """stream: half a request, then the end: what came before is answered, the half one counted and logged"""
        server = self.serve_tcp()
        for length in (1, 3, 4, 7, 8, 9, 11):
            got = self.talk(request(1, "SUM", 7) + request(2, "SUM", 1)[:length], server=server)
            self.assertEqual(got, answer(1, 7))
        done = server.stop()
        self.assertIn("answered 7 requests, refused 7,", done.err)
        self.assertRegex(done.err, r"tcp 127\.0\.0\.1:\d+ refused: .*11 octets")

    def test_half_a_header_alone(self):
        """stream: a connection that ends within its first request gets no binary answer"""
        for length in (5, 6, 7, 8, 11):
            with self.subTest(length):
                got = self.talk(request(0x01020304, "SUM", 1)[:length])
                if length >= 7:
                    self.assertEqual(got, b"")

    def test_half_a_request_then_silence(self):
        """stream: half a request, then silence: closed in order after --idle-timeout, and logged"""
        server = self.serve_tcp("--idle-timeout", "100ms")
        got = self.talk(request(1, "SUM", 7) + request(2, "SUM", 1)[:9], shut=False, server=server)
        self.assertEqual(got, answer(1, 7))
        server.until_err(r"tcp 127\.0\.0\.1:\d+ refused: .*idle timeout")

    def test_idle(self):
        """stream: an idle connection is closed in order after --idle-timeout, whatever it is"""
        server = self.serve_tcp("--idle-timeout", "100ms")
        for sent, expected in ((b"", b""), (request(1, "SUM", 1), answer(1, 1)), (b"sum 1\n", b"1\n")):
            self.assertEqual(self.talk(sent, shut=False, server=server), expected)

    def test_drip(self):
        """stream: one octet now and then does not keep half a request alive"""
        server = self.serve_tcp("--idle-timeout", "200ms")
        peer = self.tcp(server.port)
        peer.sendall(request(1, "SUM", *range(255))[:8])
        peer.settimeout(0.02)
        for _ in range(1000):
            try:
                peer.sendall(b"\0")
                if peer.recv(10) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            self.fail("still open after 1000 octets, 20 ms apart")

    def test_idle_never(self):
        """stream: --idle-timeout 0 never closes"""
        server = self.serve_tcp("--idle-timeout", "0")
        peer = self.tcp(server.port)
        peer.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            peer.recv(1)
        peer.settimeout(harness.DEADLINE)
        peer.sendall(request(1, "SUM", 1))
        self.assertEqual(receive(peer, 8), answer(1, 1))

    def test_peer_resets(self):
        """stream: a peer that resets its connection costs nobody else anything"""
        server = self.serve_tcp()
        for _ in range(20):
            peer = self.tcp(server.port)
            peer.sendall(request(1, "SUM", 1)[:9])
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        self.assertEqual(self.talk(request(1, "SUM", 5), server=server), answer(1, 5))
        self.assertEqual(server.stop().status, 0)


class WithoutAnswer(Stream):
    def no_answer(self, bad, reason, rest=b"", shut=False):
        """Good requests, then `bad`: every good one is answered, the connection closes gracefully, the log has the
        reason."""
        server = self.serve_tcp()
        good = b"".join(request(ident, "SUM", ident) for ident in range(10))
        got = self.talk(good + bad + rest, shut=shut, server=server)
        self.assertEqual(answers(got), [(ident, ident) for ident in range(10)])
        server.until_err(r"tcp 127\.0\.0\.1:\d+ refused: " + reason)
        done = server.stop()
        self.assertIn("answered 10 requests, refused 1, 1 connection", done.err)

    def test_out_of_range(self):
        """no answer: a sum or a product outside 32 bits ends the connection in order"""
        self.no_answer(request(99, "SUM", 2**31 - 1, 1), ".*32 bits")
        self.no_answer(request(99, "SUM", -(2**31), -1), ".*32 bits")
        self.no_answer(request(99, "PRO", 2**16, 2**15), ".*32 bits")
        self.no_answer(request(99, "PRO", -(2**31), -1), ".*32 bits")

    def test_min_of_nothing(self):
        """no answer: MIN and MAX of nothing, decided from the first eight octets"""
        self.no_answer(request(99, "MIN"), "MIN.*")
        self.no_answer(request(99, "MAX"), "MAX.*")

    def test_unknown_operation(self):
        """no answer: an unknown operation, decided from the first eight octets, with its numbers not sent"""
        self.no_answer(request(99, "AVG", count=3), ".*'AVG'")
        self.no_answer(request(99, "AVG", 1, 2, 3), ".*'AVG'")

    def test_lower_case(self):
        """no answer: a lower-case operation in a binary stream is an unknown one"""
        self.no_answer(request(99, "sum", 1, 2), ".*'sum'")

    def test_odd_octets(self):
        """no answer: an operation of control characters is escaped in the log"""
        self.no_answer(request(99, b"\x1b\xff\n", 1), r".*'\\x1b\\xff\\n'")

    def test_unread_data_behind(self):
        """no answer: with megabytes behind it, all answers before it arrive and no reset destroys them"""
        for _ in range(5):
            self.no_answer(request(99, "AVG", 1), ".*'AVG'", rest=request(7, "SUM", 1) * 20_000)

    def test_many_answers_before_it(self):
        """no answer: thousands of answers still on their way survive the close"""
        server = self.serve_tcp("--threads", 1)
        good = b"".join(request(ident, "SUM", ident) for ident in range(5000))
        got = self.talk(good + request(0, "AVG") + b"x" * 200_000, shut=False, server=server)
        self.assertEqual(answers(got), [(ident, ident) for ident in range(5000)])

    def test_first_request(self):
        """no answer: a first request that has none ends the connection with no octet"""
        for bad in (request(1, "MIN"), request(1, "SUM", 2**31 - 1, 1), request(1, "PRO", *[2**31 - 1] * 255)):
            self.assertEqual(self.talk(bad, shut=False), b"")

    def test_others_go_on(self):
        """no answer: the connections of others are not touched"""
        server = self.serve_tcp("--threads", 1)
        other = self.tcp(server.port)
        other.sendall(request(1, "SUM", 1)[:9])
        self.assertEqual(self.talk(request(1, "MIN"), shut=False, server=server), b"")
        other.sendall(request(1, "SUM", 1)[9:])
        self.assertEqual(receive(other, 8), answer(1, 1))

    def test_bounded_log(self):
        """no answer: thousands of refusals are all counted, and logged at a bounded rate"""
        server = self.serve_tcp()
        count = 500
        for _ in range(count):
            with self.tcp(server.port) as peer:
                peer.sendall(request(1, "MIN"))
                self.assertEqual(receive(peer), b"")
        done = server.stop()
        self.assertIn(f"refused {count},", done.err)
        self.assertLess(done.err.count(" refused: "), count)


class Many(Stream):
    def test_clients_at_once(self):
        """many: 200 clients at once, their requests interleaved octet by octet"""
        server = self.serve_tcp()
        peers = [self.tcp(server.port) for _ in range(200)]
        sent = [request(ident, "SUM", ident, 1) for ident in range(200)]
        for piece in itertools.zip_longest(*[(each[:6], each[6:13], each[13:]) for each in sent]):
            for peer, octets in zip(peers, piece):
                peer.sendall(octets)
        for ident, peer in enumerate(peers):
            self.assertEqual(receive(peer, 8), answer(ident, ident + 1))

    def test_unread_answers_hold_nobody_up(self):
        """many: a client that never reads its answers does not hold up another"""
        server = self.serve_tcp("--threads", 1)
        rude = self.tcp(server.port)
        rude.setblocking(False)
        sent = request(1, "SUM", 1) * 5000
        for _ in range(2000):
            try:
                rude.send(sent)
            except BlockingIOError:
                break
        polite = self.tcp(server.port)
        polite.sendall(request(2, "SUM", 2))
        self.assertEqual(receive(polite, 8), answer(2, 2))

    def test_unread_answers_are_idleness(self):
        """idle: a client that reads none of its answers is let go after --idle-timeout, and not for what it sent"""
        server = self.serve_tcp("--idle-timeout", "500ms", "-v")
        rude = self.tcp(server.port)
        with self.assertRaises(ConnectionError):
            for _ in range(200):  # more than the buffers of both sides hold; Linux 6.18 allows each 32 MiB
                rude.sendall(request(1, "SUM", 1) * 200_000)
        server.until_err("tcp 127.0.0.1:.*timed out")
        self.assertRegex(server.stop().err, "refused 0, 1 connection")


if __name__ == "__main__":
    harness.main()
