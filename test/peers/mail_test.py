# SPDX-License-Identifier: MIT
"""netlab mail send against widely used mail servers."""

import email
import email.policy
import json
import os
import re
import unittest
import uuid

import certificates
import harness
import mail_servers

harness.skip_all_without("openssl")
AUTHORITY = certificates.Authority(harness._scratch / "authority")
PASSWORD = {"NETLAB_PASSWORD": mail_servers.PASSWORD}


class Against:
    """The test cases; a class for each server is below."""

    kind = None

    @classmethod
    def setUpClass(cls):
        cls.server = cls.kind(cls, AUTHORITY)

    def words(self, tls, *words, to="b@example.org"):
        port = self.server.tls_port if tls == "implicit" else self.server.port
        given = ["mail", "send", "--server", f"localhost:{port}", "-4", "--tls", tls, "--ca-file", AUTHORITY.file,
                 "--user", mail_servers.USER, "--from", "a@example.org", "--helo", "client.example.org"]
        return [*given, *(["--to", to] if to else []), *words]

    def send(self, *words, tls="starttls", status=0, env=None, **how):
        given = {"to": how.pop("to")} if "to" in how else {}
        return self.netlab(*self.words(tls, *words, **given), status=status, env={**PASSWORD, **(env or {})}, **how)

    def test_mechanisms(self):
        """every mechanism logs in, by STARTTLS and over implicit TLS"""
        for tls in ("starttls", "implicit"):
            for mechanism in (*self.server.mechanisms, "auto"):
                with self.subTest(tls=tls, mechanism=mechanism):
                    marker = uuid.uuid4().hex
                    done = self.send("--auth", mechanism, "--body", marker, "-v", tls=tls)
                    self.assertRegex(done.out, r"^sent <.*> to 1 recipient: 250 ")
                    self.assertIn("TLS: TLSv1.3", done.err)
                    if mechanism != "auto":
                        self.assertIn(f"C: AUTH {mechanism.upper()}", done.err)
                    self.server.arrived(marker.encode())

    def test_login_refused(self):
        """a wrong password is 77, and nothing is sent"""
        for mechanism in self.server.mechanisms:
            with self.subTest(mechanism=mechanism):
                done = self.send("--auth", mechanism, "--body", "x", status=harness.NOT_PERMITTED,
                                 env={"NETLAB_PASSWORD": "wrong"})
                self.assertIn("535", done.err)

    def test_read_back(self):
        """Python reads back exactly what was sent"""
        marker = uuid.uuid4().hex
        place = self.scratch() / "Übersicht 1.bin"
        octets = os.urandom(100_000)
        place.write_bytes(octets)
        text = "Grüße\n.dot\n..two\n" + "x" * 3000 + "\nFrom here\n\n.\n\u20ac\n"
        self.send("--subject", f"Grüße {marker} " + "lang " * 40 + "ä" * 100, "--cc", "Jörg Müller <c@example.org>",
                  "--attach", place, "--body", text)
        message = email.message_from_bytes(self.server.arrived(marker.encode()), policy=email.policy.default)
        self.assertEqual(message["subject"], f"Grüße {marker} " + "lang " * 40 + "ä" * 100)
        self.assertEqual(message["cc"].addresses[0].display_name, "Jörg Müller")
        self.assertEqual(message.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n"), text.rstrip("\n"))
        part, = message.iter_attachments()
        self.assertEqual(part.get_filename(), "Übersicht 1.bin")
        self.assertEqual(part.get_content(), octets)

    def test_one_refused(self):
        """one recipient refused of three: the others get it, exit 1"""
        marker = uuid.uuid4().hex
        done = self.send("--body", marker, to="b@example.org, refused@example.org, c@example.org", status=harness.PARTLY)
        self.assertIn("to 2 recipients", done.out)
        self.assertRegex(done.err, r"^netlab mail send: RCPT TO:<refused@example\.org>: 5\d\d ")
        self.server.arrived(marker.encode())
        done = self.send("--body", "x" + marker, "--all-or-nothing", to="b@example.org, refused@example.org",
                         status=harness.UNAVAILABLE)
        self.assertEqual(done.out, "")
        self.assertEqual(self.server.count(b"x" + marker.encode()), 0)

    def test_every_one_refused(self):
        """every recipient refused: 69, and the connection is still of use"""
        marker = uuid.uuid4().hex
        self.send("--body", "x", to="refused@example.org", status=harness.UNAVAILABLE)
        file = self.scratch() / "batch"
        file.write_text("".join(json.dumps({"to": to, "body": marker}) + "\n"
                                for to in ("refused@example.org", "b@example.org", "refused@example.org", "c@example.org")),
                        encoding="utf-8")
        done = self.send("--batch", file, to=None, status=harness.PARTLY)
        self.assertEqual([line.split()[0] for line in done.lines], ["not", "sent", "not", "sent"], done.err)

    def test_batch(self):
        """many messages over one connection all arrive, none twice"""
        marker = uuid.uuid4().hex
        file = self.scratch() / "batch"
        file.write_text("".join(json.dumps({"to": f"r{each}@example.org", "subject": f"{marker}-{each}-",
                                            "body": "line\n" * (each * 20)}) + "\n" for each in range(60)), encoding="utf-8")
        done = self.send("--batch", file, to=None)
        self.assertEqual(sum(line.startswith("sent ") for line in done.lines), 60)
        for each in range(60):
            self.server.arrived(f"{marker}-{each}-".encode())
        self.assertEqual(self.server.count(marker.encode()), 60)

    def test_large(self):
        """a message above the server's limit is not begun; one of 3 MB arrives"""
        place = self.scratch() / "large.bin"
        place.write_bytes(os.urandom(2_000_000))
        marker = uuid.uuid4().hex
        self.send("--attach", place, "--body", marker)
        self.server.arrived(marker.encode())
        if self.limit:
            place.write_bytes(os.urandom(5_000_000))
            done = self.send("--attach", place, "--body", "x", status=harness.UNAVAILABLE)
            self.assertIn("the server accepts at most", done.err)

    limit = True

    def test_international(self):
        """an address outside ASCII is asked for with SMTPUTF8, where that is offered"""
        marker = uuid.uuid4().hex
        done = self.send("--body", marker, "-v", to="jörg@example.org", status=None)
        if re.search("S: 250[ -]SMTPUTF8", done.err):
            self.assertEqual(done.status, 0, done.err)
            self.assertRegex(done.err, r"C: MAIL .*SMTPUTF8")
            self.server.arrived(marker.encode())
        else:
            self.assertEqual(done.status, harness.UNAVAILABLE, done.err)

    def test_round_trips(self):
        """the dialogue has no more turns than it needs"""
        done = self.send("--body", "x", "-v", to="b@example.org, c@example.org", status=0)
        lines = [line for line in done.err.splitlines() if re.match("[CS]: ", line)]
        turns = sum(one[0] == "C" and other[0] == "S" for one, other in zip(lines, lines[1:]))
        if any("PIPELINING" in line for line in lines):
            # EHLO, STARTTLS, EHLO, AUTH, envelope, message; 9 with the connection, its greeting and TLS
            self.assertLessEqual(turns, 5 if any("CHUNKING" in line for line in lines) else 6, done.err)


class Postfix(Against, harness.Case):
    kind = mail_servers.Postfix


class Exim(Against, harness.Case):
    kind = mail_servers.Exim


class OpenSmtpd(Against, harness.Case):
    kind = mail_servers.OpenSmtpd


class Aiosmtpd(Against, harness.Case):
    kind = mail_servers.Aiosmtpd
    limit = False  # it allows 32 MB


if __name__ == "__main__":
    harness.main()
