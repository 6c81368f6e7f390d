#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab serve: every service of the lab's host over sockets; their selection, addresses and shutdown."""

import calendar
import contextlib
import json
import pathlib
import re
import signal
import smtplib
import socket
import ssl
import struct
import time

import harness
from harness import DONE, LAB, UNAVAILABLE, Case, needs_ipv6, needs_program, needs_root

DAYTIME = rb"[A-Z][a-z]+day, ([A-Z][a-z]+ \d\d?, \d{4} \d\d:\d\d:\d\d)-UTC\r\n"
TOTALS = ["echo", "discard", "daytime", "chargen", "time", "calc", "mail"]  # a line each
FROM_1900_TO_1970 = 2208988800


def is_now(seconds):
    """The time is the current time, within what a busy machine may need."""
    return abs(seconds - time.time()) < harness.DEADLINE


def time_of(line):
    return calendar.timegm(time.strptime(re.fullmatch(DAYTIME, line)[1].decode(), "%B %d, %Y %H:%M:%S"))


def chargen_line(number):
    return bytes(0x20 + (number + column) % 95 for column in range(72)) + b"\r\n"


class LabCase(Case):
    def connect(self, server, service):
        return self.tcp(server.named[service, "tcp"], server.address)

    def ask(self, server, service, octets):
        """The answer to a datagram."""
        peer = self.udp("::1" if ":" in server.address else "127.0.0.1")
        peer.sendto(octets, (server.address, server.named[service, "udp"]))
        answer, sender = peer.recvfrom(65536)
        self.assertEqual(sender[:2], (server.address, server.named[service, "udp"]))
        return answer


class Services(LabCase):
    def check_all(self, server):
        peer = self.connect(server, "echo")
        peer.sendall(b"one\r\ntwo")
        self.assertEqual(harness.receive(peer, 8), b"one\r\ntwo")
        self.assertEqual(self.ask(server, "echo", b"three"), b"three")

        peer = self.connect(server, "discard")
        peer.sendall(b"x" * 1_000_000)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(harness.receive(peer), b"")

        self.assertTrue(is_now(time_of(harness.receive(self.connect(server, "daytime")))))
        self.assertTrue(is_now(time_of(self.ask(server, "daytime", b""))))

        for octets in (harness.receive(self.connect(server, "time")), self.ask(server, "time", b"")):
            self.assertEqual(len(octets), 4)
            self.assertTrue(is_now(struct.unpack("!I", octets)[0] - FROM_1900_TO_1970))

        self.assertEqual(harness.receive(self.connect(server, "chargen"), 74 * 200),
                         b"".join(map(chargen_line, range(200))))

        peer = self.connect(server, "calc")
        peer.sendall(harness.request(7, "PRO", -4, 5))
        self.assertEqual(harness.receive(peer, 8), harness.answer(7, -20))
        self.assertEqual(self.ask(server, "calc", harness.request(8, "MAX", 3, 9)), harness.answer(8, 9))

    def test_all(self):
        """lab serve: each service does what its RFC says, over TCP and UDP"""
        self.check_all(self.serve_lab())

    @needs_ipv6
    def test_ipv6(self):
        """lab serve: each of them over IPv6"""
        # There is only one loopback address, so another lab on this machine may use the ports.
        for offset in range(20000, 60000, 1500):
            try:
                server = self.serve_lab("--calc-port", offset + 1400, bind="::1", offset=offset)
            except AssertionError as failed:
                if "address already in use" not in str(failed):
                    raise
            else:
                self.check_all(server)
                return
        self.fail("no free ports")

    def test_netlab_as_client(self):
        """lab serve: netlab's own clients are served"""
        server = self.serve_lab()
        for transport in ("--tcp", "--udp"):
            where = (transport, "--host", server.address, "--port")
            self.assertEqual(self.netlab("echo", "query", *where, server.named["echo", "tcp"], "hello").out, "hello\n")
            self.assertEqual(self.netlab("calc", "query", *where, server.named["calc", "tcp"], "sum", 1, 2).out, "3\n")

    def test_byte_order(self):
        """lab serve: --byte-order is calc's"""
        server = self.serve_lab("--byte-order", "little", "--only", "calc", names=["calc"])
        self.assertEqual(self.ask(server, "calc", harness.request(1, "PRO", 2, 3, order="<")),
                         harness.answer(1, 6, order="<"))

    def test_discard_by_datagram(self):
        """lab serve: discard counts datagrams and answers none"""
        server = self.serve_lab("--threads", 1)
        peer = self.udp()
        peer.sendto(b"x" * 3000, (server.address, server.named["discard", "udp"]))
        server.until_err(r"discard udp 127\.0\.0\.1:\d+: 3000 octets discarded")
        peer.setblocking(False)
        with self.assertRaises(BlockingIOError):
            peer.recv(100)

    def test_no_chargen_by_datagram(self):
        """lab serve: nobody listens for datagrams to chargen"""
        server = self.serve_lab()
        peer = self.udp()
        peer.connect((server.address, server.named["chargen", "tcp"]))
        peer.send(b"x")
        with self.assertRaises(ConnectionRefusedError):
            peer.recv(100)

    @needs_root
    def test_low_source_ports(self):
        """lab serve: a datagram from a service's port is answered by none that would answer anybody"""
        server = self.serve_lab("--threads", 1)
        low, high = self.udp("127.0.0.79", 723), self.udp("127.0.0.79")
        for service in ("echo", "daytime", "time"):
            where = (server.address, server.named[service, "udp"])
            low.sendto(b"loop", where)
            high.sendto(b"loop", where)
            self.assertTrue(high.recv(100))
        low.setblocking(False)
        with self.assertRaises(BlockingIOError):  # one thread keeps the order: an answer would be here by now
            low.recv(100)
        done = server.stop()
        self.assertIn("ignored 1 from services' ports", done.err)
        self.assertRegex(done.err, r"daytime udp 127\.0\.0\.79:723 refused: its source port is that of a service")

    def test_idle(self):
        """lab serve: who says nothing whole is let go after --idle-timeout; a trickle does not prolong it"""
        server = self.serve_lab("--idle-timeout", "300ms")
        silent = [self.connect(server, service) for service in ("echo", "discard", "calc")]
        for peer in silent:
            self.assertEqual(harness.receive(peer), b"")
        trickle = self.connect(server, "calc")
        trickle.settimeout(0.02)
        sent = 0

        def has_ended():
            nonlocal sent
            with contextlib.suppress(TimeoutError):
                return trickle.recv(100) == b""
            sent += trickle.send(b"SUM 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6"[sent % 32:sent % 32 + 1])
            return False

        with contextlib.suppress(ConnectionError):
            harness.until(has_ended, "the server to end the connection")


MESSAGE = "From: Ann <ann@lab.example>\r\nTo: ben@lab.example\r\nSubject: hello\r\n\r\nHello Ben.\r\n"


class Mail(LabCase):
    def trusting(self, server):
        return ssl.create_default_context(cafile=server.ready[0].partition(" ")[2])

    def kept(self, server):
        """The messages in the Maildir."""
        return [file.read_text(encoding="utf-8")
                for file in (pathlib.Path(server.ready[1].partition(" ")[2]) / "new").iterdir()]

    def session(self, server, service):
        """Python's client, as in the exercise sheet: TLS with the server's name, implicit or STARTTLS."""
        port = server.named[service, "tcp"]
        if service == "submissions":
            return smtplib.SMTP_SSL(server.address, port, context=self.trusting(server), timeout=harness.DEADLINE)
        client = smtplib.SMTP(server.address, port, timeout=harness.DEADLINE)
        client.starttls(context=self.trusting(server))
        return client

    def test_three_ports(self):
        """lab serve: a message by each of the mail services, over TLS, is in the Maildir and in the totals"""
        server = self.serve_lab()
        for service in ("smtp", "submission", "submissions"):
            with self.session(server, service) as client:
                self.assertEqual(client.sendmail("ann@lab.example", ["ben@lab.example"], MESSAGE), {})
        self.assertEqual(len(self.kept(server)), 3)
        for text in self.kept(server):
            self.assertIn("\nHello Ben.\n", text.replace("\r", ""))
        done = server.stop()
        self.assertEqual(done.status, DONE)
        self.assertIn("mail: accepted 3 messages", done.err)
        self.assertRegex(done.err, r"(?m)^mail tcp 127\.0\.0\.1:\d+ message \S+ from <ann@lab.example> to <ben@lab.example>")

    def test_login(self):
        """lab serve: --user and --password-file are for all three; a wrong password is refused"""
        secret = self.scratch() / "password"
        secret.write_text("s3cret\n", encoding="utf-8")
        secret.chmod(0o600)
        server = self.serve_lab("--user", "ann", "--password-file", secret, "--require-auth")
        for service in ("smtp", "submission", "submissions"):
            with self.session(server, service) as client:
                self.assertRaises(smtplib.SMTPAuthenticationError, client.login, "ann", "guess")
                client.login("ann", "s3cret")
                client.sendmail("ann@lab.example", ["ben@lab.example"], MESSAGE)
        self.assertIn("9 failed logins", server.stop().err)  # Python tries three mechanisms

    def test_only_mail(self):
        """lab serve: --only mail is all three; a Maildir of one's own; --discard keeps nothing"""
        place = self.scratch() / "post"
        names = ["smtp", "submissions", "submission"]
        server = self.serve_lab("--only", "mail", "--maildir", place, names=names)
        self.assertEqual({name for name, _ in server.named}, set(names))
        self.assertEqual(server.ready[1], f"maildir {place}")
        given = ("--state", self.scratch(), "--discard", "--json")
        discarding = self.serve_lab(*given, "--only", "mail,time", names=["time", "smtp", "submissions"])
        self.assertEqual(json.loads(discarding.ready[0])["event"], "ca")
        self.assertNotIn("maildir", discarding.out)

    def test_netlab_sends(self):
        """lab serve: netlab mail send delivers, and is told of a fault"""
        server = self.serve_lab("--fault", "tempfail-data:to=later@lab.example")
        def send(to, status):
            return self.netlab("mail", "send", "--server", f"{server.address}:{server.named['submission', 'tcp']}",
                               "--ca-file", server.ready[0].partition(" ")[2], "--from", "ann@lab.example", "--to", to,
                               "--body", "Hello", status=status)
        send("ben@lab.example", DONE)
        send("later@lab.example", harness.TRY_LATER)
        self.assertEqual(len(self.kept(server)), 1)

    def test_fault_list(self):
        """lab serve: --fault list explains the faults and serves nothing"""
        self.assertEqual(self.netlab("lab", "serve", "--fault", "list").out,
                         self.netlab("mail", "sink", "--fault", "list").out)

    def test_no_place(self):
        """lab serve: without a place for the CA it says what to do; without mail it needs none"""
        file = self.scratch() / "file"
        file.write_text("", encoding="utf-8")
        done = self.netlab("lab", "serve", "--port-offset", 10000, "--state", file / "below", status=None)
        self.assert_one_error(done, says="--without mail")
        self.serve_lab("--without", "mail", names=set(LAB) - harness.LAB_MAIL, env={"HOME": "/nonexistent"})

    def test_stop(self):
        """lab serve: SIGTERM with an open mail session ends it with a 421"""
        server = self.serve_lab("--grace", "60s")
        peer = self.connect(server, "smtp")
        self.assertTrue(harness.receive_line(peer).startswith(b"220 "))
        server.send(signal.SIGTERM)
        self.assertTrue(harness.receive(peer).startswith(b"421 "))
        peer.close()
        self.assertEqual(server.wait().status, DONE)


class Choice(LabCase):
    def test_ready_lines(self):
        """lab serve: a line a socket, with how TLS begins there, and the service's name at its end"""
        tls = {"smtp": "starttls ", "submission": "starttls ", "submissions": "tls "}
        server = self.serve_lab()
        self.assertRegex(server.ready[0], "^ca .*/state/ca.pem$")
        self.assertRegex(server.ready[1], "^maildir .*/state/maildir$")
        self.assertEqual(server.ready[2:], [
            f"listening {transport} {server.address}:{port + (10000 if port < 1024 else 0)} {tls.get(name, '')}{name}"
            for name, (port, transports) in LAB.items() for transport in transports])
        self.assertEqual(server.stop().lines, server.ready)

    def test_json(self):
        """lab serve: JSON names the service"""
        server = self.serve_lab("--json", "--only", "echo", names=["echo"], bind="127.83.82.81")
        self.assertEqual([json.loads(line) for line in server.ready],
                         [{"event": "listening", "proto": transport, "address": "127.83.82.81", "port": 10007,
                           "service": "echo"} for transport in ("tcp", "udp")])

    def test_only_and_without(self):
        """lab serve: --only and --without, as lists and again and again"""
        for words, names in ((("--only", "time,echo"), ["echo", "time"]),
                             (("--only", "time", "--only", "calc"), ["time", "calc"]),
                             (("--without", "calc,chargen,mail", "--without", "echo"), ["discard", "daytime", "time"]),
                             (("--only", "echo,time", "--without", "time"), ["echo"])):
            with self.subTest(words):
                server = self.serve_lab(*words, names=names)
                self.assertEqual(set(server.named), {(name, transport) for name in names for transport in LAB[name][1]})
                totals = server.stop().error_lines
                self.assertEqual([line.partition(":")[0] for line in totals], names)

    def test_unknown(self):
        """lab serve: an unknown service ends with 64 and the nearest name"""
        for option in ("--only", "--without"):
            self.refused("lab", "serve", option, "echo,dsicard", says="'dsicard' (did you mean discard?)")
        self.refused("lab", "serve", "--only", "", says="unknown service ''")
        self.refused("lab", "serve", "--only", "echo", "--without", "echo", says="no service left to run")

    def test_settings(self):
        """lab serve: the choice can stand in the environment and in the file"""
        server = self.serve_lab(names=["echo"], env={"NETLAB_LAB_SERVE_ONLY": "echo"})
        self.assertEqual({name for name, _ in server.named}, {"echo"})
        file = self.scratch() / "config"
        file.write_text("[lab serve]\nwithout = calc,chargen,daytime,discard,mail\nport-offset = 11000\n", encoding="utf-8")
        server = self.serve_lab(names=["echo", "time"], offset=None, env={"NETLAB_CONFIG": file})
        self.assertEqual(set(server.named.values()), {11007, 11037})

    def test_ports(self):
        """lab serve: --port-offset moves the low ports, --calc-port moves calc"""
        server = self.serve_lab("--calc-port", 4711, offset=20000)
        self.assertEqual({(name, server.named[name, "tcp"]) for name, _ in server.named},
                         {("echo", 20007), ("discard", 20009), ("daytime", 20013), ("chargen", 20019),
                          ("smtp", 20025), ("time", 20037), ("submissions", 20465), ("submission", 20587), ("calc", 4711)})
        free = self.serve_lab("--calc-port", 0, "--only", "calc", names=["calc"])
        self.assertEqual(free.named["calc", "tcp"], free.named["calc", "udp"])
        self.assertGreater(free.named["calc", "tcp"], 0)

    def test_bad_ports(self):
        """lab serve: ports that there are not, and one for two, end with 64"""
        for words in (("--port-offset", "65000"), ("--port-offset", "-1"), ("--port-offset", "x"),
                      ("--calc-port", "65536")):
            self.refused("lab", "serve", *words)
        self.refused("lab", "serve", "--port-offset", "10000", "--calc-port", "10013",
                     says="daytime and calc would both use port 10013")
        self.refused("lab", "serve", "positional")

    @needs_root
    def test_low_ports(self):
        """lab serve: who may have low ports has them without being asked"""
        server = self.serve_lab(offset=None)
        self.assertEqual({name: port for (name, _), port in server.named.items()},
                         {name: port for name, (port, _) in LAB.items()})

    @needs_root
    @needs_program("setpriv")
    def test_unprivileged(self):
        """lab serve: without privilege the low ports are shifted by 10000, which is said; 0 ends with 77"""
        self.needs_low_ports_kept()
        nobody = self.as_nobody()
        command = [*nobody, "lab", "serve", "--without", "mail", "--bind", "127.61.62.63"]
        server = harness.Server(command, harness.lab_lines(set(LAB) - harness.LAB_MAIL))
        self.addCleanup(server.kill)
        self.assertEqual(server.named["echo", "udp"], 10007)
        server.until_err(r"10000 is added to them \(--port-offset\)")
        server.stop()
        done = harness.run([*command, "--port-offset", "0"])
        self.assertEqual(done.status, harness.NOT_PERMITTED)
        self.assert_one_error(done, says="echo: listen tcp 127.61.62.63:7: permission denied (")
        self.assertIn("--port-offset", done.err)

    def test_taken(self):
        """lab serve: a port that is taken ends with 69 and names service, port and cures; nothing is served"""
        server = self.serve_lab("--only", "time", names=["time"])
        begin = rf"netlab lab serve: time: listen tcp {server.address}:10037: address already in use"
        done = self.refused("lab", "serve", "--bind", server.address, "--port-offset", "10000", "--state",
                            self.scratch(), status=UNAVAILABLE)
        self.assertTrue(done.err.startswith(begin), done.err)
        for cure in ("--port-offset", "--without time", "netlab sockets"):
            self.assertIn(cure, done.err)
        holder = self.udp(server.address, 50000)
        done = self.refused("lab", "serve", "--bind", server.address, "--only", "calc", status=UNAVAILABLE)
        self.assertIn(f"calc: listen udp {holder.getsockname()[0]}:50000: address already in use", done.err)
        self.assertIn("--calc-port", done.err)
        self.serve_lab("--without", "time", "--calc-port", 0, bind=server.address,
                       names=[name for name in LAB if name != "time"])


class Log(LabCase):
    def visit(self, server):
        peer = self.connect(server, "echo")
        peer.sendall(b"12345")
        harness.receive(peer, 5)
        peer.close()
        self.ask(server, "echo", b"123")
        with self.connect(server, "calc") as person:
            person.sendall(b"sum 1 2\r\nquit\r\n")
            harness.receive(person)
        harness.receive(self.connect(server, "daytime"))

    def test_visitors(self):
        """lab serve: a line for each visitor: service, transport, peer, what it was given, how long it stayed"""
        server = self.serve_lab()
        self.visit(server)
        here = r"127\.0\.0\.1:\d+"
        span = r"[\d.]+ (ns|µs|ms|s)"
        for line in (rf"echo tcp {here} closed after 5 octets, {span}", rf"echo udp {here}: 3 octets",
                     rf"calc tcp {here} closed after 1 answer, {span}",
                     rf"daytime tcp {here} closed after \d\d octets sent, {span}"):
            server.until_err(rf"(?m)^{line}$")
        done = server.stop()
        self.assertEqual(len(done.error_lines), 4 + len(TOTALS), done.err)

    def test_verbose(self):
        """lab serve: -v tells of each connection twice"""
        server = self.serve_lab("-v")
        peer = self.connect(server, "discard")
        local = "{}:{}".format(*peer.getsockname())
        server.until_err(rf"discard tcp {re.escape(local)} connected to {re.escape(server.address)}:10009")
        peer.close()
        server.until_err(rf"discard tcp {re.escape(local)} closed after 0 octets discarded, ")

    def test_quiet(self):
        """lab serve: -q says nothing on stderr"""
        server = self.serve_lab("-q")
        self.visit(server)
        self.assertEqual(server.stop().err, "")

    def test_bounded(self):
        """lab serve: a flood of datagrams is not a flood of lines, and none is forgotten"""
        server = self.serve_lab("--threads", 1)
        peer = self.udp()
        peer.connect((server.address, server.named["echo", "udp"]))
        for _ in range(3000):
            peer.send(b"x")
            peer.recv(10)
        done = server.stop()
        lines = [line for line in done.error_lines if line.startswith("echo ")]
        unshown = sum(int(count) for count in re.findall(r"^echo \((\d+) lines? not shown\)", done.err, re.MULTILINE))
        shown = sum(" udp " in line for line in lines)
        self.assertEqual(shown + unshown, 3000)
        self.assertLess(shown, 2000)
        self.assertIn("echo: echoed 3000 octets: 0 connections, 3000 datagrams", done.err)

    def test_totals(self):
        """lab serve: the totals, a line a service"""
        server = self.serve_lab()
        self.visit(server)
        server.until_err("daytime tcp")
        totals = server.stop().error_lines[-len(TOTALS):]
        self.assertEqual([line.partition(":")[0] for line in totals], TOTALS)
        for line, words in zip(totals, ("echoed 8 octets: 1 connection, 1 datagram;", "discarded 0 octets: 0 conn",
                                        "octets: 1 connection, 0 datagrams;", "sent 0 octets: 0 connections, 0 turned",
                                        "sent 0 octets", "answered 1 request, refused 0, 1 connection",
                                        "accepted 0 messages")):
            self.assertIn(words, line)


class Stop(LabCase):
    def visitors(self, server):
        """A connection to each service that keeps its connections open."""
        peers = {service: self.connect(server, service) for service in ("echo", "discard", "chargen", "calc")}
        peers["echo"].sendall(b"x")
        harness.receive(peers["echo"], 1)
        harness.receive(peers["chargen"], 10)
        peers["calc"].sendall(harness.request(1, "SUM", 1))
        harness.receive(peers["calc"], 8)
        return peers

    def test_sessions_open(self):
        """lab serve: SIGTERM and SIGINT end open sessions in order, within the grace, with 0"""
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.serve_lab("--grace", "60s")
            peers = self.visitors(server)
            server.send(number)
            for peer in peers.values():
                harness.receive(peer)  # until the graceful end; a reset would be raised
                peer.close()
            done = server.wait()
            self.assertEqual(done.status, DONE, done.err)
            self.assertIn("calc: answered 1 request", done.err)

    def test_in_flight(self):
        """lab serve: what was begun is finished, while nobody else is let in"""
        server = self.serve_lab("--grace", "60s", "--threads", 1)
        peer = self.connect(server, "calc")
        whole = harness.request(1, "SUM", 1, 2, 3)
        peer.sendall(whole[:10])
        other = self.connect(server, "echo")
        other.sendall(b"x")
        harness.receive(other, 1)  # one thread keeps the order: it has read the half request by now, or finds it unread
        server.send(signal.SIGTERM)
        self.assertEqual(harness.receive(other), b"")
        peer.sendall(whole[10:])
        self.assertEqual(harness.receive(peer), harness.answer(1, 6))
        peer.close()
        other.close()
        self.assertEqual(server.wait().status, DONE)

    def test_grace(self):
        """lab serve: who does not finish is waited for no longer than --grace"""
        server = self.serve_lab("--grace", "100ms")
        peers = self.visitors(server)  # chargen's client stops reading
        peers["calc"].sendall(b"half")
        self.assertEqual(server.stop().status, DONE)

    def test_second_signal(self):
        """lab serve: a second signal ends at once"""
        server = self.serve_lab("--grace", "10m", "--threads", 1)
        peer = self.connect(server, "calc")
        peer.sendall(harness.request(1, "SUM", 1)[:9])
        other = self.connect(server, "echo")
        other.sendall(b"x")
        harness.receive(other, 1)
        server.send(signal.SIGTERM)
        self.assertEqual(harness.receive(other), b"")
        server.send(signal.SIGTERM)
        self.assertEqual(server.wait().status, harness.TERMINATED)

    def test_full_disk(self):
        """lab serve: ready lines that cannot be written end with 74"""
        self.assertEqual(self.shell('"$N" lab serve --bind 127.99.98.97 --port-offset 10000 >/dev/full').status,
                         harness.IO)


if __name__ == "__main__":
    harness.main()
