#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab connect: TCP, UDP, TLS and STARTTLS between a peer and a pipe or a terminal."""

import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import certificates
import harness
from harness import (BAD_DATA, CANNOT_CREATE, DEADLINE, DONE, INTERRUPTED, IO, NO_HOST, NO_INPUT, NOT_PERMITTED, PROTOCOL,
                     TERMINATED, TRY_LATER, UNAVAILABLE, USAGE, Case, needs_ipv6)


class Plain(Case):
    def connect(self, port, *words, **how):
        return self.netlab("connect", *words, "127.0.0.1", port, **how)

    def echo(self):
        return self.tcp_fake(lambda peer: self.give_back(peer))

    @staticmethod
    def give_back(peer):
        while piece := peer.recv(65536):
            peer.sendall(piece)

    def test_spellings(self):
        """connect: HOST PORT, HOST:PORT, :PORT, tcp and --tcp"""
        port = self.echo()
        for words in (["127.0.0.1", port], [f"127.0.0.1:{port}"], [f":{port}"], ["--tcp", "-4", f"localhost:{port}"]):
            self.assertEqual(self.netlab("connect", *words, input="x").out, "x")
        self.assertEqual(self.netlab("connect", "tcp", f"127.0.0.1:{port}", input="x").out, "x")

    @needs_ipv6
    def test_ipv6(self):
        """connect: an IPv6 address with brackets and without"""
        port = self.serve("--tcp", bind="::1").port
        for words in ([f"[::1]:{port}"], ["::1", port], ["[::1]", port], ["-6", f":{port}"]):
            self.assertEqual(self.netlab("connect", *words, input="sum 1 2\n").out, "3\n")

    def test_octets(self):
        """connect: every octet passes both ways, whatever it is, in a pipe"""
        sent = bytes(range(256)) * 3 + b"\xff\xfb\x01\xff\xfd\x18\r\n\r\r\n\n\x00" + os.urandom(5000)
        done = self.connect(self.echo(), input=sent)
        self.assertEqual(harness.octets_of(done.out), sent)

    def test_binary_from_peer(self):
        """connect: a peer that begins like Telnet is not touched where stdout is a pipe"""
        data = b"\xff\xfd\x18\xff\xfb\x01\xff\xff\r\0x"
        port = self.tcp_fake(lambda peer: peer.sendall(data))
        self.assertEqual(harness.octets_of(self.connect(port).out), data)

    def test_megabytes(self):
        """connect: 64 MiB there and back, at the same time"""
        size = 64 << 20
        done = self.shell(f"head -c {size} /dev/urandom | tee $T/sent | \"$N\" connect 127.0.0.1 {self.echo()} >$T/back;"
                          " cmp $T/sent $T/back && echo same", env={"T": self.scratch()})
        self.assertEqual(done.out, "same\n", done.err)

    def test_files(self):
        """connect: from a file to a file"""
        place = self.scratch()
        (place / "in").write_bytes(os.urandom(300_000))
        with open(place / "in", "rb") as source, open(place / "out", "wb") as target:
            self.connect(self.echo(), stdin=source, stdout=target)
        self.assertEqual((place / "in").read_bytes(), (place / "out").read_bytes())

    def test_sockets_as_streams(self):
        """connect: stdin and stdout may be a socket, as from inetd"""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            child = subprocess.Popen([harness.NETLAB, "connect", "127.0.0.1", str(self.echo())], stdin=theirs, stdout=theirs,
                                     env=harness.environment())
            theirs.close()
            ours.settimeout(DEADLINE)
            sent = os.urandom(1_000_000)
            threading.Thread(target=lambda: (ours.sendall(sent), ours.shutdown(socket.SHUT_WR)), daemon=True).start()
            self.assertEqual(harness.receive(ours), sent)
            self.assertEqual(child.wait(DEADLINE), 0)

    def test_shared_pipe_stays_blocking(self):
        """connect: the caller's descriptors do not become non-blocking"""
        reader, writer = os.pipe()
        with open(reader, "rb") as source, open(writer, "wb") as feed:
            child = self.start("connect", "127.0.0.1", self.silent_port(), stdin=source)
            child.until_caught()
            harness.until(lambda: len(os.listdir(f"/proc/{child.child.pid}/fd")) > 8, "its descriptors")
            self.assertTrue(os.get_blocking(source.fileno()))
            self.assertTrue(os.get_blocking(feed.fileno()))
            child.stop(signal.SIGINT)

    def test_half_close(self):
        """connect: the end of stdin ends our side only; a late answer still comes"""
        heard = []

        def talk(peer):
            heard.append(harness.receive(peer))  # up to our end
            peer.sendall(b"all of it\n")

        self.assertEqual(self.connect(self.tcp_fake(talk), input="question").out, "all of it\n")
        self.assertEqual(heard, [b"question"])

    def test_peer_ends_first(self):
        """connect: a peer that says its last word first still gets what comes from a pipe"""
        heard = []
        told = threading.Event()

        def talk(peer):
            peer.sendall(b"bye\n")
            peer.shutdown(socket.SHUT_WR)
            heard.append(harness.receive(peer))
            told.set()

        reader, writer = os.pipe()
        child = self.start("connect", "127.0.0.1", self.tcp_fake(talk), stdin=reader)
        os.close(reader)
        child.until_out("bye")
        os.write(writer, b"more")
        os.close(writer)
        self.assertEqual(child.wait().status, DONE)
        self.assertTrue(told.wait(DEADLINE))
        self.assertEqual(heard, [b"more"])

    def test_peer_ends_and_input_does_not(self):
        """connect: the peer's end is the end soon after, whatever --idle-timeout says, where nothing comes from a pipe"""
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        port = self.tcp_fake(lambda peer: peer.sendall(b"bye\n"))
        for time in ("10m", "0"):
            done = self.connect(port, "--idle-timeout", time, stdin=reader)
            self.assertEqual((done.out, done.err), ("bye\n", ""))
        os.close(reader)

    def test_peer_ends_and_input_goes_on(self):
        """connect: a peer that has shut down its sending side gets all that a pipe still gives"""
        taken = []
        done = threading.Event()

        def talk(peer):
            peer.sendall(b"bye\n")
            peer.shutdown(socket.SHUT_WR)
            taken.append(harness.receive(peer))
            done.set()

        port = self.tcp_fake(talk)
        ended = self.shell(f"for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done | \"$N\" connect 127.0.0.1 {port}")
        self.assertEqual((ended.status, ended.out), (DONE, "bye\n"), ended.err)
        self.assertTrue(done.wait(DEADLINE))
        self.assertEqual(taken, [b"1\n2\n3\n4\n5\n6\n7\n8\n"])

    def test_reader_leaves_and_input_is_idle(self):
        """connect: after the reader of stdout has gone, the next octet is the end"""
        more = threading.Event()
        self.addCleanup(more.set)

        def talk(peer):
            peer.sendall(b"one\n")
            more.wait(DEADLINE)
            peer.sendall(b"two\n")
            peer.recv(1)

        source, feed = os.pipe()
        self.addCleanup(os.close, feed)
        result, target = os.pipe()
        child = subprocess.Popen([harness.NETLAB, "connect", "127.0.0.1", str(self.tcp_fake(talk))], stdin=source,
                                 stdout=target, env=harness.environment())
        self.addCleanup(child.kill)
        os.close(source)
        os.close(target)
        self.assertEqual(os.read(result, 100), b"one\n")
        os.close(result)
        more.set()
        self.assertEqual(child.wait(DEADLINE), DONE)

    @staticmethod
    def takes_end_for_all(peer):
        """Drops its answer if the client closes before the answer is ready."""
        peer.recv(100)
        peer.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            if peer.recv(100) == b"":
                return
        peer.sendall(b"answer\n")
        peer.settimeout(DEADLINE)

    def test_keep_open(self):
        """connect --keep-open: stdin's end is not told to the peer, whose end is then the end"""
        port = self.tcp_fake(self.takes_end_for_all)
        done = self.connect(port, input="q\n")
        self.assertEqual(done.out, "")
        self.assertEqual(done.err, "the peer closed the connection without sending anything; it may treat the end of "
                                   "the input as the end of the session (try --keep-open)\n")
        done = self.connect(port, "--keep-open", input="q\n")
        self.assertEqual((done.out, done.err), ("answer\n", ""))
        self.refused("connect", "--udp", "--keep-open", "127.0.0.1", port, says="--keep-open")

    def test_keep_open_for_a_time(self):
        """connect --keep-open: after --idle-timeout of silence our side does end"""
        taken = []

        def talk(peer):
            taken.append(harness.receive(peer))
            peer.sendall(b"done\n")

        done = self.connect(self.tcp_fake(talk), "--keep-open", "--idle-timeout", "300ms", input="q\n")
        self.assertEqual((done.out, done.err, taken), ("done\n", "", [b"q\n"]))

    def test_nothing_came(self):
        """connect: a peer that closes without an octet is named on stderr, not with -q"""
        port = self.tcp_fake(lambda peer: None)
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        self.addCleanup(os.close, reader)
        self.assertEqual(self.connect(port, stdin=reader).err, "the peer closed the connection without sending anything\n")
        self.assertEqual(self.connect(port, "-q", stdin=reader).err, "")

    def test_silent_peer(self):
        """connect: a peer that says nothing and does not end: a timeout"""
        self.refused("connect", "127.0.0.1", self.silent_port(), "--idle-timeout", "100ms", status=TRY_LATER,
                     says="sent nothing for 100 ms")

    def test_peer_that_never_reads(self):
        """connect: a peer that reads nothing: a timeout, and no more memory than its buffers"""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        done = self.shell(f"head -c 100000000 /dev/zero | \"$N\" connect 127.0.0.1 {listener.getsockname()[1]} "
                          "--idle-timeout 300ms; echo $?")
        self.assertEqual(done.out, f"{TRY_LATER}\n")
        self.assertIn("has read nothing for 300 ms", done.err)

    def test_slow_reader_here(self):
        """connect: when stdout is not read, the peer is held back, not remembered"""
        sent = [0]
        stop = threading.Event()

        def talk(peer):
            peer.settimeout(0.2)
            piece = bytes(65536)
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    sent[0] += peer.send(piece)

        port = self.tcp_fake(talk)
        reader, writer = os.pipe()
        child = subprocess.Popen([harness.NETLAB, "connect", "127.0.0.1", str(port)], stdin=subprocess.PIPE, stdout=writer,
                                 env=harness.environment())
        os.close(writer)
        self.addCleanup(os.close, reader)

        def stands_still():
            before = sent[0]
            time.sleep(0.5)
            return before > 0 and sent[0] == before

        harness.until(stands_still, "the peer to be held back")
        self.assertLess(sent[0], 64 << 20)
        peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{child.pid}/status").read_text())[1])
        self.assertLess(peak, 400_000 if harness.is_sanitized() else 40_000)
        stop.set()
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(DEADLINE), TERMINATED)
        child.stdin.close()

    def test_reset(self):
        """connect: a peer that resets: unavailable; what it said before is not lost"""
        def talk(peer):
            peer.sendall(b"before")
            peer.recv(1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        done = self.connect(self.tcp_fake(talk), input="xx", status=UNAVAILABLE)
        self.assertEqual(done.out, "before")
        self.assertRegex(done.err, r"^netlab connect: 127\.0\.0\.1:\d+: connection reset by peer\n$")

    def test_no_peer(self):
        """connect: nobody there, no such host"""
        self.refused("connect", "127.0.0.1", self.closed_port(), status=UNAVAILABLE, says="connection refused")
        self.refused("connect", "no-such-host.invalid", "1", status=NO_HOST, says="no such host", env={"RES_OPTIONS": "attempts:1"})

    def test_signals(self):
        """connect: SIGINT ends with 130, SIGTERM with 143, with what came before"""
        for number, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
            held = threading.Event()
            self.addCleanup(held.set)
            port = self.tcp_fake(lambda peer: (peer.sendall(b"hello"), held.wait(DEADLINE)))
            reader, writer = os.pipe()
            child = self.start("connect", "127.0.0.1", port, stdin=reader)
            child.until_out("hello")
            done = child.stop(number)
            os.close(reader)
            os.close(writer)
            self.assertEqual((done.status, done.out, done.err), (status, "hello", ""))

    def test_reader_leaves(self):
        """connect: a reader of stdout that goes away is no error"""
        done = self.shell(f"yes | \"$N\" connect 127.0.0.1 {self.echo()} | head -n 1")
        self.assertEqual((done.out, done.err), ("y\n", ""))

    def test_full_disk(self):
        """connect: output that cannot be written, input that cannot be read"""
        with open("/dev/full", "wb") as full:
            done = self.connect(self.echo(), input="x", stdout=full, status=IO)
        self.assertIn("write to stdout", done.err)
        directory = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, directory)
        done = self.connect(self.echo(), stdin=directory, status=IO)
        self.assertIn("read stdin: is a directory", done.err)

    def test_crlf(self):
        """connect: --crlf gives each line one CR, never two"""
        done = self.connect(self.echo(), "--crlf", input="a\nb\r\nR\nQ\n\n")
        self.assertEqual(done.out, "a\r\nb\r\nR\r\nQ\r\n\r\n")

    def test_bind(self):
        """connect: --bind sets the local end, -v shows both ends and the totals"""
        done = self.connect(self.echo(), "-v", "--bind", "127.0.0.9", input="x")
        self.assertRegex(done.err, r"^tcp 127\.0\.0\.9:\d+ -> 127\.0\.0\.1:\d+\n1 octet sent, 1 octet received\n$")

    def test_usage(self):
        """connect: what cannot be meant"""
        for words in ([], ["host"], ["a", "b", "c"], ["host", "0"], ["host", "x"], ["h:1", "--alpn", "h2"],
                      ["h:1", "--starttls", "smpt"], ["h:1", "--udp", "--tls"], ["h:1", "--key", "k", "--tls"],
                      ["h:1", "--telnet", "--no-telnet"], ["h:1", "--udp", "--telnet"], ["h:1", "--tcp", "--udp"],
                      ["h:1", "--tls", "--alpn", "a,,b"]):
            self.refused("connect", *words, status=USAGE)

    def test_tls_and_starttls(self):
        """connect: --tls and --starttls are refused together, and what is typed stands against what is set"""
        port = self.closed_port()
        self.refused("connect", "--tls", "--starttls", "smtp", "127.0.0.1", port, says="--tls and --starttls exclude each other")
        both = {"NETLAB_CONNECT_TLS": "yes", "NETLAB_CONNECT_STARTTLS": "smtp"}
        self.refused("connect", "127.0.0.1", port, env=both, says="exclude")
        self.refused("connect", "--tls", "127.0.0.1", port, env={"NETLAB_CONNECT_STARTTLS": "smtp"}, status=UNAVAILABLE)
        self.refused("connect", "--starttls", "smtp", "127.0.0.1", port, env={"NETLAB_CONNECT_TLS": "yes"}, status=UNAVAILABLE)


class Telnet(Case):
    def peer(self, data):
        self.heard = b""
        self.done = threading.Event()

        def talk(peer):
            peer.sendall(data)
            self.heard = harness.receive(peer)
            self.done.set()

        return self.tcp_fake(talk)

    def test_refuses(self):
        """connect --telnet: options are refused, data come clean, 0xFF is doubled, lines end in CR LF"""
        port = self.peer(b"\xff\xfd\x18\xff\xfb\x01hi\xff\xff\r\0there\r\n")
        done = self.netlab("connect", "--telnet", "--idle-timeout", "600ms", "127.0.0.1", port, input=b"a\xffb\n")
        self.assertEqual(harness.octets_of(done.out), b"hi\xff\rthere\r\n")
        self.assertTrue(self.done.wait(DEADLINE))
        self.assertEqual(sorted([self.heard.replace(b"a\xff\xffb\r\n", b""), b"a\xff\xffb\r\n"]),
                         sorted([b"\xff\xfc\x18\xff\xfe\x01", b"a\xff\xffb\r\n"]))

    def test_terminal(self):
        """connect: on a terminal, a peer that begins with a negotiation is answered, and what acts on it is escaped"""
        port = self.peer(b"\xff\xfd\x18\x1b[2Jhello\r\n")
        master, slave = pty.openpty()
        child = subprocess.Popen([harness.NETLAB, "connect", "127.0.0.1", str(port), "--idle-timeout", "600ms"], stdin=slave,
                                 stdout=slave, stderr=slave, env=harness.environment(), start_new_session=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(child.kill)
        seen = b""
        while b"hello" not in seen:
            self.assertTrue(select.select([master], [], [], DEADLINE)[0], seen)
            seen += os.read(master, 4096)
        os.write(master, b"hi\n\x04")
        self.assertEqual(child.wait(DEADLINE), 0)
        self.assertTrue(self.done.wait(DEADLINE))
        self.assertEqual(self.heard, b"\xff\xfc\x18hi\r\n")
        self.assertIn(b"\\x1b[2Jhello", seen)
        self.assertNotIn(b"\x1b[2J", seen)

    def test_terminal_raw(self):
        """connect --raw --no-telnet: the terminal gets what the peer sends"""
        port = self.peer(b"\xff\xfd\x18\x1b[1mhello\n")
        status, seen = self.on_terminal("connect", "--raw", "--no-telnet", "127.0.0.1", port, typed=b"hi\n\x04")
        self.assertEqual(status, 0, seen)
        self.assertIn("\x1b[1mhello", seen)
        self.assertTrue(self.done.wait(DEADLINE))
        self.assertEqual(self.heard, b"hi\n")

    def test_control_keys(self):
        """connect: on a terminal Ctrl-] and letters are input, Ctrl-C ends, and the peer's end is the end"""
        port = self.peer(b"ready\n")
        master, slave = pty.openpty()
        child = subprocess.Popen([harness.NETLAB, "connect", "127.0.0.1", str(port)], stdin=slave, stdout=slave,
                                 stderr=slave, env=harness.environment(), start_new_session=True,
                                 preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(child.kill)
        seen = b""
        while b"ready" not in seen:
            self.assertTrue(select.select([master], [], [], DEADLINE)[0])
            seen += os.read(master, 4096)
        os.write(master, b"\x1dQ\nR\nQUIT\n")
        while seen.count(b"QUIT") < 1:
            seen += os.read(master, 4096)
        # The terminal delivers one line at a time; the last one is there when it has been echoed and read.
        os.write(master, b"\x03")
        self.assertEqual(child.wait(DEADLINE), INTERRUPTED)
        self.assertTrue(self.done.wait(DEADLINE))
        self.assertTrue(b"\x1dQ\nR\nQUIT\n".startswith(self.heard))
        port = self.tcp_fake(lambda peer: peer.sendall(b"bye\n"))
        self.assertEqual(self.on_terminal("connect", "127.0.0.1", port)[0], 0)


class Datagrams(Case):
    def test_exchange(self):
        """connect udp: what one read gives is one datagram, and the answers come out"""
        port = self.udp_fake(lambda datagram: [b"<" + datagram + b">"])
        for words in (["udp"], ["--udp"]):
            self.assertEqual(self.netlab("connect", *words, "127.0.0.1", port, "--idle-timeout", "300ms", input="hi").out,
                             "<hi>")

    def test_separate(self):
        """connect udp: lines that come one after the other are datagrams of their own; CR LF where it is asked for"""
        port = self.udp_fake(lambda datagram: [b"<" + datagram + b">"])
        reader, writer = os.pipe()
        child = self.start("connect", "--udp", "--crlf", "127.0.0.1", port, stdin=reader)
        os.close(reader)
        os.write(writer, b"one\n")
        child.until_out("<one\r?\n>")
        os.write(writer, b"two\n")
        child.until_out("<two\r?\n>")
        os.close(writer)
        done = child.wait()
        self.assertEqual((done.status, done.out), (DONE, "<one\r\n><two\r\n>"))

    def test_nobody(self):
        """connect udp: a closed port is told by ICMP; a silent one is not an error"""
        self.refused("connect", "--udp", "127.0.0.1", self.closed_port(), input="x", status=UNAVAILABLE,
                     says="connection refused")
        self.netlab("connect", "--udp", "127.0.0.1", self.udp().getsockname()[1], "--idle-timeout", "50ms", input="x")

    def test_large(self):
        """connect udp: the largest datagram"""
        port = self.udp_fake(lambda datagram: [b"%d\n" % len(datagram)])
        place = self.scratch() / "in"
        place.write_bytes(bytes(65507))
        with open(place, "rb") as source:
            self.assertEqual(self.netlab("connect", "--udp", "127.0.0.1", port, "--idle-timeout", "300ms", stdin=source).out,
                             "65507\n")

    def test_signal(self):
        """connect udp: SIGINT ends with 130"""
        reader, writer = os.pipe()
        child = self.start("connect", "--udp", "127.0.0.1", self.udp().getsockname()[1], stdin=reader)
        child.until_caught()
        self.assertEqual(child.stop(signal.SIGINT).status, INTERRUPTED)
        os.close(reader)
        os.close(writer)


@certificates.needs_openssl
class Tls(Case):
    @classmethod
    def setUpClass(cls):
        cls.made = certificates.Certificates()

    def server(self, talk, name="good", configure=None, before=None, quiet_end=True):
        """Starts a TLS server, after `before(connection)` in clear text; returns its port."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.made.chain(name), self.made.key(name))
        if configure:
            configure(context)

        def serve(connection):
            if before and before(connection) is False:
                return
            with contextlib.suppress(ssl.SSLError, OSError), context.wrap_socket(
                    connection, server_side=True, suppress_ragged_eofs=quiet_end) as secure:
                talk(secure)

        return self.tcp_fake(serve)

    def connect(self, port, *words, how="--tls", **more):
        words = words if "--insecure" in words else (*words, "--ca-file", self.made.ca)
        return self.netlab("connect", how, *words, "127.0.0.1", port, **more)

    @staticmethod
    def give_back(peer):
        while piece := peer.recv(65536):
            peer.sendall(piece)

    @staticmethod
    def answer(peer):
        peer.sendall(b"heard " + peer.recv(65536))

    def test_report(self):
        """connect --tls: version, cipher, key exchange, chain, verification on stderr; the answer on stdout"""
        done = self.connect(self.server(self.answer), input="x")
        self.assertEqual(done.out, "heard x")
        self.assertRegex(done.err, r"^TLSv1\.3, TLS_AES_256_GCM_SHA384, X25519(MLKEM768)?\ncertificate: verified\nOCSP: nothing stapled\n"
                                   r"0 CN=good\n  issuer   CN=Netlab test CA\n  names    localhost, 127\.0\.0\.1\n"
                                   r"  valid    \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC to \d{4}-.* UTC\n"
                                   r"  key      EC P-256, signed ecdsa-with-SHA256\n  SHA-256  ([0-9A-F]{2}:){31}[0-9A-F]{2}\n")

    def test_json(self):
        """connect --tls --json: the report as one object on stderr; with --show-certs with the certificates"""
        done = self.connect(self.server(self.answer), "--json", "--show-certs", input="x")
        self.assertEqual(done.out, "heard x")
        report = json.loads(done.error_lines[0])["tls"]
        self.assertEqual((report["version"], report["verified"], report["verification"]), ("TLSv1.3", True, "verified"))
        shown = harness.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-serial"], input=report["chain"][0]["pem"])
        self.assertIn(report["chain"][0]["sha256"], shown.out)
        self.assertIn(report["chain"][0]["serial"], shown.out)

    def test_quiet(self):
        """connect --tls -q: no report"""
        self.assertEqual(self.connect(self.server(self.answer), "-q", input="x").err, "")

    def test_show_certs(self):
        """connect --tls --show-certs: PEM that openssl reads"""
        done = self.connect(self.server(self.answer), "--show-certs", input="x")
        shown = harness.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253"], input=done.err)
        self.assertEqual(shown.out, "subject=CN=good\n")

    def test_older_version(self):
        """connect --tls: TLS 1.2"""
        def configure(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        done = self.connect(self.server(self.answer, configure=configure), input="x")
        self.assertRegex(done.err, r"^TLSv1\.2, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, (X25519|EC P-256)\n")

    def test_alpn_and_sni(self):
        """connect --tls: --alpn and --sni reach the server"""
        asked = []

        def configure(context):
            context.set_alpn_protocols(["smtp", "http/1.1"])
            context.sni_callback = lambda connection, name, ignored: asked.append(name)

        done = self.connect(self.server(self.answer, configure=configure), "--alpn", "h2,http/1.1", "--sni", "other.example",
                            "--json", input="x")
        report = json.loads(done.error_lines[0])["tls"]
        self.assertEqual((report["alpn"], report["sni"], asked), ("http/1.1", "other.example", ["other.example"]))

    def test_not_verified(self):
        """connect --tls: an expired, a self-signed, a foreign and a wrong certificate: 77, and why; --insecure goes on"""
        for name, says in (("expired", "expired"), ("self-signed", "self-signed"), ("wrong", "not for|does not|other"),
                           ("foreign", "")):
            with self.subTest(name):
                port = self.server(self.answer, name)
                done = self.connect(port, input="x", status=NOT_PERMITTED)
                self.assertEqual(done.out, "")
                self.assertRegex(done.error_lines[-1], rf"^netlab connect: TLS with 127\.0\.0\.1: .*({says})")
                done = self.connect(port, "--insecure", input="x")
                self.assertEqual(done.out, "heard x")
                self.assertRegex(done.err, r"(?m)^certificate: NOT verified: ")

    def test_report_of_not_verified(self):
        """connect --tls: the report and --show-certs come also where the certificate is not verified, and nothing is sent"""
        for name in ("expired", "self-signed", "wrong", "foreign"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(name, version=version):
                    heard = []

                    def configure(context, version=version):
                        context.maximum_version = version

                    port = self.server(lambda peer, to=heard: to.append(peer.recv(1)), name, configure=configure)
                    done = self.connect(port, "--show-certs", input="secret", status=NOT_PERMITTED)
                    self.assertEqual(done.out, "")
                    self.assertRegex(done.err, r"^TLSv1\.[23], TLS_\w+(, \S+)?\ncertificate: NOT verified: .+\n")
                    self.assertEqual("OCSP: nothing stapled" in done.err, version == ssl.TLSVersion.TLSv1_3)
                    self.assertRegex(done.err, r"(?m)^0 CN=")
                    self.assertRegex(done.error_lines[-1], r"^netlab connect: TLS with ")
                    words = done.error_lines[1].removeprefix("certificate: NOT verified: ")
                    self.assertIn(words, done.error_lines[-1])
                    shown = harness.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], input=done.err)
                    self.assertIn(re.search(r"SHA-256  (\S+)", done.err)[1], shown.out)
                    self.assertNotIn(b"s", heard)

                    done = self.connect(port, "--show-certs", "--json", input="secret", status=NOT_PERMITTED)
                    self.assertEqual(len(done.error_lines), 2)
                    report = json.loads(done.error_lines[0])["tls"]
                    self.assertEqual((report["verified"], report["verification"]), (False, words))
                    self.assertIsNone(report["client_certificate_wanted"])
                    self.assertIn("BEGIN CERTIFICATE", report["chain"][0]["pem"])
                    self.assertEqual(self.connect(port, "-q", status=NOT_PERMITTED).err.count("\n"), 1)

    def test_client_certificate(self):
        """connect --tls --cert --key: the server sees it; without, it refuses; bad files are told"""
        def configure(context):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.made.ca)

        def talk(peer):
            peer.sendall(str(peer.getpeercert()["subject"]).encode())

        port = self.server(talk, configure=configure)
        done = self.connect(port, "--cert", self.made.chain("good"), "--key", self.made.key("good"))
        self.assertIn("good", done.out)
        self.assertIn("the server requested a client certificate", done.err)
        self.connect(port, status=NOT_PERMITTED)
        self.connect(port, "--cert", "/nonexistent", status=NO_INPUT)
        self.connect(port, "--cert", self.made.chain("good"), "--key", self.made.key("wrong"), status=BAD_DATA)
        self.netlab("connect", "--tls", "--ca-file", "/nonexistent", "127.0.0.1", port, status=NO_INPUT)

    def test_keylog(self):
        """connect --tls --keylog: the secrets, readable by the owner alone; a file that cannot be made is 73"""
        file = self.scratch() / "keys"
        self.connect(self.server(self.answer), "--keylog", file, input="x")
        self.assertRegex(file.read_text(), r"(?m)^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} [0-9a-f]+$")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.connect(self.silent_port(), "--keylog", "/nonexistent/keys", status=CANNOT_CREATE)
        shared = self.scratch() / "shared"
        self.connect(self.server(self.answer), input="x", env={"SSLKEYLOGFILE": shared})
        self.assertRegex(shared.read_text(), r"(?m)^CLIENT_HANDSHAKE_TRAFFIC_SECRET ")
        self.connect(self.server(self.answer), input="x", env={"SSLKEYLOGFILE": "/nonexistent/keys"})

    def test_reconnect(self):
        """connect --tls --reconnect: the second connection resumes the session, of TLS 1.3 and of 1.2"""
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            def configure(context, version=version):
                context.maximum_version = version
            done = self.connect(self.server(self.answer, configure=configure), "--reconnect", "--json", input="x")
            reports = [json.loads(line)["tls"] for line in done.error_lines if line.startswith("{")]
            self.assertEqual([report["resumed"] for report in reports], [False, True])
            self.assertEqual(done.out, "heard x")

    def test_no_session(self):
        """connect --tls --reconnect: a server that does not resume is told"""
        def configure(context):
            context.num_tickets = 0
            context.options |= ssl.OP_NO_TICKET
        done = self.connect(self.server(self.answer, configure=configure), "--reconnect", "--timeout", "300ms", input="x")
        self.assertIn("no session to resume", done.err)

    def test_no_tls_there(self):
        """connect --tls: a peer that speaks no TLS, one that is silent, one that leaves"""
        port = self.tcp_fake(lambda peer: (peer.sendall(b"220 hello\r\n"), peer.recv(65536)))
        self.connect(port, status=PROTOCOL)
        self.connect(self.silent_port(), "--timeout", "100ms", status=TRY_LATER)
        self.connect(self.tcp_fake(lambda peer: peer.recv(10)), status=UNAVAILABLE)

    def test_octets(self):
        """connect --tls: 16 MiB there and back, whatever the octets are"""
        sent = os.urandom(16 << 20)

        def talk(peer):
            # One thread reads and writes: collect the input first; here its end is known by its length.
            taken = bytearray()
            while len(taken) < len(sent):
                taken += peer.recv(1 << 20)
            peer.sendall(taken)

        done = self.connect(self.server(talk), "-q", input=sent)
        self.assertEqual(harness.octets_of(done.out), sent)

    def test_late_answer(self):
        """connect --tls: no close_notify before the answers, so that a server which takes it for the end gives them"""
        asked = []

        def talk(peer):
            asked.append(peer.recv(100))
            peer.settimeout(0.5)
            try:
                asked.append(peer.recv(100))  # b"": close_notify was received
            except TimeoutError:
                asked.append("nothing more")
            peer.settimeout(DEADLINE)
            peer.sendall(b"late\n")

        done = self.connect(self.server(talk), "-q", input="QUIT\r\n")
        self.assertEqual((done.out, asked), ("late\n", [b"QUIT\r\n", "nothing more"]))

    def test_close_notify_when_quiet(self):
        """connect --tls: a peer that has become quiet gets close_notify, and then its end is waited for"""
        ends = []

        def talk(peer):
            peer.sendall(b"hello\n")
            ends.append(peer.recv(100))
            ends.append(peer.recv(100))

        done = self.connect(self.server(talk, quiet_end=False), "-q", "--idle-timeout", "600ms", input="x")
        self.assertEqual(done.out, "hello\n")
        harness.until(lambda: len(ends) == 2, "the peer's end")
        self.assertEqual(ends, [b"x", b""])

    def test_no_input(self):
        """connect --tls: without any input, a greeting still comes, and a silent server is not waited for in vain"""
        ends = []

        def talk(peer):
            peer.sendall(b"220 hello\r\n")
            ends.append(peer.recv(100))

        self.assertEqual(self.connect(self.server(talk), "-q").out, "220 hello\r\n")
        self.assertEqual(ends, [b""])

    def test_truncated(self):
        """connect --tls: an end without close_notify is told"""
        def talk(peer):
            peer.sendall(b"half")
            os.close(os.dup(peer.fileno()))
            socket.socket(fileno=os.dup(peer.fileno())).shutdown(socket.SHUT_RDWR)

        done = self.connect(self.server(talk), "-q", input="x", status=None)
        self.assertEqual(done.out, "half")
        done = self.connect(self.server(talk), status=None)
        self.assertIn("without close_notify", done.err)

    def dialogue(self, *lines):
        """A dialogue in clear text: alternately lines to send and lines to expect."""
        def before(connection):
            stream = connection.makefile("rwb", buffering=0)
            for line in lines:
                if line.startswith(">"):
                    stream.write(line[1:].encode() + b"\r\n")
                else:
                    self.heard.append(stream.readline().decode().strip())
            return True
        self.heard = []
        return before

    def test_starttls(self):
        """connect --starttls smtp: TLS after the talk, and then the session begins anew"""
        before = self.dialogue(">220 mail", "<", ">250-mail\r\n250 STARTTLS", "<", ">220 go")
        port = self.server(self.answer, before=before)
        done = self.connect(port, how="--starttls=smtp", input="EHLO x\r\n")
        self.assertEqual(done.out, "heard EHLO x\r\n")
        self.assertEqual(self.heard, ["EHLO [127.0.0.1]", "STARTTLS"])
        done = self.connect(port, "-v", how="--starttls=smtp", input="x")
        self.assertIn("S: 220 mail\nC: EHLO [127.0.0.1]\nS: 250-mail\n", done.err)

    def test_starttls_reconnect(self):
        """connect --starttls --reconnect: the talk is held twice"""
        port = self.server(self.answer, before=self.dialogue(">+OK", "<", ">+OK"))
        done = self.connect(port, "--reconnect", "--json", how="--starttls=pop3", input="x")
        reports = [json.loads(line)["tls"] for line in done.error_lines if line.startswith("{")]
        self.assertEqual([report["resumed"] for report in reports], [False, True])

    def test_injection(self):
        """connect --starttls: octets before TLS end it, in the same segment and in one of their own"""
        before = self.dialogue(">220 mail", "<", ">250 STARTTLS", "<", ">220 go\r\n250 injected")
        done = self.connect(self.server(self.answer, before=before), how="--starttls=smtp", input="x", status=PROTOCOL)
        self.assertIn("octets arrived between the answer to STARTTLS and TLS", done.err)
        before = self.dialogue(">220 mail", "<", ">250 STARTTLS", "<", ">220 go", ">250 injected")
        self.connect(self.server(self.answer, before=before), how="--starttls=smtp", input="x", status=PROTOCOL)

    def test_starttls_refused(self):
        """connect --starttls: not offered, not now, not understood, no answer, no peer: each with its status"""
        for lines, status, says in (((">220 mail", "<", ">250 SIZE"), UNAVAILABLE, "does not offer STARTTLS"),
                                    ((">421 busy",), TRY_LATER, "421 busy"),
                                    ((">SSH-2.0-x",), PROTOCOL, "SSH-2.0-x"),
                                    ((), UNAVAILABLE, "closed before TLS")):
            def talk(peer, lines=lines):
                self.dialogue(*lines)(peer)
            done = self.connect(self.tcp_fake(talk), how="--starttls=smtp", status=status)
            self.assertIn(says, done.err)
            self.assertRegex(done.err, r"^netlab connect: STARTTLS with 127\.0\.0\.1:\d+: ")
        done = self.connect(self.silent_port(), "--timeout", "100ms", how="--starttls=smtp", status=TRY_LATER)
        self.assertIn("no answer within 100 ms", done.err)


if __name__ == "__main__":
    harness.main()
