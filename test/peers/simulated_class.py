# SPDX-License-Identifier: MIT
"""Teams that do the exercise sheet against `netlab lab serve`, right and wrong, by plain sockets. Each has an address of
its own in 127.0.0.0/8."""

import contextlib
import itertools
import smtplib
import socket
import ssl
import struct
import time

import harness

SCANNED = {"tcp": (7, 9, 13, 19, 25, 37), "udp": (7, 9, 13, 37)}
TYPING_PAUSE = 0.4  # seconds: a person needs longer; a program is faster
# Between steps that use the ports of a scan: whether echo was asked or scanned is known only after a pause.
STEP_PAUSE = 0.9
STEPS = ("calc_tcp", "calc_udp", "telnet", "several_clients", "local_end", "echo_tcp", "echo_udp", "scan_tcp", "scan_udp",
         "mail_by_hand", "mail_by_program", "sender_differs")
# A program that has to wait for the processor could look like a person: these are done one after the other.
PROGRAM_STEPS = ("mail_by_program", "sender_differs")


class Lab:
    """Where the services are."""

    def __init__(self, server, ca, offset=10000):
        self.host = server.named and next(address for transport, address, port in server.sockets)
        self.ports = {name: port for (name, transport), port in server.named.items() if transport == "tcp"}
        self.udp_ports = {name: port for (name, transport), port in server.named.items() if transport == "udp"}
        self.offset = offset
        self.ca = ca

    def context(self):
        context = ssl.create_default_context(cafile=str(self.ca))
        context.check_hostname = False
        return context


class Team:
    """`do(step)` and `fail(step)` return when the server has reacted. `expected`: the state of each step."""

    def __init__(self, lab, address):
        self.lab, self.address = lab, address
        self.expected = dict.fromkeys(STEPS, "none")
        self.ports = itertools.count(20001)  # none that a system chooses by itself

    def tcp(self, port, own_port=0):
        peer = socket.socket()
        peer.settimeout(harness.DEADLINE)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        peer.bind((self.address, own_port))
        peer.connect((self.lab.host, port))
        return peer

    @contextlib.contextmanager
    def calc(self, own_port=0):
        """A connection that the server has closed, too, at the end: the next one does not overlap with it."""
        with self.tcp(self.lab.ports["calc"], own_port) as peer:
            yield peer
            peer.shutdown(socket.SHUT_WR)
            harness.receive(peer)
        time.sleep(0.1)

    def udp(self):
        peer = socket.socket(type=socket.SOCK_DGRAM)
        peer.settimeout(harness.DEADLINE)
        peer.bind((self.address, 0))
        return peer

    def _expect(self, step, state):
        if self.expected[step] != "done":
            self.expected[step] = state

    def do(self, step):
        self._run("do_", step)
        self._expect(step, "done")

    def fail(self, step):
        self._run("fail_", step)
        self._expect(step, "tried")

    def _run(self, how, step):
        is_on_scanned_port = step.startswith(("echo", "scan"))
        if is_on_scanned_port:
            time.sleep(STEP_PAUSE)
        getattr(self, how + step)()
        if is_on_scanned_port:
            time.sleep(STEP_PAUSE)

    def ask(self, peer, ident=1):
        peer.sendall(harness.request(ident, "SUM", 1, 2, 3))
        assert harness.receive(peer, 8) == harness.answer(ident, 6)

    def do_calc_tcp(self):
        with self.calc() as peer:
            self.ask(peer)

    def fail_calc_tcp(self):
        with self.calc() as peer:  # one number is missing
            peer.sendall(harness.request(1, "SUM", 1, 2, count=3))

    def do_calc_udp(self):
        with self.udp() as peer:
            peer.sendto(harness.request(2, "SUM", 1, 2, 3), (self.lab.host, self.lab.udp_ports["calc"]))
            assert peer.recv(100) == harness.answer(2, 6)

    def fail_calc_udp(self):
        with self.udp() as peer:
            peer.sendto(harness.request(2, "SUM", 1, 2, count=3), (self.lab.host, self.lab.udp_ports["calc"]))

    def do_telnet(self):
        with self.calc() as peer:
            peer.sendall(b"SUM 1 2 3\r\n")
            assert harness.receive_line(peer).strip() == b"6"

    def fail_telnet(self):
        with self.calc() as peer:
            peer.sendall(b"SUM one\r\n")
            assert harness.receive_line(peer).startswith(b"error")

    def do_several_clients(self):
        with self.calc() as one, self.calc() as other:
            self.ask(one)
            self.ask(other)
            self.ask(one, 2)
        self._expect("calc_tcp", "done")

    def do_local_end(self):
        with self.calc(own_port=next(self.ports)) as peer:
            self.ask(peer)
        self._expect("calc_tcp", "done")

    def do_echo_tcp(self):
        with self.tcp(self.lab.ports["echo"]) as peer:
            peer.sendall(b"hello")
            assert harness.receive(peer, 5) == b"hello"

    def do_echo_udp(self):
        with self.udp() as peer:
            peer.sendto(b"hello", (self.lab.host, self.lab.udp_ports["echo"]))
            assert peer.recv(100) == b"hello"

    def touch_tcp(self, ports):
        for port in ports:
            self.tcp(self.lab.offset + port).close()

    def touch_udp(self, ports):
        with self.udp() as peer:
            for port in ports:
                peer.sendto(b"scan", (self.lab.host, self.lab.offset + port))

    def do_scan_tcp(self):
        self.touch_tcp(SCANNED["tcp"])

    def fail_scan_tcp(self):
        self.touch_tcp((9, 13, 19))

    def do_scan_udp(self):
        self.touch_udp(SCANNED["udp"])

    def fail_scan_udp(self):
        self.touch_udp((9, 13))

    def by_hand(self, to="ben@lab.example", subject="by hand"):
        peer = self.tcp(self.lab.ports["submission"])
        with peer:
            def read():
                reply = b""
                while not reply[-1:] == b"\n" or reply.splitlines()[-1][3:4] != b" ":
                    octets = peer.recv(4096)
                    assert octets, reply
                    reply += octets
                return reply

            def say(line):
                time.sleep(TYPING_PAUSE)  # a person types
                peer.sendall(line.encode() + b"\r\n")
                return read()

            read()
            say("EHLO hand.example")
            assert say("STARTTLS").startswith(b"220")
            peer = self.lab.context().wrap_socket(peer, server_hostname="localhost")
            with peer:
                say("EHLO hand.example")
                say(f"MAIL FROM:<{self.sender()}>")
                reply = say(f"RCPT TO:<{to}>")
                if reply.startswith(b"250"):
                    assert say("DATA").startswith(b"354")
                    time.sleep(TYPING_PAUSE)
                    peer.sendall(f"From: {self.sender()}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello\r\n.\r\n".encode())
                    assert read().startswith(b"250")
                say("QUIT")

    def sender(self):
        return f"team{self.address.replace('.', '-')}@lab.example"

    def by_program(self, header_from=None, raw=None, to="ben@lab.example", subject="by program"):
        with smtplib.SMTP(self.lab.host, self.lab.ports["submission"], timeout=harness.DEADLINE, source_address=(self.address, 0)) as peer:
            peer.starttls(context=self.lab.context())
            message = raw or f"From: {header_from or self.sender()}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello\r\n"
            peer.sendmail(self.sender(), [to], message, mail_options=["BODY=8BITMIME"])

    def do_mail_by_hand(self):
        self.by_hand()
        self._expect("sender_differs", "tried")

    def do_mail_by_program(self):
        self.by_program()
        self._expect("sender_differs", "tried")

    def do_sender_differs(self):
        self.by_program(header_from="boss@lab.example", subject="who wrote this?")
        self._expect("mail_by_program", "done")

    # What a program sends before it has understood the byte order.
    def ask_little_endian(self):
        with self.calc() as peer:
            peer.sendall(struct.pack("<I3sB3i", 1, b"SUM", 3, 1, 2, 3))
            harness.receive(peer, 8)
        self._expect("calc_tcp", "tried")


# Steps that can fail without another step being concerned.
FAILING = ("calc_tcp", "calc_udp", "telnet", "scan_tcp", "scan_udp")


def addresses(count):
    """127.20.0.1, 127.20.0.2, ..."""
    return [f"127.20.{number // 250}.{number % 250 + 1}" for number in range(count)]
