#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The common behaviour of all servers: loopback by default, ready lines, ports, signals, totals."""

import ipaddress
import re
import signal
import socket

import harness
from harness import NOT_PERMITTED, UNAVAILABLE, Case, needs_ipv6, needs_program, needs_root

SERVICES = ("calc", "echo")


def own_address():
    """A non-loopback address of this machine, or None. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if ipaddress.ip_address(address).is_loopback else address


class Ready(Case):
    def test_lines(self):
        """ready: one line a socket, `listening tcp 127.0.0.1:50000`, nothing else on stdout"""
        for service in SERVICES:
            server = self.serve(service=service)
            self.assertEqual(len(server.sockets), 2, server.ready)
            self.assertEqual([each[:2] for each in server.sockets], [("tcp", "127.0.0.1"), ("udp", "127.0.0.1")])
            self.assertEqual(server.stop().lines, server.ready)

    def test_one_line_whatever_the_threads(self):
        """ready: many threads share a socket's line"""
        server = self.serve("--threads", 4)
        self.assertEqual(len(server.stop().lines), 2)

    def test_listening_when_said(self):
        """ready: who reads the line can connect at once"""
        for _ in range(20):
            server = self.serve("--tcp")
            self.tcp(server.port).close()
            server.stop()

    def test_port_0(self):
        """ready: --port 0 takes a free port, the same for TCP and UDP, and says which"""
        for service in SERVICES:
            ports = {each[2] for each in self.serve(service=service).sockets}
            self.assertEqual(len(ports), 1)
            self.assertGreater(ports.pop(), 0)

    def test_port_0_tcp_and_udp_are_one(self):
        """ready: many servers on free ports at once, every one with one number for both"""
        servers = [self.serve("--threads", 1) for _ in range(10)]
        self.assertEqual(len({server.port for server in servers}), 10)
        for server in servers:
            self.assertEqual(len({each[2] for each in server.sockets}), 1)

    def test_port_given(self):
        """ready: a port given is the port taken"""
        port = self.closed_port()
        server = self.serve("--udp", port=port)
        self.assertEqual(server.port, port)

    @needs_ipv6
    def test_loopback(self):
        """ready: without --bind it is the loopback addresses, and no other"""
        for service in SERVICES:
            server = self.serve(service=service, bind=None, lines=4)
            self.assertEqual([each[:2] for each in server.sockets],
                             [("tcp", "127.0.0.1"), ("tcp", "::1"), ("udp", "127.0.0.1"), ("udp", "::1")])
            self.assertEqual(len({each[2] for each in server.sockets}), 1)
            if own := own_address():
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection((own, server.port), timeout=harness.DEADLINE)

    @needs_ipv6
    def test_families(self):
        """ready: -4 and -6 restrict the addresses"""
        self.assertEqual([each[1] for each in self.serve("-4", "--tcp", bind=None).sockets], ["127.0.0.1"])
        self.assertEqual([each[1] for each in self.serve("-6", "--tcp", bind=None).sockets], ["::1"])

    def test_family_without_address(self):
        """ready: -6 with an IPv4 address to bind is refused with 64"""
        self.refused("calc", "serve", "-6", "--bind", "127.0.0.1", "--port", "0")

    def test_nothing_on_stderr(self):
        """ready: before its totals a server says nothing on stderr"""
        server = self.serve()
        self.assertEqual(server.err, "")


class Bind(Case):
    def ask(self, address, port, *words):
        return self.netlab("calc", "query", *words, "--host", address, "--port", port, "sum", 1, 2).out

    @needs_ipv6
    def test_any(self):
        """bind: any is every address of both families, over TCP and UDP"""
        server = self.serve(bind="any", lines=4)
        self.assertEqual([each[:2] for each in server.sockets],
                         [("tcp", "0.0.0.0"), ("tcp", "::"), ("udp", "0.0.0.0"), ("udp", "::")])
        for address in filter(None, ("127.0.0.1", "127.0.0.2", "::1", own_address())):
            for transport in ("--tcp", "--udp"):
                with self.subTest(f"{address} {transport}"):
                    self.assertEqual(self.ask(address, server.port, transport), "3\n")

    def test_answer_comes_from_the_address_asked(self):
        """bind: on every address, a UDP answer comes from the address that was asked"""
        server = self.serve("--udp", bind="0.0.0.0")
        peer = self.udp()
        peer.sendto(harness.request(1, "SUM", 1), ("127.0.0.7", server.port))
        self.assertEqual(peer.recvfrom(100), (harness.answer(1, 1), ("127.0.0.7", server.port)))

    def test_several(self):
        """bind: given several times, a line for each, one port number for all"""
        server = self.serve("--bind", "127.0.0.2", "--bind", "127.0.0.3", lines=6)
        self.assertEqual(sorted(each[:2] for each in server.sockets),
                         [(transport, f"127.0.0.{last}") for transport in ("tcp", "udp") for last in (1, 2, 3)])
        self.assertEqual(len({each[2] for each in server.sockets}), 1)
        for last in (1, 2, 3):
            self.assertEqual(self.ask(f"127.0.0.{last}", server.port), "3\n")

    def test_twice_the_same(self):
        """bind: the same address twice is one socket"""
        server = self.serve("--tcp", "--bind", "127.0.0.1", lines=1)
        self.assertEqual(len(server.stop().lines), 1)

    @needs_ipv6
    def test_ipv6(self):
        """bind: an IPv6 address, with brackets or without"""
        for text in ("::1", "[::1]"):
            server = self.serve("--tcp", bind=text)
            self.assertRegex(server.ready[0], r"^listening tcp \[::1\]:\d+$")
            self.assertEqual(self.ask("::1", server.port), "3\n")
            self.assertEqual(self.ask("[::1]", server.port), "3\n")

    def test_not_ours(self):
        """bind: an address that is not ours ends with 69"""
        for service in SERVICES:
            for transport in ("--tcp", "--udp"):
                self.refused(service, "serve", transport, "--bind", "192.0.2.1", "--port", "0", status=UNAVAILABLE,
                             says="192.0.2.1")

    def test_in_use(self):
        """bind: a port in use ends with 69, and the cure is named"""
        for transport in ("--tcp", "--udp"):
            server = self.serve(transport)
            done = self.refused("calc", "serve", transport, "--bind", "127.0.0.1", "--port", server.port,
                                status=UNAVAILABLE, says=f"127.0.0.1:{server.port}")
            self.assertIn("in use", done.err)
            self.assertRegex(done.err, r"\(.*--port 0.*\)")

    def test_in_use_by_another_program(self):
        """bind: a port in use by another program too, for the one transport that has it"""
        holder = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(holder.close)
        port = holder.getsockname()[1]
        self.refused("calc", "serve", "--bind", "127.0.0.1", "--port", port, status=UNAVAILABLE, says="tcp")
        self.serve("--udp", port=port)

    def test_in_use_with_threads(self):
        """bind: two servers with many threads never share a port"""
        server = self.serve("--threads", 4)
        for transport in ("--tcp", "--udp"):
            self.refused("calc", "serve", transport, "--threads", "4", "--bind", "127.0.0.1", "--port", server.port,
                         status=UNAVAILABLE, says="in use")

    def test_restart(self):
        """bind: a server that ended can be started on its port at once, with connections just closed"""
        server = self.serve("--tcp")
        port = server.port
        peer = self.tcp(port)
        peer.sendall(harness.request(1, "SUM", 1))
        harness.receive(peer, 8)
        server.send(signal.SIGTERM)
        self.assertEqual(harness.receive(peer), b"")  # the server closes first, so the TIME-WAIT is on its side
        peer.close()
        server.wait()
        self.serve("--tcp", port=port)

    @needs_root
    @needs_program("setpriv")
    def test_privileged(self):
        """bind: a port below 1024 without privilege ends with 77, and the cure is named"""
        self.needs_low_ports_kept()
        nobody = self.as_nobody()
        for words in (["echo", "serve"], ["calc", "serve", "--port", "7"]):
            for transport in ("--tcp", "--udp"):
                done = harness.run([*nobody, *words, transport, "--bind", "127.0.0.1"])
                self.assertEqual(done.status, NOT_PERMITTED, done.err)
                self.assert_one_error(done, says=":7")
                self.assertIn("permission denied", done.err)
                self.assertIn("--port", done.err)


class Stop(Case):
    def test_signals(self):
        """stop: SIGINT and SIGTERM print the totals on stderr and end with 0"""
        for service in SERVICES:
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(f"{service} {number.name}"):
                    server = self.serve(service=service)
                    done = server.stop(number)
                    self.assertEqual(done.status, 0, done.err)
                    self.assertEqual(len(done.error_lines), 1, done.err)
                    self.assertRegex(done.err, r"\d")

    def test_at_once_after_the_line(self):
        """stop: a signal right behind the ready line finds the server prepared"""
        for number in (signal.SIGINT, signal.SIGTERM):
            for _ in range(10):
                self.assertEqual(self.serve().stop(number).status, 0)

    def test_totals(self):
        """stop: the totals count what was answered, refused, connected"""
        server = self.serve()
        for _ in range(3):
            self.netlab("calc", "query", "--port", server.port, "sum", 1)
        self.netlab("calc", "query", "--udp", "--port", server.port, "sum", 1)
        with self.tcp(server.port) as peer:
            peer.sendall(harness.request(9, "MIN"))
            harness.receive(peer)
        peer = self.udp()
        peer.sendto(b"short", ("127.0.0.1", server.port))
        server.until_err("(?s)refused.*refused")
        totals = server.stop().error_lines[-1]
        self.assertRegex(totals, r"answered 4 requests, refused 2, 4 connections")

    def test_no_new_connections(self):
        """stop: from the signal on no connection is accepted, while one in flight is finished"""
        server = self.serve("--tcp", "--grace", "30s")
        peer = self.tcp(server.port)
        whole = harness.request(1, "SUM", 1, 2, 3)
        peer.sendall(whole[:10])
        self.settle(peer, server)
        server.send(signal.SIGTERM)
        self.until_refused(server.port)
        peer.sendall(whole[10:])
        self.assertEqual(harness.receive(peer), harness.answer(1, 6))
        peer.close()
        done = server.wait()
        self.assertEqual(done.status, 0)
        self.assertIn("answered 1 request,", done.err)

    def settle(self, peer, server):
        """Waits until the server has read everything that was sent: its receive queue is empty."""
        local, remote = peer.getsockname()[1], peer.getpeername()[1]
        queue = re.compile(rf"^ *\d+: 0100007F:{remote:04X} 0100007F:{local:04X} 01 [0-9A-F]+:([0-9A-F]+)", re.MULTILINE)

        def is_read():
            with open("/proc/net/tcp", encoding="ascii") as table:
                found = queue.search(table.read())
            return found and int(found[1], 16) == 0

        harness.until(is_read, "the server to read")

    def until_refused(self, port):
        def is_refused():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=harness.DEADLINE).close()
            except OSError:
                return True
            return False

        harness.until(is_refused, "connections to be refused")

    def test_requests_lying_unread(self):
        """stop: requests that were sent before the signal are answered"""
        server = self.serve("--tcp", "--threads", 1)
        peer = self.tcp(server.port)
        sent = b"".join(harness.request(ident, "SUM", ident) for ident in range(1000))
        peer.sendall(sent)
        server.send(signal.SIGTERM)
        got = harness.answers(harness.receive(peer))
        peer.close()
        self.assertEqual(got, [(ident, ident) for ident in range(1000)])
        self.assertEqual(server.wait().status, 0)

    def test_idle_connections(self):
        """stop: idle connections are closed in order at once"""
        server = self.serve("--tcp", "--grace", "60s")
        idle = [self.tcp(server.port) for _ in range(20)]
        done_one = self.tcp(server.port)
        done_one.sendall(harness.request(1, "SUM", 4))
        self.assertEqual(harness.receive(done_one, 8), harness.answer(1, 4))
        server.send(signal.SIGTERM)
        for peer in [*idle, done_one]:
            self.assertEqual(harness.receive(peer), b"")
            peer.close()
        self.assertEqual(server.wait().status, 0)

    def test_grace(self):
        """stop: half a request is waited for no longer than --grace"""
        server = self.serve("--tcp", "--grace", "100ms")
        peer = self.tcp(server.port)
        peer.sendall(harness.request(1, "SUM", 1)[:9])
        self.settle(peer, server)
        done = server.stop()
        self.assertEqual(done.status, 0)
        self.assertEqual(len(done.error_lines), 1 if "refused 0" in done.err else 2, done.err)

    def test_second_signal(self):
        """stop: a second signal ends at once, whatever is in flight"""
        for first, second, status in ((signal.SIGINT, signal.SIGINT, 130), (signal.SIGTERM, signal.SIGTERM, 143)):
            with self.subTest(first.name):
                server = self.serve("--tcp", "--grace", "10m")
                peer = self.tcp(server.port)
                peer.sendall(harness.request(1, "SUM", 1)[:9])
                self.settle(peer, server)
                server.send(first)
                self.until_refused(server.port)
                server.send(second)
                self.assertEqual(server.wait().status, status)

    def test_text_in_flight(self):
        """stop: a person in the middle of a line may finish it"""
        server = self.serve("--tcp", "--grace", "30s")
        peer = self.tcp(server.port)
        peer.sendall(b"sum 1 2")
        self.settle(peer, server)
        server.send(signal.SIGTERM)
        self.until_refused(server.port)
        peer.sendall(b" 3\n")
        self.assertEqual(harness.receive(peer), b"6\n")
        peer.close()
        self.assertEqual(server.wait().status, 0)

    def test_udp(self):
        """stop: datagrams that came before the signal are answered"""
        server = self.serve("--udp", "--threads", 1)
        peer = self.udp()
        peer.connect(("127.0.0.1", server.port))
        for ident in range(50):
            peer.send(harness.request(ident, "SUM", ident))
        server.send(signal.SIGTERM)
        self.assertEqual(sorted(harness.answers(b"".join(peer.recv(100) for _ in range(50)))),
                         [(ident, ident) for ident in range(50)])
        self.assertEqual(server.wait().status, 0)

    def test_client_interrupted(self):
        """stop: a client ends with 130 on SIGINT and 143 on SIGTERM"""
        port = self.silent_port()
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for words in (["calc", "query", "-v", "--port", port, "--timeout", "10m", "sum", "1"],
                          ["echo", "query", "-v", "--port", port, "--timeout", "10m", "x"]):
                with self.subTest(f"{words[:2]} {number.name}"):
                    client = self.start(*words)
                    client.until_caught()
                    done = client.stop(number)
                    self.assertEqual(done.status, status, done.err)
                    self.assertEqual(done.out, "")

    def test_ignored_by_caller(self):
        """stop: a server in the background of a script (SIGINT ignored) still ends on SIGTERM"""
        server = self.serve("--tcp", preexec=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.assertEqual(server.stop(signal.SIGTERM).status, 0)


if __name__ == "__main__":
    harness.main()
