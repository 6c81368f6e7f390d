# SPDX-License-Identifier: MIT
"""netlab mail sink --fault: the requested fault happens at the requested time, and only there."""

import json
import re
import ssl

import harness
from mail_sinking import HELLO, PASSWORD, Sinking, Talk


class Table(Sinking):
    def test_list(self):
        """--fault list explains each, in order, and exits 0"""
        lines = self.netlab("mail", "sink", "--fault", "list").lines
        names = [line.split()[0] for line in lines]
        self.assertEqual(names, sorted(set(names)))
        self.assertGreater(len(names), 60)
        for line in lines:
            self.assertRegex(line, r"^[a-z-]+ {2,}\S.*[^.]$")
            self.assertLessEqual(len(line), 110)
        told = [json.loads(line) for line in self.netlab("mail", "sink", "--fault", "list", "--json").lines]
        self.assertEqual([each["fault"] for each in told], names)

    def test_each(self):
        """each of them happens to a client that comes by STARTTLS, logs in and sends a message"""
        for line in self.netlab("mail", "sink", "--fault", "list").lines:
            name = line.split()[0]
            with self.subTest(fault=name):
                server = self.sink("--user", "ann", "--fault", name)
                self.start("mail", "send", "--server", f"localhost:{server.port}", "-4", "--ca-file", server.ca, "--user", "ann",
                           "--from", "a@example.org", "--to", "b@example.org", "--body", "x",
                           env={"NETLAB_PASSWORD": PASSWORD})
                try:
                    server.until_err(rf"127\.0\.0\.1:\d+ fault {name}: .*\n")
                finally:
                    server.kill()

    def test_unknown(self):
        """an unknown one names the nearest"""
        self.refused("mail", "sink", "--fault", "tempfail-date", says="tempfail-data")
        self.refused("mail", "sink", "--fault", "tempfail-data:often", says="often")
        self.refused("mail", "sink", "--fault", "reject-ehlo:to=b@example.org", says="recipient")


class Triggers(Sinking):
    def answers(self, *faults, count=6, **envelope):
        server = self.sink(*(word for each in faults for word in ("--fault", each)))
        peer = self.talk(server)
        return [peer.send(**envelope)[:3] for _ in range(count)]

    def test_every(self):
        """:every=N is each Nth, counted over all sessions"""
        self.assertEqual(self.answers("tempfail-end:every=3"), ["250", "250", "451"] * 2)
        server = self.sink("--fault", "tempfail-end:every=3")
        self.assertEqual([self.talk(server).send()[:3] for _ in range(6)], ["250", "250", "451"] * 2)

    def test_after(self):
        """:after=N lets N pass"""
        self.assertEqual(self.answers("reject-data:after=4"), ["250"] * 4 + ["554"] * 2)

    def test_once(self):
        """:once is the first, and with :after the one behind those"""
        self.assertEqual(self.answers("tempfail-mail:once"), ["503"] + ["250"] * 5)
        self.assertEqual(self.answers("tempfail-data:after=2:once"), ["250"] * 2 + ["451"] + ["250"] * 3)

    def test_to(self):
        """:to=ADDR is about one recipient, and not about the others"""
        server = self.sink("--fault", "tempfail-rcpt:to=later@example.org")
        peer = self.talk(server)
        peer.ask("MAIL FROM:<a@example.org>")
        self.assertRegex(peer.ask("RCPT TO:<later@example.org>"), "^451")
        self.assertRegex(peer.ask("RCPT TO:<b@example.org>"), "^250")
        self.assertRegex(peer.data(), "^250")
        self.assertEqual(self.messages(server)[0].get_all("Delivered-To"), ["b@example.org"])

    def test_several(self):
        """several go together"""
        self.assertEqual(self.answers("tempfail-end:every=2", "reject-end:after=2"), ["250", "451", "250", "451", "554", "451"])

    def test_lost(self):
        """lose-message says 250 and keeps nothing; close-end-stored keeps it and says nothing"""
        server = self.sink("--fault", "lose-message")
        self.assertRegex(self.talk(server).send(), "^250")
        self.assertEqual(self.messages(server), [])
        server = self.sink("--fault", "close-end-stored")
        self.assertEqual(self.talk(server).send(), "")
        harness.until(lambda: len(self.messages(server)) == 1, "the message")


class Certificates(Sinking):
    # X509_V_ERR_…
    WRONG = {"cert-expired": 10, "cert-not-yet-valid": 9, "cert-self-signed": 18, "cert-unknown-ca": 19, "cert-wrong-host": 62}

    def test_wrong(self):
        """each certificate is wrong in its own way, by STARTTLS and with TLS first"""
        for name, code in self.WRONG.items():
            for tls in ("starttls", "implicit"):
                with self.subTest(fault=name, tls=tls):
                    server = self.sink("--fault", name)
                    with self.assertRaises(ssl.SSLCertVerificationError) as refused:
                        self.client(server, tls)
                    self.assertIn(refused.exception.verify_code, (code, 20) if code == 19 else (code,))
                    server.until_err(f"fault {name}")
                    server.stop()

    def test_sometimes(self):
        """:every=2 shows the right one and the wrong one in turn; what is wrong is the client's affair"""
        server = self.sink("--fault", "cert-expired:every=2")
        self.client(server).sendmail("a@example.org", "b@example.org", HELLO)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.client(server)
        self.client(server, "implicit").sendmail("a@example.org", "b@example.org", HELLO)
        self.assertEqual(len(self.messages(server)), 2)
        server.until_err(r"left after 0 messages.*: .*certificate")

    def test_ours(self):
        """netlab mail send says which it is, and exits 77"""
        for name, says in (("cert-expired", "expired on"), ("cert-wrong-host", "not for localhost"),
                           ("cert-self-signed", "self-signed"), ("cert-not-yet-valid", "not yet valid")):
            server = self.sink("--fault", name)
            done = self.netlab("mail", "send", "--server", f"localhost:{server.port}", "-4", "--ca-file", server.ca, "--from",
                               "a@example.org", "--to", "b@example.org", "--body", "x", status=harness.NOT_PERMITTED)
            self.assertIn(says, done.err)
            server.stop()


class Handshake(Sinking):
    def test_where_tls_comes_first(self):
        """close-, garbage- and hang-handshake happen on the TLS port, too"""
        server = self.sink("--fault", "close-handshake")
        with self.assertRaises((ssl.SSLError, ConnectionError, EOFError)):
            self.client(server, "implicit")
        server = self.sink("--fault", "garbage-handshake")
        with self.assertRaises(ssl.SSLError) as broken:
            self.client(server, "implicit")
        self.assertIn("WRONG_VERSION_NUMBER", str(broken.exception))
        server = self.sink("--fault", "hang-handshake")
        peer = self.tcp(server.tls_port)
        peer.sendall(b"\x16\x03\x01\x00\x05hello")
        server.until_err("fault hang-handshake")
        peer.setblocking(False)
        self.assertRaises(BlockingIOError, peer.recv, 1)
        self.assertEqual(server.stop().status, harness.DONE)

    def test_no_tls(self):
        """who speaks SMTP where TLS comes first is not answered in clear"""
        server = self.sink()
        peer = Talk(self, server.tls_port)
        peer.say("EHLO client.example\r\n")
        try:
            self.assertNotIn(b"220", harness.receive(peer.socket))
        except ConnectionResetError:
            pass  # the TLS library need not have read everything before it gives up
        self.assertRegex(server.until_err(r"left after 0 messages.*?: (.*)\n")[1], "(?i)tls")
        self.assertTrue(re.search("listening", server.out))


if __name__ == "__main__":
    harness.main()
