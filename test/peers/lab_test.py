#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab serve with the programs of a class: nc, telnet, socat, busybox, rdate, and its own Python programs."""

import re
import subprocess
import sys
import textwrap
import time
import unittest

import harness
from harness import Case, needs_program, needs_root
from netcat_test import NC

DAYTIME = r"[A-Z][a-z]+day, [A-Z][a-z]+ \d\d?, \d{4} \d\d:\d\d:\d\d-UTC"


def is_about_now(text, form):
    return abs(time.mktime(time.strptime(text, form)) - time.time()) < harness.DEADLINE


class Lab(Case):
    def setUp(self):
        self.server = self.serve_lab("--grace", "1s")
        self.host = self.server.address

    def port(self, service, transport="tcp"):
        return self.server.named[service, transport]


@unittest.skipUnless(NC, "netcat-openbsd not installed")
class Netcat(Lab):
    def test_stream(self):
        """nc: echo, discard, daytime and the first lines of chargen"""
        self.assertEqual(self.program(NC, "-N", self.host, self.port("echo"), input=b"hello\n" * 100).out, "hello\n" * 100)
        self.assertEqual(self.program(NC, "-N", self.host, self.port("discard"), input=b"hello\n").out, "")
        self.assertRegex(self.program(NC, self.host, self.port("daytime")).out, f"^{DAYTIME}\r\n$")
        lines = self.shell(f"{NC} {self.host} {self.port('chargen')} </dev/null | head -n 300").lines
        self.assertEqual(len(lines), 300)
        self.assertEqual(lines[0], "".join(map(chr, range(0x20, 0x20 + 72))))

    def test_datagram(self):
        """nc: -u, echo and daytime by datagrams"""
        for service, text, pattern in (("echo", b"hello\n", "hello\n"), ("daytime", b"\n", DAYTIME)):
            client = self.background(NC, "-u", self.host, self.port(service, "udp"), stdin=subprocess.PIPE)
            client.child.stdin.write(text)
            client.child.stdin.flush()
            client.until_out(pattern)


@needs_program("socat")
class Socat(Lab):
    def test_stream(self):
        """socat: every service over TCP"""
        def ask(service, text=b""):
            return self.program("socat", "-t", "30", "-", f"TCP:{self.host}:{self.port(service)}", input=text).out
        self.assertEqual(ask("echo", b"hello"), "hello")
        self.assertEqual(ask("discard", b"hello"), "")
        self.assertRegex(ask("daytime"), DAYTIME)
        self.assertEqual(ask("calc", b"pro 6 7\n"), "42\n")
        lines = self.shell(f"socat -u TCP:{self.host}:{self.port('chargen')} - | head -n 2000").lines
        self.assertEqual(len(lines), 2000)

    def test_datagram(self):
        """socat: daytime by datagram"""
        client = self.background("socat", "-", f"UDP:{self.host}:{self.port('daytime', 'udp')}", stdin=subprocess.PIPE)
        client.child.stdin.write(b"?")
        client.child.stdin.flush()
        client.until_out(DAYTIME)


@needs_program("telnet")
class Telnet(Lab):
    def test_daytime(self):
        """telnet: daytime and time need no typing, and close the connection themselves"""
        for service, told in (("time", "Connected to"), ("daytime", DAYTIME)):
            # telnet itself would end at the end of its input
            client = self.background("telnet", self.host, self.port(service), stdin=subprocess.PIPE)
            self.assertRegex(client.wait().out, told)
        self.server.until_err(r"time tcp 127.0.0.1:.* closed after 4 octets sent")


@needs_program("busybox")
class Busybox(Lab):
    def test_nc(self):
        """busybox nc: echo, and chargen although it ends its own output at once"""
        self.assertEqual(self.program("busybox", "nc", self.host, self.port("echo"), input=b"hello\n").out, "hello\n")
        lines = self.shell(f"busybox nc {self.host} {self.port('chargen')} </dev/null | head -n 1000").lines
        self.assertEqual(len(lines), 1000)

    @needs_root
    def test_rdate(self):
        """busybox rdate: knows what time it is by port 37"""
        self.server = self.serve_lab("--only", "time", names=["time"], offset=0)
        # -p only prints the time
        done = self.program("busybox", "rdate", "-p", self.server.address)
        self.assertTrue(is_about_now(done.out.strip(), "%a %b %d %H:%M:%S %Y"), done.out)


@needs_program("rdate")
class Rdate(Lab):
    def test_both(self):
        """rdate: TCP and UDP"""
        for how in ((), ("-u",)):
            done = self.program("rdate", "-p", *how, "-o", self.port("time"), self.host)
            shown = re.sub(r" [A-Z]+(?= \d{4}$)", "", done.out.strip())  # the time zone
            self.assertTrue(is_about_now(shown, "%a %b %d %H:%M:%S %Y"), done.out)


@needs_program("openssl")
class Openssl(Lab):
    def test_submission(self):
        """openssl s_client: the sheet's third exercise by hand, with the lab's CA trusted"""
        words = [f"openssl s_client -quiet -starttls smtp -crlf -verify_return_error -CAfile {self.server.ready[0][3:]}",
                 f"-connect {self.host}:{self.port('submission')}"]
        typed = "EHLO lab.example\nMAIL FROM:<ann@lab.example>\nRCPT TO:<ben@lab.example>\nDATA\n" \
                "From: The Dean <dean@lab.example>\n\nBy hand.\n.\nQUIT\n"
        # A person waits for each answer. A pipe must not send everything before TLS has started; s_client ensures that.
        done = self.shell(f"printf '{typed}' | {' '.join(words)}")
        self.assertRegex(done.out, r"(?s)250.*250 2\.1\.0.*250 2\.1\.5.*354.*250 2\.0\.0 .*221 ")
        self.assertIn("verify return:1", done.err)
        self.server.until_err(r"message \S+ from <ann@lab.example> to <ben@lab.example>")


class Python(Lab):
    def python(self, text):
        text = textwrap.dedent(text).replace("HOST", repr(self.host))
        return self.program(sys.executable, "-c", text).out

    def test_calc_client(self):
        """Python: a student's client, four lines, and its datagram sibling"""
        for kind, transport in (("SOCK_STREAM", "tcp"), ("SOCK_DGRAM", "udp")):
            out = self.python(f"""
                import socket, struct
                s = socket.socket(socket.AF_INET, socket.{kind})
                s.settimeout(30)
                s.connect((HOST, {self.port("calc", transport)}))
                s.send(struct.pack('!I3sB2i', 7, b'SUM', 2, 40, 2))
                print(struct.unpack('!Ii', s.recv(8)))
            """)
            self.assertEqual(out, "(7, 42)\n")

    def test_scanner(self):
        """Python: a student's port scan, a thread a port, finds what is open"""
        out = self.python("""
            import errno, socket, threading
            found = []
            def look(port):
                with socket.socket() as s:
                    s.settimeout(30)
                    if s.connect_ex((HOST, port)) == 0:
                        found.append(port)
            all = [threading.Thread(target=look, args=(port,)) for port in range(10001, 10051)]
            for each in all: each.start()
            for each in all: each.join()
            print(sorted(found))
        """)
        self.assertEqual(out, "[10007, 10009, 10013, 10019, 10025, 10037]\n")

    def test_datagram_scanner(self):
        """Python: a student's UDP scan tells an answer, silence and ICMP apart"""
        out = self.python("""
            import socket
            for port in (10007, 10008, 10009, 10013):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.settimeout(30 if port != 10009 else 0.2)
                    s.connect((HOST, port))
                    s.send(b'hello')
                    try:
                        print(port, 'answer' if s.recv(100) else 'empty')
                    except ConnectionRefusedError:
                        print(port, 'icmp')
                    except TimeoutError:
                        print(port, 'silence')
        """)
        self.assertEqual(out, "10007 answer\n10008 icmp\n10009 silence\n10013 answer\n")


if __name__ == "__main__":
    harness.main()
